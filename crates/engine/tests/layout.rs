//! `docs/LAYOUT.md` against the files that the engine writes: read here with nothing but what that page says.
//!
//! A change that fails one of these needs another layout version, or a correction of the page.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs::{self, File};
use std::hash::Hasher;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use shmark_engine::{BackpressureStrategy, Config, Id, Node, ServiceName};
use siphasher::sip128::{Hasher128, SipHasher13};

const NAME: &str = "My/Funk/ServiceName";
const FOLDER: &str = "607da4b35a0145463ab8f7942d297a79";
/// In the place of a chunk's number and one more: the message lies in the slot.
const IN_SLOT: u64 = (1 << 24) - 1;

/// A shared file, read word by word.
struct Words(File);

impl Words {
    fn open(path: &Path) -> Self {
        Self(File::open(path).unwrap())
    }

    fn bytes<const N: usize>(&self, word: u64) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.read_exact_at(&mut bytes, 8 * word).unwrap();
        bytes
    }

    fn word(&self, word: u64) -> u64 {
        u64::from_ne_bytes(self.bytes(word))
    }

    fn words<const N: usize>(&self, first: u64) -> [u64; N] {
        std::array::from_fn(|i| self.word(first + i as u64))
    }

    fn magic(&self) -> [u8; 8] {
        self.word(0).to_le_bytes()
    }

    fn id(&self, word: u64) -> Id {
        Id::from_words(self.words(word))
    }

    /// Length of the file, words.
    fn len(&self) -> u64 {
        let meta = self.0.metadata().unwrap();
        assert!(meta.blocks() * 512 >= meta.len(), "its pages are not reserved");
        meta.len() / 8
    }
}

fn files(folder: &Path, start: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(start)).collect()
}

/// Sequence, segment, and a chunk's number and one more, of a channel's word.
fn entry(word: u64) -> (u64, u64, u64) {
    (word >> 36, (word >> 24) & 0xFFF, word & 0xFF_FFFF)
}

fn hash(bytes: &[u8]) -> String {
    let mut hasher = SipHasher13::new();
    hasher.write(bytes);
    let hash = hasher.finish128();
    format!("{:016x}{:016x}", hash.h2, hash.h1)
}

#[test]
fn nodes_and_services_are_where_the_page_says() {
    let root = tempfile::tempdir().unwrap();
    let node = Node::builder().config(Config::default()).name("camera").root(root.path()).create().unwrap();
    let file = root.path().join("nodes").join(node.id().to_string());
    assert_eq!(fs::read_to_string(&file).unwrap(), "camera");
    assert!(File::open(&file).unwrap().try_lock().is_err(), "a living node's lock can be taken");

    let name = ServiceName::new(NAME).unwrap();
    let service = node.service_builder(&name).request_response::<u64, [u8]>().create().unwrap();
    assert_eq!(hash(NAME.as_bytes()), FOLDER);
    let folder = root.path().join("services").join(FOLDER);
    let text = fs::read_to_string(folder.join("static.toml")).unwrap();
    let (body, sum) = text.rsplit_once("# checksum: ").unwrap();
    assert_eq!(sum, format!("{}\n", hash(body.as_bytes())));
    assert_eq!(fs::read(folder.join("lock")).unwrap(), b"");
    let page = include_str!("../../../docs/LAYOUT.md");
    let keys =
        |text: &str| text.lines().filter_map(|line| Some(line.split_once(" = ")?.0.to_owned())).collect::<Vec<_>>();
    let shown = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(keys(body), keys(shown), "the page shows other keys than the file has");
    assert_eq!(body.lines().next(), shown.lines().next(), "the page describes another version");

    let registry = Words::open(&folder.join("registry"));
    let settings = service.settings();
    let ports = (settings.max_clients + settings.max_servers) as u64;
    assert_eq!(registry.len(), 16 + 4 * settings.max_nodes as u64 + 16 * ports);
    assert_eq!(&registry.magic(), b"shmkreg\x02");
    assert_eq!((registry.words(4), registry.word(16), registry.id(17)), ([0, 0], 1, node.id()));
    // Whoever takes the lock marks it.
    let lock = File::options().write(true).open(folder.join("lock")).unwrap();
    lock.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    drop(service.client_builder().create().unwrap());
    assert!(lock.metadata().unwrap().modified().unwrap() > SystemTime::UNIX_EPOCH, "the lock has not been marked");
    drop(service);
    assert!(!folder.exists() && registry.word(4) == 1, "the last one to leave takes the service away");
    drop(node);
    assert!(!file.exists());
}

