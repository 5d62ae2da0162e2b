//! The steps of `action.yml`, as a workflow runs them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// `scripts/action judge` in an empty folder, with these settings.
fn judge(dir: &Path, settings: &[(&str, &str)]) -> (Option<i32>, String, String, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (summary, outputs) = (dir.join("summary"), dir.join("outputs"));
    let Output { status, stdout, stderr } = Command::new("bash")
        .arg(root.join("scripts/action"))
        .arg("judge")
        .current_dir(dir)
        .env("SHMARK", env!("CARGO_BIN_EXE_shmark"))
        .env("GITHUB_STEP_SUMMARY", &summary)
        .env("GITHUB_OUTPUT", &outputs)
        .env("SHMARK_ACTION_OUT", "results")
        .envs(settings.iter().copied())
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    (status.code(), said, read(&summary), read(&outputs))
}

#[test]
fn what_is_as_expected_has_a_summary_a_badge_and_no_annotation() {
    let dir = tempfile::tempdir().unwrap();
    let settings = [("SHMARK_ACTION_SUBJECT", "reference"), ("SHMARK_ACTION_CONFORM", "--run 'svc/create-*' --jobs 1")];
    let (code, said, summary, outputs) = judge(dir.path(), &settings);
    assert_eq!(code, Some(0), "{said}");
    assert!(summary.contains("As expected"), "{summary}");
    assert!(!said.contains("::error") && !said.contains("::warning"), "{said}");
    assert_eq!(outputs, "badge=results/conform/badge.svg\nreport=results/conform/report.html\n");
    let badge = fs::read_to_string(dir.path().join("results/conform/badge.svg")).unwrap();
    assert!(badge.contains("requirements</title>"), "{badge}");
    let data: serde_json::Value =
        serde_json::from_slice(&fs::read(dir.path().join("results/conform/badge.json")).unwrap()).unwrap();
    assert_eq!((&data["schemaVersion"], &data["color"]), (&1.into(), &"success".into()), "{data}");
}

#[test]
fn what_is_unexpected_is_annotated_at_its_line_and_fails_the_step() {
    let dir = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // A scenario that asks for what the pattern does not have.
    let folder = dir.path().join("own");
    let file = folder.join("conformance/svc/create-refuses-an-existing-name.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let original = fs::read_to_string(root.join("scenarios/conformance/svc/create-refuses-an-existing-name.toml"));
    let text = original.unwrap_or_else(|error| panic!("a scenario that this test changes: {error}"));
    let (head, _) = text.split_once("steps = [").unwrap_or_else(|| panic!("{text}"));
    let line = head.lines().count() + 2;
    let step =
        r#"{ on = "a", do = "server.create", as = "srv", check = "RR-SVC-01", expect = { err = "already-exists" } },"#;
    fs::write(&file, format!("{head}steps = [\n  {step}\n]\n")).unwrap();
    let words = format!("--scenarios '{}' --run svc/create-refuses-an-existing-name", folder.display());
    let settings = [("SHMARK_ACTION_SUBJECT", "reference"), ("SHMARK_ACTION_CONFORM", &*words)];
    let (code, said, summary, _) = judge(dir.path(), &settings);
    assert_eq!(code, Some(1), "{said}");
    let annotation = said.lines().find(|line| line.starts_with("::error ")).unwrap_or_else(|| panic!("{said}"));
    let place = format!("file={},line={line},title=", file.display());
    assert!(annotation.contains(&place) && annotation.contains("%0ARepeat it: shmark conform"), "{annotation}");
    assert!(summary.contains("1 unexpected result"), "{summary}");
}

#[test]
fn words_that_no_shell_takes_end_the_step() {
    let dir = tempfile::tempdir().unwrap();
    let settings = [("SHMARK_ACTION_SUBJECT", "reference"), ("SHMARK_ACTION_CONFORM", "--run 'svc/create-*")];
    let (code, said, summary, _) = judge(dir.path(), &settings);
    assert!(code == Some(2) && said.contains("cannot be taken apart") && summary.is_empty(), "{code:?} {said}");
}

/// A step that is to fail only if something is half as slow again: one processor more or less decides nothing here.
#[test]
fn builds_are_compared_and_summed_up() {
    if shmark::bench::pin::allowed().unwrap().len() < 2 {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let settings = [
        ("SHMARK_ACTION_SUBJECT", "reference"),
        ("SHMARK_ACTION_CONFORM", "none"),
        ("SHMARK_ACTION_BASE", "reference"),
        ("SHMARK_ACTION_FAIL_ON", "1000%"),
    ];
    let (code, said, summary, outputs) = judge(dir.path(), &settings);
    assert_eq!(code, Some(0), "{said}");
    assert!(summary.contains("### Builds compared") && summary.contains("| base → new |"), "{summary}");
    assert_eq!(outputs, "badge=results/compare/badge.svg\nreport=results/compare/report.html\n");
}

#[test]
fn a_step_without_a_subject_says_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let (code, said, ..) = judge(dir.path(), &[]);
    assert!(code.is_some_and(|code| code != 0) && said.contains("path of a subject.toml"), "{code:?} {said}");
}
