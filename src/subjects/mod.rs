//! Built-in subjects: the reference engine and the transports that it is compared with.
