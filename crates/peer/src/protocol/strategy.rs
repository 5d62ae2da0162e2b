//! Strategies of ports: one entry a word.
//!
//! What follows from an entry: the value that the kit hands to an implementation, the words that commands and scenario
//! files may hold, and the table of docs/PEER-PROTOCOL.md, which a test compares.

use serde::{Deserialize, Serialize};

macro_rules! strategy {
    ($(#[$what:meta])* $strategy:ident { $($(#[doc = $text:literal])+ $variant:ident = $word:literal,)* }) => {
        $(#[$what])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $strategy {
            $($(#[doc = $text])+ #[serde(rename = $word)] $variant,)*
        }

        impl $strategy {
            /// The words of the protocol.
            pub const WORDS: &[&str] = &[$($word,)*];

            /// Each word and what it means, in Markdown.
            pub const TEXTS: &[(&str, &str)] = &[$(($word, concat!($($text),+).trim_ascii()),)*];
        }
    };
}

strategy! {
    /// How a payload segment grows beyond `initial_max_slice_len`.
    Allocation {
        /// Not at all: a longer loan is refused.
        Static = "static",
        /// To exactly the length that is asked for.
        BestFit = "best-fit",
        /// To the next power of two of the length that is asked for.
        PowerOfTwo = "power-of-two",
    }
}

strategy! {
    /// What sending does when a buffer without overflow is full.
    Backpressure {
        /// Waits until there is room.
        Retry = "retry",
        /// Leaves that receiver out.
        Discard = "discard",
    }
}
