//! The command line from outside: exit codes, messages, and what is left behind.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

mod action;
mod configuration;
mod deviations;
mod fitness;
mod interrupts;
mod memory;
mod outputs;
mod repeating;
mod results;
mod resume;
mod scarce;
mod selecting;
mod streams;
mod terminal;

/// No command of these tests takes so long, however busy the machine is.
const DEADLINE: Duration = Duration::from_mins(1);

/// What says whether colour is wanted.
const COLOUR: [&str; 5] = ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM", "CI"];

fn start(words: &[&str]) -> Child {
    start_with(words, &[])
}

/// With variables of the environment; of those that the engine reads, it has no others.
fn start_with(words: &[&str], variables: &[(&str, &Path)]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shmark"));
    for name in ["SHMARK_ROOT", "SHMARK_CONFIG", "XDG_CONFIG_HOME", "HOME"] {
        command.env_remove(name);
    }
    for name in COLOUR {
        command.env_remove(name);
    }
    command
        .envs(variables.iter().copied())
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for the end; a command that does not end is killed and fails the test.
fn finish(mut child: Child, deadline: Duration) -> Ended {
    let start = Instant::now();
    // Read meanwhile: a pipe that is full would keep the command from ending.
    let (out, err) = (reader(child.stdout.take()), reader(child.stderr.take()));
    let text = |reader: JoinHandle<Vec<u8>>| String::from_utf8_lossy(&reader.join().unwrap()).into_owned();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Ended { code: status.code(), out: text(out), err: text(err) };
        }
        if start.elapsed() > deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("still running after {deadline:?}\n{}\n{}", text(out), text(err));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Reads all that comes; it ends with the command.
fn reader(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes).unwrap();
        }
        bytes
    })
}

#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

fn shmark(words: &[&str]) -> Ended {
    finish(start(words), DEADLINE)
}

fn shmark_with(words: &[&str], variables: &[(&str, &Path)]) -> Ended {
    finish(start_with(words, variables), DEADLINE)
}

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let help = shmark(&["--help"]);
    assert_eq!(help.code, Some(0));
    for part in [
        "run",
        "conform",
        "bench",
        "report",
        "list",
        "explain",
        "subject",
        "services",
        "clean",
        "doctor",
        "peer",
        "completions",
        "man",
        "--quiet",
        "--verbose",
        "Exit codes: 0 as",
    ] {
        assert!(help.out.contains(part), "{part}");
    }
    for (command, parts) in [
        ("run", &["--out", "reports/latest", "--seed", "--pin"][..]),
        ("conform", &["--subject", "--client", "--server", "--run", "--skip", "--level", "--requirement", "--jobs"]),
        ("conform", &["--repeat", "--seed", "--trace", "--json", "--junit", "--html", "--markdown", "--out"]),
        (
            "bench",
            &["FILE|NAME", "--subject", "--quick", "--rounds", "--pin", "--any-placement", "--scenarios", "--out"],
        ),
        ("report", &["FILE", "--html", "--csv", "--github-benchmark", "--bencher"]),
        ("services", &["--root", "--settings", "--json", "SHMARK_ROOT"]),
        ("clean", &["--root", "--dry-run", "--json", "never touched"]),
    ] {
        let help = shmark(&[command, "--help"]);
        assert_eq!(help.code, Some(0));
        for part in parts {
            assert!(help.out.contains(part), "{command} --help: {part}");
        }
    }
    assert!(shmark(&["--version"]).out.starts_with("shmark 0."));
}

