//! Several reports as one, so that every format shows them side by side.

use super::model::{Footer, Report};

/// Joins reports, each with a name such as its file's. A subject that is in more than one of them is told apart by the
/// report's name: `reference (monday)`. Machine, command and seed are those of the first report; a difference between
/// machines becomes a warning. `None` without a report.
pub fn side_by_side(reports: Vec<(String, Report)>) -> Option<Report> {
    let subjects: Vec<Vec<String>> = reports.iter().map(|(_, report)| subjects(report)).collect();
    let in_several =
        |subject: &String| subjects.iter().filter(|names| names.iter().any(|name| name == subject)).count() > 1;
    let mut reports = reports.into_iter().map(|(label, mut report)| {
        for name in names(&mut report) {
            if in_several(name) {
                *name = format!("{name} ({label})");
            }
        }
        (label, report)
    });
    let (first_label, mut whole) = reports.next()?;
    for (label, report) in reports {
        for warning in &report.machine.warnings {
            if !whole.machine.warnings.contains(warning) {
                whole.machine.warnings.push(warning.clone());
            }
        }
        let (one, other) = (&whole.machine, &report.machine);
        if (&one.cpu, &one.kernel, one.cpus) != (&other.cpu, &other.kernel, other.cpus) {
            let text = format!(
                "{label} ran on another machine than {first_label} ({}, Linux {}): compare figures in floors, not in ns.",
                other.cpu, other.kernel
            );
            whole.machine.warnings.push(text);
        }
        whole.subjects.extend(report.subjects);
        whole.conformance.extend(report.conformance);
        whole.coverage.extend(report.coverage);
        whole.bench.extend(report.bench);
        whole.relative.extend(report.relative);
        whole.lifecycle.extend(report.lifecycle);
        whole.footer = match (whole.footer, report.footer) {
            (Some(a), Some(b)) => Some(Footer {
                complete: a.complete && b.complete,
                failure: a.failure.or_else(|| b.failure.map(|why| format!("{label}: {why}"))),
                without_result: [a.without_result, b.without_result].concat(),
            }),
            _ => None,
        };
    }
    Some(whole)
}

fn subjects(report: &Report) -> Vec<String> {
    let mut copy = report.clone();
    names(&mut copy).into_iter().map(|name| name.clone()).collect()
}

/// Every place in which a report names a subject.
fn names(report: &mut Report) -> Vec<&mut String> {
    let mut names: Vec<&mut String> = report.subjects.iter_mut().map(|subject| &mut subject.name).collect();
    names.extend(report.conformance.iter_mut().flat_map(|result| [&mut result.client, &mut result.server]));
    names.extend(report.coverage.iter_mut().flat_map(|entry| [&mut entry.client, &mut entry.server]));
    names.extend(report.bench.iter_mut().map(|result| &mut result.subject));
    names.extend(report.lifecycle.iter_mut().map(|result| &mut result.subject));
    names.extend(report.relative.iter_mut().flat_map(|entry| [&mut entry.subject, &mut entry.baseline]));
    names
}
