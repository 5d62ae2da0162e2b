//! Round trips by the million, with growth, drops and reconnects, after which nothing may be more than after the first
//! thousand: no chunk, no file, no descriptor, no mapping and no byte of memory.
//!
//! `cargo test` does a few; `scripts/soak` does 100 million, or as many as it is told.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use allocation_counter::measure;
use shmark_engine::{ActiveRequest, AllocationStrategy, Client, Node, PendingResponse, Server, Service, Waited};

use crate::common::{DEADLINE, Scratch, name, until};
use crate::processes::Process;

/// Requests of one client before it is dropped and made anew.
const CLIENT_LIFE: u64 = 250;
/// Requests after which the server is dropped and made anew.
const SERVER_LIFE: u64 = 5000;
/// Requests after which the client's node leaves, too.
const NODE_LIFE: u64 = 1000;
/// Round trips before the figures that all later ones are held against.
const FIRST: u64 = 1000;
/// Pages that the allocator and the stacks may come to touch later, on a heap whose bytes are counted exactly.
const RESIDENT_SLACK_KIB: u64 = 256;
/// How long the server waits before it looks whether there is anything else to do.
const IDLE: Duration = Duration::from_millis(5);

/// What the server is to do with a request, in its second word.
mod op {
    /// Plus the number of responses.
    pub const ANSWER: u64 = 0;
    /// Leaves, and comes back as another server.
    pub const LEAVE: u64 = 100;
    /// Ends a stretch over which its memory is counted.
    pub const REPORT: u64 = 101;
}

type Slices = Service<[u64], [u64]>;

/// What both threads tell each other beside the engine.
#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    /// How many servers there were so far.
    servers: AtomicU64,
    /// How often it has polled without result.
    looks: AtomicU64,
    /// How many stretches the server has reported.
    reports: AtomicU64,
    /// Of the last one, and of all.
    chunks: AtomicUsize,
    bytes: AtomicI64,
}

/// Everything that could leak.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Figures {
    chunks_of_client: usize,
    chunks_of_server: usize,
    files: usize,
    file_bytes: u64,
    descriptors: usize,
    mappings: usize,
    /// Bytes on the heap since the first figures.
    heap_bytes: i64,
}

fn service(root: &Path) -> (Node, Slices) {
    let node = Node::builder().root(root).create().unwrap();
    let builder = node.service_builder(&name("soak")).request_response::<[u64], [u64]>();
    let service = builder.max_response_buffer_size(4).max_clients(2).max_servers(1).open_or_create().unwrap();
    (node, service)
}

fn client(service: &Slices) -> Client<[u64], [u64]> {
    service.client_builder().allocation_strategy(AllocationStrategy::PowerOfTwo).create().unwrap()
}

fn server(service: &Slices) -> Server<[u64], [u64]> {
    service.server_builder().allocation_strategy(AllocationStrategy::BestFit).create().unwrap()
}

/// Elements of message `number`: few, and now and then many more, so that whoever is new has to grow.
fn len(number: u64) -> usize {
    let many = number & 127 == 127;
    // An odd step visits every remainder, and two that follow one another are far apart.
    2 + if many { (number >> 7).wrapping_mul(1009) % 4096 } else { number % 6 } as usize
}

fn answer(active: &ActiveRequest<[u64], [u64]>, number: u64) {
    let response = active.loan_slice_uninit(len(number ^ 64)).unwrap();
    // Nobody may want it any more.
    response.write_from_fn(|_| number).send().unwrap();
}

fn serve(root: &Path, shared: &Shared) {
    let (_node, service) = service(root);
    let mut port = Some(server(&service));
    shared.servers.store(1, Ordering::Release);
    while !shared.stop.load(Ordering::Acquire) {
        let stretch = measure(|| serve_until_report(&service, &mut port, shared));
        shared.bytes.fetch_add(stretch.bytes_current, Ordering::Relaxed);
        shared.chunks.store(port.as_ref().map_or(0, Server::chunks_in_use), Ordering::Relaxed);
        shared.reports.fetch_add(1, Ordering::Release);
    }
}