#[test]
fn ports_segments_and_connections_are_as_the_page_says() {
    let root = tempfile::tempdir().unwrap();
    let node = Node::builder().config(Config::default()).root(root.path()).create().unwrap();
    let name = ServiceName::new(NAME).unwrap();
    let service = node.service_builder(&name).request_response::<[u64; 3], [u64; 3]>().create().unwrap();
    let folder = root.path().join("services").join(FOLDER);
    let registry = Words::open(&folder.join("registry"));
    let changes = registry.word(8);

    let client = service.client_builder().name("left").create().unwrap();
    let place = 16 + 4 * service.settings().max_nodes as u64;
    assert_eq!((registry.word(place), registry.id(place + 1), registry.id(place + 3)), (1, client.id(), node.id()));
    assert_eq!((registry.word(place + 5), &registry.bytes(place + 6)), (4, b"left\0\0\0\0"));
    assert_eq!(registry.word(8), changes + 1);

    let segment = Words::open(&folder.join(format!("segment-{}-{}-0", node.id(), client.id())));
    assert_eq!(&segment.magic(), b"shmkseg\x02");
    let [stride, chunks, align] = segment.words(1);
    // Default settings: 2 loaned, 2 times 4 active at each of 2 servers, and 1.
    assert_eq!((stride, chunks, align), (64, 2 + 2 * 2 * 4 + 1, 64));
    assert_eq!(8 * segment.len(), 64 + stride * chunks);

    // The later one makes the connection; the earlier one maps and unlinks it when it looks next.
    let server = service.server_builder().create().unwrap();
    let path = folder.join(format!("connection-{}-{}", client.id(), server.id()));
    let connection = Words::open(&path);
    assert_eq!(&connection.magic(), b"shmkcon\x02");
    assert_eq!(connection.words(1), [4, 4, 2, 16, 32]);
    assert_eq!(files(&folder, "unfinished-"), Vec::<PathBuf>::new(), "it has been published");
    assert_eq!((connection.id(6), connection.len()), (node.id(), 248));
    assert_eq!((connection.word(8), connection.word(16)), (0, 1), "states of client and server");

    let pending = client.send_copy([0xABCD, 2, 3]).unwrap();
    assert!(!path.exists() && connection.word(8) == 1, "both sides have mapped it");
    assert_eq!(entry(connection.word(40)), (0, 0, IN_SLOT));
    // Request 1, on this lane, 1 element, and the payload right behind.
    let [request_id, lane, elements, payload, _, last] = connection.words(41);
    assert_eq!((request_id, elements, payload, last), (1, 1, 0xABCD, 3));
    let lane_at = 40 + 8 * 4 + lane * 8 * (2 + 2);
    assert_eq!((connection.word(lane_at), connection.word(lane_at + 8)), (1, 0), "open and done");

    let active = server.receive().unwrap().unwrap();
    assert_eq!(connection.word(40), 0, "what is taken leaves an empty slot");
    active.send_copy([0x1234, 5, 6]).unwrap();
    assert_eq!(entry(connection.word(lane_at + 16)), (0, 0, IN_SLOT));
    assert_eq!(connection.words(lane_at + 17), [1, lane, 1, 0x1234, 5, 6]);
    drop(active);
    assert_eq!(connection.word(lane_at + 8), 1, "done");
    drop(pending.receive().unwrap().unwrap());
    let returns = 40 + 8 * 4 + 4 * 8 * (2 + 2);
    assert_eq!((connection.word(returns), connection.word(returns + 16)), (0, 0), "no chunk was lent");
    assert_eq!(connection.words(24), [0; 16], "the shuttle carries less, and a line is not used");
    pending.set_disconnect_hint();
    assert_eq!(connection.word(lane_at + 1), 1, "hint");
    drop(pending);
    assert_eq!(connection.word(lane_at), 0, "nobody waits any more");

    drop(client);
    assert_eq!(registry.word(place), 2, "an even state is a free place");
    assert_eq!((connection.word(8), connection.word(16)), (3, 1), "the client holds nothing any more");
    drop(server);
    assert_eq!(files(&folder, "segment-"), Vec::<PathBuf>::new());
}

