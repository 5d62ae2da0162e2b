//! Descriptors, address space or lockable memory run out at the moment in which two ports connect: the call says so,
//! nothing that was reported as delivered is lost, and the two meet when there is enough again (RR-BAD-04). In
//! processes of their own, since limits hold for the whole process.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::process::Command;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use shmark_engine::error::{PortError, SendError};
use shmark_engine::{AllocationStrategy, Client, Config, DeploymentProfile, Node, Server, Service};

use crate::common::{Scratch, name, until};
use crate::processes::Process;

type Bytes = Service<[u8], [u8]>;
/// Longer than what fits a slot.
const LEN: usize = 100;

/// Lowers a limit of this process as long as it is held.
pub struct Limit {
    resource: Resource,
    before: (u64, u64),
    /// What takes descriptors away.
    open: Vec<File>,
}

impl Limit {
    fn set(resource: Resource, limit: u64) -> Self {
        let before = getrlimit(resource).unwrap();
        setrlimit(resource, limit.min(before.1), before.1).unwrap();
        Self { resource, before, open: Vec::new() }
    }

    /// So many descriptors can be opened and no more.
    pub fn descriptors(free: usize) -> Self {
        let mut limit = Self::set(Resource::RLIMIT_NOFILE, 200);
        // The limit is on numbers, and there may be gaps between those in use.
        let mut open: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
        open.truncate(open.len() - free);
        limit.open = open;
        limit
    }

    /// So many bytes of address space more than now.
    pub fn address_space(bytes: u64) -> Self {
        let status = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = status.split_ascii_whitespace().next().unwrap().parse().unwrap();
        Self::set(Resource::RLIMIT_AS, pages * 4096 + bytes)
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        self.open.clear();
        setrlimit(self.resource, self.before.0, self.before.1).unwrap();
    }
}

fn service(node: &Node, title: &str) -> Bytes {
    let builder = node.service_builder(&name(title)).request_response::<[u8], [u8]>();
    builder.max_servers(4).open_or_create().unwrap()
}

fn client(service: &Bytes) -> Client<[u8], [u8]> {
    service.client_builder().allocation_strategy(AllocationStrategy::BestFit).create().unwrap()
}

fn server(service: &Bytes) -> Server<[u8], [u8]> {
    service.server_builder().allocation_strategy(AllocationStrategy::BestFit).create().unwrap()
}

type Pending = shmark_engine::PendingResponse<[u8]>;

fn try_send(client: &Client<[u8], [u8]>, seed: u8, len: usize) -> Result<Pending, SendError> {
    client.loan_slice_uninit(len).map_err(SendError::from)?.write_from_fn(|i| seed ^ i as u8).send()
}

#[track_caller]
fn send(client: &Client<[u8], [u8]>, seed: u8, len: usize) -> Pending {
    let pending = try_send(client, seed, len).unwrap();
    assert_eq!(pending.number_of_server_connections(), 1, "the server is there");
    pending
}

/// Which request was received, if it is as it was sent.
fn seed_of(payload: &[u8]) -> u8 {
    assert!(payload.iter().enumerate().all(|(i, byte)| *byte == payload[0] ^ i as u8), "a request changed");
    payload[0]
}

/// Every request that is there now; an error is one.
#[track_caller]
fn receive_all(server: &Server<[u8], [u8]>, case: &str) -> Vec<u8> {
    let mut received = Vec::new();
    loop {
        match server.receive() {
            Ok(Some(active)) => {
                received.push(seed_of(&active));
                active.loan_slice_uninit(LEN).unwrap().write_from_fn(|_| !active[0]).send().unwrap();
            }
            Ok(None) => return received,
            Err(error) => panic!("{case}: {error}, with enough of everything"),
        }
    }
}

/// What a call said, for messages.
fn said<T>(result: &Result<Option<T>, impl std::fmt::Display>) -> String {
    match result {
        Ok(Some(_)) => "something received".to_owned(),
        Ok(None) => "nothing there".to_owned(),
        Err(error) => format!("error: {error}"),
    }
}