fn serve_until_report(service: &Slices, port: &mut Option<Server<[u64], [u64]>>, shared: &Shared) {
    while let Some(server_now) = port {
        let Waited::Received(active) = server_now.receive_timeout(IDLE).unwrap() else {
            shared.looks.fetch_add(1, Ordering::Release);
            if shared.stop.load(Ordering::Acquire) {
                return;
            }
            continue;
        };
        let (number, wanted) = (active[0], active[1]);
        assert!(active.iter().skip(2).all(|word| *word == number), "request {number} is damaged");
        match wanted {
            op::REPORT => return,
            op::LEAVE => {
                drop(active);
                // There is room for one.
                *port = None;
                *port = Some(server(service));
                shared.servers.fetch_add(1, Ordering::Release);
            }
            times => (op::ANSWER..times).for_each(|_| answer(&active, number)),
        }
    }
}

/// The client's side of the soak.
struct Soak<'a> {
    root: &'a Path,
    shared: &'a Shared,
    /// Requests sent so far, and the number of the next.
    number: u64,
    servers: u64,
    node: Option<(Node, Slices)>,
}

impl Soak<'_> {
    fn send(&self, client: &Client<[u64], [u64]>, wanted: u64) -> PendingResponse<[u64]> {
        let number = self.number;
        let words = |i| if i == 1 { wanted } else { number };
        // Read in the client's segment, so that whoever reports has mapped one, whenever it met the client.
        let len = if wanted == op::REPORT { 8 } else { len(number) };
        let pending = client.loan_slice_uninit(len).unwrap().write_from_fn(words).send().unwrap();
        assert_eq!(pending.number_of_server_connections(), 1, "request {number}");
        pending
    }

    /// One of each kind, as the number says.
    fn request(&mut self, client: &Client<[u64], [u64]>) {
        self.number += 1;
        let number = self.number;
        // Nobody waits for the answer, there is none, there are several, or, nearly always, one.
        if number.is_multiple_of(61) {
            drop(self.send(client, op::ANSWER + 1));
            return;
        }
        let times = if number.is_multiple_of(53) {
            0
        } else if number.is_multiple_of(41) {
            3
        } else {
            1
        };
        let pending = self.send(client, op::ANSWER + times);
        for _ in 0..times {
            let Waited::Received(response) = pending.receive_timeout(DEADLINE).unwrap() else {
                panic!("no response to {number}");
            };
            assert!(response.iter().all(|word| *word == number), "response {number} is damaged");
            assert_eq!(response.len(), len(number ^ 64));
        }
        if number.is_multiple_of(31) || times == 0 {
            let end = pending.receive_timeout(DEADLINE).unwrap();
            assert!(matches!(end, Waited::Disconnected), "more responses to {number} than were sent");
        }
    }

    /// The life of one client, and the end of a server's.
    fn life(&mut self, end: u64, is_last: bool) {
        let (_, service) = self.node.get_or_insert_with(|| service(self.root));
        let client = client(service);
        while self.number < end {
            self.request(&client);
        }
        if is_last || end.is_multiple_of(SERVER_LIFE) {
            let pending = self.send(&client, op::LEAVE);
            self.servers += 1;
            assert!(matches!(pending.receive_timeout(DEADLINE).unwrap(), Waited::Disconnected));
            drop(pending);
            until("another server", || self.shared.servers.load(Ordering::Acquire) == self.servers);
            assert_eq!(client.chunks_in_use(), 0, "chunks of the client, after {} round trips", self.number);
        }
        drop(client);
        if end.is_multiple_of(NODE_LIFE) {
            self.node = None;
        }
    }

    /// Until so many are done. The server that is there then is a new one, which has not grown.
    fn until(&mut self, end: u64) {
        while self.number < end {
            let next = (self.number + CLIENT_LIFE).min(end);
            self.life(next, next == end);
        }
    }

    /// What there is when nobody does anything.
    fn figures(&mut self, heap_bytes: i64) -> Figures {
        let (node, service) = service(self.root);
        let client = client(&service);
        let reports = self.shared.reports.load(Ordering::Acquire);
        drop(self.send(&client, op::REPORT));
        until("a report", || self.shared.reports.load(Ordering::Acquire) > reports);
        let chunks_of_client = client.chunks_in_use();
        drop((client, service, node));
        // Twice, so that one of them began after the client was gone.
        let looks = self.shared.looks.load(Ordering::Acquire);
        until("the server to look", || self.shared.looks.load(Ordering::Acquire) > looks + 1);
        let mut files = Vec::new();
        let mut folders = vec![self.root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path.metadata().unwrap()) }
            }
        }
        Figures {
            chunks_of_client,
            chunks_of_server: self.shared.chunks.load(Ordering::Relaxed),
            files: files.len(),
            file_bytes: files.iter().map(|file| file.blocks() * 512).sum(),
            descriptors: std::fs::read_dir("/proc/self/fd").unwrap().count(),
            mappings: maps(self.root),
            heap_bytes: heap_bytes + self.shared.bytes.load(Ordering::Relaxed),
        }
    }
}

