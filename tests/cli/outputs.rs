//! Where results go: files, links, pipes and standard output; and one run at a time into one folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};

use super::{DEADLINE, Ended, assert_nothing_left, finish, shmark, start, subject};

/// A report without a result: quickly made, and exit code 3.
const EMPTY: [&str; 3] = ["conform", "--subject", "pipe"];

#[test]
fn a_report_goes_where_its_path_leads() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::create_dir(path("elsewhere")).unwrap();
    fs::write(path("elsewhere/target.json"), "old").unwrap();
    symlink("elsewhere/target.json", path("link.json")).unwrap();
    mkfifo(&path("fifo"), Mode::S_IRWXU).unwrap();
    let reader = {
        let fifo = path("fifo");
        std::thread::spawn(move || fs::read_to_string(fifo).unwrap())
    };
    let (json, markdown) = (path("link.json"), path("fifo"));
    let words = [&EMPTY[..], &["--json", json.to_str().unwrap(), "--markdown", markdown.to_str().unwrap()]].concat();
    let ended = shmark(&words);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(json.is_symlink(), "the link is still one");
    assert!(shmark::report::json::read(&path("elsewhere/target.json")).is_ok());
    assert!(reader.join().unwrap().contains("skipped"), "the pipe's reader has the summary");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3, "nothing is left beside them");
}

#[test]
fn standard_output_belongs_to_the_format_that_asks_for_it() {
    for path in ["-", "/dev/stdout"] {
        let ended = shmark(&[&EMPTY[..], &["--json", path]].concat());
        assert_eq!(ended.code, Some(3), "{ended:?}");
        let report = shmark::report::json::parse(ended.out.as_bytes(), Path::new("-")).unwrap();
        assert!(!report.conformance.is_empty());
        assert!(ended.err.contains("skipped"), "people are told on standard error: {}", ended.err);
    }
    assert!(!Path::new("-").exists(), "no file of that name");
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("r.json");
    fs::write(&json, shmark(&[&EMPTY[..], &["--json", "-"]].concat()).out).unwrap();
    let markdown = shmark(&["report", json.to_str().unwrap(), "--markdown", "-"]);
    assert!(markdown.code == Some(0) && markdown.out.starts_with('#'), "{markdown:?}");
    let both = shmark(&[&EMPTY[..], &["--json", "-", "--html", "-"]].concat());
    assert_eq!(both.code, Some(2), "{both:?}");
    assert!(both.err.contains("--json and --html cannot share standard output"), "{}", both.err);
}

#[test]
fn a_link_to_known_deviations_stays_a_link_when_they_are_updated() {
    let dir = tempfile::tempdir().unwrap();
    let peer = format!("[\"{}\", \"peer\", \"--transport\", \"pipe\"]", env!("CARGO_BIN_EXE_shmark"));
    let folder = subject(dir.path(), "mine", &peer);
    let list = dir.path().join("list.toml");
    // It means no scenario, so that the update removes it.
    fs::write(&list, "[[deviation]]\nscenario = \"no/such\"\noutcome = \"fail\"\nreason = \"r\"\n").unwrap();
    symlink(&list, folder.join("expected.toml")).unwrap();
    let manifest = fs::read_to_string(folder.join("subject.toml")).unwrap();
    fs::write(folder.join("subject.toml"), manifest + "features = [\"bench\"]\n").unwrap();
    let ended = shmark(&["conform", "--subject", folder.to_str().unwrap(), "--update-expected", "--json", "-"]);
    assert!(ended.err.contains("updated "), "{ended:?}");
    assert!(folder.join("expected.toml").is_symlink());
    assert_eq!(fs::read_to_string(&list).unwrap(), "");
}

/// A run that a failing test ends, too.
struct Running(Option<Child>);

impl Running {
    fn signal(&self, signal: Signal) {
        let id = self.0.as_ref().unwrap().id();
        // It may have ended by an earlier one.
        let _ = kill(Pid::from_raw(i32::try_from(id).unwrap()), signal);
    }

