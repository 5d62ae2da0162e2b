//! Exact formulas and rules on made-up intervals.
#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests of exact values")]

use proptest::prelude::*;

use super::*;
use crate::bench::asked::Asked;
use crate::bench::slices::{MatchedSlice, Slices, match_slices};
use crate::bench::testing::{PLAIN, case, client, collected, intervals, scenario, server, with_whole_parts};
use shmark_peer::bench_protocol::{BenchCollected, Interval};

#[test]
fn each_load_slice_is_set_against_the_floors_around_it() {
    let log = intervals(&[(100.0, 200.0), (120.0, 220.0), (100.0, 999.0)]);
    let slices = match_slices(&log);
    assert_eq!(slices.regime_changes, 0);
    let expected = [(110.0, 200.0), (110.0, 220.0)];
    assert_eq!(slices.matched, expected.map(|(floor_ns, load_ns)| MatchedSlice { floor_ns, load_ns }));
    assert_eq!(match_slices(&log[..1]), Slices::default(), "the last load slice has no floor behind it");
    assert_eq!(match_slices(&[]), Slices::default());
}

#[test]
fn load_across_a_regime_change_is_left_out() {
    let slices =
        match_slices(&intervals(&[(100.0, 200.0), (125.0, 300.0), (126.0, 260.0), (520.0, 800.0), (500.0, 1.0)]));
    // 100 to 125 is exactly 25 % of the smaller floor and stays, 126 to 520 is a change.
    assert_eq!(slices.regime_changes, 1);
    assert_eq!(slices.matched.iter().map(|slice| slice.load_ns).collect::<Vec<_>>(), [200.0, 300.0, 800.0]);
}

#[test]
fn ratios_taken_slice_by_slice_survive_a_change_of_regime() {
    // 1.5 floors in both regimes; ns alone would say 180 or 780.
    let fast = (0..30).map(|_| (120.0, 180.0));
    let slow = (0..40).map(|_| (520.0, 780.0));
    let trial = Trial::of(&client(&fast.chain(slow).collect::<Vec<_>>()), &server(70), PLAIN).unwrap();
    assert_eq!(trial.p50_floors, 1.5);
    assert_eq!(trial.regime_changes, 1);
    assert_eq!(trial.matched.len(), 68);
}

#[test]
fn figures_of_a_case_are_those_of_the_definitions() {
    let trials: Vec<Trial> = [200.0, 220.0, 210.0]
        .into_iter()
        .map(|load| Trial::of(&client(&vec![(100.0, load); 25]), &server(25), PLAIN).unwrap())
        .collect();
    let result = result(&scenario(3), "mine", &case(), &trials.iter().collect::<Vec<_>>(), &[], None);
    assert!(result.valid && result.why_invalid.is_none());
    assert_eq!((result.rounds, result.samples, result.intervals, result.regime_changes), (3, 75, 72, 0));
    assert_eq!(result.p50_floors_rounds, [2.0, 2.2, 2.1]);
    assert_eq!(result.title, "How long does a round trip take?", "the scenario's question is lost");
    let ratio = result.p50_floors.unwrap();
    assert_eq!(ratio.ratio, 2.1);
    assert!(ratio.ci95[0] <= 2.0 && ratio.ci95[1] >= 2.2);
    // Each made-up interval: one round trip in 1000 ns of load, 300 ns and 500 ns of processor time.
    assert_eq!(result.throughput_per_s, 1e6);
    assert_eq!(result.cpu_ns_per_request, BySide { client: 300.0, server: 500.0 });
    assert_eq!((result.rtt_ns.p50, result.floor_rtt_ns.p50), (210.0, 100.0));
    assert_eq!(histogram::decode(&result.histogram).unwrap().len(), 75);
    assert_eq!(result.case["waiting"], "spin");
}

