//! Who is measured when, and what becomes of trials that go wrong, without a process.
#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests of exact values")]

use super::*;
use crate::bench::testing::{case, client, scenario, server};
use shmark_peer::kit::implementation::Timing;

/// Answers each trial from a script; a good trial of 2.0 floors for subject 0, 4.0 for subject 1 and so on otherwise.
struct Script<F> {
    /// Subjects of the trials in rounds.
    order: Vec<usize>,
    /// Subjects of the short trials before.
    short: Vec<usize>,
    /// How often the machine was made fit.
    settled: usize,
    answer: F,
}

impl<F: FnMut(usize, usize) -> Option<Ended>> Launch for Script<F> {
    fn trial(&mut self, plan: &TrialPlan<'_>) -> Ended {
        if plan.scenario.duration_ms < scenario(1).duration_ms {
            self.short.push(plan.subject);
            return good(plan.subject);
        }
        assert_eq!(plan.scenario.slice_requests, scenario(1).slice_requests, "fast subjects keep the slices");
        assert_eq!(self.settled, self.order.len() + 1, "before each trial that is to count, once");
        let turn = self.order.len();
        self.order.push(plan.subject);
        (self.answer)(turn, plan.subject).unwrap_or_else(|| good(plan.subject))
    }

    fn wait_for_placement(&mut self, _observer: &mut dyn Observer) {
        self.settled += 1;
    }
}

fn good(subject: usize) -> Ended {
    let load = 200.0 * (subject + 1) as f64;
    Ended::Measured { client: Box::new(client(&[(100.0, load); 25])), server: Box::new(server(25)) }
}

#[derive(Default)]
struct Seen(Vec<Event>);

impl Observer for Seen {
    fn event(&mut self, event: &Event) {
        self.0.push(event.clone());
    }
}

fn play(
    subjects: usize,
    rounds: usize,
    answer: impl FnMut(usize, usize) -> Option<Ended>,
) -> (Found, Vec<usize>, Seen) {
    let names: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
    let entry = Entry {
        scenario: scenario(rounds),
        subjects: (0..subjects).collect(),
        asked: 1,
        rounds_max: 1,
        skips_disturbed: false,
    };
    let mut script = Script { order: vec![], short: vec![], settled: 0, answer };
    let mut seen = Seen::default();
    let found = measure(&[entry], &names, 0, &mut script, &mut seen);
    assert_eq!(script.short, (0..subjects).collect::<Vec<_>>(), "one short trial each");
    (found, script.order, seen)
}

