//! What a trial does between two floor slices.

use serde::{Deserialize, Serialize};

/// Largest number of anything in a load.
pub const LOAD_MAX: usize = 1 << 16;

/// What is timed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Timing {
    /// Each round trip, one after the other.
    #[default]
    RoundTrip,
    /// The whole slice: messages per second.
    Throughput,
}

/// How much of a payload is written and read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Touch {
    /// Every byte.
    #[default]
    All,
    /// The 8 bytes of the sequence number alone; the rest is loaned and sent as it is.
    Stamp,
}

/// Load of a trial. The default is one round trip after the other, nobody else connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Load {
    /// What is timed.
    pub timing: Timing,
    /// Requests under way at a time, `1..=`[`LOAD_MAX`].
    pub outstanding: usize,
    /// Responses to each request, `1..=`[`LOAD_MAX`]. There is room for all of them in the response buffer.
    pub responses: usize,
    /// Clients that are connected and never send, `0..=`[`LOAD_MAX`]. The client's process holds them.
    pub idle_clients: usize,
    /// How much of each payload is written and read.
    pub touch: Touch,
}

impl Default for Load {
    fn default() -> Self {
        Self { timing: Timing::RoundTrip, outstanding: 1, responses: 1, idle_clients: 0, touch: Touch::All }
    }
}

impl Load {
    /// Whether it is the default one.
    pub(crate) fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Numbers of the responses to a request: all responses of a trial are counted from 1, in order.
    #[inline]
    pub fn numbers(&self, sequence: u64) -> impl Iterator<Item = u64> + use<> {
        let count = self.responses as u64;
        // Wraps for a sequence that no client sends.
        let first = sequence.wrapping_sub(1).wrapping_mul(count).wrapping_add(1);
        (0..count).map(move |index| first.wrapping_add(index))
    }

    /// # Errors
    /// What is out of range.
    pub(super) fn check(&self) -> Result<(), String> {
        let counts = [("outstanding", self.outstanding, 1), ("responses", self.responses, 1)];
        for (name, value, min) in counts.into_iter().chain([("idle_clients", self.idle_clients, 0)]) {
            if !(min..=LOAD_MAX).contains(&value) {
                return Err(format!("{name} is {value}; it has to be from {min} to {LOAD_MAX}"));
            }
        }
        if self.timing == Timing::RoundTrip && (self.outstanding > 1 || self.responses > 1) {
            return Err("round trips are timed one after the other; several requests or responses at a time need the \
                        timing throughput"
                .to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_counted_over_the_whole_trial() {
        let load = Load { responses: 3, ..Load::default() };
        assert_eq!(load.numbers(1).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(load.numbers(5).collect::<Vec<_>>(), [13, 14, 15]);
        assert_eq!(Load::default().numbers(7).collect::<Vec<_>>(), [7]);
        assert_eq!(Load::default().numbers(u64::MAX).collect::<Vec<_>>(), [u64::MAX]);
        assert_eq!(load.numbers(0).count(), 3, "nonsense from a peer is no panic");
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        let plain = Load::default();
        assert!(plain.check().is_ok() && plain.is_plain());
        for wrong in [
            Load { outstanding: 0, ..plain },
            Load { responses: LOAD_MAX + 1, ..plain },
            Load { idle_clients: LOAD_MAX + 1, ..plain },
            Load { outstanding: 2, ..plain },
            Load { responses: 2, ..plain },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
        assert!(Load { timing: Timing::Throughput, outstanding: 8, responses: 8, ..plain }.check().is_ok());
    }

    #[test]
    fn what_is_left_out_is_the_default() {
        let load: Load = serde_json::from_str(r#"{"outstanding":8,"timing":"throughput"}"#).unwrap();
        assert_eq!(load, Load { timing: Timing::Throughput, outstanding: 8, ..Load::default() });
        assert!(serde_json::from_str::<Load>(r#"{"outstandig":8}"#).is_err());
    }
}
