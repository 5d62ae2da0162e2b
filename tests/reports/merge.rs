//! Several reports side by side.

use shmark::report;
use shmark::report::cases::cases;
use shmark::results::merge::side_by_side;
use shmark::results::model::Report;

use super::sample;

#[test]
fn one_report_stays_as_it_is_and_none_is_none() {
    assert_eq!(side_by_side(vec![("monday".into(), sample::report())]), Some(sample::report()));
    assert_eq!(side_by_side(Vec::new()), None);
}

#[test]
fn equal_subjects_are_told_apart_in_one_case() {
    let mut tuesday = sample::report();
    tuesday.bench.retain(|result| result.subject == "reference");
    tuesday.subjects.retain(|subject| subject.name == "reference");
    (tuesday.conformance, tuesday.coverage, tuesday.relative) = Default::default();
    tuesday.machine.kernel = "6.12.0".into();
    let both = side_by_side(vec![("monday".into(), sample::report()), ("tuesday".into(), tuesday)]).unwrap();
    let cases = cases(&both);
    assert_eq!(cases.len(), 1);
    let subjects: Vec<&str> = cases[0].valid().map(|result| result.subject.as_str()).collect();
    assert_eq!(subjects, ["reference (monday)", "reference (tuesday)", "iceoryx2", "pipe", "unix-socket"]);
    assert!(both.machine.warnings.iter().any(|text| text.contains("tuesday ran on another machine than monday")));
    assert!(report::markdown::render(&both).contains("reference (tuesday)"));
}

#[test]
fn one_that_is_cut_off_makes_the_whole_cut_off() {
    let cut = Report { footer: None, ..sample::report() };
    let both = side_by_side(vec![("a".into(), sample::report()), ("b".into(), cut)]).unwrap();
    assert_eq!(both.footer, None);
}
