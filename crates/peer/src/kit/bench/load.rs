//! What a trial does between two floor slices.

use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};

/// Largest number of messages or ports in a load.
pub const LOAD_MAX: usize = 1 << 16;
/// Most requests per second of an open loop.
pub const RATE_MAX: usize = 100_000_000;
/// Settings that only an open loop has.
pub const OF_OPEN_LOOPS: [&str; 2] = ["rate_per_s", "arrivals"];

/// What is timed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Timing {
    /// Each round trip, one after the other.
    #[default]
    RoundTrip,
    /// The whole slice: messages per second.
    Throughput,
    /// Each request, from the moment at which it was to be sent. The moments are chosen beforehand.
    OpenLoop,
}

/// When the requests of an open loop are to be sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrivals {
    /// Independently of one another: gaps are distributed exponentially.
    #[default]
    Poisson,
    /// With equal gaps.
    Fixed,
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

/// What a setting of a load can be.
#[derive(Debug, Clone, Copy)]
pub enum Values {
    /// One word for all cases of a benchmark.
    Word(&'static [&'static str]),
    /// A list of words in a benchmark's file, one a case.
    Words(&'static [&'static str]),
    /// A list of numbers in a benchmark's file, one a case.
    Counts {
        /// The smallest.
        min: usize,
        /// The largest.
        max: usize,
        /// The service's setting that has to have room for so many.
        room: Option<&'static str>,
        /// Whether several of them overlap, so that no round trip can be timed by itself.
        overlaps: bool,
        /// What it is in a load.
        of: fn(&Load) -> usize,
    },
}

/// A setting of a load: argument of the peer protocol, and key of a benchmark's file.
#[derive(Debug, Clone, Copy)]
pub struct LoadSetting {
    /// Its name in both.
    pub name: &'static str,
    /// What it can be.
    pub values: Values,
    /// What docs/PEER-PROTOCOL.md says of it.
    pub in_protocol: &'static str,
    /// What docs/SCENARIOS.md says of it.
    pub in_file: &'static str,
}

