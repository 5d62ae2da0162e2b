//! What is selected is what was meant, and what has been replaced is marked.

use std::fs;
use std::path::{Path, PathBuf};

use super::shmark;

/// A folder with one scenario, which asks for what no engine does if `fails`.
pub fn scenarios(dir: &Path, id: &str, fails: bool) -> PathBuf {
    let delivered = if fails { 99 } else { 1 };
    let file = dir.join("conformance").join(format!("{id}.toml"));
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let text = format!(
        "id = \"{id}\"\nrequirements = [\"RR-SND-01\"]\npeers = {{ s = \"server\", c = \"client\" }}\n\
         matrix = {{ len = [1, 2] }}\nservice = {{ request = {{ type = \"bytes\", kind = \"slice\" }} }}\nsteps = [\n  \
         {{ on = \"s\", do = \"server.create\", as = \"srv\" }},\n  \
         {{ on = \"c\", do = \"client.create\", as = \"cli\", initial_max_slice_len = \"$len\" }},\n  \
         {{ on = \"c\", do = \"client.send\", from = \"cli\", as = \"p1\", len = \"$len\", check = \"RR-SND-01\", \
         expect = {{ ok = {{ delivered = {delivered} }} }} }},\n]\n"
    );
    fs::write(&file, text).unwrap();
    dir.to_owned()
}

#[test]
fn a_pattern_that_matches_nothing_beside_one_that_does_is_refused() {
    for (words, parts) in [
        (
            &["--run", "snd/no-server", "--run", "snd/requests-arive-in-order"][..],
            &["--run", "requests-arrive-in-order"],
        ),
        (&["--run", "snd/no-server", "--skip", "sn/*"], &["--skip \"sn/*\"", "snd/*"]),
        (&["--run", "snd/no-server", "--skip", "nothing/at-all"], &["--skip", "correct or remove it"]),
        (&["--requirement", "RR-SND-01", "--requirement", "RR-TYP-04"], &["no scenario decides", "RR-TYP-04"]),
    ] {
        let ended = shmark(&[&["conform"], words].concat());
        assert_eq!(ended.code, Some(2), "{words:?}: {ended:?}");
        assert!(parts.iter().all(|part| ended.err.contains(part)), "{words:?}: {}", ended.err);
        assert!(ended.out.is_empty(), "{words:?}: {}", ended.out);
    }
    // Alone, it selects nothing, and says so as well as what may have been meant.
    let alone = shmark(&["conform", "--run", "snd/no-sever"]);
    assert_eq!(alone.code, Some(3), "{alone:?}");
    assert!(alone.err.contains("no scenario was selected") && alone.err.contains("did you mean \"snd/no-server\""));
    // What other options leave out has been matched all the same.
    let held = shmark(&["conform", "--run", "snd/no-server", "--skip", "liv/*"]);
    assert_eq!(held.code, Some(0), "{held:?}");
}

#[test]
fn a_scenario_that_takes_the_place_of_a_built_in_one_is_marked_in_every_format() {
    let dir = tempfile::tempdir().unwrap();
    let (own, out) = (scenarios(&dir.path().join("mine"), "snd/no-server", false), dir.path().join("out"));
    let (own, folder) = (own.to_str().unwrap(), out.to_str().unwrap());
    let words = ["conform", "--scenarios", own, "--run", "snd/no-server", "--out", folder];
    let ended = shmark(&words);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let mark = "scenario `snd/no-server` is not the built-in one";
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    for (place, text) in [
        ("standard output", ended.out.split_whitespace().collect::<Vec<_>>().join(" ")),
        ("report.json", read("report.json")),
        ("events.jsonl", read("events.jsonl")),
        ("report.html", read("report.html").replace("&#x2f;", "/")),
        ("summary.md", read("summary.md").replace('\\', "")),
    ] {
        assert!(text.contains(mark) && text.contains("no-server.toml"), "{place}: {text}");
    }
    // One that was not chosen decides nothing.
    let other = shmark(&["conform", "--scenarios", own, "--run", "svc/defaults"]);
    assert_eq!(other.code, Some(0), "{other:?}");
    assert!(!other.out.contains("not the built-in one"), "{}", other.out);
}