#[test]
fn subjects_take_turns_and_each_gets_all_rounds() {
    let (found, order, seen) = play(3, 3, |_, _| None);
    assert_eq!(order.len(), 9);
    for round in order.chunks(3) {
        let next = |subject: usize| (subject + 1) % 3;
        assert!(round[1] == next(round[0]) && round[2] == next(round[1]), "{order:?}");
    }
    assert!(order[3] == order[1] && order[6] == order[4], "each round begins with the next subject: {order:?}");
    assert!(found.bench.iter().all(|result| result.valid && result.rounds == 3) && !found.interrupted);
    assert_eq!(found.bench.iter().map(|result| &*result.subject).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert!(matches!(&seen.0[0], Event::Planned { count: 9, .. }));
    let started = seen.0.iter().filter(|event| matches!(event, Event::TrialStarted { .. })).count();
    let finished = seen.0.iter().filter(|event| matches!(event, Event::TrialFinished { invalid: None, .. })).count();
    assert_eq!((started, finished), (9, 9));
}

#[test]
fn subjects_asked_for_are_compared_with_everything_behind_them() {
    let (found, _, seen) = play(3, 4, |_, _| None);
    let pairs: Vec<_> = found.relative.iter().map(|r| (&*r.subject, &*r.baseline, r.ratio.ratio, r.rounds)).collect();
    assert_eq!(pairs, [("a", "b", 0.5, 4), ("a", "c", 200.0 / 600.0, 4)]);
    let told = seen.0.iter().filter_map(|event| match event {
        Event::Compared { relative } => Some(&**relative),
        _ => None,
    });
    assert!(told.eq(&found.relative), "each comparison is an event as well");
}

#[test]
fn an_invalid_trial_makes_the_case_invalid_but_the_other_rounds_are_measured() {
    let (found, order, seen) = play(2, 3, |turn, _| {
        (turn == 2).then(|| {
            let mut server = server(25);
            server.checksum ^= 1;
            Ended::Measured { client: Box::new(client(&[(100.0, 200.0); 25])), server: Box::new(server) }
        })
    });
    assert_eq!(order.len(), 6);
    let bad = &found.bench[order[2]];
    assert!(!bad.valid && bad.rounds == 2);
    assert!(
        bad.why_invalid.as_ref().unwrap().starts_with("round 2: the sequences that client and server received differ")
    );
    assert!(found.bench[1 - order[2]].valid);
    assert!(found.relative.is_empty(), "an invalid result is not compared");
    assert!(seen.0.iter().any(|event| matches!(event, Event::TrialFinished { round: 2, invalid: Some(_), .. })));
}

/// A trial in which the machine left time for three intervals only.
fn disturbed() -> Ended {
    Ended::Measured { client: Box::new(client(&[(100.0, 200.0); 3])), server: Box::new(server(3)) }
}

#[test]
fn a_disturbed_trial_is_measured_again_and_says_so() {
    let (found, order, seen) = play(1, 3, |turn, _| [1, 2].contains(&turn).then(disturbed));
    assert_eq!(order.len(), 5);
    assert!(found.bench[0].valid && found.bench[0].rounds == 3);
    let repeats = seen.0.iter().filter(|event| matches!(event, Event::TrialRepeated { round: 2, .. }));
    assert_eq!(repeats.count(), 2);
    let warnings: Vec<_> = seen
        .0
        .iter()
        .filter_map(|event| match event {
            Event::Warning { text } if text.contains("measured again") => Some(text),
            _ => None,
        })
        .collect();
    assert!(warnings.len() == 1 && warnings[0].contains("2 of 5 trials were measured again"), "{warnings:?}");
    // The made-up peers time no slice as a whole.
    let clocks =
        seen.0.iter().filter(|event| matches!(event, Event::Warning { text } if text.contains("older protocol")));
    assert_eq!(clocks.count(), 1);
    let finished = seen.0.iter().filter(|event| matches!(event, Event::TrialFinished { .. }));
    assert_eq!(finished.count(), 3, "one result a round");
}

#[test]
fn a_trial_that_stays_disturbed_is_invalid() {
    let (found, order, _) = play(1, 2, |turn, _| (turn <= REPEATS_MAX).then(disturbed));
    assert_eq!(order.len(), 1 + REPEATS_MAX + 1);
    assert!(!found.bench[0].valid && found.bench[0].rounds == 1);
    assert!(found.bench[0].why_invalid.as_ref().unwrap().contains("leave fewer than 20"));
}

#[test]
fn a_broken_peer_is_not_launched_again_in_the_same_case() {
    let (found, order, _) =
        play(2, 4, |_, subject| (subject == 0).then(|| Ended::Broken("the client was ended by signal 9".to_owned())));
    assert_eq!(order.iter().filter(|subject| **subject == 0).count(), 1);
    assert_eq!(order.iter().filter(|subject| **subject == 1).count(), 4);
    assert!(!found.bench[0].valid && found.bench[0].rounds == 0);
    assert_eq!(found.bench[0].why_invalid.as_deref(), Some("round 1: the client was ended by signal 9"));
    assert!(found.bench[1].valid);
}

#[test]
fn a_case_that_a_subject_does_not_have_is_skipped_visibly() {
    let (found, _, seen) =
        play(2, 2, |_, subject| (subject == 1).then(|| Ended::Unsupported("no blocking wait".to_owned())));
    assert_eq!(found.bench.len(), 1);
    assert_eq!(found.skipped.len(), 1);
    assert!(
        found.skipped[0].contains("rtt, u64 fixed spin: b is left out") && found.skipped[0].contains("no blocking")
    );
    assert!(seen.0.iter().any(|event| matches!(event, Event::Warning { text } if *text == found.skipped[0])));
}

#[test]
fn an_interrupt_keeps_what_was_measured() {
    let (found, order, _) = play(2, 3, |turn, _| (turn == 3).then_some(Ended::Interrupted));
    assert!(found.interrupted);
    assert_eq!(order.len(), 4, "nothing is started after the interrupt");
    let mut rounds: Vec<usize> = found.bench.iter().map(|result| result.rounds).collect();
    rounds.sort_unstable();
    assert_eq!(rounds, [1, 2]);
    assert!(found.bench.iter().all(|result| result.valid), "what is there is valid");
    let (found, _, _) = play(2, 3, |_, _| Some(Ended::Interrupted));
    assert!(found.bench.is_empty() && found.interrupted);
}

/// Each subject met a placement that the other one hardly met; both met a third one.
struct Moving;
impl Launch for Moving {
    fn trial(&mut self, plan: &TrialPlan<'_>) -> Ended {
        // Their floors in the third one differ a little, as trials do.
        let (own_floor, common_floor, load) = [(100.0, 200.0, 150.0), (400.0, 204.0, 600.0)][plan.subject];
        let log = [vec![(own_floor, load); 30], vec![(common_floor, load); 30]].concat();
        Ended::Measured { client: Box::new(client(&log)), server: Box::new(server(60)) }
    }
}

#[test]
fn all_results_of_a_scenario_name_the_same_regimes() {
    let cases = [0, 7].map(|idle| BenchCase { counts: [("idle_clients", idle)].into(), ..case() });
    let scenario = BenchScenario { cases: cases.to_vec(), ..scenario(3) };
    let entry = Entry { scenario, subjects: vec![0, 1], asked: 1, rounds_max: 1, skips_disturbed: false };
    let found = measure(&[entry], &["a".to_owned(), "b".to_owned()], 0, &mut Moving, &mut Seen::default());
    let met = |result: &BenchResult| result.regimes.iter().map(|r| (r.floor_ns, r.rounds)).collect::<Vec<_>>();
    assert_eq!(
        found.bench.iter().map(met).collect::<Vec<_>>(),
        [[(100.0, 3), (202.0, 3)], [(202.0, 3), (400.0, 3)]].repeat(2)
    );
    let compared: Vec<_> = found
        .relative
        .iter()
        .map(|r| (&*r.subject, &*r.baseline, r.floor_ns, r.regimes.len(), r.ratio.ratio))
        .collect();
    let (near, both) = (Some(100.0), Some(202.0));
    let beside = [("a", "b", both, 1, 0.25), ("a", "b", both, 1, 0.25)];
    assert_eq!(compared[..1], beside[..1]);
    assert_eq!(compared[1..], [beside[1], ("a", "a", near, 2, 1.0), ("b", "b", both, 2, 1.0)]);
}

/// Writes down the idle clients of each trial that counts; a trial with some takes twice as long.
struct ByCase<'a>(&'a mut Vec<usize>);
impl Launch for ByCase<'_> {
    fn trial(&mut self, plan: &TrialPlan<'_>) -> Ended {
        let idle = plan.case.count("idle_clients").unwrap();
        if plan.scenario.duration_ms == scenario(1).duration_ms {
            self.0.push(idle);
        }
        good(usize::from(idle > 0))
    }
}

