//! Names of services.

use std::fmt;

use siphasher::sip128::SipHasher13;

/// Longest name of a service, bytes.
pub const SERVICE_NAME_BYTES_MAX: usize = 255;

/// Name of a service: 1 to 255 bytes of UTF-8, slashes and spaces too ([RR-SVC-14](crate#requirements)).
///
/// ```
/// use shmark_engine::ServiceName;
/// assert!(ServiceName::new("My/Funk/Service Name").is_ok());
/// assert!(ServiceName::new("").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceName(String);

/// A name of a wrong length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a service name has 1 to 255 bytes, this one has {bytes}: choose another")]
pub struct InvalidName {
    /// Bytes of the refused name.
    pub bytes: usize,
}

impl ServiceName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`InvalidName`] for an empty or too long one.
    pub fn new(name: &str) -> Result<Self, InvalidName> {
        if (1..=SERVICE_NAME_BYTES_MAX).contains(&name.len()) {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidName { bytes: name.len() })
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Folder of the service. Should two names ever share it, the name inside the static settings tells them apart and the
    /// second is refused.
    pub(crate) fn folder(&self) -> String {
        hash(&self.0)
    }
}

/// SipHash-1-3 with a zero key, in 32 hexadecimal digits.
pub(crate) fn hash(text: &str) -> String {
    format!("{:032x}", SipHasher13::new().hash(text.as_bytes()).as_u128())
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<&str> for ServiceName {
    type Error = InvalidName;
    fn try_from(name: &str) -> Result<Self, InvalidName> {
        Self::new(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_decides_and_nothing_else() {
        assert!(ServiceName::new(&"é".repeat(127)).is_ok());
        assert!(ServiceName::new(&"x".repeat(255)).is_ok());
        assert!(ServiceName::new("../\0 *").is_ok());
        assert_eq!(ServiceName::new(&"x".repeat(256)), Err(InvalidName { bytes: 256 }));
        assert_eq!(ServiceName::new(""), Err(InvalidName { bytes: 0 }));
    }

    #[test]
    fn folder_of_a_name_never_changes() {
        assert_eq!(ServiceName::new("My/Funk/ServiceName").unwrap().folder(), FOLDER_OF_EXAMPLE);
    }

    /// Computed once; another value means that old and new processes no longer meet.
    const FOLDER_OF_EXAMPLE: &str = "607da4b35a0145463ab8f7942d297a79";
}
