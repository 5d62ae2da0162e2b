//! Tests for somebody else's implementation: properties with plain models, to be called from your own `cargo test`.
//!
//! Implement the trait of the part that you want to have judged, and call the functions beside it:
//!
//! | part | trait | functions |
//! |---|---|---|
//! | what carries offsets from a sender to a receiver | [`channel::OffsetChannel`] | [`channel::check_operations`], [`channel::check_threads`] |
//! | what carries them back | [`returns::ReturnQueue`] | [`returns::check_operations`], [`returns::check_threads`] |
//! | where payload lies | [`segment::PayloadSegment`] | [`segment::check_operations`] |
//! | clients and servers, whole | [`ports::RequestResponse`] | [`ports::check_operations`] |
//!
//! Each compares an implementation with a model of a few lines, under random operations that are the same every time
//! ([`Config::seed`]), and ends with the shortest sequence that it found to break a rule. A [`RuleViolation`] says which rule,
//! what happened, after which operations, and how to repeat it; its `Debug` output is the same text, so that a test may
//! return it.
//!
//! ```
//! use std::collections::VecDeque;
//! use std::sync::{Arc, Mutex};
//!
//! use shmark_models::{Config, RuleViolation};
//! use shmark_models::channel::{self, ChannelConsumer, ChannelProducer, ChannelShape, OffsetChannel, Pushed};
//!
//! /// What is to be judged: here a queue behind a lock.
//! struct Mine;
//! struct End(Arc<Mutex<VecDeque<u64>>>, ChannelShape);
//!
//! impl ChannelProducer for End {
//!     fn push(&mut self, entry: u64) -> Pushed {
//!         let mut queue = self.0.lock().unwrap();
//!         let full = queue.len() == self.1.capacity;
//!         if full && !self.1.overflow {
//!             return Pushed::Full;
//!         }
//!         let oldest = if full { queue.pop_front() } else { None };
//!         queue.push_back(entry);
//!         oldest.map_or(Pushed::Done, Pushed::Displaced)
//!     }
//! }
//!
//! impl ChannelConsumer for End {
//!     fn take(&mut self) -> Option<u64> {
//!         self.0.lock().unwrap().pop_front()
//!     }
//! }
//!
//! impl OffsetChannel for Mine {
//!     type Producer = End;
//!     type Consumer = End;
//!     fn create(&self, shape: ChannelShape) -> Option<(End, End)> {
//!         let queue = Arc::new(Mutex::new(VecDeque::new()));
//!         Some((End(Arc::clone(&queue), shape), End(queue, shape)))
//!     }
//! }
//!
//! # fn main() -> Result<(), RuleViolation> {
//! let config = Config::from_env()?;
//! channel::check_operations(&Mine, config)?;
//! channel::check_threads(&Mine, config)
//! # }
//! ```
//!
//! The guide, with every rule, is `docs/KIT.md` of the repository; `docs/GLOSSARY.md` has the words with a fixed meaning. Ids
//! such as RR-FNF-02 name requirements of the catalogue that the suite judges whole implementations by:
//! `scenarios/requirements.toml`, or `shmark explain RR-FNF-02`.

pub mod channel;
mod config;
mod explore;
mod failure;
pub mod ports;
mod random;
pub mod returns;
pub mod segment;

pub use config::{CASES_VARIABLE, Config, PUSHES_VARIABLE, SEED_VARIABLE, WITHOUT_VARIABLE};
pub use failure::{Rule, RuleViolation};

/// The code of the README compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
