//! Load, rounds, statistics, comparison.