/// A server looks at a client that has sent it something, and cannot map what connects them.
fn a_server_looks(node: &Node, shortage: (&str, &dyn Fn() -> Limit), has_others: bool, departed: bool, len: usize) {
    let title = format!("{} {has_others} {departed} {len}", shortage.0);
    let case = format!(
        "{} when a server first looks at a client (has another client: {has_others}; the new client has \
         left: {departed}; its request has {len} bytes)",
        shortage.0
    );
    let service = service(node, &title);
    let server = server(&service);
    let other = has_others.then(|| {
        let other = client(&service);
        let pending = send(&other, 1, LEN);
        assert_eq!(receive_all(&server, &case), [1]);
        (other, pending)
    });
    let mut new = Some(client(&service));
    let mut pending = Some(send(new.as_ref().unwrap(), 2, len));
    if departed {
        drop((new.take(), pending.take()));
    }
    let limit = shortage.1();
    let calls = [(); 3].map(|()| server.receive().map(|active| active.map(|active| seed_of(&active))));
    let has_requests = server.has_requests();
    drop(limit);
    let received: Vec<_> = calls.iter().flatten().flatten().copied().collect();
    let told = calls.iter().map(said).collect::<Vec<_>>();
    assert!(
        received == [2]
            || calls.iter().all(Result::is_err)
            || (received.is_empty() && calls.iter().any(Result::is_err)),
        "{case}: a request was reported as delivered, receiving said {told:?}"
    );
    assert!(!received.is_empty() || has_requests.is_err() || has_requests == Ok(true), "{case}: no request, it said");
    let mut all = received;
    all.extend(receive_all(&server, &case));
    assert_eq!(
        all,
        [2],
        "{case}: requests received, of one that was reported as delivered; in the shortage receiving said {told:?}"
    );
    if let (Some(new), Some(pending)) = (&new, &pending) {
        let response = pending.receive().unwrap();
        assert!(
            response.is_some_and(|response| response.payload() == [!2; LEN])
                || told.contains(&"something received".to_owned()),
            "{case}: no response"
        );
        drop(send(new, 3, LEN));
        assert_eq!(receive_all(&server, &case), [3], "{case}: the next request");
    }
    if let Some((other, _pending)) = &other {
        drop(send(other, 4, LEN));
        assert_eq!(receive_all(&server, &case), [4], "{case}: a request of the other client");
    }
}

/// What exists goes on working: a client that is connected is served while another one cannot be met.
fn others_are_served(node: &Node) {
    for free in 0..4 {
        let case = format!("{free} descriptors left when a server first looks at another client");
        let service = service(node, &format!("others {free}"));
        let server = server(&service);
        let old = client(&service);
        drop(send(&old, 1, LEN));
        assert_eq!(receive_all(&server, &case), [1]);
        let new = client(&service);
        let _pending = send(&new, 2, LEN);
        let limit = Limit::descriptors(free);
        for seed in 10..20 {
            let pending = send(&old, seed, LEN);
            let calls = [(); 10].map(|()| server.receive().map(|active| active.map(|active| seed_of(&active))));
            drop(pending);
            let told = calls.iter().map(said).collect::<Vec<_>>();
            assert!(
                calls.contains(&Ok(Some(seed))),
                "{case}: a client that it has met before is not heard any more; receiving said {told:?}"
            );
        }
        drop(limit);
    }
}

/// A client looks at a server that came later, and cannot map what connects them.
fn a_client_looks(node: &Node, shortage: (&str, &dyn Fn() -> Limit), has_others: bool) {
    let case = format!("{} when a client first looks at a server (has another server: {has_others})", shortage.0);
    let service = service(node, &format!("client, {} {has_others}", shortage.0));
    let client = client(&service);
    let other = has_others.then(|| {
        let other = server(&service);
        let pending = send(&client, 1, LEN);
        assert_eq!(receive_all(&other, &case), [1]);
        drop(pending);
        other
    });
    let server = server(&service);
    let limit = shortage.1();
    let sent = [2, 3].map(|seed| try_send(&client, seed, LEN));
    drop(limit);
    let others = usize::from(has_others);
    let delivered: Vec<_> =
        sent.iter().map(|sent| sent.as_ref().map_or(0, Pending::number_of_server_connections)).collect();
    // What was reported as delivered is received; a server that cannot be reached does not count as connected.
    let expected: Vec<_> =
        delivered.iter().zip([2, 3]).filter(|(number, _)| **number > others).map(|(_, seed)| seed).collect();
    assert_eq!(
        receive_all(&server, &case),
        expected,
        "{case}: received of two requests that were reported as delivered to {delivered:?} servers"
    );
    if let Some(other) = &other {
        let expected: Vec<_> =
            delivered.iter().zip([2, 3]).filter(|(number, _)| **number > 0).map(|(_, seed)| seed).collect();
        assert_eq!(receive_all(other, &case), expected, "{case}: received by the server that was there before");
        assert_eq!(expected.len(), 2, "{case}: what exists goes on working; {delivered:?} servers got the requests");
    }
    drop(sent);
    let pending = try_send(&client, 4, LEN).unwrap();
    assert_eq!(
        pending.number_of_server_connections(),
        1 + others,
        "{case}: servers that a request is delivered to when there is enough again (in the shortage {delivered:?})"
    );
    assert_eq!(receive_all(&server, &case), [4], "{case}: with enough of everything again");
    let response = pending.receive().unwrap();
    assert!(response.is_some_and(|response| response.payload() == [!4; LEN]), "{case}: no response");
}

