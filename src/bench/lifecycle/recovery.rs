//! One side is killed. The other one notices, and is served by, or serves, whoever takes the dead one's place.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::actor::{Actor, Stage, Stop};
use super::measured::Measured;
use super::pair::{SERVICE, receive_request, receive_response, respond, send, slices, with_node};
use crate::scenario::lifecycle::LifecycleCase;

/// Bytes of a message.
const LEN: u64 = 8;
/// Longest wait that is asked of a survivor; it ends with the other side.
const WAIT_MS: u64 = 10_000;
/// Longest time for which a survivor is asked. One that has noticed nothing by then notices by other means, such as a cleanup
/// that somebody has to call, and has no such figure.
const NOTICE_TIME: Duration = Duration::from_secs(10);
/// So long after the survivor was told to wait the other side is killed: by then it sleeps.
const ASLEEP: Duration = Duration::from_millis(20);

/// One round.
pub(super) fn run(stage: &Stage<'_>, case: &LifecycleCase) -> Result<Vec<Measured>, Stop> {
    let waits = case.word("noticed_by") == "waiting";
    let mut server = with_node(stage.actor("server")?)?;
    let mut client = with_node(stage.actor("client")?)?;
    let mut standby = with_node(stage.actor("standby")?)?;
    client.needs(if waits { &["slice", "wait"] } else { &["slice"] })?;
    let qos = json!({ "max_clients": 2, "max_servers": 2 });
    server.call("service.create", slices(SERVICE, &qos))?;
    server.call("server.create", port("server"))?;
    for actor in [&mut client, &mut standby] {
        actor.call("service.open", slices(SERVICE, &qos))?;
    }
    client.call("client.create", port("client"))?;
    send(&mut client, "pending", LEN)?;
    receive_request(&mut server, "active", LEN, stage)?;
    if case.word("killed") == "server" {
        let (since, noticed_ns) = noticed(stage, &mut client, server, "pending", waits)?;
        standby.call("server.create", port("server"))?;
        send(&mut client, "next", LEN)?;
        receive_request(&mut standby, "active", LEN, stage)?;
        respond(&mut standby, "active", LEN)?;
        receive_response(&mut client, "next", LEN, stage)?;
        let served_ns = since.elapsed().as_nanos() as f64;
        client.leave()?;
        standby.leave()?;
        return Ok(figures(noticed_ns, served_ns));
    }
    let (since, noticed_ns) = noticed(stage, &mut server, client, if waits { "server" } else { "active" }, waits)?;
    standby.call("client.create", port("client"))?;
    send(&mut standby, "next", LEN)?;
    receive_request(&mut server, "next", LEN, stage)?;
    respond(&mut server, "next", LEN)?;
    receive_response(&mut standby, "next", LEN, stage)?;
    let served_ns = since.elapsed().as_nanos() as f64;
    standby.leave()?;
    server.leave()?;
    Ok(figures(noticed_ns, served_ns))
}

fn figures(noticed_ns: f64, served_ns: f64) -> Vec<Measured> {
    vec![Measured::new("noticed_ns", noticed_ns), Measured::new("served_again_ns", served_ns)]
}

fn port(name: &str) -> Value {
    json!({ "service": "service", "as": name, "initial_max_slice_len": LEN })
}

/// Kills `victim`. When that was, and the time until the survivor has noticed, ns: until the runner has read it.
fn noticed(
    stage: &Stage<'_>,
    survivor: &mut Actor,
    mut victim: Actor,
    on: &str,
    waits: bool,
) -> Result<(Instant, f64), Stop> {
    let waiting = if waits {
        let op = if on == "server" { "server.receive" } else { "pending.receive" };
        let id = survivor.begin(op, json!({ "on": on, "as": "nothing", "wait_ms": WAIT_MS }))?;
        thread::sleep(ASLEEP);
        if survivor.has_answered(id) {
            return Err(survivor.broken("was told that the other side is gone before it was killed"));
        }
        Some((op, id))
    } else {
        let fields = survivor.call("is_connected", json!({ "on": on }))?;
        if fields.get("connected").and_then(Value::as_bool) != Some(true) {
            return Err(survivor.broken("says that the other side is gone before it was killed"));
        }
        None
    };
    let since = Instant::now();
    victim.peer.kill_now();
    let noticed_ns = thread::scope(|scope| {
        // Taken away by its parent, as a supervisor would, while the survivor is asked.
        scope.spawn(|| victim.peer.kill());
        match waiting {
            Some((op, id)) => {
                let ended = survivor.collect(op, id)?;
                let noticed_ns = since.elapsed().as_nanos() as f64;
                if ended.get("ended").and_then(Value::as_bool) == Some(true) {
                    return Ok(noticed_ns);
                }
                let name = survivor.peer.name();
                Err(Stop::Unsupported(format!(
                    "its {name} was not told that the other side was killed by its wait, which ended {} ms later",
                    since.elapsed().as_millis()
                )))
            }
            None => polled_ns(stage, survivor, on, since),
        }
    })?;
    Ok((since, noticed_ns))
}

fn polled_ns(stage: &Stage<'_>, survivor: &mut Actor, on: &str, since: Instant) -> Result<f64, Stop> {
    loop {
        let fields = survivor.call("is_connected", json!({ "on": on }))?;
        if fields.get("connected").and_then(Value::as_bool) == Some(false) {
            return Ok(since.elapsed().as_nanos() as f64);
        }
        if since.elapsed() > stage.subject.timeout_multiplier.of(NOTICE_TIME) {
            let seconds = since.elapsed().as_secs();
            let name = survivor.peer.name();
            return Err(Stop::Unsupported(format!(
                "its {name} has not noticed by `is_connected` for {seconds} s that the other side was killed"
            )));
        }
    }
}
