//! Results into formats; one file a format, and a row of [`formats`].
//!
//! Everything here renders a [`Report`](crate::results::model::Report) that is already complete: no format decides
//! anything. What the formats share is derived once: counts and groups in [`summary`] and [`words`], benchmark cases in [`cases`]
//! and the questions that they answer in [`questions`], their figures in [`tables`], [`regimes`] and [`sentences`], results that
//! share a cause in [`causes`], builds that were compared in [`comparisons`], names and figures for dashboards in [`tracked`],
//! numbers as text in [`figures`] and [`bounded`]. Text from peers and files is made harmless in [`sanitise`] before any format
//! sees it.

pub mod annotations;
pub mod badge;
pub mod bencher;
pub mod bounded;
pub mod cases;
pub mod causes;
pub mod comparisons;
pub mod csv;
mod destination;
pub mod error;
pub mod events_log;
mod facts;
pub mod figures;
mod file;
mod folder;
pub mod formats;
pub mod github_benchmark;
pub mod html;
pub mod json;
pub mod junit;
pub mod lifecycle;
pub mod lifecycle_csv;
pub mod machine;
pub mod markdown;
pub mod plots;
pub mod questions;
pub mod regimes;
pub mod sanitise;
pub mod schema;
pub mod sentences;
pub mod streams;
pub mod summary;
pub mod tables;
pub mod terminal;
pub mod time;
pub mod tracked;
mod verdict;
pub mod words;
mod write;

pub use destination::is_stdout;
pub use error::ReportError;
pub use file::write_file;
pub use folder::ResultsFolder;
pub use formats::{FORMATS, Format};
pub use terminal::render_terminal;
pub use write::{Written, clear, write_all};
