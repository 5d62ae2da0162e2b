//! Identities: 128 random bits, never a process id.

use std::fmt;
use std::str::FromStr;

/// Identity of a node or a port. Unique without any coordination, so it is never reused while anyone can see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(u128);

impl Id {
    /// A new identity from the kernel's random numbers.
    ///
    /// # Errors
    /// What the kernel says when it has none.
    pub fn random() -> std::io::Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        // Zero marks an empty place in the registry.
        Ok(Self(u128::from_le_bytes(bytes).max(1)))
    }

    /// As two words, the higher one first.
    pub fn words(self) -> [u64; 2] {
        [(self.0 >> 64) as u64, self.0 as u64]
    }

    /// From two words, the higher one first.
    pub fn from_words([high, low]: [u64; 2]) -> Self {
        Self(u128::from(high) << 64 | u128::from(low))
    }
}

/// 32 hexadecimal digits.
impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Text that is not 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: 32 lower-case hexadecimal digits are needed")]
pub struct NotAnId;

impl FromStr for Id {
    type Err = NotAnId;
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let is_id = text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let number = is_id.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        number.map(Self).ok_or(NotAnId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_words_round_trip() {
        let id = Id::random().unwrap();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(Id::from_words(id.words()), id);
        for bad in ["", "0", "g0000000000000000000000000000000", "+0000000000000000000000000000000"] {
            assert_eq!(bad.parse::<Id>(), Err(NotAnId), "{bad}");
        }
    }
}