/// Makes [`Load`] and [`LOADS`] of one entry a setting: its field with its default, what it can be, and what both documents
/// say of it.
macro_rules! loads {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty = $default:expr, $values:expr, $in_protocol:literal, $in_file:literal;)+) => {
        /// Load of a trial. The default is one round trip after the other, nobody else connected.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Load {
            $($(#[doc = $doc])+ pub $name: $type,)+
        }

        impl Default for Load {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        /// Every setting of a load, in the order of the documents.
        pub const LOADS: &[LoadSetting] = &[
            $(LoadSetting { name: stringify!($name), values: $values, in_protocol: $in_protocol, in_file: $in_file },)+
        ];
    };
}

loads! {
    /// What is timed.
    timing: Timing = Timing::RoundTrip,
        Values::Word(&["round-trip", "throughput", "open-loop"]),
        "`throughput`: a load slice is timed as a whole, see [Times](#times). `open-loop`: requests are sent at moments that \
         are chosen beforehand, see [Open loops](#open-loops); since version 4",
        "`\"round-trip\"`, the default: each round trip is timed, one after the other. `\"throughput\"`: messages per \
         second, and compared as such. `\"open-loop\"`: requests are sent at a rate, whether or not earlier ones are \
         answered, and timed from the moment at which each was to be sent; needs `rate_per_s` and `waiting = [\"spin\"]`";
    /// Requests of each client under way at a time, `1..=`[`LOAD_MAX`].
    outstanding: usize = 1,
        Values::Counts {
            min: 1,
            max: LOAD_MAX,
            room: Some("max_active_requests"),
            overlaps: true,
            of: |load| load.outstanding,
        },
        "Requests under way at a time, of each client. The client fills up to that number, then sends one for each that is \
         answered. More than 1 only with `throughput`, and with `open-loop`, where it is the most that are under way",
        "List: requests of each client that are under way at a time; of an open loop the most. More than one needs another \
         timing than `\"round-trip\"`, and `max_active_requests` with room for them";
    /// Responses of each server to each request, `1..=`[`LOAD_MAX`]. There is room for all of them in the response buffer.
    responses: usize = 1,
        Values::Counts {
            min: 1,
            max: LOAD_MAX,
            room: Some("response_buffer"),
            overlaps: true,
            of: |load| load.responses,
        },
        "Responses to each request, sent one after the other by each server. More than 1 only with `throughput`. `qos` asks \
         for a response buffer that holds all of them, so that none is lost and none has to wait",
        "List: responses of each server to each request. More than one needs `timing = \"throughput\"`, and a `response_buffer` that holds \
         them all";
    /// Clients that are connected and never send, `0..=`[`LOAD_MAX`]. The client's process holds them.
    idle_clients: usize = 0,
        Values::Counts { min: 0, max: LOAD_MAX, room: None, overlaps: false, of: |load| load.idle_clients },
        "Clients that the client's process creates before its own, and that never send",
        "List: clients that are connected beside the one that works, and never send";
    /// How much of each payload is written and read.
    touch: Touch = Touch::All,
        Values::Words(&["all", "stamp"]),
        "`stamp`: the sequence number alone is written and read, and the rest of the payload is sent as it is",
        "List: `\"all\"`, every byte of a payload is written and read; `\"stamp\"`, only the 8 bytes of its sequence number \
         are";
    /// Requests per second of an open loop, `1..=`[`RATE_MAX`]; 0 for other timings.
    rate_per_s: usize = 0,
        Values::Counts { min: 0, max: RATE_MAX, room: None, overlaps: false, of: |load| load.rate_per_s },
        "Requests per second of an open loop, up to 100 000 000. 0 for other timings; since version 4",
        "List: requests per second of an open loop";
    /// How the requests of an open loop are spread over the time.
    arrivals: Arrivals = Arrivals::Poisson,
        Values::Words(&["poisson", "fixed"]),
        "Gaps between the moments of an open loop: `poisson`, distributed exponentially; `fixed`, equal. Since version 4",
        "List: gaps between the requests of an open loop. `\"poisson\"`, as of many users that know nothing of one another; \
         `\"fixed\"`, equal ones";
    /// Clients that work, `1..=`[`LOAD_MAX`], all in one thread of the client's process.
    clients: usize = 1,
        Values::Counts { min: 1, max: LOAD_MAX, room: Some("max_clients"), overlaps: true, of: |load| load.clients },
        "Clients that work, see [Several clients or servers](#several-clients-or-servers). More than 1 only with `throughput` \
         and `spin`; since version 5",
        "List: clients that work, all in one thread of the client's process. More than one needs `timing = \"throughput\"`, \
         `waiting = [\"spin\"]`, and `max_clients` with room for them";
    /// Servers, `1..=`[`LOAD_MAX`], all in one thread of the server's process. Each answers every request.
    servers: usize = 1,
        Values::Counts { min: 1, max: LOAD_MAX, room: Some("max_servers"), overlaps: false, of: |load| load.servers },
        "Servers, each of which answers every request, see [Several clients or servers](#several-clients-or-servers). More \
         than 1 only with `spin`, and not with `open-loop`; since version 5",
        "List: servers, all in one thread of the server's process, each of which answers every request. More than one needs \
         `waiting = [\"spin\"]`, another timing than `\"open-loop\"`, and `max_servers` with room for them";
}

impl Load {
    /// Whether it is the default one.
    pub(crate) fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it has several clients or several servers, whose messages may come in any order.
    pub fn has_several_ports(&self) -> bool {
        self.clients > 1 || self.servers > 1
    }

    /// Responses that a request has in all.
    pub fn answers(&self) -> usize {
        self.responses * self.servers
    }

    /// How a server, from 0, numbers its responses.
    pub fn numbering(&self, server: usize) -> Numbering {
        let count = self.responses as u64;
        Numbering { first: (server as u64).wrapping_mul(count).wrapping_add(1), stride: self.answers() as u64, count }
    }

    /// Numbers of the responses to a request of the only server: all responses of a trial are counted from 1, in order.
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
        for setting in LOADS {
            let Values::Counts { min, max, overlaps, of, .. } = setting.values else { continue };
            let (name, value) = (setting.name, of(self));
            if !(min..=max).contains(&value) {
                return Err(format!("{name} is {value}; it has to be from {min} to {max}"));
            }
            if self.timing == Timing::RoundTrip && overlaps && value > 1 {
                return Err(
                    "round trips are timed one after the other; several requests, responses or clients at a time need \
                            the timing throughput"
                        .to_owned(),
                );
            }
        }
        for (names, product) in
            [("clients and outstanding", self.clients * self.outstanding), ("servers and responses", self.answers())]
        {
            if product > LOAD_MAX {
                return Err(format!("{names} come to {product} messages at a time; at most {LOAD_MAX} make sense"));
            }
        }
        self.check_open_loop()
    }

    fn check_open_loop(&self) -> Result<(), String> {
        let is_open = self.timing == Timing::OpenLoop;
        let wrong = if is_open && self.rate_per_s == 0 {
            "an open loop needs a rate: rate_per_s is 0"
        } else if is_open && self.responses > 1 {
            "a request of an open loop is over with its response; several responses need the timing throughput"
        } else if is_open && self.has_several_ports() {
            "an open loop has one client and one server; several of them need another timing"
        } else if !is_open && self.rate_per_s > 0 {
            "rate_per_s is for the timing open-loop: the rate of a closed loop is what comes out of it"
        } else {
            return Ok(());
        };
        Err(wrong.to_owned())
    }
}

/// Numbers of one server's responses. Over all servers each number of a trial is there once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbering {
    /// Of the first request.
    first: u64,
    /// From one request to the next.
    stride: u64,
    count: u64,
}

impl Numbering {
    /// Of the responses to a request, in order.
    #[inline]
    pub fn numbers(self, sequence: u64) -> impl Iterator<Item = u64> + use<> {
        // Wraps for a sequence that no client sends.
        let first = sequence.wrapping_sub(1).wrapping_mul(self.stride).wrapping_add(self.first);
        (0..self.count).map(move |index| first.wrapping_add(index))
    }
}

/// Writes what is not the default: a peer of an older version need not know the rest.
pub(crate) fn serialize_changed<S: Serializer>(load: &Load, serializer: S) -> Result<S::Ok, S::Error> {
    let table = |load: &Load| serde_json::to_value(load).map_err(S::Error::custom);
    let (mut changed, plain) = (table(load)?, table(&Load::default())?);
    if let Some(settings) = changed.as_object_mut() {
        settings.retain(|name, value| plain.get(name) != Some(value));
    }
    changed.serialize(serializer)
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
