//! Whole trials: two sessions in two threads over a built-in transport.