#[test]
fn a_lone_small_request_goes_by_the_shuttle_and_its_first_response_comes_back_by_it() {
    let root = tempfile::tempdir().unwrap();
    let node = Node::builder().config(Config::default()).root(root.path()).create().unwrap();
    let service = node.service_builder(&ServiceName::new(NAME).unwrap()).request_response::<[u8], [u8]>();
    let service = service.max_active_requests_per_client(2).create().unwrap();
    let folder = root.path().join("services").join(FOLDER);
    let client = service.client_builder().initial_max_slice_len(33).create().unwrap();
    let server = service.server_builder().initial_max_slice_len(33).create().unwrap();
    let connection = Words::open(&folder.join(format!("connection-{}-{}", client.id(), server.id())));
    let send = |len: usize| client.loan_slice_uninit(len).unwrap().write_from_fn(|i| i as u8).send().unwrap();
    let bytes = |len: u8| u64::from_ne_bytes(std::array::from_fn(|i| if i < len.into() { i as u8 } else { 0 }));

    // 11 bytes: number 1, 12 is one more than the elements, lane 0.
    let first = send(11);
    let [request, request_id, payload, end, reply] = connection.words(24);
    assert_eq!((request, request_id, payload), (1 << 32 | 12 << 16, 1, bytes(8)));
    assert_eq!(end.to_ne_bytes()[..3], [8, 9, 10]);
    assert_eq!((reply, connection.word(40)), (0, 0));
    // The second one is not alone: it goes through the channel.
    let second = send(1);
    assert_eq!((connection.word(24), entry(connection.word(40))), (request, (0, 0, IN_SLOT)));
    let actives = [0, 1].map(|_| server.receive().unwrap().unwrap());
    assert_eq!(actives.each_ref().map(|active| active.len()), [11, 1], "in the order in which they were sent");
    assert_eq!(connection.word(24), 0, "what is taken leaves an empty word");

    let answer = |active: usize, len: usize| {
        actives[active].loan_slice_uninit(len).unwrap().write_from_fn(|i| i as u8).send().unwrap();
    };
    for (active, len) in [(1, 2), (0, 3), (0, 4)] {
        answer(active, len);
    }
    let [reply, payload, _, reserved] = connection.words(28);
    assert_eq!((reply, reserved), (1 << 16 | 4, 0), "number 1, and 3 elements and 1");
    assert_eq!(payload.to_ne_bytes()[..3], [0, 1, 2]);
    let lane_at = |lane: u64| 40 + 8 * 2 + lane * 8 * (2 + 2);
    for (lane, number, elements) in [(0, 1, 4), (1, 2, 2)] {
        let slot = lane_at(lane) + 16;
        assert_eq!((entry(connection.word(slot)), connection.word(slot + 3)), ((0, 0, IN_SLOT), elements), "{number}");
    }
    for len in [3, 4] {
        assert_eq!(first.receive().unwrap().unwrap().len(), len);
    }
    assert_eq!((connection.word(28), second.receive().unwrap().unwrap().len()), (0, 2));
    drop((first, second, actives));

    // Nothing of 17 bytes, and no response to what came through the channel.
    let third = send(17);
    assert_eq!((connection.word(24), entry(connection.word(48))), (0, (1, 0, IN_SLOT)));
    server.receive().unwrap().unwrap().loan_slice(1).unwrap().send().unwrap();
    assert_eq!(connection.word(28), 0);
    drop(third);
}

