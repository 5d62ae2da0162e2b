//! Statistics of small samples. One value stands for one round (one launch of two processes), never for one request.
//!
//! Distributions and the median are those of `statrs`. Here is what it lacks: intervals between order statistics
//! ([`median_interval`], [`ratio_interval`]), and the exact distribution of the rank test ([`mann_whitney`]), which the
//! interval of a ratio is made from as well.

mod median;
mod ranks;
mod ratio;

pub use median::{median, median_interval};
pub use ranks::{RankTest, cliffs_delta, mann_whitney};
pub use ratio::{RatioInterval, ratio_interval};
