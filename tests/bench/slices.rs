//! What a peer asks of the kernel while a trial counts: its own processor time at the borders of slices, and within them what
//! the engine itself does, which looks ten times a second whether the processes that it works with live.

use std::fs;
use std::process::{Command, Stdio};

use shmark::harness::subject::Subject;

use super::{options, run};

/// Begins and ends what counts.
const COUNTED: &str = "getrusage(";
/// At the borders of slices; and where a peer has waited for so long that the other one may need its processor, as under a
/// tracer that stops one of them at each border.
const ALLOWED: [&str; 2] = ["clock_gettime(CLOCK_THREAD_CPUTIME_ID", "sched_yield("];
/// The engine's look at another process: the file of its node, and whether somebody holds its lock.
const LOOK: [&str; 5] = ["statx(", "openat(", "flock(", "fcntl(", "close("];
/// Most looks of a trial of 100 ms at one process in each direction, with room for a trial that a tracer prolongs.
const LOOKS_MAX: usize = 10;
/// Fewest borders that show that something was measured.
const BORDERS_MIN: usize = 8;

/// Of each thread whose calls are in one of these texts, those between its first and its last [`COUNTED`].
fn counted(trace: &str) -> Option<Vec<&str>> {
    let calls: Vec<&str> = trace.lines().collect();
    let first = calls.iter().position(|call| call.starts_with(COUNTED))?;
    let last = calls.iter().rposition(|call| call.starts_with(COUNTED))?;
    (last > first).then(|| calls[first + 1..last].to_vec())
}

#[test]
fn a_spinning_trial_calls_nothing_within_its_slices() {
    let works = Command::new("strace").args(["-f", "-o/dev/null", "true"]).stderr(Stdio::null()).status();
    if !works.is_ok_and(|status| status.success()) {
        println!("not tested: strace is missing (install your system's package of this name), or may not trace here");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (shmark, trace) = (env!("CARGO_BIN_EXE_shmark"), dir.path().join("trace"));
    let manifest = format!(
        "name = \"traced\"\ndescription = \"d\"\nfeatures = [\"bench\"]\n\
         peer = [\"strace\", \"-ff\", \"-o\", \"{}\", \"{shmark}\", \"peer\"]\n",
        trace.display()
    );
    fs::write(dir.path().join("subject.toml"), manifest).unwrap();
    let traced = Subject::find(dir.path().to_str().unwrap()).unwrap();
    // Whether it counts is no matter: under a tracer nothing is as fast as it is.
    if run(&options(vec![traced], 1)).is_none() {
        return;
    }
    let files = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let logs: Vec<String> = files
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("trace.")))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let trials: Vec<Vec<&str>> = logs.iter().filter_map(|log| counted(log)).collect();
    let measured =
        trials.iter().filter(|calls| calls.iter().filter(|call| call.starts_with(ALLOWED[0])).count() >= BORDERS_MIN);
    assert!(measured.count() >= 2, "client and server of a trial were traced: {} traces", logs.len());
    for calls in trials {
        let is_known = |call: &str| ALLOWED.iter().chain(&LOOK).any(|known| call.starts_with(known));
        let others: Vec<&str> = calls.iter().copied().filter(|call| !is_known(call)).collect();
        assert!(
            others.is_empty(),
            "between the first and the last slice that counts a peer called the kernel: {others:#?}"
        );
        let opened: Vec<&str> = calls.iter().copied().filter(|call| call.starts_with("openat(")).collect();
        assert!(opened.iter().all(|call| call.contains("/nodes/")), "files that are no nodes were opened: {opened:#?}");
        assert!(opened.len() <= LOOKS_MAX, "{} looks within 100 ms: {opened:#?}", opened.len());
    }
}