fn clients_and_servers_meet_in_a_shortage(node: &Node, part: &str) {
    let mut shortages: Vec<(String, Box<dyn Fn() -> Limit>)> = Vec::new();
    for free in 0..4 {
        shortages.push((format!("{free} descriptors left"), Box::new(move || Limit::descriptors(free))));
    }
    for (what, limit) in &shortages {
        let shortage = (what.as_str(), limit.as_ref());
        for has_others in [false, true] {
            match part {
                "server" => a_server_looks(node, shortage, has_others, false, LEN),
                "client" => a_client_looks(node, shortage, has_others),
                "departed" => {
                    a_server_looks(node, shortage, has_others, true, LEN);
                    a_server_looks(node, shortage, has_others, true, 5000);
                }
                other => panic!("no such part: {other}"),
            }
        }
    }
}

/// A client whose segment is larger than what is left of the address space.
fn no_address_space(node: &Node) {
    for departed in [false, true] {
        let case = format!("no address space for a client's segment (which has left: {departed})");
        let service = service(node, &format!("address space {departed}"));
        let server = server(&service);
        let builder = service.client_builder().initial_max_slice_len(64 << 20).preallocate(1);
        let mut client = Some(builder.create().unwrap());
        let mut pending = Some(send(client.as_ref().unwrap(), 2, LEN));
        if departed {
            drop((client.take(), pending.take()));
        }
        let limit = Limit::address_space(8 << 20);
        let calls = [(); 3].map(|()| server.receive().map(|active| active.map(|active| seed_of(&active))));
        drop(limit);
        let told = calls.iter().map(said).collect::<Vec<_>>();
        assert!(calls.iter().all(Result::is_err) || calls.contains(&Ok(Some(2))), "{case}: receiving said {told:?}");
        let mut received: Vec<_> = calls.into_iter().flatten().flatten().collect();
        received.extend(receive_all(&server, &case));
        assert_eq!(received, [2], "{case}: requests received, of one; in the shortage receiving said {told:?}");
    }
}

/// Little memory may be locked, and clients come until it is used up: each of them is told, or its server is.
///
/// With every limit from what a server alone takes: at one of them it is the last client that cannot lock what it needs, at
/// another its server.
fn little_lockable_memory(root: &Path) {
    let mut told = [0, 0];
    for kibibytes in (64..=160).step_by(4) {
        let counts = lockable_memory(root, kibibytes);
        told = [told[0] + counts[0], told[1] + counts[1]];
    }
    assert!(told[0] > 0, "no client was ever refused, so the limit limits nothing");
    eprintln!("clients and servers that were told that memory cannot be locked: {told:?}");
}

