//! The configuration file from outside: where it is found, what its flaws lead to, and that verdicts do not depend on it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{shmark_with, subject};

/// The namespace that `shmark services` looks at: the plainest sign of which file was read.
fn root(variables: &[(&str, &Path)]) -> String {
    let ended = shmark_with(&["services", "--json"], variables);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let value: Value = serde_json::from_str(&ended.out).unwrap();
    value["root"].as_str().unwrap().to_owned()
}

#[test]
fn the_file_is_found_by_the_variable_then_in_the_users_folder() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for (file, root) in [
        ("named.toml", "/r/named"),
        ("xdg/shmark/config.toml", "/r/xdg"),
        ("home/.config/shmark/config.toml", "/r/home"),
    ] {
        fs::create_dir_all(at(file).parent().unwrap()).unwrap();
        fs::write(at(file), format!("root = {root:?}\n")).unwrap();
    }
    let (named, xdg, home, empty) = (at("named.toml"), at("xdg"), at("home"), at(""));
    let (named, xdg, home) = (("SHMARK_CONFIG", &*named), ("XDG_CONFIG_HOME", &*xdg), ("HOME", &*home));
    assert_eq!(root(&[named, xdg, home]), "/r/named");
    assert_eq!(root(&[xdg, home]), "/r/xdg");
    assert_eq!(root(&[home]), "/r/home");
    assert_eq!(root(&[("XDG_CONFIG_HOME", &empty), ("HOME", &empty)]), root(&[]), "a missing file is no error");
    assert!(root(&[]).starts_with("/dev/shm/shmark-"), "{}", root(&[]));
    assert_eq!(root(&[("SHMARK_CONFIG", Path::new("/dev/null")), home]), root(&[]));
    assert_eq!(root(&[named, ("SHMARK_ROOT", Path::new("/r/environment"))]), "/r/environment");
}

#[test]
fn a_file_that_is_missing_or_wrong_exits_with_2_and_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.toml");
    let ended = shmark_with(&["services"], &[("SHMARK_CONFIG", &file)]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("c.toml does not exist: make it, or unset SHMARK_CONFIG"), "{}", ended.err);
    fs::write(&file, "[service]\nmax_client = 3\n").unwrap();
    let ended = shmark_with(&["clean"], &[("SHMARK_CONFIG", &file)]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{ended:?}");
    assert!(ended.err.contains("c.toml:2:1: unknown field `max_client`"), "{}", ended.err);
    assert!(ended.err.contains("`max_clients`") && ended.err.contains("docs/CONFIGURATION.md"), "{}", ended.err);
}

#[test]
fn verdicts_do_not_depend_on_the_users_file_unless_a_subject_asks_for_one() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shmark/config.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "service.max_clients = 3\n").unwrap();
    let run = ["--run", "svc/*default*", "--jobs", "1"];
    for variables in [[("SHMARK_CONFIG", &*file)], [("XDG_CONFIG_HOME", dir.path())]] {
        let ended = shmark_with(&[&["conform"], &run[..]].concat(), &variables);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.out.contains("1 scenario, 1 passed"), "{variables:?} changed a verdict: {}", ended.out);
    }
    let command = format!("[\"env\", \"SHMARK_CONFIG={}\", \"{{shmark}}\", \"peer\"]", file.display());
    let tuned = subject(dir.path(), "tuned", &command);
    let ended = shmark_with(&[&["conform", "--subject", tuned.to_str().unwrap()], &run[..]].concat(), &[]);
    // Defaults are observed, not required, so a difference is shown and no failure.
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let difference = "`qos.max_clients` is 3, required 8";
    assert!(ended.out.contains(difference), "the subject's own file is not read: {}", ended.out);
}
