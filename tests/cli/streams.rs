//! Standard output and standard error that are closed or full.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::process::{Command, Stdio};

use super::{DEADLINE, assert_nothing_left, finish};

/// What a stream of the command is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stream {
    Read,
    /// A pipe whose reader has gone.
    Unread,
    /// A disk without room.
    Full,
}

impl Stream {
    fn stdio(self) -> Stdio {
        match self {
            Self::Read => Stdio::piped(),
            Self::Unread => Stdio::from(std::io::pipe().unwrap().1),
            Self::Full => Stdio::from(OpenOptions::new().write(true).open("/dev/full").unwrap()),
        }
    }
}

fn code(words: &[&str], out: Stream, err: Stream) -> i32 {
    let child = Command::new(env!("CARGO_BIN_EXE_shmark"))
        .args(words)
        .stdin(Stdio::null())
        .stdout(out.stdio())
        .stderr(err.stdio())
        .spawn()
        .unwrap();
    let pid = child.id();
    let ended = finish(child, DEADLINE);
    assert!(!ended.err.contains("panicked"), "{words:?}: {}", ended.err);
    assert_nothing_left(pid);
    let is_told = out != Stream::Full || err != Stream::Read || !ended.err.is_empty();
    assert!(is_told, "{words:?}: nobody is told that the text is lost");
    ended.code.unwrap_or_else(|| panic!("{words:?} with {out:?} and {err:?} ended by a signal"))
}

/// A stream that nobody reads changes no exit code; text for standard output that is lost is an error.
#[test]
fn closed_and_full_streams_end_no_command_early() {
    for (words, expected) in [
        (&["list", "scenarios"][..], 0),
        (&["explain", "RR-LIV-02"], 0),
        (&["--help"], 0),
        (&["doctor"], 0),
        (&["services", "--json"], 0),
        (&["clean", "--dry-run"], 0),
        (&["conform", "--run", "nothing"], 3),
        (&["conform", "--frob"], 2),
        (&["subject", "check", "pipe"], 0),
    ] {
        for err in [Stream::Unread, Stream::Full] {
            assert_eq!(code(words, Stream::Unread, err), expected, "{words:?}");
        }
        let lost = if expected == 0 { 2 } else { expected };
        assert_eq!(code(words, Stream::Full, Stream::Read), lost, "{words:?}");
        assert_eq!(code(words, Stream::Full, Stream::Full), lost, "{words:?}");
    }
}

#[test]
fn reports_are_written_whatever_becomes_of_the_streams() {
    for (out, err, expected) in [
        (Stream::Read, Stream::Unread, 0),
        (Stream::Unread, Stream::Full, 0),
        (Stream::Full, Stream::Read, 2),
        (Stream::Full, Stream::Unread, 2),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("out");
        let path = folder.to_str().unwrap();
        let words = ["conform", "--run", "svc/d*", "--out", path, "--jobs", "1"];
        assert_eq!(code(&words, out, err), expected, "{out:?} {err:?}");
        assert_complete(&folder);
        fs::remove_file(folder.join("report.html")).unwrap();
        let report = folder.join("report.json");
        assert_eq!(code(&["report", report.to_str().unwrap(), "--out", path], out, err), expected, "{out:?} {err:?}");
        assert_complete(&folder);
    }
}

fn assert_complete(folder: &Path) {
    let report = shmark::report::json::read(&folder.join("report.json")).unwrap();
    assert!(report.footer.unwrap().complete && !report.conformance.is_empty());
    for name in ["report.html", "summary.md", "junit.xml"] {
        assert!(folder.join(name).is_file(), "{name}");
    }
}
