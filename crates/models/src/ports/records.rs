//! What threads know together of their messages.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::failure::{Broken, Rule, demand};

/// Far beyond what a meeting of threads takes.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// What is known of one request.
#[derive(Default)]
pub struct RequestRecord {
    /// Elements, and which of its thread's clients sent it.
    pub len: usize,
    pub client: usize,
    /// Servers that it is said to be delivered to, once that is said.
    pub delivered: Option<usize>,
    pub received_by: Vec<usize>,
}

/// What the threads of a meeting share: numbers of messages, and what became of them.
pub struct Table {
    pub numbers: AtomicU64,
    pub records: Mutex<BTreeMap<u64, RequestRecord>>,
    pub clients_left: AtomicUsize,
    pub begin: Barrier,
    pub end: Instant,
    pub operations: AtomicU64,
}

impl Table {
    pub fn number(&self) -> u64 {
        self.operations.fetch_add(1, Ordering::Relaxed);
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub fn records<T>(&self, look: impl FnOnce(&mut BTreeMap<u64, RequestRecord>) -> T) -> T {
        look(&mut self.records.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn in_time(&self, doing: &str) -> Result<(), Broken> {
        demand(Instant::now() < self.end, Rule::Pattern, || format!("not within {DEADLINE:?}: {doing}"))
    }
}
