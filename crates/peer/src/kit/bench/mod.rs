//! Benchmark mode: the loops that are the same for every subject.
//!
//! Both peers of a trial map the *calibration file* and alternate, in step and without the runner, between a *floor
//! slice* (one bare cache line goes to the other core and comes back) and a *load slice* (complete round trips through
//! the implementation). The client leads: the first ping of a floor slice says whether what follows counts, does not
//! count, or is the end.
//!
//! Floors and round trips are timed in the same way, in the same process, within milliseconds of each other. That is what
//! makes their ratio survive a machine whose speed moves. The first part of each slice is timed as a whole, so that the ratio
//! has no clock in it; the round trips of the other part are timed one by one, for the percentiles.

mod accepting;
pub mod check;
mod client;
mod clock;
mod delay;
mod fan;
mod floor;
mod host;
pub mod load;
mod median;
mod open_loop;
pub mod place;
mod plan;
mod record;
mod schedule;
mod server;
pub mod stamp;
mod usage;
mod wait;

pub use accepting::Accepting;
pub use clock::reading_ns as clock_reading_ns;
pub use delay::DELAY_VARIABLE;
pub(super) use host::{Bench, BenchHost};

#[cfg(test)]
mod tests;
#[cfg(test)]
mod transport_tests;
