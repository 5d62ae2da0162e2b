//! Numbers as a person reads them: three digits that count, and always a unit.

use std::time::Duration;

use crate::results::model::BenchResult;

/// `84.0 ns`, `7.71 µs`, `1.20 ms`, `3.00 s`.
pub fn duration_ns(ns: f64) -> String {
    let (value, unit) = match ns.abs() {
        // The limits are where three digits would round up to 1000.
        x if x < 999.5 => (ns, "ns"),
        x if x < 999.5e3 => (ns / 1e3, "µs"),
        x if x < 999.5e6 => (ns / 1e6, "ms"),
        _ => (ns / 1e9, "s"),
    };
    format!("{} {unit}", three_digits(value))
}

/// The median latency of an open loop, or `saturated` where it says nothing.
pub fn latency_p50(result: &BenchResult) -> String {
    if result.saturated.is_some() { "saturated".to_owned() } else { duration_ns(result.rtt_ns.p50) }
}

/// Another percentile of a result, ns; none of a saturated one.
pub fn percentile_ns(result: &BenchResult, ns: f64) -> String {
    if result.saturated.is_some() { "–".to_owned() } else { duration_ns(ns) }
}

/// A tick of an axis: `100 ns`, `2 µs`, without digits that are always 0.
pub fn tick_ns(ns: f64) -> String {
    let text = duration_ns(ns);
    let (value, unit) = text.split_once(' ').unwrap_or((&text, ""));
    format!("{} {unit}", without_trailing_zeros(value))
}

/// A tick of a rate: `500 k/s`, `2 M/s`.
pub fn tick_rate(rate: f64) -> String {
    let text = rate_per_s(rate);
    match text.split_once(' ') {
        Some((value, unit)) => format!("{} {unit}", without_trailing_zeros(value)),
        None => format!("{}/s", without_trailing_zeros(text.trim_end_matches("/s"))),
    }
}

/// A ratio or count with three digits that count: `0.0247`, `1.83`, `47.2`, `1230`.
pub fn three_digits(value: f64) -> String {
    let decimals = match value.abs() {
        // An exact 0 is a count of nothing, not a small figure.
        0.0 => 0,
        x if x < 0.000_995 => return format!("{value:.2e}"),
        x if x < 0.009_995 => 5,
        x if x < 0.099_95 => 4,
        x if x < 0.9995 => 3,
        x if x < 9.995 => 2,
        x if x < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

/// A tick of a ratio axis: `0.5`, `1`, `20`.
pub fn tick_ratio(value: f64) -> String {
    without_trailing_zeros(&three_digits(value)).to_owned()
}

/// A rate: `870/s`, `12.3 k/s`, `4.10 M/s`.
pub fn rate_per_s(rate: f64) -> String {
    match rate.abs() {
        x if x < 999.5 => format!("{}/s", three_digits(rate)),
        x if x < 999.5e3 => format!("{} k/s", three_digits(rate / 1e3)),
        x if x < 999.5e6 => format!("{} M/s", three_digits(rate / 1e6)),
        _ => format!("{} G/s", three_digits(rate / 1e9)),
    }
}

/// A count with thin gaps between thousands: `1 234 567`.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() * 2);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            // Narrow no-break space: the figure never wraps.
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// Bytes in binary units: `512 B`, `15.6 GiB`.
pub fn bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 999.5 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{} {unit}", three_digits(value)) };
        }
        value /= 1024.0;
    }
    format!("{} TiB", three_digits(value))
}

/// Wall time: `12 ms`, `3.4 s`, `2 min 5 s`.
pub fn wall(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 1.0 {
        format!("{} ms", duration.as_millis())
    } else if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {} s", duration.as_secs() / 60, duration.as_secs() % 60)
    }
}

/// `1 scenario`, `2 scenarios`.
pub fn counted(count: usize, singular: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {singular}{ending}")
}

fn without_trailing_zeros(value: &str) -> &str {
    if value.contains('.') { value.trim_end_matches('0').trim_end_matches('.') } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits_and_a_unit() {
        let shown: Vec<String> =
            [0.0, 9.994, 84.0, 999.4, 999.5, 7_712.0, 999_500.0, 1.2e6, 3e9].map(duration_ns).into();
        assert_eq!(
            shown,
            ["0 ns", "9.99 ns", "84.0 ns", "999 ns", "1.00 µs", "7.71 µs", "1.00 ms", "1.20 ms", "3.00 s"]
        );
    }

    #[test]
    fn ratios_have_three_digits_at_every_size() {
        let shown: Vec<String> =
            [0.0, 0.000_2, 0.002_471, 0.0247, 0.25, 0.9996, 1.83, 47.24, 1230.4].map(three_digits).into();
        assert_eq!(shown, ["0", "2.00e-4", "0.00247", "0.0247", "0.250", "1.00", "1.83", "47.2", "1230"]);
    }

    #[test]
    fn ticks_have_no_idle_digits() {
        assert_eq!([50.0, 1e2, 2e3, 1.5e6].map(tick_ns), ["50 ns", "100 ns", "2 µs", "1.5 ms"]);
        assert_eq!([0.0, 50.0, 5e5, 2e6].map(tick_rate), ["0/s", "50/s", "500 k/s", "2 M/s"]);
        assert_eq!([0.5, 1.0, 20.0, 100.0].map(tick_ratio), ["0.5", "1", "20", "100"]);
    }

    #[test]
    fn other_units() {
        assert_eq!([870.0, 12_345.0, 4.1e6].map(rate_per_s), ["870/s", "12.3 k/s", "4.10 M/s"]);
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(count(999), "999");
        assert_eq!([512, 16_777_216, 16_710_000_000].map(bytes), ["512 B", "16.0 MiB", "15.6 GiB"]);
        assert_eq!(wall(Duration::from_secs(125)), "2 min 5 s");
        assert_eq!(counted(1, "scenario"), "1 scenario");
    }
}