/// How many clients, and how often the server, were told that memory cannot be locked.
fn lockable_memory(root: &Path, kibibytes: u64) -> [usize; 2] {
    const CLIENTS: u64 = 8;
    let case = format!("with {kibibytes} KiB of lockable memory");
    let config = Config { profile: DeploymentProfile::SafetyCritical, ..Config::default() };
    let node = Node::builder().config(config).root(root).create().unwrap();
    let limit = Limit::set(Resource::RLIMIT_MEMLOCK, kibibytes << 10);
    let service = node.service_builder(&name("locked")).request_response::<u64, u64>().create().unwrap();
    let server = service.server_builder().create().unwrap();
    let (mut clients, mut pendings, mut refused, mut errors) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut delivered, mut received) = (Vec::new(), Vec::new());
    for number in 0..CLIENTS {
        match service.client_builder().create() {
            Ok(client) => {
                match client.send_copy(number) {
                    Ok(pending) => {
                        // One that was delivered to nobody tells its sender so.
                        delivered.extend((pending.number_of_server_connections() > 0).then_some(number));
                        pendings.push((number, pending));
                    }
                    Err(error) => refused.push(error.to_string()),
                }
                clients.push(client);
            }
            Err(error @ PortError::System(_)) => refused.push(error.to_string()),
            Err(error) => panic!("{case}: {error}"),
        }
        // Both sides meet before the next client comes, so that the limit is reached on either.
        for _ in 0..2 {
            match server.receive() {
                Ok(active) => received.extend(active.map(|active| *active)),
                Err(error) => errors.push(error.to_string()),
            }
        }
    }
    let dark: Vec<_> = delivered.iter().filter(|number| !received.contains(number)).collect();
    assert!(
        dark.is_empty() || !errors.is_empty(),
        "{case}: the requests of clients {dark:?} were reported as delivered and not received, and their server was not \
         told that memory cannot be locked (received {received:?}; {} clients were refused)",
        refused.len()
    );
    drop(limit);
    let _enough = Limit::set(Resource::RLIMIT_MEMLOCK, getrlimit(Resource::RLIMIT_MEMLOCK).unwrap().1);
    // What was reported as delivered arrives now.
    until("every request that was reported as delivered, when memory can be locked again", || {
        if let Ok(Some(active)) = server.receive() {
            received.push(*active);
        }
        delivered.iter().all(|number| received.contains(number))
    });
    drop(pendings);
    for (index, client) in clients.iter().enumerate() {
        let number = 100 + index as u64;
        let pending = client.send_copy(number).unwrap();
        assert_eq!(pending.number_of_server_connections(), 1, "{case}, and enough again: client {index}");
        let active = server.receive().unwrap().map(|active| *active);
        assert_eq!(active, Some(number), "{case}, and enough again: client {index}");
    }
    [refused.len(), errors.len()]
}

pub fn play(role: &str, root: &Path, ready: fn()) {
    let node = || Node::builder().config(Config::default()).root(root).create().unwrap();
    match role.trim_start_matches("shortage-") {
        "address-space" => no_address_space(&node()),
        "others" => others_are_served(&node()),
        "locked-memory" => little_lockable_memory(root),
        part => clients_and_servers_meet_in_a_shortage(&node(), part),
    }
    ready();
}

fn in_a_process_of_its_own(part: &str) {
    let root = Scratch::new();
    Process::start(&format!("shortage-{part}"), root.path(), 0).finish();
    root.assert_empty();
}

#[test]
fn a_server_that_cannot_open_what_connects_it_to_a_client_says_so_and_meets_it_later() {
    in_a_process_of_its_own("server");
}

#[test]
fn a_client_that_cannot_open_what_connects_it_to_a_server_does_not_count_it_and_meets_it_later() {
    in_a_process_of_its_own("client");
}

#[test]
fn what_departed_clients_have_sent_is_not_lost_by_a_shortage() {
    in_a_process_of_its_own("departed");
}

#[test]
fn a_client_is_served_while_another_one_cannot_be_met() {
    in_a_process_of_its_own("others");
}

#[test]
fn a_segment_for_which_there_is_no_address_space_is_an_error_and_received_later() {
    in_a_process_of_its_own("address-space");
}

/// Who may lock as much as they like is run without that right.
#[test]
fn memory_that_cannot_be_locked_leaves_nobody_in_the_dark() {
    let root = Scratch::new();
    let mut by: Vec<&OsStr> = Vec::new();
    if nix::unistd::geteuid().is_root() {
        by.extend(["setpriv", "--bounding-set", "-ipc_lock", "--inh-caps", "-ipc_lock"].map(OsStr::new));
        let works = Command::new(by[0]).args(&by[1..]).arg("true").status();
        if !works.is_ok_and(|status| status.success()) {
            println!("not tested: setpriv is missing, or may not take a capability away");
            return;
        }
    }
    let mut process = Process::begin_under(&by, "shortage-locked-memory", root.path(), 0);
    process.wait_until_ready();
    process.finish();
    root.assert_empty();
}
