//! How long the runner waits for what a peer has to do.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Time for an answer, for a signal to have its effect, or for an end.
pub const ANSWER_TIME: Duration = Duration::from_secs(5);
/// Largest multiplier.
const MULTIPLIER_MAX: f64 = 1000.0;

/// Multiplier of the runner's own time limits, for peers and machines that are slower than usual.
///
/// ```
/// use std::time::Duration;
/// use shmark::harness::timeout::TimeoutMultiplier;
///
/// let multiplier: TimeoutMultiplier = "2.5".parse()?;
/// assert_eq!(multiplier.of(Duration::from_secs(2)), Duration::from_secs(5));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeoutMultiplier {
    thousandths: u32,
}

impl Default for TimeoutMultiplier {
    fn default() -> Self {
        Self { thousandths: 1000 }
    }
}

impl FromStr for TimeoutMultiplier {
    type Err = String;

    /// A number from 1 to 1000; what is behind the third decimal place is rounded.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            Ok(number) if (1.0..=MULTIPLIER_MAX).contains(&number) => {
                Ok(Self { thousandths: (number * 1e3).round() as u32 })
            }
            _ => Err(format!("a number from 1 to {MULTIPLIER_MAX} is needed, such as 3 or 2.5")),
        }
    }
}

impl fmt::Display for TimeoutMultiplier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", f64::from(self.thousandths) / 1e3)
    }
}

impl TimeoutMultiplier {
    /// The time limit that stands for `time`.
    pub fn of(self, time: Duration) -> Duration {
        time * self.thousandths / 1000
    }

    /// Whether limits are longer than usual.
    pub fn is_stretched(self) -> bool {
        self != Self::default()
    }
}

/// A time limit for people: `5 s`, `1500 ms`.
pub fn shown(time: Duration) -> String {
    let milliseconds = time.as_millis();
    if milliseconds.is_multiple_of(1000) { format!("{} s", milliseconds / 1000) } else { format!("{milliseconds} ms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_number_from_1_to_1000() {
        for good in ["1", "1.0", "2.5", "1000"] {
            assert!(good.parse::<TimeoutMultiplier>().is_ok(), "{good}");
        }
        for bad in ["0", "0.99", "-1", "1000.1", "NaN", "inf", "three", ""] {
            let error = bad.parse::<TimeoutMultiplier>().unwrap_err();
            assert!(error.contains("from 1 to 1000"), "{bad}: {error}");
        }
        let words: Vec<String> =
            ["1", "2.5", "3"].iter().map(|text| text.parse::<TimeoutMultiplier>().unwrap().to_string()).collect();
        assert_eq!(words, ["1", "2.5", "3"]);
        assert!(
            !TimeoutMultiplier::default().is_stretched()
                && "1.001".parse::<TimeoutMultiplier>().unwrap().is_stretched()
        );
    }

    #[test]
    fn times_are_multiplied() {
        let multiplier: TimeoutMultiplier = "1.5".parse().unwrap();
        assert_eq!(
            (multiplier.of(ANSWER_TIME), shown(multiplier.of(ANSWER_TIME))),
            (Duration::from_millis(7500), "7500 ms".to_owned())
        );
        assert_eq!(shown(Duration::from_secs(5)), "5 s");
    }
}