#[test]
fn wrong_use_exits_with_2_and_says_what_would_be_right() {
    for (words, part) in [
        (&["frobnicate"][..], "unrecognized subcommand"),
        (&[], "Usage"),
        (&["bench", "--frob"], "unexpected argument"),
        (&["bench", "--pin", "0"], "such as 0,1"),
        (&["bench", "--pin", "0,0"], "two different ones"),
        (&["bench", "--rounds", "0"], "a number from 1"),
        (&["bench", "--resume"], "--out <DIR>"),
        (&["compare", "reference", "reference", "--pin", "all"], "--pin all is for `shmark bench`"),
        (&["compare", "reference", "reference", "--scenario", "startup"], "is a question about the lifecycle"),
        (&["conform", "--timeout-multiplier", "0.5"], "a number from 1 to 1000"),
        (&["subject", "check", "pipe", "--timeout-multiplier", "ever"], "a number from 1 to 1000"),
        (&["bench", "rrt"], "did you mean `rtt`?"),
        (&["bench", "--subject", "refrence", "rtt"], "no subject `refrence`: did you mean `reference`?"),
        (&["bench", "--subject", "reference", "rrt"], "no benchmark scenario `rrt`"),
        (&["conform", "--subject", "reference", "pipe"], "unexpected argument 'pipe'"),
        (&["explain", "RR-LIV-0"], "did you mean `RR-LIV-01`?"),
        (&["explain", "rttt"], "did you mean `rtt`?"),
        (&["explain", "svc/default"], "did you mean `svc/defaults`?"),
        (&["subject", "check", "pip"], "did you mean `pipe`?"),
        (&["list", "scenarios", "--format", "yaml"], "text, json"),
        (&["conform", "-q", "-v"], "cannot be used with"),
        (&["man", "confrom"], "did you mean \"conform\"?"),
        (&["completions", "cmd"], "bash"),
        (&["bench", "nowhere"], "no benchmark scenario `nowhere`: known are"),
        (&["bench", "nowhere.toml"], "nowhere.toml cannot be read"),
        (&["bench", "--subject", "nobody"], "no subject `nobody`: built in are reference"),
        (&["conform", "--client", "reference"], "--server"),
        (&["conform", "--subject", "a", "--client", "b", "--server", "c"], "cannot be used with"),
        (&["conform", "--requirement", "RR-NO-01"], "RR-NO-01"),
        (&["conform", "--run", "{a"], "cannot be read"),
        (&["conform", "--level", "perhaps"], "must, should, observed"),
        (&["conform", "--scenarios", "/nowhere"], "/nowhere"),
        (&["explain", "nothing"], "`shmark list requirements`"),
        (&["report", "/nowhere/report.json"], "cannot read /nowhere/report.json"),
        (&["peer", "--transport", "pigeon"], "unix-socket"),
        (&["subject", "check", "nobody"], "no subject `nobody`"),
    ] {
        let ended = shmark(words);
        assert_eq!(ended.code, Some(2), "{words:?}: {ended:?}");
        assert!(ended.err.contains(part), "{words:?}: {}", ended.err);
        assert!(ended.out.is_empty(), "{words:?}: {}", ended.out);
    }
}

#[test]
fn a_typo_in_a_file_is_shown_with_its_line_and_column() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("conformance/liv");
    fs::create_dir_all(&folder).unwrap();
    let original = fs::read_to_string("scenarios/conformance/liv/blocked-send-outlives-a-killed-server.toml").unwrap();
    let line = original.lines().position(|line| line.starts_with("requirements")).unwrap() + 1;
    let typo = original.replace("\nrequirements", "\nrequirments");
    fs::write(folder.join("blocked-send-outlives-a-killed-server.toml"), typo).unwrap();
    let ended = shmark(&["conform", "--scenarios", dir.path().to_str().unwrap()]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains(&format!("server.toml:{line}:1: ")), "{}", ended.err);
    assert!(ended.err.contains("requirments = "), "the line itself is shown: {}", ended.err);

    let bench = dir.path().join("rtt.toml");
    fs::write(&bench, "name = \"rtt\"\ntitle = \"t\"\npayload = [\"u65\"]\n").unwrap();
    let ended = shmark(&["bench", bench.to_str().unwrap()]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("rtt.toml:3:12: ") && ended.err.contains("u65"), "{}", ended.err);

    let subject = dir.path().join("subject.toml");
    fs::write(&subject, "name = \"x\"\ndescription = \"d\"\npear = [\"/bin/true\"]\n").unwrap();
    for words in [["bench", "--subject"], ["conform", "--subject"], ["subject", "check"]] {
        let ended = shmark(&[&words[..], &[subject.to_str().unwrap()]].concat());
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.err.contains("subject.toml:3:1: ") && ended.err.contains("pear"), "{}", ended.err);
    }
}

