//! What is shown: colour and width of a terminal, progress, lists, completions and manual pages.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use nix::pty::{Winsize, openpty};

use super::{COLOUR, DEADLINE, finish, shmark};

/// All that a command shows on a terminal of so many columns.
fn on_terminal(words: &[&str], variables: &[(&str, &str)], columns: u16) -> String {
    let size = Winsize { ws_row: 50, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let terminal = openpty(Some(&size), None).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_shmark"));
    for name in COLOUR {
        command.env_remove(name);
    }
    let child = command
        .args(words)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(terminal.slave.try_clone().unwrap())
        .stderr(terminal.slave)
        .spawn()
        .unwrap();
    // It has the other side, which has to be closed for the reader to see the end.
    drop(command);
    let mut screen = File::from(terminal.master);
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        let mut buffer = [0; 4096];
        // A terminal without its other side is an error, not an end.
        while let Ok(len @ 1..) = screen.read(&mut buffer) {
            text.extend_from_slice(&buffer[..len]);
        }
        String::from_utf8_lossy(&text).into_owned()
    });
    finish(child, DEADLINE);
    reader.join().unwrap()
}

/// Whether a text sets a colour or a weight; moving the cursor is something else.
fn is_coloured(text: &str) -> bool {
    text.split("\u{1b}[").skip(1).any(|rest| {
        let end = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        end.starts_with('m') && !rest.starts_with("0m")
    })
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    for words in [&["conform", "--subject", "pipe"][..], &["conform", "--frob"], &["--help"]] {
        let xterm = ("TERM", "xterm-256color");
        assert!(is_coloured(&on_terminal(words, &[xterm], 100)), "{words:?}");
        for unwanted in [("NO_COLOR", "1"), ("CLICOLOR", "0"), ("TERM", "dumb")] {
            let text = on_terminal(words, &[xterm, unwanted], 100);
            assert!(!is_coloured(&text), "{words:?} {unwanted:?}: {text:?}");
        }
    }
    // Nothing moves a dumb terminal's cursor.
    let text = on_terminal(&["conform", "--subject", "pipe"], &[("TERM", "dumb")], 100);
    assert!(text.contains("skipped") && !text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn lists_fit_the_terminal_and_are_a_line_an_entry_elsewhere() {
    let piped = shmark(&["list", "scenarios"]).out;
    for columns in [60, 120, 250] {
        for what in ["scenarios", "requirements", "subjects"] {
            let text = on_terminal(&["list", what], &[("TERM", "xterm")], columns).replace('\r', "");
            let long = |line: &&str| line.chars().count() > usize::from(columns);
            // What can be copied is never broken.
            let broken: Vec<&str> = text.lines().filter(long).filter(|line| line.starts_with(' ')).collect();
            assert!(broken.is_empty(), "{columns}: {broken:?}");
            assert!(columns < 120 || !text.lines().any(|line| long(&line)), "{columns}: {text}");
        }
    }
    let empty = tempfile::tempdir().unwrap();
    for words in [
        &["explain", "RR-LIV-02"][..],
        &["explain", "rtt"],
        &["doctor"],
        &["explain", "nothing at all"],
        &["subject", "check", "reference"],
        &["services", "--root", empty.path().to_str().unwrap()],
    ] {
        let text = on_terminal(words, &[("TERM", "xterm")], 60).replace('\r', "");
        let long = |line: &&str| line.chars().count() > 60 && line.trim().contains(' ') && !line.starts_with("shmark ");
        assert_eq!(text.lines().find(long), None, "{text}");
    }
    let narrow = on_terminal(&["list", "scenarios"], &[("TERM", "xterm")], 60);
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&narrow), words(&piped), "nothing is lost");
    assert_eq!(narrow.lines().filter(|line| !line.starts_with(' ')).count(), piped.lines().count());
}

#[test]
fn lists_for_programs_are_json() {
    for (what, key) in [("scenarios", "id"), ("requirements", "id"), ("subjects", "name")] {
        let json = shmark(&["list", what, "--format", "json"]);
        assert_eq!(json.code, Some(0), "{json:?}");
        let entries: Vec<serde_json::Value> = serde_json::from_str(&json.out).unwrap();
        let ids: Vec<&str> = entries.iter().map(|entry| entry[key].as_str().unwrap()).collect();
        let lines = shmark(&["list", what]).out;
        let listed: Vec<&str> = lines.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(ids, listed);
    }
}

#[test]
fn progress_counts_once_and_can_be_less_or_more() {
    let one = ["conform", "--run", "svc/defaults", "--jobs", "1"];
    let cells = shmark(&["list", "scenarios"]).out;
    let line = cells.lines().find(|line| line.starts_with("svc/defaults ")).unwrap();
    assert!(line.contains(" 1 cell "), "the test needs a scenario of one cell: {line}");
    let usual = shmark(&one);
    assert_eq!(usual.code, Some(0), "{usual:?}");
    assert!(usual.err.lines().any(|line| line == "1 scenario"), "{}", usual.err);
    assert!(usual.err.contains("[1/1] ") && !usual.err.contains("\nsvc/defaults"), "{}", usual.err);
    let shown = on_terminal(&one, &[("TERM", "xterm")], 100);
    assert!(!shown.contains("[1/1]"), "the bar has the count: {shown:?}");
    let quiet = shmark(&[&one[..], &["-q"]].concat());
    assert_eq!((quiet.code, quiet.err.as_str()), (Some(0), ""), "results are shown, progress is not");
    assert!(quiet.out.contains("held"), "{}", quiet.out);
    let verbose = shmark(&[&["-v"][..], &one].concat());
    assert!(verbose.err.lines().any(|line| line.starts_with("svc/defaults")), "{}", verbose.err);
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let commands = ["run", "conform", "bench", "report", "list", "explain", "subject", "services", "clean", "doctor"];
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = shmark(&["completions", shell]);
        assert_eq!(script.code, Some(0), "{script:?}");
        for word in commands.iter().chain(&["requirement", "any-placement"]) {
            assert!(script.out.contains(word), "{shell}: {word}");
        }
    }
    let script = shmark(&["completions", "bash"]).out;
    let mut bash = Command::new("bash").arg("-s").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let question = "COMP_WORDS=(shmark con); COMP_CWORD=1; _shmark shmark con shmark; echo \"${COMPREPLY[*]}\"\n";
    bash.stdin.take().unwrap().write_all(format!("{script}\n{question}").as_bytes()).unwrap();
    assert_eq!(finish(bash, DEADLINE).out, "conform\n");
    let page = shmark(&["man"]);
    assert!(page.code == Some(0) && page.out.contains(".TH shmark"), "{page:?}");
    for word in commands {
        assert!(page.out.contains(&format!("shmark\\-{word}")), "{word}: {}", page.out);
    }
    assert!(page.out.contains("Exit codes"), "{}", page.out);
    let page = shmark(&["man", "subject", "check"]).out;
    assert!(page.contains(".TH shmark-subject-check") && page.contains("seed"), "{page}");
}