/// Two cases of one subject: both in each round, the second one beside the first.
#[test]
fn cases_of_a_scenario_take_turns_and_are_compared_with_the_first() {
    let cases = [0, 7].map(|idle| BenchCase { counts: [("idle_clients", idle)].into(), ..case() });
    let mut order = Vec::new();
    let names = ["a".to_owned()];
    for (timing, ratio) in [(Timing::RoundTrip, 2.0), (Timing::Throughput, 0.5)] {
        order.clear();
        let scenario = BenchScenario { cases: cases.to_vec(), timing, ..scenario(4) };
        let entry = Entry { scenario, subjects: vec![0], asked: 1, rounds_max: 1, skips_disturbed: false };
        let found = measure(&[entry], &names, 0, &mut ByCase(&mut order), &mut Seen::default());
        assert!(order.chunks(2).all(|round| round[0] != round[1]), "both cases in each round: {order:?}");
        assert!(order[1] == order[2], "rounds rotate: {order:?}");
        let [own] = found.relative.as_slice() else { panic!("{:?}", found.relative) };
        assert_eq!((&*own.subject, &*own.baseline, own.rounds, own.ratio.ratio), ("a", "a", 4, ratio));
        assert_eq!(
            (&own.case["idle_clients"], own.baseline_case.as_ref().map(|c| &*c["idle_clients"])),
            (&"7".to_owned(), Some("0"))
        );
        assert!(found.bench.iter().all(|result| result.valid && result.measure == own.measure));
    }
}

/// A trial of a payload that is touched takes 400 ns, else 200 ns.
struct ByTouch;
impl Launch for ByTouch {
    fn trial(&mut self, plan: &TrialPlan<'_>) -> Ended {
        good(usize::from(plan.case.is_touched()))
    }
}