#[test]
fn selecting_or_executing_nothing_exits_with_3() {
    let nothing = shmark(&["conform", "--run", "no/such/scenario"]);
    assert_eq!(nothing.code, Some(3), "{nothing:?}");
    assert!(nothing.err.contains("no scenario was selected"), "{}", nothing.err);
    // A transport has none of the features that scenarios need.
    let skipped = shmark(&["conform", "--subject", "pipe"]);
    assert_eq!(skipped.code, Some(3), "{skipped:?}");
    assert!(skipped.out.contains("skipped"), "{}", skipped.out);
    // Strangers.
    let mixed = shmark(&["conform", "--client", "reference", "--server", "pipe", "--run", "svc/*"]);
    assert_eq!(mixed.code, Some(3), "{mixed:?}");
    let words = mixed.out.split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, verdict) = words.split_once("Nothing was judged").unwrap_or_default();
    assert!(verdict.contains("Subjects `reference` and `pipe` cannot talk to each other"), "{}", mixed.out);
}

fn subject(dir: &Path, name: &str, peer: &str) -> PathBuf {
    let folder = dir.join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("subject.toml"), format!("name = \"{name}\"\ndescription = \"d\"\npeer = {peer}\n")).unwrap();
    folder
}

#[test]
fn a_subject_that_is_no_peer_exits_with_4_and_never_hangs() {
    let dir = tempfile::tempdir().unwrap();
    let subjects = [
        subject(dir.path(), "cat", "[\"/bin/cat\"]"),
        subject(dir.path(), "true", "[\"/bin/true\"]"),
        subject(dir.path(), "asleep", "[\"/bin/sleep\", \"1000\"]"),
        subject(dir.path(), "missing", "[\"/no/such/program\"]"),
    ];
    // All at once: each sleeper costs a deadline of five seconds, and more on a busy machine.
    let mut running = Vec::new();
    for subject in &subjects {
        for words in [["conform", "--subject"], ["bench", "--subject"], ["subject", "check"]] {
            let child = start(&[&words[..], &[subject.to_str().unwrap()]].concat());
            running.push((subject, words, child, Instant::now()));
        }
    }
    for (subject, words, child, since) in running {
        let pid = child.id();
        let ended = finish(child, DEADLINE.saturating_sub(since.elapsed()));
        let one_processor = words[0] == "bench" && shmark::bench::pin::allowed().unwrap().len() < 2;
        let expected = if one_processor { 3 } else { 4 };
        assert_eq!(ended.code, Some(expected), "{words:?} {}: {ended:?}", subject.display());
        let name = subject.file_name().unwrap().to_str().unwrap();
        assert!(one_processor || ended.err.contains(name), "{words:?}: {}", ended.err);
        assert_nothing_left(pid);
    }
}

/// Neither a process that was told of a namespace of this runner, nor a file in shared memory.
fn assert_nothing_left(runner: u32) {
    let mark = format!("shmark-run-{runner}-");
    let holds = |bytes: &[u8]| bytes.windows(mark.len()).any(|window| window == mark.as_bytes());
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        // A process that has just ended has an empty one.
        assert!(!holds(&environment), "process {} is left", entry.path().display());
    }
    for entry in fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
        assert!(!holds(entry.file_name().as_encoded_bytes()), "{} is left", entry.path().display());
    }
}

