//! What a case asks of the messages of a trial.

use crate::scenario::model::BenchCase;

/// What the messages of a trial have to come to.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// Servers that every request reaches.
    pub servers: u64,
    /// Responses of each of them to each request.
    pub responses: u64,
    /// Of an open loop.
    pub rate_per_s: Option<u64>,
}

impl Asked {
    /// As a case says.
    pub fn by(case: &BenchCase) -> Self {
        Self {
            servers: case.servers() as u64,
            responses: case.responses() as u64,
            rate_per_s: case.count("rate_per_s").map(|rate| rate as u64),
        }
    }

    /// Responses that each request has in all.
    pub fn answers(self) -> u64 {
        self.servers.saturating_mul(self.responses)
    }
}
