//! What is done while a service's lock is held: nothing that takes the longer the larger somebody's payload segment is.
//! Whoever meets a new peer waits for that lock in the middle of sending and receiving.
//!
//! Found out by tracing the system calls of two processes, of which one comes and goes with a large segment.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use shmark_engine::{Node, RequestResponseBuilder};

use crate::common::{DEADLINE, Scratch, name, until};
use crate::processes::Process;

/// Bytes from which on a segment is a large one. Everything else in these tests is far smaller.
const LARGE: u64 = 16 << 20;
/// Bytes of the segment of the server that comes and goes, where no other size is asked for.
const SEGMENT: u64 = 256 << 20;
const ROUNDS: u64 = 3;
const TRACED: &str = "trace=flock,fallocate,ftruncate,mmap,munmap,mremap,mlock,mlock2,munlock,unlink,unlinkat,rename,renameat,\
                      renameat2,link,linkat,madvise,close";

/// What a trace has shown.
#[derive(Debug, Default, PartialEq, Eq)]
struct Findings {
    /// Times that the lock was taken.
    locked: usize,
    /// Calls that work on a large segment, wherever.
    large: usize,
    /// Those that were made by who held the lock, as they stand in the trace.
    under_the_lock: Vec<String>,
}

/// A trace of `strace -f -y`, line by line.
#[derive(Debug, Default)]
struct Tracker {
    findings: Findings,
    /// Threads that hold a service's lock, with the descriptors that they hold it by.
    holders: BTreeMap<String, BTreeSet<String>>,
    /// Bytes of files, by the last part of their name, as far as a call has said.
    sizes: BTreeMap<String, u64>,
    /// Calls of threads that were interrupted in the trace by another thread's.
    unfinished: BTreeMap<String, String>,
}

/// One call: `name(argument, argument) = result`.
#[derive(Debug, PartialEq, Eq)]
struct Call<'a> {
    name: &'a str,
    arguments: Vec<&'a str>,
    result: &'a str,
}

impl<'a> Call<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (name, rest) = text.split_once('(')?;
        let (arguments, result) = rest.rsplit_once(" = ")?;
        let arguments = arguments.trim_end().strip_suffix(')')?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return None;
        }
        Some(Self { name, arguments: split(arguments), result: result.trim() })
    }

    fn succeeded(&self) -> bool {
        !self.result.starts_with('-') && !self.result.starts_with('?')
    }

    fn number(&self, index: usize) -> Option<u64> {
        self.arguments.get(index)?.parse().ok()
    }
}