    fn finish(mut self) -> Ended {
        finish(self.0.take().unwrap(), DEADLINE)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.is_some() {
            self.signal(Signal::SIGTERM);
            self.0.take().unwrap().wait().unwrap();
        }
    }
}

/// A run that goes on until it is told to end: the build of a subject does not end.
fn endless(dir: &Path, out: &Path) -> Running {
    let script = dir.join("slow.sh");
    fs::write(&script, "exec sleep 1000\n").unwrap();
    let folder = dir.join("slow");
    fs::create_dir_all(&folder).unwrap();
    let build = format!("build = [[\"/bin/sh\", \"{}\"]]\n", script.display());
    let manifest = format!("name = \"slow\"\ndescription = \"d\"\npeer = [\"/bin/true\"]\n{build}");
    fs::write(folder.join("subject.toml"), manifest).unwrap();
    let subjects = format!("reference,{}", folder.display());
    Running(Some(start(&["conform", "--subject", &subjects, "--out", out.to_str().unwrap()])))
}

fn until(what: &str, mut is: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is() {
        assert!(since.elapsed() < DEADLINE, "{what}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn one_folder_takes_the_results_of_one_run_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let first = endless(dir.path(), &out);
    let events = out.join("events.jsonl");
    until("the first run has begun", || fs::read_to_string(&events).unwrap_or_default().contains("run-started"));
    let words = [&EMPTY[..], &["--out", out.to_str().unwrap()]].concat();
    let second = shmark(&words);
    assert_eq!(second.code, Some(2), "{second:?}");
    assert!(second.err.contains("another run writes its results into"), "{}", second.err);
    assert!(!fs::read_to_string(&events).unwrap().contains("pipe\""), "nothing of the second run is in the folder");
    first.signal(Signal::SIGINT);
    assert_eq!(first.finish().code, Some(130));
    let third = shmark(&words);
    assert_eq!(third.code, Some(3), "the folder is free again: {third:?}");
}

#[test]
fn a_pipe_that_nobody_reads_does_not_outlast_an_interrupt() {
    let dir = tempfile::tempdir().unwrap();
    let (fifo, json) = (dir.path().join("fifo"), dir.path().join("r.json"));
    mkfifo(&fifo, Mode::S_IRWXU).unwrap();
    let outputs = ["--json", json.to_str().unwrap(), "--markdown", fifo.to_str().unwrap()];
    let run = Running(Some(start(&[&EMPTY[..], &outputs].concat())));
    until("the first report is written", || json.is_file());
    run.signal(Signal::SIGINT);
    let ended = run.finish();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(ended.err.contains("nobody reads this pipe"), "{}", ended.err);
}

/// A terminal that is closed tells so twice, by the kernel and by the shell.
#[test]
fn a_hangup_keeps_the_results_and_leaves_nothing() {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    if u64::from_str_radix(ignored.trim(), 16).unwrap() & 1 == 1 {
        println!("not tested: whoever runs these tests ignores hang-ups, as `nohup` does, and so does what they start");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let out: PathBuf = dir.path().join("out");
    let words = ["conform", "--repeat", "100000", "--jobs", "1", "--run", "svc/*", "--out", out.to_str().unwrap()];
    let child = start(&words);
    let id = child.id();
    let run = Running(Some(child));
    let events = out.join("events.jsonl");
    until("a scenario has begun", || fs::read_to_string(&events).unwrap_or_default().contains("scenario-started"));
    run.signal(Signal::SIGHUP);
    run.signal(Signal::SIGHUP);
    let ended = run.finish();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    let report = shmark::report::json::read(&out.join("report.json")).unwrap();
    assert!(!report.footer.unwrap().complete);
    assert!(out.join("report.html").is_file());
    assert_nothing_left(id);
}
