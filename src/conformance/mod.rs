//! Who judges and how: the steps of a scenario, verdicts, coverage.
//!
//! [`run::run`] takes pairings of subjects and scenarios and gives results. One scenario is carried out by
//! `execution`, one answer judged by `matching`; what a known deviation makes of a result is in `deviations`.
//!
//! Invariant: a check counts as executed only if its step was carried out and answered; a scenario that stops early
//! covers nothing behind the step where it stopped.

pub mod fitness;
pub mod run;

mod asking;
mod coverage;
mod deviations;
mod ending;
mod execution;
mod failure;
mod lifecycle;
mod matching;
mod memory;
mod probe;
mod stable_text;
mod stimuli;
mod trial;