/// Splits at the commas that stand in no string, path, bracket or brace.
fn split(arguments: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut quoted, mut escaped, mut start) = (Vec::new(), 0_usize, false, false, 0);
    for (at, character) in arguments.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '<' | '[' | '{' => depth += 1,
            '>' | ']' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(arguments[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(arguments[start..].trim());
    parts
}

/// `7</a/path (deleted)>`, as descriptor and last part of the path.
fn descriptor(argument: &str) -> Option<(&str, &str)> {
    let (number, path) = argument.strip_suffix('>')?.split_once('<')?;
    let path = path.strip_suffix("(deleted)").unwrap_or(path).trim_end();
    Some((number, last(path)))
}

fn last(path: &str) -> &str {
    path.trim_matches('"').rsplit('/').next().unwrap_or(path)
}

impl Tracker {
    fn read(trace: &str) -> Findings {
        let mut tracker = Self::default();
        trace.lines().for_each(|line| tracker.line(line));
        tracker.findings
    }

    fn line(&mut self, line: &str) {
        // With one thread there may be no thread's number in front.
        let line = line.trim();
        let (thread, text) = match line.split_once(|character: char| character.is_whitespace()) {
            Some((thread, text)) if thread.bytes().all(|byte| byte.is_ascii_digit()) => (thread, text.trim_start()),
            _ => ("", line),
        };
        if let Some(begun) = text.strip_suffix("<unfinished ...>") {
            self.unfinished.insert(thread.to_owned(), begun.trim_end().to_owned());
            return;
        }
        let whole;
        let text = match text.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>")) {
            Some((_, end)) => {
                whole = self.unfinished.remove(thread).unwrap_or_default() + end.trim_start();
                &whole
            }
            None => text,
        };
        if let Some(call) = Call::parse(text).filter(Call::succeeded) {
            self.call(thread, &call, text);
        }
    }

    fn call(&mut self, thread: &str, call: &Call<'_>, text: &str) {
        let fd = call.arguments.first().and_then(|argument| descriptor(argument));
        match (call.name, fd) {
            ("flock", Some((fd, "lock"))) => {
                let held = self.holders.entry(thread.to_owned()).or_default();
                if call.arguments.get(1).is_some_and(|how| how.contains("LOCK_UN")) {
                    held.remove(fd);
                } else if held.insert(fd.to_owned()) {
                    self.findings.locked += 1;
                }
            }
            // A file's lock ends with its last descriptor.
            ("close", Some((fd, "lock"))) => self.holders.values_mut().for_each(|held| held.retain(|held| held != fd)),
            _ => {
                if self.works_on_a_large_one(call, fd.map(|(_, file)| file)) {
                    self.findings.large += 1;
                    if self.holders.get(thread).is_some_and(|held| !held.is_empty()) {
                        self.findings.under_the_lock.push(text.to_owned());
                    }
                }
            }
        }
    }

    /// Whether the call takes the longer the larger a segment is, and works on a large one.
    fn works_on_a_large_one(&mut self, call: &Call<'_>, file: Option<&str>) -> bool {
        let bytes = match call.name {
            "fallocate" => call.number(3),
            "ftruncate" | "mmap" | "munmap" | "mremap" | "mlock" | "mlock2" | "munlock" | "madvise" => call.number(1),
            "rename" | "link" => {
                self.name_again(call.arguments.first(), call.arguments.get(1));
                return false;
            }
            "renameat" | "renameat2" | "linkat" => {
                self.name_again(call.arguments.get(1), call.arguments.get(3));
                return false;
            }
            "unlink" | "unlinkat" => {
                let path = call.arguments.get(usize::from(call.name == "unlinkat"));
                let file = path.map_or("", |path| last(path));
                // Of a payload segment that this process has not made itself, nobody knows.
                let is_segment = file.contains("segment-") || file.contains("handover-");
                Some(self.sizes.get(file).copied().unwrap_or(if is_segment { LARGE } else { 0 }))
            }
            _ => None,
        };
        let mapped = (call.name == "mmap").then(|| call.arguments.get(4).and_then(|fd| descriptor(fd))).flatten();
        if let (Some(file), Some(bytes)) = (file.or(mapped.map(|(_, file)| file)), bytes) {
            let size = self.sizes.entry(file.to_owned()).or_default();
            *size = bytes.max(*size);
        }
        // What belongs to no file is a thread's stack or the heap.
        let of_a_file = call.name != "mmap" || mapped.is_some();
        of_a_file && bytes.is_some_and(|bytes| bytes >= LARGE)
    }

    fn name_again(&mut self, from: Option<&&str>, to: Option<&&str>) {
        if let (Some(from), Some(to)) = (from, to)
            && let Some(size) = self.sizes.get(last(from)).copied()
        {
            self.sizes.insert(last(to).to_owned(), size);
        }
    }
}

