//! A made-up report with everything in it that a format has to show.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2Serializer};
use shmark::results::events::Event;
use shmark::results::model::*;

/// The subjects that are measured, with their median round trip and the weight of their tail.
const MEASURED: [(&str, f64, f64); 4] =
    [("reference", 154.0, 1.0), ("iceoryx2", 612.0, 1.4), ("pipe", 6_240.0, 2.2), ("unix-socket", 7_710.0, 2.4)];

pub const FLOOR_NS: f64 = 84.0;

/// A whole, realistic report.
pub fn report() -> Report {
    let subjects = ["reference", "iceoryx2", "unix-socket", "pipe", "broken-ring"].map(subject).into();
    Report {
        schema: SCHEMA.into(),
        created: "2026-11-22T09:30:00Z".into(),
        command: ["shmark", "run", "--subject", "reference", "--subject", "iceoryx2"].map(String::from).into(),
        seed: 42,
        machine: machine(),
        subjects,
        conformance: conformance(),
        coverage: coverage(),
        bench: bench(),
        relative: relative(),
        lifecycle: Vec::new(),
        comparisons: Vec::new(),
        label: None,
        footer: Some(Footer { complete: true, ..Footer::default() }),
    }
}

/// A report of a run that selected nothing.
pub fn empty() -> Report {
    Report {
        subjects: Vec::new(),
        conformance: Vec::new(),
        coverage: Vec::new(),
        bench: Vec::new(),
        relative: Vec::new(),
        ..report()
    }
}

fn subject(name: &str) -> SubjectInfo {
    SubjectInfo {
        name: name.into(),
        implementation: if name == "reference" { "shmark".into() } else { name.to_owned() },
        version: if name == "iceoryx2" { "0.10.0".into() } else { "0.1.0".into() },
        language: "rust".into(),
        features: ["fixed", "slice", "overflow", "backpressure", "bench"].map(String::from).into(),
        wire: format!("{name}-1"),
    }
}

fn machine() -> Machine {
    Machine {
        kernel: "6.8.0-45-generic".into(),
        cpu: "AMD EPYC 7763 64-Core Processor".into(),
        cpus: 2,
        memory_bytes: 16_710_000_000,
        clock_source: "tsc".into(),
        virtualised: true,
        warnings: vec![
            "the runner may use 2 processors: client and server leave none for the runner and the kernel, which then \
             interrupt them; use a machine or a container with 4 processors or more."
                .into(),
            "this is a virtual machine: its processors can be moved or taken away at any moment; trust the figures in \
             floors rather than those in ns, or use bare metal."
                .into(),
        ],
    }
}

pub fn result(scenario: &str, requirement: &str, subject: &str, outcome: Verdict, message: &str) -> ConformanceResult {
    let passed = matches!(outcome, Verdict::Pass);
    ConformanceResult {
        scenario: scenario.into(),
        requirements: vec![requirement.into()],
        level: Level::Must,
        client: subject.into(),
        server: subject.into(),
        outcome,
        message: message.into(),
        cause: String::new(),
        stretched: Vec::new(),
        step: None,
        place: None,
        expected: None,
        actual: None,
        transcripts: if passed { BTreeMap::new() } else { transcripts() },
        duration_ms: 12,
        repro: format!("shmark conform --subject {subject} --run '{scenario}' --seed 42"),
    }
}

fn transcripts() -> BTreeMap<String, Vec<String>> {
    let lines = [
        r#"> {"id":1,"op":"hello","protocol":1,"root":"/dev/shm/shmark-42","seed":42}"#,
        r#"< {"id":1,"ok":{"implementation":"iceoryx2","version":"0.10.0","language":"rust"}}"#,
        r#"> {"id":2,"op":"client.create","service":"service","as":"cli","backpressure":"retry"}"#,
        r#"< {"id":2,"ok":{"port_id":"93c1"}}"#,
        r#"> {"id":3,"op":"client.send","on":"cli","as":"p2","seed":42,"len":4096}"#,
    ];
    BTreeMap::from([("c".into(), lines.map(String::from).into()), ("s".into(), vec!["> {\"id\":1}".into()])])
}

