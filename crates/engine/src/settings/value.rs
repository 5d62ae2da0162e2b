//! What the type of a setting decides: its range, and what an opener gets of it.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::error::ServiceError;

/// Largest value of any count: far beyond use, and small enough that no product of counts overflows.
pub const COUNT_MAX: usize = 1 << 16;

/// The type of a setting.
pub(crate) trait Value: Copy {
    /// In its range; for settings that came from a file.
    fn is_valid(self) -> bool;

    /// The value for a new service that is asked for this one.
    fn for_creation(self, setting: &'static str) -> Result<Self, ServiceError>;

    /// Whether a service that has `has` will do for an opener that asks for this value.
    fn check(self, setting: &'static str, has: Self) -> Result<(), ServiceError>;

    /// From the configuration file.
    fn configured<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// A behaviour: an opener gets exactly what it asks for (RR-SVC-08).
impl Value for bool {
    fn is_valid(self) -> bool {
        true
    }

    fn for_creation(self, _setting: &'static str) -> Result<Self, ServiceError> {
        Ok(self)
    }

    fn check(self, setting: &'static str, has: Self) -> Result<(), ServiceError> {
        if self == has { Ok(()) } else { Err(ServiceError::IncompatibleBehaviour { setting, asked: self, has }) }
    }

    fn configured<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }
}

/// A count: an opener gets at least as much as it asks for (RR-SVC-07), and 0 is taken as 1 (RR-SVC-10).
impl Value for usize {
    fn is_valid(self) -> bool {
        (1..=COUNT_MAX).contains(&self)
    }

    fn for_creation(self, setting: &'static str) -> Result<Self, ServiceError> {
        match self.max(1) {
            count if count <= COUNT_MAX => Ok(count),
            asked => Err(ServiceError::CountTooLarge { setting, asked }),
        }
    }

    fn check(self, setting: &'static str, has: Self) -> Result<(), ServiceError> {
        if self <= has { Ok(()) } else { Err(ServiceError::DoesNotSupport { setting, asked: self, has }) }
    }

    fn configured<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_one(deserializer, COUNT_MAX)
    }
}

/// A setting of the configuration file that is there.
pub(super) fn configured<'de, D: Deserializer<'de>, V: Value>(deserializer: D) -> Result<Option<V>, D::Error> {
    V::configured(deserializer).map(Some)
}

/// A number from 1 to `max` of the configuration file.
pub(crate) fn from_one<'de, D: Deserializer<'de>>(deserializer: D, max: usize) -> Result<usize, D::Error> {
    let asked = i64::deserialize(deserializer)?;
    let fits = usize::try_from(asked).ok().filter(|count| (1..=max).contains(count));
    fits.ok_or_else(|| D::Error::custom(format!("{asked} is out of range: write a number from 1 to {max}")))
}