#[test]
fn a_trace_is_read_as_it_is_written() {
    // Calls of three threads: 1 works under the lock, 2 works beside it, 3 waits for it.
    let trace = r#"
1 fallocate(8</r/services/ab/new-segment-1-2-0>, 0, 0, 268435456) = 0
1 mmap(NULL, 268435456, PROT_READ|PROT_WRITE, MAP_SHARED, 8</r/services/ab/new-segment-1-2-0>, 0) = 0x7f0000000000
1 flock(6</r/nodes/aa>, LOCK_EX|LOCK_NB)  = 0
1 munmap(0x7f0000000000, 268435456)       = 0
1 flock(5</r/services/ab/lock>, LOCK_EX|LOCK_NB) = -1 EAGAIN (Resource temporarily unavailable)
1 mmap(NULL, 268435456, PROT_READ, MAP_SHARED, 8</r/a, b>, 0 <unfinished ...>
2 munmap(0x7f1000000000, 268435456 <unfinished ...>
1 <... mmap resumed>)                     = 0x7f0000000000
1 flock(5</r/services/ab/lock>, LOCK_EX|LOCK_NB) = 0
2 <... munmap resumed>)                   = 0
3 flock(7</r/services/ab/lock>, LOCK_EX|LOCK_NB) = -1 EAGAIN (Resource temporarily unavailable)
1 rename("/r/services/ab/new-segment-1-2-0", "/r/services/ab/segment-1-2-0") = 0
1 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 9</r/services/ab/connection-1-2>, 0) = 0x7f0000000000
1 mmap(NULL, 268439552, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000
1 unlink("/r/services/ab/connection-1-2") = 0
1 unlink("/r/services/ab/segment-1-2-0")  = 0
1 unlinkat(AT_FDCWD</r>, "/r/services/ab/segment-3-4-0", 0) = 0
1 unlink("/r/services/ab/segment-5-6-0")  = -1 ENOENT (No such file or directory)
1 mlock(0x7f0000000000, 268435456)        = 0
2 ftruncate(4</r/services/ab/segment-7-8-0 (deleted)>, 268435456) = 0
1 flock(5</r/services/ab/lock>, LOCK_UN)  = 0
1 munmap(0x7f0000000000, 268435456)       = 0
3 flock(7</r/services/ab/lock>, LOCK_EX|LOCK_NB) = 0
3 close(7</r/services/ab/lock>)           = 0
3 munmap(0x7f0000000000, 268435456)       = 0
3 --- SIGTERM {si_signo=SIGTERM, si_code=SI_USER} ---
3 +++ exited with 0 +++
"#;
    let findings = Tracker::read(trace);
    let under_the_lock = [
        r#"unlink("/r/services/ab/segment-1-2-0")  = 0"#,
        r#"unlinkat(AT_FDCWD</r>, "/r/services/ab/segment-3-4-0", 0) = 0"#,
        "mlock(0x7f0000000000, 268435456)        = 0",
    ];
    assert_eq!(findings.under_the_lock, under_the_lock);
    assert_eq!((findings.locked, findings.large), (2, 11));
}

#[test]
fn a_trace_of_one_thread_needs_no_numbers_of_threads() {
    let trace = "flock(5</r/services/ab/lock>, LOCK_EX) = 0\nmunmap(0x1000, 20000000) = 0\n";
    assert_eq!(Tracker::read(trace).under_the_lock, ["munmap(0x1000, 20000000) = 0"]);
    let trace = "flock(5</r/services/ab/lock>, LOCK_EX) = 0\nmunmap(0x1000, 2000) = 0\nnonsense\n = \n(\n";
    assert_eq!(Tracker::read(trace), Findings { locked: 1, ..Findings::default() });
}

fn service(node: &Node) -> RequestResponseBuilder<u64, [u8]> {
    node.service_builder(&name("lock")).request_response::<u64, [u8]>()
}

