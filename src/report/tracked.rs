//! Benchmark results as dashboards follow them from run to run: by a name, in times and in floors.

use crate::results::model::{BenchResult, Measure, Ratio, Report, Time};

/// A result that counts.
#[derive(Debug, Clone)]
pub struct Tracked<'a> {
    /// `rtt[len=1,payload=u64] reference`: the same in every run that asks the same.
    pub name: String,
    /// Where everything else is.
    pub result: &'a BenchResult,
}

/// Every result of a report that counts, in its order. A report has one for each scenario, case and subject.
pub fn tracked(report: &Report) -> Vec<Tracked<'_>> {
    let valid = report.bench.iter().filter(|result| result.valid);
    valid.map(|result| Tracked { name: name(result), result }).collect()
}

fn name(result: &BenchResult) -> String {
    let case = case_text(result);
    let case = if case.is_empty() { case } else { format!("[{case}]") };
    format!("{}{case} {}", result.scenario, result.subject)
}

/// `len=1,payload=u64`.
pub fn case_text(result: &BenchResult) -> String {
    result.case.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
}

impl Tracked<'_> {
    /// What its times are times of.
    pub fn of_what(&self) -> &'static str {
        match self.result.measure {
            Measure::RoundTrip => "round trip",
            Measure::Throughput => "one message",
            Measure::OpenLoop => "latency from the intended start",
        }
    }

    /// Time of one, ns: without a clock in it, and with an interval, where the peer times whole slices.
    pub fn time(&self) -> Time {
        self.result.trip_ns.unwrap_or(Time { ns: self.result.round_trip_ns(), ci95_ns: None })
    }

    /// The same in floors.
    pub fn floors(&self) -> Option<Ratio> {
        self.result.p50_floors
    }
}