/// A floor of 80 ns and a round trip of 140 ns are 1.75, and 1.5 with a clock of 40 ns in both.
#[test]
fn figures_in_floors_have_no_clock_in_them() {
    let slices = vec![(120.0, 180.0); 25];
    let mut client = client(&slices);
    (client.intervals, client.clock_ns) = (with_whole_parts(&slices, 40.0), Some(40.0));
    let trial = Trial::of(&client, &server(25), PLAIN).unwrap();
    assert_eq!((trial.p50_floors, trial.p50_ns, trial.floor_ns, trial.above_floor_ns), (1.75, 140.0, 80.0, 60.0));
    let regimes = regimes::find(trial.matched.iter().map(|slice| slice.floor_ns));
    let both = result(&scenario(2), "mine", &case(), &[&trial, &trial], &regimes, None);
    assert_eq!(both.p50_floors.unwrap().ratio, 1.75);
    assert_eq!([both.trip_ns, both.floor_ns, both.above_floor_ns].map(|time| time.unwrap().ns), [140.0, 80.0, 60.0]);
    assert_eq!((both.regimes[0].floor_ns, both.regimes[0].above_floor_ns.unwrap().ns), (80.0, 60.0));
    assert_eq!((both.rtt_ns.p50, both.clock_ns), (180.0, Some(40.0)), "percentiles are of what was read");
    // Three of four round trips were timed as a whole; processor time is of all of them.
    assert_eq!(both.throughput_per_s, 1e9 / 140.0);
    assert_eq!(both.cpu_ns_per_request.client, 300.0 / 4.0);
}

#[test]
fn what_a_peer_timed_one_by_one_alone_is_not_called_free_of_the_clock() {
    let trial = Trial::of(&client(&[(120.0, 180.0); 25]), &server(25), PLAIN).unwrap();
    let one = result(&scenario(1), "mine", &case(), &[&trial], &[], None);
    assert_eq!((one.p50_floors_rounds, one.trip_ns, one.floor_ns, one.above_floor_ns), (vec![1.5], None, None, None));
}

#[test]
fn one_round_has_no_interval_and_none_is_invalid() {
    let trial = Trial::of(&client(&vec![(100.0, 200.0); 25]), &server(25), PLAIN).unwrap();
    let one = result(&scenario(3), "mine", &case(), &[&trial], &[], None);
    assert!(one.valid && one.p50_floors.is_none());
    assert_eq!(one.p50_floors_rounds, [2.0]);
    let none = result(&scenario(3), "mine", &case(), &[], &[], None);
    assert!(!none.valid && none.why_invalid.is_some());
    let bad = result(&scenario(3), "mine", &case(), &[&trial], &[], Some("round 2: lost".to_owned()));
    assert!(!bad.valid);
    assert_eq!(bad.why_invalid.as_deref(), Some("round 2: lost"));
}

/// Every rule, each broken by the smallest change to a trial that counts.
#[test]
fn each_rule_of_validity_is_applied() {
    type Change = fn(&mut BenchCollected, &mut BenchCollected);
    let rules: &[(&str, Change)] = &[
        ("the server reported: full", |_, server| server.error = Some("full".to_owned())),
        ("the client reported: full", |client, _| client.error = Some("full".to_owned())),
        ("no request was sent", |client, _| client.sent = 0),
        ("the client sent 25 requests and the server received 24", |_, server| server.received = 24),
        ("the server sent 24 responses and the client received 25", |_, server| server.sent = 24),
        ("instead of 1 for each request", |client, server| {
            client.sent = 26;
            server.received = 26;
            server.verified = 26;
        }),
        ("the client received 25 messages and only 24 had the payload", |client, _| client.verified = 24),
        ("the server received 25 messages and only 24 had the payload", |_, server| server.verified = 24),
        ("sequences that client and server received differ", |_, server| server.checksum ^= 1),
        ("histogram cannot be used", |client, _| client.histogram = "AAAA".to_owned()),
        ("that of the floors", |client, _| client.floor_histogram = String::new()),
        ("holds 25 round trips and its intervals hold 26", |client, _| client.intervals[3].load_count += 1),
        ("interval 3 of the client", |client, _| client.intervals[3].load_p50_ns = f64::NAN),
        ("interval 4 of the client", |client, _| client.intervals[4].floor_p50_ns = 0.0),
        ("interval 5 of the client", |client, _| client.intervals[5].load_ns = 0),
        ("interval 6 of the client", |client, _| client.intervals[6].whole_floors = 7),
        ("interval 7 of the client", |client, _| client.intervals[7].whole_loads = 7),
        ("leave fewer than 20", |client, _| {
            for interval in client.intervals.iter_mut().step_by(4) {
                interval.floor_p50_ns *= 2.0;
            }
        }),
        ("took 1.0 ns for a round trip", |client, _| {
            client.intervals.iter_mut().for_each(|interval| interval.floor_p50_ns = 1.0);
        }),
        ("took 3000000.0 ns for a round trip", |client, _| {
            client.intervals.iter_mut().for_each(|interval| interval.floor_p50_ns = 3e6);
        }),
    ];
    let good = || (client(&[(100.0, 200.0); 25]), server(25));
    let (client, server) = good();
    Trial::of(&client, &server, PLAIN).unwrap();
    for (text, change) in rules {
        let (mut client, mut server) = good();
        change(&mut client, &mut server);
        let why = Trial::of(&client, &server, PLAIN).expect_err(text).to_string();
        assert!(why.contains(text), "{why} does not contain {text}");
    }
}

