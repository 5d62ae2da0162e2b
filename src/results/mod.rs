//! What a run finds, as plain data: the report, and the events of which it is made. Every format renders it, and whoever
//! judges or measures fills it in.
//!
//! Nothing in here knows how a result comes about or what it looks like. What is written in words for people is `report`'s.

pub mod events;
pub mod merge;
pub mod model;