#[test]
fn larger_messages_and_those_that_displace_lie_in_chunks() {
    let root = tempfile::tempdir().unwrap();
    let node = Node::builder().config(Config::default()).root(root.path()).create().unwrap();
    let service = node.service_builder(&ServiceName::new(NAME).unwrap()).request_response::<[u8], [u8]>();
    let service = service.max_active_requests_per_client(1).create().unwrap();
    let folder = root.path().join("services").join(FOLDER);
    let client = service.client_builder().initial_max_slice_len(33).create().unwrap();
    let segment = Words::open(&folder.join(format!("segment-{}-{}-0", node.id(), client.id())));
    let server = service.server_builder().initial_max_slice_len(33).create().unwrap();
    let connection = Words::open(&folder.join(format!("connection-{}-{}", client.id(), server.id())));
    let send = |len: usize| client.loan_slice_uninit(len).unwrap().write_from_fn(|i| i as u8).send().unwrap();
    let [payload, more] = [0, 8].map(|first| u64::from_ne_bytes(std::array::from_fn(|i| first + i as u8)));

    // 24 bytes and 33 are more than 56.
    let pending = send(33);
    let (sequence, in_segment, chunk) = entry(connection.word(40));
    assert_eq!((sequence, in_segment), (0, 0));
    assert_ne!(chunk, IN_SLOT);
    assert_eq!(segment.words(8 * chunk), [1, 0, 33, payload, more]);
    let hint = connection.word(41);
    let active = server.receive().unwrap().unwrap();
    active.loan_slice_uninit(33).unwrap().write_from_fn(|i| i as u8).send().unwrap();
    let lane_at = 40 + 8;
    let (_, _, response_chunk) = entry(connection.word(lane_at + 16));
    let responses = Words::open(&folder.join(format!("segment-{}-{}-0", node.id(), server.id())));
    assert_eq!(responses.words(8 * response_chunk), [1, 0, 33, payload, more]);
    drop(active);
    drop(pending.receive().unwrap().unwrap());
    let returns = lane_at + 8 * (2 + 2);
    assert_eq!((connection.word(returns), connection.word(returns + 8)), (chunk, response_chunk));
    drop(pending);

    // 24 and 32 are not, and fill the line of the slot.
    drop(send(32));
    assert_eq!(entry(connection.word(40)), (1, 0, IN_SLOT));
    let body: [u64; 7] = connection.words(41);
    assert_eq!(body[..5], [2, 0, 32, payload, more]);
    assert_eq!(body[6].to_ne_bytes(), std::array::from_fn(|i| 24 + i as u8));

    // A slot that is not empty gets another word, and nothing else.
    let pending = send(31);
    let (sequence, in_segment, chunk) = entry(connection.word(40));
    assert_eq!((sequence, in_segment, chunk), (2, 0, hint), "the chunk that was announced");
    assert_eq!(connection.words(41), body);
    assert_eq!(segment.words(8 * chunk), [3, 0, 31, payload, more]);
    assert_eq!(server.receive().unwrap().unwrap().len(), 31);
    drop(pending);
}

#[test]
fn wider_alignment_keeps_messages_in_chunks() {
    let root = tempfile::tempdir().unwrap();
    let node = Node::builder().config(Config::default()).root(root.path()).create().unwrap();
    let service = node.service_builder(&ServiceName::new(NAME).unwrap()).request_response::<u64, u64>();
    let service = service.request_payload_alignment(16).create().unwrap();
    let folder = root.path().join("services").join(FOLDER);
    let client = service.client_builder().create().unwrap();
    let segment = Words::open(&folder.join(format!("segment-{}-{}-0", node.id(), client.id())));
    let server = service.server_builder().create().unwrap();
    let connection = Words::open(&folder.join(format!("connection-{}-{}", client.id(), server.id())));
    drop(client.send_copy(7).unwrap());
    let (_, _, chunk) = entry(connection.word(40));
    assert_ne!(chunk, IN_SLOT);
    assert_eq!(segment.words(8 * chunk), [1, 0, 1, 0, 7], "the payload begins at byte 32");
}

/// Names of files that begin so, without the beginning.
fn names(folder: &Path, start: &str) -> Vec<String> {
    let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().strip_prefix(start).unwrap().to_owned();
    let mut names: Vec<_> = files(folder, start).into_iter().map(name).collect();
    names.sort_unstable();
    names
}

