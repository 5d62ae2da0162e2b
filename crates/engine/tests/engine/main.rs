//! The engine from outside: a model of the whole pattern, directed tests, processes that are killed, bad input, budgets.
//!
//! Every test has a namespace of its own that is gone when the test ends. Nothing waits for a fixed time: what has to come
//! is polled for with a deadline, far beyond what it takes.
#![allow(clippy::unwrap_used, reason = "a test ends with what it cannot go on from")]

mod backpressure;
mod budget;
mod common;
mod configuration;
mod damage;
mod deaths;
mod departed;
mod exhaustion;
mod found;
mod found_shortage;
mod growth;
mod hostile;
mod inventory;
mod leftovers;
mod lives;
mod lock_time;
mod model;
mod orderly;
mod payloads;
mod processes;
mod profiles;
mod protection;
mod races;
mod sending;
mod services;
mod shortage;
mod shuttle;
mod silent;
mod slots;
mod small_messages;
mod soak;
mod stale;
mod storm;
mod surroundings;
mod unreachable;
mod waiting;
