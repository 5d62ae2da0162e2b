//! The settings of a service: one entry each, from which all that handles settings follows.

#[cfg(test)]
mod documented_tests;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::error::ServiceError;

/// All settings of a service: meaning, name, type, default, and the method of the builder.
///
/// The name is the key in `static.toml`, in `[service]` of the configuration file and in errors. The type decides the range
/// and what an opener gets: see [`Value`]. The defaults are those of iceoryx2 (RR-SVC-06).
macro_rules! service_settings {
    ($with:ident) => {
        $with! {
            /// A full request buffer gives up its oldest request.
            overflow_requests: bool = true, by enable_safe_overflow_for_requests;
            /// A full response buffer gives up its oldest response.
            overflow_responses: bool = true, by enable_safe_overflow_for_responses;
            /// Requests are received even if nobody waits for the response any more.
            fire_and_forget: bool = true, by enable_fire_and_forget_requests;
            /// Pending responses of a client at once, and requests that wait at a server for each client.
            max_active_requests: usize = 4, by max_active_requests_per_client;
            /// Requests that a client has loaned at once.
            max_loaned_requests: usize = 2, by max_loaned_requests;
            /// Responses held at once, for each pending response and server.
            max_borrowed_responses: usize = 2, by max_borrowed_responses_per_pending_response;
            /// Responses that wait, for each pending response and server.
            response_buffer: usize = 2, by max_response_buffer_size;
            /// Servers at once.
            max_servers: usize = 2, by max_servers;
            /// Clients at once.
            max_clients: usize = 8, by max_clients;
            /// Nodes that have the service open at once.
            max_nodes: usize = 20, by max_nodes;
            /// Clients that have left with requests that a server has not looked at, for each server. Beyond that, the
            /// requests of the client that the server attached first are given up and counted where requests overflow; else
            /// no client is created.
            max_departed_clients: usize = 256, by max_departed_clients;
        }
    };
}
pub(crate) use service_settings;

macro_rules! define {
    ($($(#[doc = $meaning:literal])+ $name:ident: $type:ty = $default:literal, by $method:ident;)*) => {
        /// All settings of a service, as they are in force.
        ///
        /// Counts are at least 1 and at most [`COUNT_MAX`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Settings {
            $($(#[doc = $meaning])+ pub $name: $type,)*
        }

        impl Default for Settings {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        /// What a builder was told, or the table `[service]` of a configuration file: `None` is "not checked" when opening
        /// and "the default" when creating (RR-SVC-09).
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct RequestedSettings {
            $($(#[doc = $meaning])+ #[serde(deserialize_with = "configured")] pub $name: Option<$type>,)*
        }

        impl RequestedSettings {
            /// Settings for a new service, `default` where nothing is requested (RR-SVC-15).
            pub(crate) fn for_creation(&self, default: &Settings) -> Result<Settings, ServiceError> {
                Ok(Settings {
                    $($name: self.$name.unwrap_or(default.$name).for_creation(stringify!($name))?,)*
                })
            }

            /// Whether a service with settings `has` will do.
            pub(crate) fn check(&self, has: &Settings) -> Result<(), ServiceError> {
                $(if let Some(asked) = self.$name {
                    asked.check(stringify!($name), has.$name)?;
                })*
                Ok(())
            }
        }

        /// All of them are asked for.
        impl From<Settings> for RequestedSettings {
            fn from(settings: Settings) -> Self {
                Self { $($name: Some(settings.$name),)* }
            }
        }
    };
}
service_settings!(define);

impl Settings {
    /// Every setting in its range; for settings that came from a file.
    pub(crate) fn is_valid(&self) -> bool {
        RequestedSettings::from(*self).for_creation(self).as_ref() == Ok(self)
    }

    /// Slots of a lane. Without overflow there is one more than responses may wait: a response that was pushed while its
    /// pending response ended is still in the lane of the next request, and takes the room of none to that (RR-ACT-03).
    pub(crate) fn response_slots(&self) -> usize {
        self.response_buffer + usize::from(!self.overflow_responses)
    }
}

/// Largest value of any count: far beyond use, and small enough that no product of counts overflows.
pub const COUNT_MAX: usize = 1 << 16;

/// The type of a setting, which decides its range and what an opener gets of it.
trait Value: Copy {
    /// The value for a new service that is asked for this one.
    fn for_creation(self, setting: &'static str) -> Result<Self, ServiceError>;

    /// Whether a service that has `has` will do for an opener that asks for this value.
    fn check(self, setting: &'static str, has: Self) -> Result<(), ServiceError>;

    /// From the configuration file.
    fn configured<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// A behaviour: an opener gets exactly what it asks for (RR-SVC-08).
impl Value for bool {
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
fn configured<'de, D: Deserializer<'de>, V: Value>(deserializer: D) -> Result<Option<V>, D::Error> {
    V::configured(deserializer).map(Some)
}

/// A number from 1 to `max` of the configuration file.
pub(crate) fn from_one<'de, D: Deserializer<'de>>(deserializer: D, max: usize) -> Result<usize, D::Error> {
    let asked = i64::deserialize(deserializer)?;
    let fits = usize::try_from(asked).ok().filter(|count| (1..=max).contains(count));
    fits.ok_or_else(|| D::Error::custom(format!("{asked} is out of range: write a number from 1 to {max}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_one_and_the_rest_is_default() {
        let requested_settings =
            RequestedSettings { max_clients: Some(0), response_buffer: Some(0), ..RequestedSettings::default() };
        let settings =
            requested_settings.for_creation(&Settings { max_nodes: 9, max_clients: 9, ..Settings::default() }).unwrap();
        let expected = Settings { max_clients: 1, response_buffer: 1, max_nodes: 9, ..Settings::default() };
        assert_eq!(settings, expected);
    }

    #[test]
    fn counts_ask_for_at_least_and_behaviours_for_exactly() {
        let has = Settings { max_clients: 3, fire_and_forget: false, ..Settings::default() };
        assert_eq!(RequestedSettings::default().check(&has), Ok(()));
        assert_eq!(RequestedSettings { max_clients: Some(3), ..RequestedSettings::default() }.check(&has), Ok(()));
        let refused = RequestedSettings { max_clients: Some(4), ..RequestedSettings::default() }.check(&has);
        assert_eq!(refused, Err(ServiceError::DoesNotSupport { setting: "max_clients", asked: 4, has: 3 }));
        let refused = RequestedSettings { fire_and_forget: Some(true), ..RequestedSettings::default() }.check(&has);
        let error = ServiceError::IncompatibleBehaviour { setting: "fire_and_forget", asked: true, has: false };
        assert_eq!(refused, Err(error));
    }
}