#[test]
fn clients_that_left_wait_for_the_server_by_number_and_the_first_is_given_up_beyond_the_bound() {
    let root = tempfile::tempdir().unwrap();
    let [node, other] = [(); 2].map(|()| Node::builder().config(Config::default()).root(root.path()).create().unwrap());
    let name = ServiceName::new(NAME).unwrap();
    let builder = |node: &Node| node.service_builder(&name).request_response::<[u8], [u8]>();
    let service = builder(&node).max_departed_clients(2).create().unwrap();
    let folder = root.path().join("services").join(FOLDER);
    let registry = Words::open(&folder.join("registry"));
    let server = service.server_builder().create().unwrap();
    let ports = 16 + 4 * service.settings().max_nodes as u64;
    let given_up = ports + 16 * service.settings().max_clients as u64 + 15;
    let clients = builder(&other).open().unwrap();

    // 33 bytes lie in a chunk.
    let come_and_go = || {
        let client = clients.client_builder().initial_max_slice_len(33).create().unwrap();
        let connection = Words::open(&folder.join(format!("connection-{}-{}", client.id(), server.id())));
        let id = client.id();
        drop(client.loan_slice_uninit(33).unwrap().write_from_fn(|i| i as u8).send().unwrap());
        drop(client);
        (id, connection)
    };
    let (first, connection) = come_and_go();
    assert_eq!(names(&folder, "connection-"), Vec::<String>::new());
    assert_eq!(names(&folder, "departed-"), [format!("0-{}-{first}-{}", other.id(), server.id())]);
    assert_eq!((connection.word(8), connection.word(16)), (3, 0), "the client is gone, the server has not looked");
    assert_eq!(connection.words(10), [0, 1], "a reserved word, and everything unread is handed over");
    assert_eq!(names(&folder, "handover-"), [format!("{first}-0-{}-{}", node.id(), server.id())]);
    assert_eq!(names(&folder, &format!("segment-{}-", other.id())), Vec::<String>::new());
    assert_eq!((registry.word(5), registry.word(given_up)), (1, 0), "departures, and requests that were given up");

    let rest = [come_and_go().0, come_and_go().0];
    let by_number = |(i, id): (usize, &Id)| format!("{}-{}-{id}-{}", i + 1, other.id(), server.id());
    assert_eq!(names(&folder, "departed-"), rest.iter().enumerate().map(by_number).collect::<Vec<_>>());
    let mut left = rest.map(|id| format!("{id}-0-{}-{}", node.id(), server.id()));
    left.sort_unstable();
    assert_eq!(names(&folder, "handover-"), left, "what the first one left went with its connection");
    assert_eq!((registry.word(5), registry.word(given_up)), (3, 1));
    for id in rest {
        let active = server.receive().unwrap().unwrap();
        assert_eq!((active.client_id(), active.len()), (id, 33));
    }
    assert_eq!(names(&folder, "departed-"), Vec::<String>::new());
    assert_eq!(names(&folder, "handover-"), Vec::<String>::new());
}

#[test]
fn without_fire_and_forget_nothing_is_left_for_the_server() {
    let root = tempfile::tempdir().unwrap();
    let node = Node::builder().config(Config::default()).root(root.path()).create().unwrap();
    let service = node.service_builder(&ServiceName::new(NAME).unwrap()).request_response::<[u8], [u8]>();
    let service = service.enable_fire_and_forget_requests(false).create().unwrap();
    let folder = root.path().join("services").join(FOLDER);
    let server = service.server_builder().create().unwrap();
    let client = service.client_builder().initial_max_slice_len(33).create().unwrap();
    let pending = client.loan_slice(33).unwrap().send().unwrap();
    let [client_id, server_id] = [client.id(), server.id()];
    drop(client);
    // Whose pending response lives may still be answered.
    assert_eq!(names(&folder, "departed-"), [format!("0-{}-{client_id}-{server_id}", node.id())]);
    drop(pending);
    for start in ["connection-", "departed-", "handover-", &format!("segment-{}-{client_id}", node.id())] {
        assert_eq!(names(&folder, start), Vec::<String>::new(), "{start}");
    }
}

