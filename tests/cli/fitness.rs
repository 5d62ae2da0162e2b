//! `shmark subject check`: what it proves, and what does not pass it.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Ended, shmark};

/// A subject whose peer is the reference engine's, started by a shell script that gets its command as `$0 peer`.
fn subject(dir: &Path, script: &str, more: &str) -> PathBuf {
    let manifest = format!(
        "name = \"mine\"\ndescription = \"d\"\npeer = [\"sh\", \"-c\", {}, \"{{shmark}}\", \"{{id}}\"]\n{more}\n",
        toml::Value::from(script)
    );
    let file = dir.join("subject.toml");
    fs::write(&file, manifest).unwrap();
    file
}

fn check(file: &Path) -> Ended {
    shmark(&["subject", "check", file.to_str().unwrap()])
}

#[test]
fn it_says_what_it_has_proved() {
    let fit = shmark(&["subject", "check", "reference"]);
    assert_eq!(fit.code, Some(0), "{fit:?}");
    for part in [
        "signals: SIGSTOP, SIGCONT and SIGKILL reach the process that answers",
        "before `hello`: nothing is done",
        "payloads: the published test vectors come out, fixed and slice, in both directions",
        "walk-through: every answer is as in docs/PEER-PROTOCOL.md",
        "of every kind got a `fault`, and changed nothing",
        "fit to be judged",
    ] {
        assert!(fit.out.contains(part), "{part}: {}", fit.out);
    }
    // At least a missing, an unknown and a mistyped argument of each of more than thirty operations.
    let number: usize = fit.out.split("broken commands: ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(number > 90, "{number}");
    let other = shmark(&["subject", "check", "pipe"]);
    assert_eq!(other.code, Some(0), "{other:?}");
    assert!(other.out.contains("not proved: payloads, the walk-through and broken operations"), "{}", other.out);
}

/// Each of these peers does one thing wrong that no answer to `hello` shows.
#[test]
fn a_peer_with_one_fault_is_not_fit_and_the_fault_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let exact = "exec \"$0\" peer";
    // The same without a fault: neither shell nor pipe makes the difference.
    for script in [exact, "sed -u '' | \"$0\" peer | sed -u ''; exit 0"] {
        let ended = check(&subject(dir.path(), script, ""));
        assert_eq!(ended.code, Some(0), "{script}: {ended:?}");
    }
    for (script, said) in [
        // Every payload is filled from another seed than it was told.
        ("sed -u 's/\"seed\":\\([0-9]\\)/\"seed\":1\\1/' | \"$0\" peer", "`crc32`"),
        // Unknown arguments are not looked at.
        ("sed -u 's/\"colour\":1,//' | \"$0\" peer", "with an unknown argument"),
        // Wrong types are taken for something else.
        ("sed -u 's/\"len\":\"many\"/\"len\":1/' | \"$0\" peer", "with `len` of a wrong type"),
        // A name in use is used again, as another one.
        (
            "sed -u 's/\"as\":\"server\",\"id\":\\([0-9]*\\),\"on\"/\"as\":\"x\\1\",\"id\":\\1,\"on\"/' | \"$0\" peer",
            "with a name in use as `as`",
        ),
        // Lines that are no commands are answered as if they were one.
        ("\"$0\" peer | sed -u 's/\"id\":null/\"id\":7/'", "required a `fault` whose `id` is null"),
        // What is wrong in itself is taken for something else.
        ("sed -u 's/\"align\":3/\"align\":4/' | \"$0\" peer", "with an `align` of 3 in `request`"),
        ("sed -u 's/\"type\":\"xqzvap\"/\"type\":\"u64\"/' | \"$0\" peer", "with an unknown type in `request`"),
        ("sed -u 's/\"allocation\":\"xqzvap\",//' | \"$0\" peer", "with an unknown word as `allocation`"),
        // An argument and an operation of features that are not declared are carried out.
        ("\"$0\" peer | sed -u 's/\"wait\",//'", "what belongs to `wait`, which is not declared"),
        ("\"$0\" peer | sed -u 's/\"nodes\",//'", "what belongs to `nodes`, which is not declared"),
        ("\"$0\" peer | sed -u 's/already-exists/other/'", "required err with the class `already-exists`"),
    ] {
        let ended = check(&subject(dir.path(), &format!("{script}; exit 0"), ""));
        assert_eq!(ended.code, Some(4), "{script}: {ended:?}");
        let broken: Vec<&str> = ended.out.lines().filter(|line| line.starts_with("broken: ")).collect();
        assert!(broken.iter().any(|line| line.contains(said)), "{script}: {}", ended.out);
        assert!(broken.len() <= 21 && ended.out.contains("not fit to be judged"), "{}", ended.out);
    }
}

#[test]
fn signals_have_to_reach_the_process_that_answers() {
    let dir = tempfile::tempdir().unwrap();
    let ended = check(&subject(dir.path(), "setsid -w \"$0\" peer", ""));
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(
        ended.out.contains("broken: subject `mine`: SIGSTOP did not reach the process that answers"),
        "{}",
        ended.out
    );
    // With a word on how to signal it, it is as fit as any other.
    let here = dir.path().display();
    let script = format!("setsid -w sh -c 'echo $$ >\"{here}/$1\"; exec \"$0\" peer' \"$0\" \"$1\"");
    let signal =
        format!("signal = [\"sh\", \"-c\", 'kill -s \"$1\" $(cat \"{here}/$0\")', \"{{id}}\", \"{{signal}}\"]");
    let ended = check(&subject(dir.path(), &script, &signal));
    assert_eq!(ended.code, Some(0), "{ended:?}");
}
