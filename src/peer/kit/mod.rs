//! The kit: implement one trait, call `serve`.

pub mod implementation;
