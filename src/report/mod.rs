//! Results into formats; one file a format.

pub mod events;
pub mod model;