/// Mappings of files below a folder.
fn maps(root: &Path) -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().filter(|line| line.contains(root.to_str().unwrap())).count()
}

/// Resident memory that belongs to no file, in KiB.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.split_ascii_whitespace().next().unwrap().parse().unwrap()
}

/// Bytes on the heap that threads hand to each other while they wait for a lock, which are counted for the one that takes
/// them: so many, and one more for so many round trips. A byte for each of them is more, and what stays is resident.
const HEAP_SLACK_BYTES: i64 = 16 << 10;
const ROUND_TRIPS_PER_BYTE: u64 = 256;

/// Ends the server, also when a comparison fails.
struct Stop<'a>(&'a Shared);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Release);
    }
}

/// Does so many round trips, and compares.
pub fn soak(root: &Path, count: u64, progress: bool) {
    let shared = Shared::default();
    std::thread::scope(|scope| {
        let serving = scope.spawn(|| serve(root, &shared));
        let stop = Stop(&shared);
        until("the first server", || serving.is_finished() || shared.servers.load(Ordering::Acquire) > 0);
        let mut soak = Soak { root, shared: &shared, number: 0, servers: 1, node: None };
        soak.until(FIRST);
        soak.figures(0);
        // Not the memory of what a first look at everything takes.
        shared.bytes.store(0, Ordering::Relaxed);
        let first = soak.figures(0);
        let resident_first = resident_kib();
        let began = Instant::now();
        let mut heap_bytes = 0;
        let steps = 20;
        for step in 1..=steps {
            let end = (FIRST + (count - FIRST) * step / steps).next_multiple_of(NODE_LIFE);
            heap_bytes += measure(|| soak.until(end)).bytes_current;
            let now = soak.figures(heap_bytes);
            if progress {
                let each_ns = began.elapsed().as_nanos() as u64 / (soak.number - FIRST);
                println!("{} round trips, {each_ns} ns each, {} KiB resident, {now:?}", soak.number, resident_kib());
            }
            // Memory that one thread takes and another one gives back counts for a thread, and does not add up.
            let heap_is_right =
                now.heap_bytes.abs() <= HEAP_SLACK_BYTES + (soak.number / ROUND_TRIPS_PER_BYTE).cast_signed();
            let now = Figures { heap_bytes: first.heap_bytes, ..now };
            assert!(
                now == first && heap_is_right,
                "after {} round trips it is not as after {FIRST}, but {now:?}, with {heap_bytes} bytes more on the heap",
                soak.number
            );
        }
        let resident = resident_kib();
        assert!(
            resident <= resident_first + RESIDENT_SLACK_KIB,
            "{resident} KiB are resident after {} round trips, and were {resident_first} after {FIRST}",
            soak.number
        );
        drop(stop);
    });
}

#[test]
fn nothing_is_more_after_many_round_trips() {
    let scratch = Scratch::new();
    Process::start("soak", scratch.path(), 0).finish();
    scratch.assert_empty();
}

/// Run by `scripts/soak`.
#[test]
#[ignore = "takes minutes: run scripts/soak"]
fn soak_for_long() {
    let count = std::env::var("SHMARK_SOAK").map_or(100_000_000, |count| count.parse().unwrap());
    let scratch = Scratch::new();
    soak(scratch.path(), count, true);
    scratch.assert_empty();
}
