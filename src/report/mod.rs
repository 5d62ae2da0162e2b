//! Results into formats; one file a format.
//!
//! Everything here renders a [`model::Report`] that is already complete: no format decides anything. What the formats
//! share is derived once: counts and groups in [`summary`], benchmark cases in [`cases`] and [`regimes`], results that
//! share a cause in [`causes`], numbers
//! as text in [`figures`]. Text from peers and files is made harmless in [`sanitise`] before any format sees it.

mod atomic;
pub mod cases;
pub mod causes;
pub mod error;
pub mod events;
pub mod events_log;
pub mod figures;
pub mod html;
pub mod json;
pub mod junit;
pub mod machine;
pub mod markdown;
pub mod merge;
pub mod model;
pub mod plots;
pub mod regimes;
pub mod sanitise;
pub mod schema;
pub mod summary;
pub mod terminal;
pub mod time;
mod write;

pub use atomic::write_atomically;
pub use error::ReportError;
pub use terminal::render_terminal;
pub use write::{Written, write_all};