fn conformance() -> Vec<ConformanceResult> {
    let mut results = Vec::new();
    for (scenario, requirement) in [
        ("svc/create-twice", "RR-SVC-01"),
        ("svc/open-missing", "RR-SVC-02"),
        ("snd/every-server-receives[kind=fixed,len=1]", "RR-SND-01"),
        ("snd/every-server-receives[kind=slice,len=4096]", "RR-SND-01"),
        ("pnd/responses-in-order", "RR-PND-02"),
    ] {
        results.push(result(scenario, requirement, "reference", Verdict::Pass, ""));
        results.push(result(scenario, requirement, "iceoryx2", Verdict::Pass, ""));
    }
    results.push(ConformanceResult {
        step: Some(r#"7: { on = "c", await = "p2", within_ms = 1000, check = "RR-LIV-02", expect = { ok = {} } }"#.into()),
        expected: Some("{ ok = { delivered = 0 } }".into()),
        actual: Some(r#"{ err = { class = "unable-to-deliver", native = "SendError::UnableToDeliver" } }"#.into()),
        duration_ms: 1_034,
        ..result(
            "liv/blocked-send-outlives-a-killed-server[kind=slice,len=4096]",
            "RR-LIV-02",
            "iceoryx2",
            Verdict::Fail,
            "A sender that waits for room in a dead server's buffer goes on as soon as the server is known to be dead.\n\
             The send was answered, but as refused: the dead server still counted as a receiver.",
        )
    });
    results.push(ConformanceResult {
        actual: Some("peer c ended with signal SIGSEGV after request.send".into()),
        duration_ms: 3,
        ..result(
            "bad/truncated-segment",
            "RR-BAD-03",
            "iceoryx2",
            Verdict::Crash,
            "A damaged segment is refused as corrupted; it never ends the process that opens it.",
        )
    });
    results.push(ConformanceResult {
        duration_ms: 5_000,
        level: Level::Should,
        expected: Some("an answer within 5000 ms".into()),
        actual: Some("no answer; the peer slept in futex_wait".into()),
        ..result(
            "wait/wakes-on-close",
            "RR-WAIT-02",
            "iceoryx2",
            Verdict::Timeout,
            "A waiting receiver wakes when the last sender goes.",
        )
    });
    results.push(result(
        "rcl/chunks-return[len=1]",
        "RR-RCL-01",
        "iceoryx2",
        Verdict::ExpectedFail,
        "Listed: a chunk stays in use until the next send (tracked upstream).",
    ));
    results.push(result(
        "fnf/response-is-dropped",
        "RR-FNF-03",
        "iceoryx2",
        Verdict::UnexpectedPass,
        "Listed as failing in expected.toml, but it passed: remove the entry.",
    ));
    results.push(result(
        "dyn/grows[len=65536]",
        "RR-DYN-04",
        "iceoryx2",
        Verdict::Skipped,
        "feature growth is not declared",
    ));
    results.push(ConformanceResult {
        level: Level::Observed,
        actual: Some("max_servers = 8".into()),
        expected: Some("max_servers = 2".into()),
        ..result("svc/defaults", "RR-SVC-06", "reference", Verdict::Fail, "Defaults as iceoryx2 0.10 has them.")
    });
    results.push(ConformanceResult {
        client: "reference".into(),
        ..result(
            "snd/foreign-server",
            "RR-SND-05",
            "iceoryx2",
            Verdict::Skipped,
            "wire reference-1 and iceoryx2-1 cannot talk to each other",
        )
    });
    results
}

fn coverage() -> Vec<Coverage> {
    let mut coverage = Vec::new();
    let broken = ["RR-LIV-02", "RR-BAD-03", "RR-WAIT-02", "RR-RCL-01"];
    for requirement in [
        "RR-SVC-01",
        "RR-SVC-02",
        "RR-SVC-06",
        "RR-SND-01",
        "RR-SND-05",
        "RR-PND-02",
        "RR-FNF-03",
        "RR-DYN-04",
        "RR-RCL-01",
        "RR-WAIT-02",
        "RR-LIV-02",
        "RR-BAD-03",
    ] {
        for (client, server) in [("reference", "reference"), ("iceoryx2", "iceoryx2"), ("reference", "iceoryx2")] {
            let mixed = client != server;
            let untested = mixed || requirement == "RR-DYN-04" && server == "iceoryx2";
            let (verdict, executed, reason) = if untested {
                let reason = if mixed { "wires differ" } else { "feature growth is not declared" };
                (CoverageVerdict::Untested, 0, reason)
            } else if server == "iceoryx2" && broken.contains(&requirement) {
                (CoverageVerdict::Broken, 3, "1 of 3 checks failed")
            } else {
                (CoverageVerdict::Held, 3, "")
            };
            coverage.push(Coverage {
                client: client.into(),
                server: server.into(),
                requirement: requirement.into(),
                level: if requirement == "RR-SVC-06" { Level::Observed } else { Level::Must },
                checks: 3,
                executed,
                verdict,
                reason: reason.into(),
            });
        }
    }
    coverage
}

pub fn case() -> BTreeMap<String, String> {
    BTreeMap::from([("len".into(), "1".into()), ("payload".into(), "u64".into()), ("waiting".into(), "spin".into())])
}

fn bench() -> Vec<BenchResult> {
    let mut results: Vec<BenchResult> = MEASURED.iter().map(|(name, p50, tail)| measured(name, *p50, *tail)).collect();
    results.push(BenchResult {
        valid: false,
        why_invalid: Some("the client received 399 998 of 400 000 responses".into()),
        p50_floors: None,
        ..measured("broken-ring", 130.0, 1.0)
    });
    results
}

/// A subject whose round trips have a long tail, the same on every call.
pub fn measured(name: &str, p50_ns: f64, tail: f64) -> BenchResult {
    let mut histogram = Histogram::<u64>::new(3).unwrap();
    let samples = 200_000_u64;
    for i in 0..samples {
        let inverse = samples as f64 / (samples - i) as f64;
        let slow = if inverse > 50.0 { (inverse / 50.0).powf(0.32 * tail) } else { 1.0 };
        let ns = p50_ns * (0.86 + 0.14 * (i as f64 / samples as f64 * 2.0)) * slow;
        histogram.record(ns as u64).unwrap();
    }
    let at = |q: f64| histogram.value_at_quantile(q) as f64;
    let mut bytes = Vec::new();
    V2Serializer::new().serialize(&histogram, &mut bytes).unwrap();
    // Short decimals, which survive JSON unchanged.
    let short = |figure: f64| (figure * 100.0).round() / 100.0;
    let ratio = p50_ns / FLOOR_NS;
    let rounds = [0.97, 1.02, 0.99, 1.0, 1.05, 1.0, 0.98, 1.01].map(|noise| short(ratio * noise));
    let time = |ns: f64| Time { ns, ci95_ns: Some([short(ns * 0.975), short(ns * 1.03)]) };
    BenchResult {
        scenario: "rtt".into(),
        title: "How long does a round trip of one u64 take between two spinning processes?".into(),
        subject: name.into(),
        measure: Measure::RoundTrip,
        case: case(),
        valid: true,
        why_invalid: None,
        undecided: None,
        rounds: rounds.len(),
        samples,
        intervals: 4_000,
        regime_changes: 37,
        rtt_ns: Percentiles {
            min: histogram.min() as f64,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p99_9: at(0.999),
            p99_99: at(0.9999),
            max: histogram.max() as f64,
            mean: short(histogram.mean()),
        },
        trip_ns: Some(time(short(p50_ns))),
        trips_ns: rounds.iter().map(|floors| short(floors * FLOOR_NS)).collect(),
        floor_ns: Some(time(FLOOR_NS)),
        above_floor_ns: Some(time(short(p50_ns - FLOOR_NS))),
        clock_ns: Some(9.5),
        throughput_per_s: short(1e9 / p50_ns),
        floor_rtt_ns: Percentiles { p50: FLOOR_NS, ..Percentiles::default() },
        p50_floors: Some(Ratio { ratio: short(ratio), ci95: [short(ratio * 0.975), short(ratio * 1.03)] }),
        p50_floors_rounds: rounds.into(),
        regimes: vec![BenchRegime {
            floor_ns: FLOOR_NS,
            rounds: rounds.len(),
            intervals: 3_900,
            p50_ns,
            p50_floors: Estimate { ratio: short(ratio), ci95: Some([short(ratio * 0.975), short(ratio * 1.03)]) },
            above_floor_ns: Some(time(short(p50_ns - FLOOR_NS))),
        }],
        saturated: None,
        cpu_ns_per_request: BySide { client: p50_ns, server: short(p50_ns * 0.98) },
        histogram: STANDARD.encode(bytes),
    }
}

fn relative() -> Vec<Relative> {
    let compared = |baseline: &str, ratio: f64, ci95| Relative {
        scenario: "rtt".into(),
        case: case(),
        subject: "reference".into(),
        baseline: baseline.into(),
        baseline_case: None,
        measure: Measure::RoundTrip,
        rounds: 8,
        ratio: Ratio { ratio, ci95 },
        ratios: vec![ratio; 8],
        floor_ns: Some(FLOOR_NS),
        regimes: vec![RelativeRegime { floor_ns: FLOOR_NS, rounds: 8, ratio, ci95: Some(ci95) }],
    };
    vec![
        compared("iceoryx2", 0.252, [0.243, 0.261]),
        compared("pipe", 0.0247, [0.024, 0.0255]),
        compared("unix-socket", 0.02, [0.0194, 0.0206]),
        Relative { subject: "unix-socket".into(), ..compared("pipe", 1.06, [0.98, 1.15]) },
    ]
}

/// The report as it would have happened.
pub fn events() -> Vec<Event> {
    let report = report();
    let Report { schema, created, command, seed, machine, .. } = report;
    let mut events = vec![Event::RunStarted { schema, created, command, seed, machine }];
    for subject in &report.subjects {
        events.push(Event::Building { subject: subject.name.clone(), line: "Compiling".into() });
        // Every peer of a subject says hello.
        events.extend([(); 2].map(|()| Event::SubjectReady { subject: subject.clone() }));
    }
    events.push(Event::Planned { what: "scenarios".into(), count: report.conformance.len() });
    for result in report.conformance {
        let (scenario, client, server) = (result.scenario.clone(), result.client.clone(), result.server.clone());
        events.push(Event::ScenarioStarted { scenario, client, server });
        events.push(Event::ScenarioFinished { result: Box::new(result) });
    }
    events.push(Event::Warning { text: "the load average rose to 3.1 during the run".into() });
    for result in report.bench {
        events.push(Event::TrialFinished {
            scenario: result.scenario.clone(),
            subject: result.subject.clone(),
            case: "len 1".into(),
            round: 1,
            p50_ns: result.rtt_ns.p50,
            p50_floors: 1.83,
            saturated_per_s: None,
            invalid: result.why_invalid.clone(),
        });
        events.push(Event::BenchFinished { result: Box::new(result) });
    }
    events.extend(report.relative.into_iter().map(|relative| Event::Compared { relative: Box::new(relative) }));
    events.push(Event::RunFinished { footer: Footer { complete: true, ..Footer::default() } });
    events
}