#[test]
fn unread_responses_are_handed_over_by_a_server_that_leaves() {
    let root = tempfile::tempdir().unwrap();
    let node = Node::builder().config(Config::default()).root(root.path()).create().unwrap();
    let service = node.service_builder(&ServiceName::new(NAME).unwrap()).request_response::<u64, [u8]>();
    let service = service.create().unwrap();
    let folder = root.path().join("services").join(FOLDER);
    let client = service.client_builder().create().unwrap();
    let server = service.server_builder().initial_max_slice_len(33).create().unwrap();
    let connection = Words::open(&folder.join(format!("connection-{}-{}", client.id(), server.id())));
    let pending = client.send_copy(7).unwrap();
    let active = server.receive().unwrap().unwrap();
    active.loan_slice(33).unwrap().send().unwrap();
    let server_id = server.id();
    drop((server, active));
    assert_eq!(connection.words(16), [3, 0, 0, 1], "gone, segment 0, a reserved word, all was handed over");
    assert_eq!(names(&folder, "handover-"), [format!("{server_id}-0-{}-{}", node.id(), client.id())]);
    assert_eq!(names(&folder, &format!("segment-{}-{server_id}", node.id())), Vec::<String>::new());
    assert_eq!(pending.receive().unwrap().unwrap().len(), 33);
    drop(pending);
    drop(client);
    assert_eq!(names(&folder, "handover-"), Vec::<String>::new());
}

#[test]
fn a_server_that_could_not_attach_a_client_is_not_sent_to_until_it_has() {
    let root = tempfile::tempdir().unwrap();
    let node = Node::builder().config(Config::default()).root(root.path()).create().unwrap();
    let service = node.service_builder(&ServiceName::new(NAME).unwrap()).request_response::<u64, u64>();
    let service = service.create().unwrap();
    let folder = root.path().join("services").join(FOLDER);
    let registry = Words::open(&folder.join("registry"));
    let server = service.server_builder().create().unwrap();
    let client = service.client_builder().create().unwrap();
    let pair = format!("{}-{}", client.id(), server.id());

    // As a server does that has not enough descriptors.
    fs::rename(folder.join(format!("connection-{pair}")), folder.join(format!("deferred-{pair}"))).unwrap();
    let changes = registry.word(8) + 1;
    File::options()
        .write(true)
        .open(folder.join("registry"))
        .unwrap()
        .write_all_at(&changes.to_ne_bytes(), 64)
        .unwrap();
    assert_eq!(client.send_copy(1).unwrap().number_of_server_connections(), 0, "it counts as not connected");
    assert!(server.receive().unwrap().is_none());
    assert_eq!(names(&folder, "deferred-"), Vec::<String>::new(), "the server has attached it");
    assert_eq!(registry.word(8), changes + 1, "and has said so");
    let pending = client.send_copy(2).unwrap();
    assert_eq!(pending.number_of_server_connections(), 1);
    assert_eq!(server.receive().unwrap().map(|active| *active), Some(2));
}

#[test]
fn a_lane_has_one_slot_more_without_overflow_and_no_more_responses_to_a_request() {
    let root = tempfile::tempdir().unwrap();
    let node = Node::builder().config(Config::default()).root(root.path()).create().unwrap();
    let service = node.service_builder(&ServiceName::new(NAME).unwrap()).request_response::<[u64; 3], [u64; 3]>();
    let service = service.max_active_requests_per_client(1).enable_safe_overflow_for_responses(false).create().unwrap();
    let folder = root.path().join("services").join(FOLDER);
    let client = service.client_builder().create().unwrap();
    let server = service.server_builder().backpressure_strategy(BackpressureStrategy::DiscardData).create().unwrap();
    let connection = Words::open(&folder.join(format!("connection-{}-{}", client.id(), server.id())));
    // 2 responses may wait, and 2 be held.
    assert_eq!(connection.words(1), [1, 1, 3, 8, 8]);
    assert_eq!(connection.len(), 40 + 8 + 8 * (2 + 3) + 8 + 8);
    let pending = client.send_copy([1, 2, 3]).unwrap();
    let active = server.receive().unwrap().unwrap();
    for number in 1..=3 {
        active.send_copy([number; 3]).unwrap();
    }
    let slot = |slot: u64| connection.word(40 + 8 + 8 * (2 + slot));
    assert_eq!([slot(0), slot(1)].map(entry), [(0, 0, IN_SLOT), (1, 0, IN_SLOT)]);
    assert_eq!(slot(2), 0, "the third one is discarded, though a slot is empty");
    assert_eq!(pending.receive().unwrap().map(|response| response[0]), Some(1));
    active.send_copy([4; 3]).unwrap();
    assert_eq!(entry(slot(2)), (2, 0, IN_SLOT));
}