/// The processes of these tests.
pub fn play(role: &str, root: &Path, bytes: u64, (ready, wait): (fn(), fn())) {
    let node = Node::builder().root(root).create().unwrap();
    let service = service(&node).open_or_create().unwrap();
    let come = || {
        let builder = service.server_builder().initial_max_slice_len(bytes as usize).preallocate(1);
        builder.create().unwrap()
    };
    match role {
        // A server with a large segment that comes, answers a client, and goes.
        "newcomer" => {
            ready();
            for _ in 0..ROUNDS {
                let server = come();
                let end = Instant::now() + DEADLINE;
                let active = loop {
                    if let Some(active) = server.receive().unwrap() {
                        break active;
                    }
                    assert!(Instant::now() < end, "no client has sent anything");
                    std::thread::sleep(Duration::from_millis(1));
                };
                let mut answer = active.loan_slice_uninit(bytes as usize).unwrap();
                answer.payload_mut().fill(7);
                answer.assume_init().send().unwrap();
                drop((server, active));
            }
        }
        // A client that meets every server that comes.
        "newcomer-client" => {
            let client = service.client_builder().create().unwrap();
            ready();
            let (told, tell) = std::sync::mpsc::channel::<()>();
            std::thread::spawn(move || {
                wait();
                drop(told);
            });
            while tell.try_recv() != Err(std::sync::mpsc::TryRecvError::Disconnected) {
                let pending = client.send_copy(1).unwrap();
                while pending.is_connected() && pending.receive().unwrap().is_none() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                drop(pending);
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        // As the first, without a client, until it is killed.
        "newcomer-again-and-again" => {
            ready();
            loop {
                drop(come());
            }
        }
        other => panic!("no such role: {other}"),
    }
}

fn strace(file: &Path) -> [String; 8] {
    ["strace", "-f", "-y", "-s", "300", "-e", TRACED, "-o"]
        .map(ToOwned::to_owned)
        .map(|word| if word == "-o" { format!("-o{}", file.display()) } else { word })
}

/// Creating, mapping, unmapping and removing a large segment all happen outside of the lock, in the process that makes it
/// and in one that meets it.
#[test]
fn nothing_is_done_with_a_large_segment_under_the_lock_of_the_service() {
    let works = Command::new("strace").args(["-f", "-y", "-o/dev/null", "true"]).stderr(Stdio::null()).status();
    if !works.is_ok_and(|status| status.success()) {
        println!("not tested: strace is missing (install your system's package of this name), or may not trace here");
        return;
    }
    let scratch = Scratch::new();
    let folder = tempfile::tempdir().unwrap();
    let begin = |role: &str| {
        let trace = folder.path().join(role);
        let tracer = strace(&trace);
        let by: Vec<&OsStr> = tracer.iter().map(OsStr::new).collect();
        (Process::begin_under(&by, role, scratch.path(), SEGMENT), trace)
    };
    // Keeps the service from ending in between.
    let node = scratch.node();
    let _service = service(&node).open_or_create().unwrap();
    let (mut client, of_client) = begin("newcomer-client");
    client.wait_until_ready();
    let (mut server, of_server) = begin("newcomer");
    server.wait_until_ready();
    server.finish();
    client.finish();
    for (whose, trace) in [("server with a large segment", of_server), ("client that meets it", of_client)] {
        let trace = std::fs::read_to_string(trace).unwrap();
        let findings = Tracker::read(&trace);
        assert!(findings.locked as u64 >= ROUNDS, "the lock was taken {} times: what is traced here?", findings.locked);
        assert!(findings.large as u64 >= ROUNDS, "{} calls for a large segment: what is traced here?", findings.large);
        assert!(
            findings.under_the_lock.is_empty(),
            "{} system calls of a {whose} of {SEGMENT} bytes were made while it held the service's lock, for which every \
             other process waits that meets a new peer:\n{}",
            findings.under_the_lock.len(),
            findings.under_the_lock.join("\n")
        );
    }
}

/// The longest wait of a pair that is busy while a server with a very large segment comes and goes.
#[test]
#[ignore = "prints figures: scripts/newcomers"]
fn newcomers() {
    let bytes = std::env::var("SHMARK_NEWCOMER_BYTES").map_or(4 << 30, |bytes| bytes.parse::<u64>().unwrap());
    let seconds = std::env::var("SHMARK_NEWCOMER_SECONDS").map_or(20, |seconds| seconds.parse::<u64>().unwrap());
    let scratch = Scratch::new();
    let nodes = [scratch.node(), scratch.node()];
    let [of_server, of_client] = nodes.each_ref().map(|node| service(node).open_or_create().unwrap());
    let stop = std::sync::Arc::new(AtomicBool::new(false));
    let stopped = std::sync::Arc::clone(&stop);
    let thread = std::thread::spawn(move || {
        let server = of_server.server_builder().create().unwrap();
        while !stopped.load(Ordering::Acquire) {
            if let Some(active) = server.receive().unwrap() {
                active.loan_slice(1).unwrap().send().unwrap();
            }
        }
    });
    let client = of_client.client_builder().create().unwrap();
    until("a server", || client.send_copy(0).unwrap().number_of_server_connections() > 0);
    let longest = |seconds| {
        let (end, mut longest, mut count) = (Instant::now() + Duration::from_secs(seconds), Duration::ZERO, 0_u64);
        while Instant::now() < end {
            let started = Instant::now();
            let pending = client.send_copy(count).unwrap();
            while pending.receive().unwrap().is_none() {
                assert!(started.elapsed() < DEADLINE, "no answer within {DEADLINE:?}");
            }
            longest = longest.max(started.elapsed());
            count += 1;
        }
        (longest, count)
    };
    let alone = longest(seconds.div_ceil(4));
    let newcomer = Process::start("newcomer-again-and-again", scratch.path(), bytes);
    let beside = longest(seconds);
    newcomer.kill();
    stop.store(true, Ordering::Release);
    thread.join().unwrap();
    for (when, (longest, count)) in [("alone", alone), ("beside a newcomer", beside)] {
        println!("{when}: longest of {count} round trips {:.3} ms", longest.as_secs_f64() * 1e3);
    }
}
