//! The test binary again, as another process that plays a role.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::{RngExt as _, SeedableRng as _};
use shmark_engine::{
    ActiveRequest, AllocationStrategy, BackpressureStrategy, Client, Config, Inventory, Node, Payload, PendingResponse,
    ResponseMut, Root, Service,
};

use crate::common::{Random, eventually, numbers, slices};

const ROLE: &str = "SHMARK_TEST_ROLE";
const FOLDER: &str = "SHMARK_TEST_FOLDER";
const SEED: &str = "SHMARK_TEST_SEED";

/// A process that is killed when this is dropped, if it is still there.
pub struct Process {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Process {
    /// Starts a role, and waits until it says that it is ready.
    pub fn start(role: &str, root: &Path, seed: u64) -> Self {
        let mut process = Self::begin(role, root, seed);
        process.wait_until_ready();
        process
    }

    /// Starts a role.
    pub fn begin(role: &str, root: &Path, seed: u64) -> Self {
        Self::begin_under(&[], role, root, seed)
    }

    /// Starts a role by a command that runs it, such as a tracer.
    pub fn begin_under(by: &[&OsStr], role: &str, root: &Path, seed: u64) -> Self {
        let test = std::env::current_exe().unwrap();
        let mut words = by.iter().copied().chain([test.as_os_str()]);
        let mut child = Command::new(words.next().unwrap())
            .args(words)
            .args(["--exact", "processes::another_process", "--ignored", "--nocapture", "--test-threads=1"])
            .env(ROLE, role)
            .env(FOLDER, root)
            .env(SEED, seed.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn wait_until_ready(&mut self) {
        let ready = self.output.by_ref().lines().map_while(Result::ok).any(|line| line == "ready");
        assert!(ready, "a process of the test ended before it was ready: {:?}", self.child.wait());
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// Kills it and waits for its end.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Tells it to go on.
    pub fn go(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Whether all its threads are stopped.
    pub fn is_stopped(&self) -> bool {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.id())).unwrap();
        let mut states = threads.map(|thread| std::fs::read_to_string(thread.unwrap().path().join("stat")).unwrap());
        states.all(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T')))
    }

    /// What it has still said, when it has ended.
    pub fn said(mut self) -> String {
        let mut text = String::new();
        self.output.read_to_string(&mut text).unwrap();
        text
    }

    /// Tells it to go on, and waits for its end, which has to be a good one.
    #[track_caller]
    pub fn finish(mut self) {
        drop(self.child.stdin.take());
        let status = eventually("the end of a process", || self.child.try_wait().unwrap());
        assert!(status.success(), "a process of the test failed: {status}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Tells the parent, whatever the test harness has written on the line before.
fn ready() {
    println!("\nready");
    std::io::stdout().flush().unwrap();
}

/// Until the parent closes the pipe.
fn wait() {
    let _ = std::io::stdin().lines().last();
}

/// No test, but what the processes of the tests run.
#[test]
#[ignore = "run by the tests that need another process"]
#[allow(clippy::too_many_lines, reason = "one arm for each role")]
fn another_process() {
    let Ok(role) = std::env::var(ROLE) else { return };
    // Dies with the test that started it.
    prctl::set_pdeathsig(Signal::SIGKILL).unwrap();
    let root = std::env::var_os(FOLDER).unwrap();
    let root = Path::new(&root);
    let seed: u64 = std::env::var(SEED).unwrap().parse().unwrap();
    let mut random = Random::seed_from_u64(seed);
    let node = || Node::builder().config(Config::default()).root(root).create().unwrap();
    match role.as_str() {
        "open-or-create" => {
            let node = node();
            let service = numbers(&node).open_or_create().unwrap();
            ready();
            wait();
            drop(service);
        }
        "churn" => {
            ready();
            loop {
                churn(root, &mut random);
            }
        }
        // Both ways to clean: what every node does, and what is done on request.
        "clean" => {
            let root = Root::at(root).unwrap();
            ready();
            loop {
                let _ = Node::clean_up(root.path());
                let _ = Inventory::clean(&root);
            }
        }
        // A server of slices that answers everything at once and keeps what it has received.
        "slice-echo" => {
            let node = node();
            let service = crate::common::slices(&node).open().unwrap();
            let server = service.server_builder().initial_max_slice_len(8).create().unwrap();
            ready();
            let mut held = Vec::new();
            loop {
                if let Some(active) = server.receive().unwrap() {
                    active.loan_slice(8).unwrap().send().unwrap();
                    held.push(active);
                }
            }
        }
        "permissive" => {
            crate::protection::everything_without_a_mask(root);
            ready();
        }
        // A client with one request in flight.
        "client" => {
            let node = node();
            let client = numbers(&node).open().unwrap().client_builder().create().unwrap();
            let pending = client.send_copy(7).unwrap();
            ready();
            wait();
            assert_eq!(*eventually("a response", || pending.receive().unwrap()), 8);
        }
        // A server that has received one request when there is one, and does nothing.
        "server" => {
            let node = node();
            let server = numbers(&node).open().unwrap().server_builder().create().unwrap();
            ready();
            let active = eventually("a request", || server.receive().unwrap());
            wait();
            active.send_copy(*active + 1).unwrap();
        }
        // The same, which says when it has answered.
        "answering-server" => {
            let node = node();
            let server = numbers(&node).open().unwrap().server_builder().create().unwrap();
            ready();
            let active = eventually("a request", || server.receive().unwrap());
            active.send_copy(*active + 1).unwrap();
            ready();
            wait();
        }
        "budget" => {
            crate::budget::a_pair_within_its_budget(root);
            ready();
        }
        "exhaustion" => {
            crate::exhaustion::without_descriptors(root);
            crate::exhaustion::growth_without_descriptors(root);
            crate::exhaustion::without_address_space(root);
            ready();
        }
        "cleaning-exhaustion" => {
            crate::exhaustion::cleaning_without_descriptors(root);
            crate::exhaustion::looking_without_descriptors(root);
            ready();
        }
        // A server that never looks, of a service that it has made itself if need be.
        "creator" => {
            let node = node();
            let _server = numbers(&node).open_or_create().unwrap().server_builder().create().unwrap();
            ready();
            wait();
        }
        "full" => {
            crate::exhaustion::without_room(root);
            ready();
        }
        "storm" => {
            ready();
            wait();
            match crate::storm::one_life(root, seed as usize) {
                Ok(()) => println!("\ndone"),
                Err(error) => println!("\nfailed: {error}"),
            }
        }
        "busy" => {
            ready();
            loop {
                std::hint::spin_loop();
            }
        }
        "soak" => {
            ready();
            crate::soak::soak(root, 20_000, false);
        }
        "exchange" => {
            crate::deaths::exchange(root);
            ready();
        }
        // A server that never looks.
        "idle-server" => {
            let node = node();
            let _server = numbers(&node).open().unwrap().server_builder().create().unwrap();
            ready();
            wait();
        }
        // A client whose one request is its seed.
        "sender" => {
            let node = node();
            let client = numbers(&node).open().unwrap().client_builder().create().unwrap();
            let _pending = client.send_copy(seed).unwrap();
            ready();
            wait();
        }
        role if role.starts_with("found") => crate::found_shortage::play(role, root, (ready, wait)),
        role if role.starts_with("shortage") => crate::shortage::play(role, root, ready),
        role if role.starts_with("unreachable") => crate::unreachable::play(role, root, ready),
        role if role.starts_with("newcomer") => crate::lock_time::play(role, root, seed, (ready, wait)),
        "holder" => crate::silent::hold(root, (ready, wait)),
        role if role.starts_with("waiting") => crate::waiting::play(role, root, random, ready),
        other => panic!("no such role: {other}"),
    }
}

/// Everything that a process does in its life, in some order, as fast as it can.
fn churn(root: &Path, random: &mut Random) {
    // What is refused here because another process holds a lock or the places is no matter: what counts is what is left.
    let Ok(node) = Node::builder().root(root).create() else { return };
    // Places for more ports than are ever made here.
    if random.random_range(0..2) == 0 {
        let Ok(service) = numbers(&node).max_servers(100).max_clients(100).open_or_create() else { return };
        let answer = |active: &ActiveRequest<u64, u64>, _| {
            let _ = active.send_copy(2);
        };
        live(&service, random, |client, _| client.send_copy(1).ok(), answer);
    } else {
        let Ok(service) = slices(&node).max_servers(100).max_clients(100).open_or_create() else { return };
        let ask = |client: &Client<[u64], [u64]>, len| client.loan_slice(len).ok()?.send().ok();
        let answer = |active: &ActiveRequest<[u64], [u64]>, len| {
            let _ = active.loan_slice(len).map(ResponseMut::send);
        };
        live(&service, random, ask, answer);
    }
}

fn live<Req, Res>(
    service: &Service<Req, Res>,
    random: &mut Random,
    ask: impl Fn(&Client<Req, Res>, usize) -> Option<PendingResponse<Res>>,
    answer: impl Fn(&ActiveRequest<Req, Res>, usize),
) where
    Req: Payload + ?Sized,
    Res: Payload + ?Sized,
{
    let mut clients = Vec::new();
    let mut servers = Vec::new();
    let (mut pendings, mut actives, mut responses) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..random.random_range(0..40) {
        // Mostly short ones: each longer one is growth.
        let len_max = 2 << random.random_range(0..14);
        let len = random.random_range(0..len_max);
        match random.random_range(0..10) {
            0 => clients.extend(service.client_builder().allocation_strategy(AllocationStrategy::PowerOfTwo).create()),
            1 => {
                let builder = service.server_builder().backpressure_strategy(BackpressureStrategy::DiscardData);
                servers.extend(builder.allocation_strategy(AllocationStrategy::BestFit).create());
            }
            2 => drop(clients.pop()),
            3 => drop(servers.pop()),
            4 | 5 => pendings.extend(clients.iter().filter_map(|client| ask(client, len))),
            6 => actives.extend(servers.iter().filter_map(|server| server.receive().ok().flatten())),
            7 => actives.iter().for_each(|active| answer(active, len)),
            8 => responses.extend(pendings.iter().filter_map(|pending| pending.receive().ok().flatten())),
            _ => {
                pendings.clear();
                actives.clear();
                responses.clear();
            }
        }
    }
}
