//! One trial: two fresh processes, prepared, started at the same instant, and asked for what they measured.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::cases::{PROCESSORS, pair_of};
use super::launch::{Ended, Launch, TrialPlan};
use super::placement::Placement;
use crate::harness::Args;
use crate::harness::error::HarnessError;
use crate::harness::namespace::Namespace;
use crate::harness::peer::Peer;
use crate::harness::reply::Reply;
use crate::harness::run_folder::RunFolder;
use crate::harness::scheduling::real_time;
use crate::harness::space::{free_bytes, may_lack, mebibytes, remedy};
use crate::harness::subject::Subject;
use crate::harness::timeout::ANSWER_TIME;
use crate::results::events::Observer;
use crate::scenario::model::BenchCase;
use shmark_peer::bench_protocol::{BenchCollected, BenchPrepare, BenchRole, BenchStart};
use shmark_peer::kit::implementation::{BenchSetup, Timing};
use shmark_peer::protocol::setting;

/// Name of the service that a trial takes place at.
pub(super) const SERVICE: &str = "shmark/bench";
/// Time for creating ports, connecting them and allocating everything.
const PREPARE_TIMEOUT: Duration = Duration::from_secs(10);
/// Beyond its own time a trial may take this: a peer waits 10 s for the other one before it gives up and says so.
const TRIAL_GRACE: Duration = Duration::from_secs(20);
/// Both peers have heard of the start before it comes.
const START_AHEAD_NS: u64 = 30_000_000;
/// Lines of a transcript behind the reason for a broken trial.
const TRANSCRIPT_LINES: usize = 6;
const CALIBRATION_BYTES: usize = 4096;
/// Version of the peer protocol that brought open loops.
const OPEN_LOOP_PROTOCOL: u32 = 4;
/// Likewise, several clients or servers.
const SEVERAL_PORTS_PROTOCOL: u32 = 5;
/// Largest integer of the peer protocol.
const SEED_MAX: u64 = u64::MAX >> 1;
/// What a case needs is told from so many of its messages, and is at least this.
const NEED_MESSAGES: u64 = 12;
const NEED_BYTES_MIN: u64 = 16 << 20;

/// Launches peers of real subjects.
#[derive(Debug)]
pub(super) struct Processes {
    pub subjects: Vec<Subject>,
    pub folder: RunFolder,
    /// Processors of client and server.
    pub pin: (usize, usize),
    pub placement: Placement,
    pub seed: u64,
    /// Whether the peers of a trial run under `SCHED_FIFO`.
    pub real_time: bool,
}

impl Launch for Processes {
    fn trial(&mut self, plan: &TrialPlan<'_>) -> Ended {
        match self.folder.namespace() {
            Ok(namespace) => self.trial_in(plan, &namespace),
            Err(error) => harness(error),
        }
    }

    fn wait_for_placement(&mut self, observer: &mut dyn Observer) {
        self.placement.wait(self.pin, observer);
    }
}

impl Processes {
    /// A trial in a namespace in which others may be, too.
    pub fn trial_in(&self, plan: &TrialPlan<'_>, namespace: &Namespace) -> Ended {
        self.try_trial(plan, namespace).unwrap_or_else(|stop| stop)
    }

    fn try_trial(&self, plan: &TrialPlan<'_>, namespace: &Namespace) -> Result<Ended, Ended> {
        let subject = &self.subjects[plan.subject];
        let multiplier = subject.timeout_multiplier;
        let spawn = |name| {
            let (peer, hello) = Peer::spawn(subject, name, namespace.path(), self.seed).map_err(harness)?;
            check_version(plan.scenario.timing, plan.case, hello.protocol).map(|()| peer)
        };
        let mut server = spawn("server")?;
        let mut client = spawn("client")?;
        let [for_client, for_server] = self.prepare(plan, namespace)?;
        for (peer, prepare) in [(&mut server, for_server), (&mut client, for_client)] {
            let reply = peer.call("bench.prepare", &args(&prepare)?, multiplier.of(PREPARE_TIMEOUT));
            if let Some(text) = lacking(&reply, plan.case, namespace.path()) {
                return Err(Ended::Broken(with_transcript(peer, &text)));
            }
            accepted(peer, "bench.prepare", reply)?;
        }
        if self.real_time {
            for peer in [&client, &server] {
                real_time(peer.pid()).map_err(|error| {
                    Ended::Broken(format!("the {} cannot be put under SCHED_FIFO: {error}", peer.name()))
                })?;
            }
        }
        // The server, which leads nothing, is told first.
        let start = args(&BenchStart { at_ns: monotonic_ns()? + START_AHEAD_NS })?;
        let mut collecting = Vec::new();
        for peer in [&mut server, &mut client] {
            let reply = peer.call("bench.start", &start, multiplier.of(ANSWER_TIME));
            accepted(peer, "bench.start", reply)?;
            collecting.push(peer.begin("bench.collect", &Args::new()).map_err(harness)?);
        }
        let timeout =
            Duration::from_millis(plan.scenario.warmup_ms + plan.scenario.duration_ms) + multiplier.of(TRIAL_GRACE);
        // The runner sleeps now: both processors belong to the peers.
        let replies = [client.wait(collecting[1], timeout), server.wait(collecting[0], multiplier.of(ANSWER_TIME))];
        // A peer that died explains the other one's complaint that it is gone.
        let gone = |reply: &Reply| reply.ok().is_none();
        if !gone(&replies[0]) && gone(&replies[1]) {
            collected(&server, &replies[1])?;
        }
        let from_client = collected(&client, &replies[0])?;
        let from_server = collected(&server, &replies[1])?;
        for peer in [&mut client, &mut server] {
            let exit = peer.finish(multiplier.of(ANSWER_TIME)).map_err(harness)?;
            if !exit.is_clean() {
                return Err(Ended::Broken(with_transcript(peer, &format!("{exit} after the trial"))));
            }
        }
        Ok(Ended::Measured { client: Box::new(from_client), server: Box::new(from_server) })
    }

