//! What a list of known deviations makes of a result. A known deviation expires loudly: one that passes, or deviates
//! otherwise than listed, is unexpected.

use crate::harness::manifest::{DeviationOutcome, ExpectedDeviation};
use crate::results::model::Verdict;
use crate::scenario::Selection;
use crate::scenario::model::Scenario;

use super::execution::Setting;

/// The verdict and message that become of a verdict and message. `cause` is the message's stable form.
pub(super) fn apply(setting: Setting<'_>, (verdict, message): (Verdict, String), cause: &str) -> (Verdict, String) {
    let Setting { scenario, client, server, .. } = setting;
    let own = client.expected.iter().map(|entry| (&client.name, entry));
    let other = server.expected.iter().map(|entry| (&server.name, entry));
    let other = other.take(if client.name == server.name { 0 } else { usize::MAX });
    let listed: Vec<_> = own.chain(other).filter(|(_, entry)| means(entry, scenario)).collect();
    let Some((subject, first)) = listed.first() else {
        return (verdict, message);
    };
    match verdict {
        Verdict::Pass if listed.iter().any(|(_, entry)| entry.outcome == DeviationOutcome::Flaky) => (verdict, message),
        Verdict::Pass => {
            let text = format!(
                "listed as `{}` in expected.toml of subject `{subject}` (entry `{}`: {}), and it passes: remove the entry",
                word(first.outcome),
                first.scenario,
                first.reason
            );
            (Verdict::UnexpectedPass, text)
        }
        Verdict::Fail | Verdict::Timeout | Verdict::Crash => {
            if let Some((subject, entry)) =
                listed.iter().find(|(_, entry)| is_as_listed(entry, verdict, &message, cause))
            {
                let link = entry.link.as_ref().map(|link| format!(", {link}")).unwrap_or_default();
                let text = format!("{message}\nknown deviation of subject `{subject}`: {}{link}", entry.reason);
                return (Verdict::ExpectedFail, text);
            }
            let text = format!(
                "{message}\nexpected.toml of subject `{subject}` lists another deviation: `{}` with a message that starts \
                 with `{}` ({}). Correct the entry, or find out what changed",
                word(first.outcome),
                first.message,
                first.reason
            );
            (verdict, text)
        }
        _ => (verdict, message),
    }
}

/// Whether an entry is about a scenario. A pattern that cannot be read was refused with its file.
fn means(entry: &ExpectedDeviation, scenario: &Scenario) -> bool {
    Selection::new(std::slice::from_ref(&entry.scenario), &[]).is_ok_and(|selection| selection.takes(scenario))
}

/// The entry's message is a start of the message as it is shown, or of its stable form.
fn is_as_listed(entry: &ExpectedDeviation, verdict: Verdict, message: &str, cause: &str) -> bool {
    let outcome = match entry.outcome {
        DeviationOutcome::Fail => verdict == Verdict::Fail,
        DeviationOutcome::Timeout => verdict == Verdict::Timeout,
        DeviationOutcome::Crash => verdict == Verdict::Crash,
        DeviationOutcome::Flaky => true,
    };
    outcome && (message.starts_with(&entry.message) || cause.starts_with(&entry.message))
}

fn word(outcome: DeviationOutcome) -> &'static str {
    match outcome {
        DeviationOutcome::Fail => "fail",
        DeviationOutcome::Timeout => "timeout",
        DeviationOutcome::Crash => "crash",
        DeviationOutcome::Flaky => "flaky",
    }
}
