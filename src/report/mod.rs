//! Results into formats; one file a format.

pub mod model;