    /// Arguments for client and server, and the file that they share.
    fn prepare(&self, plan: &TrialPlan<'_>, namespace: &Namespace) -> Result<[BenchPrepare; 2], Ended> {
        let calibration = namespace.path().join("calibration");
        fs::write(&calibration, [0; CALIBRATION_BYTES])
            .map_err(|error| Ended::Broken(format!("the calibration file {} : {error}", calibration.display())))?;
        let scenario = plan.scenario;
        let side = |role, cpu| -> Result<BenchPrepare, Ended> {
            Ok(BenchPrepare {
                role,
                setup: setup(scenario.timing, plan.case, namespace.path())?,
                calibration: calibration.to_string_lossy().into_owned(),
                pin: Some(cpu),
                warmup_ms: scenario.warmup_ms,
                duration_ms: scenario.duration_ms,
                slice_requests: scenario.slice_requests,
                slice_floors: scenario.slice_floors,
                // All subjects and cases of a round have the same moments, up to their rate.
                seed: (scenario.timing == Timing::OpenLoop).then_some((self.seed ^ plan.round as u64) & SEED_MAX),
            })
        };
        let (client, server) = pair_of(plan.case).unwrap_or(self.pin);
        Ok([side(BenchRole::Client, client)?, side(BenchRole::Server, server)?])
    }
}

/// An older peer would take words that it does not know for a mistake.
fn check_version(timing: Timing, case: &BenchCase, protocol: u32) -> Result<(), Ended> {
    let has_several = ["clients", "servers"].into_iter().any(|key| case.count(key).is_some_and(|count| count > 1));
    let needs = [
        (timing == Timing::OpenLoop, "open loops", OPEN_LOOP_PROTOCOL),
        (has_several, "several clients or servers", SEVERAL_PORTS_PROTOCOL),
    ];
    match needs.into_iter().find(|(is_asked, _, since)| *is_asked && protocol < *since) {
        Some((_, what, since)) => Err(Ended::Unsupported(format!(
            "its peer speaks version {protocol} of the peer protocol, and {what} came with version {since}"
        ))),
        None => Ok(()),
    }
}

/// The case in the words of the protocol.
fn setup(timing: Timing, case: &BenchCase, root: &Path) -> Result<BenchSetup, Ended> {
    let mut load = serde_json::json!({ "timing": timing });
    let mut qos = serde_json::json!({});
    for (key, count) in &case.counts {
        let table = if setting(key).is_some() { &mut qos } else { &mut load };
        table[*key] = (*count).into();
    }
    // Where the peers run is said apart from what they do.
    for (key, word) in case.words.iter().filter(|(key, _)| **key != PROCESSORS) {
        load[*key] = word.as_str().into();
    }
    let mut setup = serde_json::json!({
        "root": root.to_string_lossy(),
        "service": SERVICE,
        "payload": { "type": case.payload, "kind": case.kind },
        "len": case.len,
        "waiting": case.waiting,
    });
    // What is plain is left out: a peer that knows of nothing else need not know the words.
    if load != serde_json::json!({ "timing": Timing::default() }) {
        setup["load"] = load;
    }
    if qos != serde_json::json!({}) {
        setup["qos"] = qos;
    }
    serde_json::from_value(setup)
        .map_err(|error| Ended::Broken(format!("the scenario has a case that is none: {error}")))
}

fn accepted(peer: &Peer, op: &str, reply: Reply) -> Result<(), Ended> {
    match reply {
        Reply::Ok(_) => Ok(()),
        Reply::Unsupported(text) => Err(Ended::Unsupported(text)),
        Reply::Interrupted => Err(Ended::Interrupted),
        other => Err(Ended::Broken(with_transcript(peer, &format!("did not carry out {op}: {other}")))),
    }
}

/// Whether a case does not fit into shared memory, and what to do then.
fn lacking(reply: &Reply, case: &BenchCase, root: &Path) -> Option<String> {
    let refused = matches!(reply, Reply::Err { class, .. } if class == "out-of-memory");
    let free = free_bytes(root)?;
    let ended = refused || matches!(reply, Reply::Exited(_) | Reply::Signalled(_) | Reply::Timeout);
    (ended && may_lack(free, need_bytes(case), refused)).then(|| {
        let free = mebibytes(free);
        format!("could not prepare the case, as shared memory has only {free} free; {}: {reply}", remedy(root))
    })
}

