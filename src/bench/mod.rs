//! Load, rounds, figures, comparison. `docs/MEASURING.md` defines every figure.
//!
//! [`run`] measures: it rotates subjects over rounds ([`order`]), launches the two processes of each trial
//! (`processes`) where the processors are close together ([`placement`]), sets each load slice against its floors
//! ([`slices`]), refuses trials that do not count ([`validity`], [`rates`], [`trial`]), finds out between which placements the machine
//! changed ([`regimes`]) and reduces trials to figures ([`figures`], [`relative`](mod@relative)). The load itself runs
//! inside the peers. Questions about what comes before and after a load are `lifecycle`'s.

pub mod asked;
pub mod error;
pub mod estimates;
pub mod figures;
pub mod histogram;
pub mod order;
pub mod pin;
pub mod placement;
pub mod rates;
pub mod regimes;
pub mod relative;
pub mod slices;
pub mod trial;
pub mod validity;
pub mod width;

mod calibrate;
mod cases;
mod expected;
mod launch;
mod lifecycle;
mod processes;
mod rounds;
mod run;
#[cfg(test)]
mod testing;

pub use cases::{case_map, label, quick};
pub use error::BenchError;
pub use run::{BenchOutcome, Options, run};