#[test]
fn an_interrupt_writes_what_was_measured_and_leaves_nothing() {
    if shmark::bench::pin::allowed().unwrap().len() < 2 {
        assert_eq!(shmark(&["bench", "--subject", "pipe"]).code, Some(3), "nothing can be measured here");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("long.toml");
    fs::write(
        &file,
        "name = \"long\"\ntitle = \"t\"\npayload = [\"u64\"]\nkind = [\"fixed\"]\nlen = [1]\nwaiting = [\"block\"]\n\
         rounds = 1000\nduration_ms = 50\nwarmup_ms = 0\nslice_requests = 20\nslice_floors = 20\n",
    )
    .unwrap();
    let out = dir.path().join("out");
    let (file, out_words) = (file.to_str().unwrap(), out.to_str().unwrap());
    let words = ["bench", file, "--subject", "pipe", "--out", out_words, "--seed", "7", "--any-placement"];
    let child = start(&words);
    let (pid, since) = (child.id(), Instant::now());
    let events = out.join("events.jsonl");
    while !fs::read_to_string(&events).unwrap_or_default().contains("\"trial-finished\"") {
        assert!(since.elapsed() < DEADLINE, "no trial has finished");
        std::thread::sleep(Duration::from_millis(5));
    }
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGINT).unwrap();
    let ended = finish(child, DEADLINE);
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert_nothing_left(pid);
    let report = shmark::report::json::read(&out.join("report.json")).unwrap();
    assert!(!report.footer.unwrap().complete);
    assert_eq!((report.bench.len(), report.seed), (1, 7));
    assert!(report.bench[0].rounds < 1000);
    assert!(ended.out.contains("Interrupted"), "{}", ended.out);
    assert!(out.join("report.html").exists() && out.join("junit.xml").exists() && out.join("summary.md").exists());
}

#[test]
fn results_are_rendered_anew_from_a_report_and_from_events() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (json, out) = (path("r.json"), path("out"));
    let conform = shmark(&["conform", "--subject", "pipe", "--json", &json, "--out", &out]);
    assert_eq!(conform.code, Some(3), "{conform:?}");
    let report = shmark(&["report", &json, "--markdown", &path("m.md"), "--html", &path("h.html")]);
    assert_eq!(report.code, Some(0), "{report:?}");
    assert!(report.out.contains("skipped") && report.out.contains("h.html"), "{}", report.out);
    assert!(fs::read_to_string(path("m.md")).unwrap().contains("skipped"));
    let several = shmark(&["report", &json, &path("out/events.jsonl"), "--out", &path("both")]);
    assert_eq!(several.code, Some(0), "{several:?}");
    let both = shmark::report::json::read(&dir.path().join("both/report.json")).unwrap();
    let once = shmark::report::json::read(Path::new(&json)).unwrap();
    assert_eq!(both.conformance.len(), 2 * once.conformance.len());
    assert_eq!(both.subjects.len(), 2, "told apart: {:?}", both.subjects);
    fs::write(path("cut.json"), "{\"schema\": \"shmark-report/1\",").unwrap();
    let cut = shmark(&["report", &path("cut.json")]);
    assert!(cut.code == Some(2) && cut.err.contains("cut.json"), "{cut:?}");
}

#[test]
fn everything_listed_can_be_explained() {
    for what in ["subjects", "scenarios", "requirements"] {
        let list = shmark(&["list", what]);
        assert_eq!(list.code, Some(0));
        let ids: Vec<&str> = list.out.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert!(ids.len() > 1, "{what}: {}", list.out);
        for id in [ids[0], ids[ids.len() - 1]] {
            let explained = shmark(&["explain", id]);
            assert_eq!(explained.code, Some(0), "{explained:?}");
            assert!(explained.out.starts_with(id), "{}", explained.out);
        }
    }
}

#[test]
fn a_fit_subject_passes_the_check_and_nothing_is_coloured_without_a_terminal() {
    let check = shmark(&["subject", "check", "unix-socket"]);
    assert_eq!(check.code, Some(0), "{check:?}");
    assert!(check.out.contains("fit to be judged") && check.out.contains("speed of start"), "{}", check.out);
    let doctor = shmark(&["doctor"]);
    assert_eq!(doctor.code, Some(0));
    assert!(doctor.out.contains("ns a reading"), "{}", doctor.out);
    let error = shmark(&["bench", "--subject", "nobody"]);
    for text in [check.out, check.err, doctor.out, error.err] {
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