/// Sizes that are not touched would be compared with a size that is.
#[test]
fn what_is_not_touched_is_compared_with_what_is_not_touched_either() {
    let sized = |len, touch: &str| BenchCase { len, words: [("touch", touch.to_owned())].into(), ..case() };
    let cases = [sized(64, "all"), sized(64, "stamp"), sized(8, "all"), sized(8, "stamp")];
    let entry = Entry {
        scenario: BenchScenario { cases: cases.to_vec(), ..scenario(4) },
        subjects: vec![0],
        asked: 1,
        rounds_max: 1,
        skips_disturbed: false,
    };
    let found = measure(&[entry], &["a".to_owned()], 0, &mut ByTouch, &mut Seen::default());
    let compared: Vec<_> = found
        .relative
        .iter()
        .map(|own| {
            let other = own.baseline_case.as_ref().unwrap();
            let case = |case: &std::collections::BTreeMap<String, String>| format!("{} {}", case["len"], case["touch"]);
            (case(&own.case), case(other), own.ratio.ratio)
        })
        .collect();
    let expected = [("64 stamp", "64 all", 0.5), ("8 all", "64 all", 1.0), ("8 stamp", "64 stamp", 1.0)];
    assert_eq!(compared, expected.map(|(case, other, ratio)| (case.to_owned(), other.to_owned(), ratio)));
}

/// Subject 0 keeps to 1 M/s, subject 1 has half of it; the machine disturbs some slices of the first trial that counts.
struct Loop {
    disturbed: bool,
    seeds: Vec<usize>,
}
impl Launch for Loop {
    fn trial(&mut self, plan: &TrialPlan<'_>) -> Ended {
        let mut client = client(&[(100.0, 300.0); 25]);
        let counts = plan.scenario.duration_ms >= scenario(1).duration_ms;
        let disturbs = counts && plan.subject == 0 && std::mem::take(&mut self.disturbed);
        for (index, interval) in client.intervals.iter_mut().enumerate() {
            let factor = if plan.subject == 1 || disturbs && index < 5 { 2 } else { 1 };
            (interval.offered_ns, interval.load_ns) = (1000, 1000 * factor);
        }
        if counts {
            self.seeds.push(plan.round);
        }
        let mut server = server(25);
        // A peer that spins has its processor all the time.
        client.resources.load_cpu_ns = client.intervals.iter().map(|interval| interval.load_ns).sum();
        server.resources.load_cpu_ns = client.resources.load_cpu_ns;
        Ended::Measured { client: Box::new(client), server: Box::new(server) }
    }
}

#[test]
fn a_rate_is_too_much_for_a_subject_or_for_the_machine() {
    let case = BenchCase { counts: [("rate_per_s", 1_000_000)].into(), ..case() };
    let scenario = BenchScenario { cases: vec![case], timing: Timing::OpenLoop, ..scenario(2) };
    let entry = Entry { scenario, subjects: vec![0, 1], asked: 2, rounds_max: 1, skips_disturbed: false };
    let (mut launch, mut seen) = (Loop { disturbed: true, seeds: vec![] }, Seen::default());
    let found = measure(&[entry], &["a".to_owned(), "b".to_owned()], 0, &mut launch, &mut seen);
    let kept: Vec<_> = found.bench.iter().map(|r| (r.valid, r.rounds, r.saturated.map(|s| s.achieved_per_s))).collect();
    assert_eq!(kept, [(true, 2, None), (true, 2, Some(500_000.0))], "saturation is a result");
    assert!(found.relative.is_empty(), "what is saturated is compared with nothing");
    let repeated = seen.0.iter().filter(|event| matches!(event, Event::TrialRepeated { .. })).count();
    let is_saturated = |event: &&Event| matches!(event, Event::TrialFinished { saturated_per_s: Some(_), .. });
    assert_eq!((repeated, seen.0.iter().filter(is_saturated).count()), (1, 2), "only the machine's share is repeated");
    launch.seeds.dedup();
    assert_eq!(launch.seeds, [0, 1], "moments change from round to round");
}

/// Trials of 25 requests with three responses each.
struct Streams;
impl Launch for Streams {
    fn trial(&mut self, _: &TrialPlan<'_>) -> Ended {
        let mut client = client(&[(100.0, 200.0); 25]);
        let mut server = server(25);
        (client.received, client.verified, server.sent) = (75, 75, 75);
        Ended::Measured { client: Box::new(client), server: Box::new(server) }
    }
}

