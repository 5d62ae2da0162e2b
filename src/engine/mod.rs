//! The reference engine.

pub mod shm;
