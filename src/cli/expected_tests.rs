//! A list of known deviations follows what runs show.

use super::*;
use crate::harness::manifest::parse_expected;
use crate::results::model::Level;

fn scenario(id: &str, kind: &str) -> Scenario {
    Scenario {
        id: id.to_owned(),
        cell: vec![("kind".to_owned(), kind.to_owned())],
        title: String::new(),
        requirements: vec![],
        level: Level::Must,
        features: vec![],
        memory_mib: 1,
        peers: vec![],
        service: None,
        steps: vec![],
        file: String::new(),
    }
}

fn result(scenario: &str, outcome: Verdict, message: &str) -> ConformanceResult {
    ConformanceResult {
        scenario: scenario.to_owned(),
        requirements: vec![],
        level: Level::Must,
        client: "mine".to_owned(),
        server: "mine".to_owned(),
        outcome,
        message: message.to_owned(),
        cause: message.lines().next().unwrap_or_default().to_owned(),
        stretched: Vec::new(),
        step: None,
        place: None,
        expected: None,
        actual: None,
        transcripts: std::collections::BTreeMap::new(),
        duration_ms: 1,
        repro: String::new(),
    }
}

fn listed(scenario: &str, outcome: DeviationOutcome) -> ExpectedDeviation {
    let (message, reason) = ("RR-A".to_owned(), "known".to_owned());
    ExpectedDeviation { scenario: scenario.to_owned(), outcome, message, reason, link: None }
}

fn updated(listed: &[ExpectedDeviation], results: &[ConformanceResult]) -> Vec<(String, String)> {
    let scenarios = [scenario("a/x", "fixed"), scenario("a/x", "slice"), scenario("b/y", "fixed")];
    let results: Vec<&ConformanceResult> = results.iter().collect();
    entries(listed, &scenarios, &results).into_iter().map(|entry| (entry.scenario, entry.reason)).collect()
}

fn pair(scenario: &str, reason: &str) -> (String, String) {
    (scenario.to_owned(), reason.to_owned())
}

#[test]
fn new_deviations_are_added_and_joined_where_all_cells_agree() {
    let (fixed, slice) = ("a/x[kind=fixed]", "a/x[kind=slice]");
    let both = [result(fixed, Verdict::Fail, "RR-A: no\nmore"), result(slice, Verdict::Fail, "RR-A: no\nelse")];
    assert_eq!(updated(&[], &both), [pair("a/x", UNEXPLAINED)]);
    let differing = [result(fixed, Verdict::Fail, "RR-A: no"), result(slice, Verdict::Timeout, "RR-A: no")];
    assert_eq!(updated(&[], &differing), [pair(fixed, UNEXPLAINED), pair(slice, UNEXPLAINED)]);
    assert_eq!(updated(&[], &both[..1]), [pair(fixed, UNEXPLAINED)], "the other cell was not run");
    assert!(updated(&[], &[result(fixed, Verdict::Error, "broken peer")]).is_empty(), "never a deviation");
}

#[test]
fn entries_stay_as_long_as_they_hold_or_were_not_tried() {
    let list = [listed("a/x", DeviationOutcome::Fail), listed("b/*", DeviationOutcome::Flaky)];
    let known = result("a/x[kind=fixed]", Verdict::ExpectedFail, "");
    let kept = [pair("a/x", "known"), pair("b/*", "known")];
    assert_eq!(updated(&list, &[known]), kept);
    assert_eq!(updated(&list, &[]), kept);
    assert_eq!(updated(&list, &[result("b/y[kind=fixed]", Verdict::Pass, "")]), kept);
    assert_eq!(updated(&list[..1], &[result("a/x[kind=fixed]", Verdict::Skipped, "")]), kept[..1]);
}

#[test]
fn entries_that_pass_go_and_leave_the_cells_that_still_deviate() {
    let list = [listed("a/*", DeviationOutcome::Fail)];
    let passes = result("a/x[kind=fixed]", Verdict::UnexpectedPass, "listed");
    assert!(updated(&list, std::slice::from_ref(&passes)).is_empty());
    let still = result("a/x[kind=slice]", Verdict::ExpectedFail, "");
    assert_eq!(updated(&list, &[passes, still]), [pair("a/x[kind=slice]", "known")]);
    let other = result("a/x[kind=fixed]", Verdict::Crash, "RR-A: gone");
    assert_eq!(updated(&list, &[other]), [pair("a/x[kind=fixed]", UNEXPLAINED)]);
}