/// A response too few is as invalid as a response too many.
#[test]
fn a_request_has_as_many_responses_as_the_case_says() {
    for (responses, why) in [(3, None), (2, Some("received 75 responses instead of 2 for each request"))] {
        let case = BenchCase { counts: [("responses", responses)].into(), ..case() };
        let scenario = BenchScenario { cases: vec![case], timing: Timing::Throughput, ..scenario(2) };
        let entry = Entry { scenario, subjects: vec![0], asked: 1, rounds_max: 1, skips_disturbed: false };
        let found = measure(&[entry], &["a".to_owned()], 0, &mut Streams, &mut Seen::default());
        let result = &found.bench[0];
        match why {
            None => assert!(result.valid, "{:?}", result.why_invalid),
            Some(why) => assert!(result.why_invalid.as_ref().unwrap().contains(why), "{:?}", result.why_invalid),
        }
    }
}

/// Rounds of a subject whose first ones are far apart, and how the others are.
fn uneven(factors: &'static [f64], width_percent: u64) -> (Found, Vec<usize>, Seen) {
    let names = ["steady".to_owned(), "uneven".to_owned()];
    let scenario = BenchScenario { width_percent: Some(width_percent), ..scenario(6) };
    let entry = Entry { scenario, subjects: vec![0, 1], asked: 2, rounds_max: 18, skips_disturbed: false };
    let mut turns = 0;
    let answer = move |_, subject| {
        let factor = if subject == 1 { factors.get(turns).copied().unwrap_or(1.0) } else { 1.0 };
        turns += usize::from(subject == 1);
        let client = client(&[(100.0, 200.0 * factor); 25]);
        Some(Ended::Measured { client: Box::new(client), server: Box::new(server(25)) })
    };
    let mut script = Script { order: vec![], short: vec![], settled: 0, answer };
    let mut seen = Seen::default();
    let found = measure(&[entry], &names, 0, &mut script, &mut seen);
    (found, script.order, seen)
}

#[test]
fn what_is_too_wide_gets_more_rounds_and_no_others() {
    // With six rounds the interval reaches from the smallest to the largest; from nine on it leaves out one on either side.
    let (found, order, seen) = uneven(&[2.0], 20);
    assert_eq!([0, 1].map(|subject| order.iter().filter(|turn| **turn == subject).count()), [6, 9]);
    assert!(found.bench.iter().all(|result| result.valid && result.undecided.is_none()), "{:?}", found.bench);
    assert_eq!(found.bench.iter().map(|result| result.rounds).collect::<Vec<_>>(), [6, 9]);
    let further =
        seen.0.iter().filter(|event| matches!(event, Event::Planned { what, count: 1 } if what == "further trials"));
    assert_eq!(further.count(), 3);
}

#[test]
fn what_stays_too_wide_is_undecided_and_says_by_how_much() {
    let (found, order, _) =
        uneven(&[1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0], 20);
    assert_eq!(order.iter().filter(|turn| **turn == 1).count(), 18, "the whole budget");
    let [steady, uneven] = found.bench.as_slice() else { panic!("{:?}", found.bench) };
    assert!(steady.undecided.is_none() && uneven.valid);
    let why = uneven.undecided.as_deref().unwrap();
    assert!(why.contains("after 18 rounds the interval is 100 % wide, and the question needs 20 %"), "{why}");
}

#[test]
fn a_disturbed_trial_is_only_missing_where_that_is_asked_for() {
    for skips_disturbed in [false, true] {
        let entry = Entry { scenario: scenario(3), subjects: vec![0], asked: 1, rounds_max: 3, skips_disturbed };
        // The first round, and every repetition of it.
        let answer = |turn, _| (turn <= REPEATS_MAX).then(disturbed);
        let mut script = Script { order: vec![], short: vec![], settled: 0, answer };
        let found = measure(&[entry], &["a".to_owned()], 0, &mut script, &mut Seen::default());
        let [result] = found.bench.as_slice() else { panic!("{:?}", found.bench) };
        assert_eq!((result.valid, result.rounds), (skips_disturbed, 2), "{:?}", result.why_invalid);
    }
}

#[test]
fn a_question_without_a_width_takes_any_interval() {
    let (found, ..) = play(2, 1, |_, _| None);
    assert!(found.bench.iter().all(|result| result.undecided.is_none()));
}