/// Each request reaches every server, and has the responses of all.
#[test]
fn every_server_has_every_request() {
    let asked = Asked { servers: 4, responses: 2, ..PLAIN };
    let both = |received, sent| {
        let client = BenchCollected { received: sent, verified: sent, ..client(&[(100.0, 200.0); 25]) };
        (client, BenchCollected { sent, ..server(received) })
    };
    let why = |received, sent| {
        let (client, server) = both(received, sent);
        Trial::of(&client, &server, asked).err().map(|why| why.to_string()).unwrap_or_default()
    };
    assert_eq!(why(100, 200), "");
    let lost = "the client sent 25 requests to each of 4 servers, and these received 99";
    assert_eq!(why(99, 200), lost);
    assert!(why(25, 200).contains("and these received 25"), "one server alone");
    assert!(why(100, 199).contains("received 199 responses instead of 8 for each request"));
    assert!(why(100, 100).contains("instead of 8"));
}

proptest! {
    #[test]
    fn a_trial_ratio_does_not_depend_on_the_unit_of_the_clock(
        loads in proptest::collection::vec(100.0_f64..10_000.0, 30..60),
        scale in 1.0_f64..8.0,
    ) {
        let plain: Vec<(f64, f64)> = loads.iter().map(|load| (100.0, *load)).collect();
        let scaled: Vec<(f64, f64)> = plain.iter().map(|(floor, load)| (floor * scale, load * scale)).collect();
        let count = plain.len() as u64;
        let plain = Trial::of(&client(&plain), &server(count), PLAIN).unwrap();
        let scaled = Trial::of(&client(&scaled), &server(count), PLAIN).unwrap();
        prop_assert!((plain.p50_floors / scaled.p50_floors - 1.0).abs() < 1e-9);
    }

    #[test]
    fn whatever_a_peer_logs_is_judged_without_a_panic(
        log in proptest::collection::vec((any::<f64>(), any::<f64>(), any::<u64>(), any::<u64>()), 0..40),
    ) {
        let mut client = collected(25);
        client.intervals = log
            .into_iter()
            .map(|(floor_p50_ns, load_p50_ns, load_count, load_ns)| {
                Interval { load_count, load_ns, ..intervals(&[(floor_p50_ns, load_p50_ns)])[0] }
            })
            .collect();
        prop_assert!(Trial::of(&client, &server(25), PLAIN).is_err());
    }
}

/// Open loop at 1 M/s with 1000 requests a slice; each takes so long beside its schedule.
fn open_trial(over_ns: u64) -> Trial {
    let mut client = client(&[(100.0, 300.0); 25]);
    for interval in &mut client.intervals {
        (interval.offered_ns, interval.load_ns) = (1000, 1000 + over_ns);
    }
    // A peer that spins has its processor all the time.
    let mut server = server(25);
    client.resources.load_cpu_ns = 25 * (1000 + over_ns);
    server.resources.load_cpu_ns = client.resources.load_cpu_ns;
    Trial::of(&client, &server, Asked { rate_per_s: Some(1_000_000), ..PLAIN }).unwrap()
}

#[test]
fn an_open_loop_has_percentiles_and_no_floors() {
    let scenario = BenchScenario { timing: Timing::OpenLoop, ..scenario(3) };
    let case = BenchCase { counts: [("rate_per_s", 1_000_000)].into(), ..case() };
    let kept = [0, 5, 9].map(open_trial);
    let found = result(&scenario, "a", &case, &kept.each_ref(), &[], None);
    assert!(found.valid && found.measure == Measure::OpenLoop && found.rtt_ns.p50 == 300.0);
    assert_eq!((found.trip_ns, found.floor_ns, found.above_floor_ns, found.p50_floors), (None, None, None, None));
    assert!(found.p50_floors_rounds.is_empty() && found.regimes.is_empty() && found.saturated.is_none());

    let missed = [0, 1000, 3000].map(open_trial);
    let found = result(&scenario, "a", &case, &missed.each_ref(), &[], None);
    assert!(found.valid, "a subject may be saturated");
    let saturated = Saturated { asked_per_s: 1e6, achieved_per_s: 375_000.0, rounds: 2 };
    assert_eq!(found.saturated, Some(saturated), "500 000/s and 250 000/s");
}