#[test]
fn what_is_written_is_read_again_and_the_head_of_the_file_stays() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("subject.toml"), "name = \"mine\"\ndescription = \"d\"\npeer = [\"p\"]\n").unwrap();
    let file = dir.path().join("expected.toml");
    fs::write(&file, "# About this list.\n\n[[deviation]]\nscenario = \"gone\"\noutcome = \"fail\"\nreason = \"r\"\n")
        .unwrap();
    let subject = Subject::find(dir.path().to_str().unwrap()).unwrap();
    let scenarios = [scenario("gone", "fixed"), scenario("a/x", "fixed")];
    let results = [
        result("gone[kind=fixed]", Verdict::UnexpectedPass, ""),
        result("a/x[kind=fixed]", Verdict::Timeout, "RR-A: \"quoted\" \\ and\nmore"),
    ];
    let results: Vec<&ConformanceResult> = results.iter().collect();
    let written = update(&subject, &scenarios, &results).unwrap().unwrap();
    let text = fs::read_to_string(&written).unwrap();
    assert!(
        text.starts_with("# About this list.\n\n[[deviation]]\nscenario = \"a/x\"\noutcome = \"timeout\"\n"),
        "{text}"
    );
    let read = parse_expected("expected.toml", &text).unwrap();
    assert_eq!(read.len(), 1);
    assert_eq!((&*read[0].message, &*read[0].reason), ("RR-A: \"quoted\" \\ and", UNEXPLAINED));
    let again = Subject::find(dir.path().to_str().unwrap()).unwrap();
    let known = result("a/x[kind=fixed]", Verdict::ExpectedFail, "");
    assert_eq!(update(&again, &scenarios, &[&known]).unwrap(), None, "nothing changed, nothing written");
}

#[test]
fn an_entry_that_means_no_scenario_is_refused_and_removed_by_an_update() {
    let scenarios = [scenario("a/x", "fixed")];
    let mut subject = Subject::find("reference").unwrap();
    for fine in ["a/x", "a/x[kind=fixed]", "{a,b}/*"] {
        subject.expected = vec![listed(fine, DeviationOutcome::Fail)];
        check(&subject, &scenarios).unwrap();
    }
    subject.expected.push(listed("a/x[kind=slice]", DeviationOutcome::Flaky));
    let refused = check(&subject, &scenarios).unwrap_err();
    assert_eq!(refused.exit_code(), 2);
    let text = refused.to_string();
    assert!(text.starts_with("there is no scenario `a/x[kind=slice]`: expected.toml of subject `reference`"), "{text}");
    let kept = updated(&[listed("c/*", DeviationOutcome::Flaky), listed("b/*", DeviationOutcome::Flaky)], &[]);
    assert_eq!(kept, [pair("b/*", "known")]);
}

/// Only what an entry that goes says itself, or what stands directly above it, goes with it.
#[test]
fn remarks_and_wording_stay_with_what_stays() {
    let old = "# The head.\n# Of two lines.\n\n# Why y is known:\n[[deviation]]\nscenario = 'b/y' # by hand\noutcome = \"fail\"\n\
               # in between\nmessage = \"RR-A\"\nreason = \"known\"\n\n# --- growth ---\n\n# Goes with x.\n[[deviation]]\n\
               scenario = \"a/x\"\noutcome = \"fail\"\nmessage = \"RR-A\"\nreason = \"known\"\n\n# The end.\n";
    let list = parse_expected("expected.toml", old).unwrap();
    assert_eq!(rewritten(old, &list, &list), old, "nothing changes where nothing has changed");
    let new = listed("c/z", DeviationOutcome::Crash);
    let text = rewritten(old, &list, &[list[0].clone(), new.clone()]);
    let (kept, _) = old.split_once("# Goes with x.").unwrap();
    assert_eq!(text, format!("{kept}# The end.\n\n{}", table(&new)));
    assert_eq!(parse_expected("expected.toml", &text).unwrap(), [list[0].clone(), new.clone()]);
    // Another way of writing is understood, and replaced.
    let array = "# The head.\n\ndeviation = [{ scenario = \"b/y\", outcome = \"fail\", reason = \"known\" }]\n";
    let list = parse_expected("expected.toml", array).unwrap();
    let text = rewritten(array, &list, &[list[0].clone(), new.clone()]);
    assert_eq!(text, format!("# The head.\n\n{}\n{}", table(&list[0]), table(&new)));
}