/// About what a case needs at most: client and server with room for a few messages each. A case of 64 MiB takes the
/// reference 656 MiB.
fn need_bytes(case: &BenchCase) -> u64 {
    (case.payload_bytes() as u64).saturating_mul(NEED_MESSAGES).max(NEED_BYTES_MIN)
}

fn collected(peer: &Peer, reply: &Reply) -> Result<BenchCollected, Ended> {
    let wrong = match reply {
        Reply::Ok(fields) => match serde_json::from_value(Value::Object(fields.clone())) {
            Ok(collected) => return Ok(collected),
            Err(error) => format!("answered bench.collect with something else: {error}"),
        },
        Reply::Interrupted => return Err(Ended::Interrupted),
        Reply::Timeout => {
            "did not finish the trial in time; if it only needs longer, --timeout-multiplier gives it more".to_owned()
        }
        other => format!("did not finish the trial: {other}"),
    };
    Err(Ended::Broken(with_transcript(peer, &wrong)))
}

fn with_transcript(peer: &Peer, wrong: &str) -> String {
    let transcript = peer.transcript();
    let tail = &transcript[transcript.len().saturating_sub(TRANSCRIPT_LINES)..];
    format!("the {} {wrong}; its last messages:\n  {}", peer.name(), tail.join("\n  "))
}

fn harness(error: HarnessError) -> Ended {
    match error {
        HarnessError::Interrupted => Ended::Interrupted,
        other => Ended::Broken(other.to_string()),
    }
}

fn args(value: &impl Serialize) -> Result<Args, Ended> {
    convert(value).map_err(|error| Ended::Broken(format!("the runner's own command cannot be written: {error}")))
}

fn convert<T: DeserializeOwned>(value: &impl Serialize) -> serde_json::Result<T> {
    serde_json::from_value(serde_json::to_value(value)?)
}

fn monotonic_ns() -> Result<u64, Ended> {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC)
        .map_err(|error| Ended::Broken(format!("CLOCK_MONOTONIC cannot be read: {error}")))?;
    Ok(time.tv_sec().unsigned_abs() * 1_000_000_000 + time.tv_nsec().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_is_newer_than_a_peer_is_not_asked_of_it() {
        let counted = |key, count| BenchCase { counts: [(key, count)].into(), ..BenchCase::default() };
        for (timing, key, count, protocol, is_refused) in [
            (Timing::OpenLoop, "outstanding", 8, 3, true),
            (Timing::OpenLoop, "outstanding", 8, 4, false),
            (Timing::Throughput, "outstanding", 8, 1, false),
            (Timing::Throughput, "clients", 2, 4, true),
            (Timing::Throughput, "clients", 2, 5, false),
            (Timing::Throughput, "clients", 1, 1, false),
            (Timing::RoundTrip, "servers", 2, 4, true),
        ] {
            let refused = check_version(timing, &counted(key, count), protocol);
            let says = format!("{timing:?} {key} {count} {protocol} {refused:?}");
            assert_eq!(matches!(refused, Err(Ended::Unsupported(_))), is_refused, "{says}");
        }
    }

    /// What has its default is left out, so that an older peer need not know it.
    #[test]
    fn one_client_and_one_server_are_not_said() {
        let case = |clients| BenchCase {
            counts: [("clients", clients), ("max_clients", 16)].into(),
            ..super::super::testing::case()
        };
        let load = |clients| {
            let setup = setup(Timing::Throughput, &case(clients), Path::new("/dev/shm")).unwrap();
            serde_json::to_value(setup).unwrap()["load"].clone()
        };
        assert_eq!(load(1), serde_json::json!({ "timing": "throughput" }));
        assert_eq!(load(4), serde_json::json!({ "timing": "throughput", "clients": 4 }));
    }

    #[test]
    fn a_case_that_does_not_fit_is_told_from_a_broken_peer() {
        let refused = |class: &str| Reply::Err { class: class.to_owned(), setting: None, native: String::new() };
        let case = |len| BenchCase {
            payload: "bytes".to_owned(),
            kind: "slice".to_owned(),
            len,
            waiting: "spin".to_owned(),
            words: BTreeMap::new(),
            counts: BTreeMap::new(),
        };
        let shm = Path::new("/dev/shm");
        // No machine has that much.
        let text = lacking(&refused("out-of-memory"), &case(usize::MAX), shm).unwrap();
        assert!(text.contains("MiB free") && text.contains("--shm-size"), "{text}");
        for (reply, len) in
            [(refused("internal"), usize::MAX), (Reply::Timeout, usize::MAX), (refused("out-of-memory"), 1)]
        {
            assert_eq!(lacking(&reply, &case(len), shm), None, "{reply:?}, {len}");
        }
        assert_eq!((need_bytes(&case(1)), need_bytes(&case(64 << 20))), (16 << 20, 768 << 20));
    }
}
