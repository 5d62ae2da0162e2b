//! What a service allows, and what an opener asks for.

use serde::{Deserialize, Serialize};

use super::error::ServiceError;

/// Largest value of any count: far beyond use, and small enough that no product of counts overflows.
pub const COUNT_MAX: usize = 1 << 16;

/// All settings of a service. Counts are at least 1 and at most [`COUNT_MAX`].
///
/// The defaults are those of iceoryx2 (RR-SVC-06).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// A full request buffer gives up its oldest request.
    pub overflow_requests: bool,
    /// A full response buffer gives up its oldest response.
    pub overflow_responses: bool,
    /// Requests are received even if nobody waits for the response any more.
    pub fire_and_forget: bool,
    /// Pending responses that a client holds at once; also the request buffer for each client-server pair.
    pub max_active_requests: usize,
    /// Requests that a client has loaned at once.
    pub max_loaned_requests: usize,
    /// Responses that are held at once, for each pending response and server.
    pub max_borrowed_responses: usize,
    /// Responses that wait to be received, for each pending response and server.
    pub response_buffer: usize,
    /// Servers at once.
    pub max_servers: usize,
    /// Clients at once.
    pub max_clients: usize,
    /// Nodes that have the service open at once.
    pub max_nodes: usize,
    /// Clients that have left, with requests that a server has not looked at, for each server.
    pub max_departed_clients: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            overflow_requests: true,
            overflow_responses: true,
            fire_and_forget: true,
            max_active_requests: 4,
            max_loaned_requests: 2,
            max_borrowed_responses: 2,
            response_buffer: 2,
            max_servers: 2,
            max_clients: 8,
            max_nodes: 20,
            max_departed_clients: 256,
        }
    }
}

impl Settings {
    /// Slots of a lane. Without overflow there is one more than responses may wait: a response that was pushed while its
    /// pending response ended is still in the lane of the next request, and takes the room of none to that (RR-ACT-03).
    pub(crate) fn response_slots(&self) -> usize {
        self.response_buffer + usize::from(!self.overflow_responses)
    }

    /// Every count in its range; for settings that came from a file.
    pub(crate) fn is_valid(&self) -> bool {
        let counts = [
            self.max_active_requests,
            self.max_loaned_requests,
            self.max_borrowed_responses,
            self.response_buffer,
            self.max_servers,
            self.max_clients,
            self.max_nodes,
            self.max_departed_clients,
        ];
        counts.iter().all(|count| (1..=COUNT_MAX).contains(count))
    }
}

/// What a builder was told; `None` is "not checked" when opening and "the default" when creating (RR-SVC-09).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the settings of `Settings`")]
pub struct Wishes {
    pub overflow_requests: Option<bool>,
    pub overflow_responses: Option<bool>,
    pub fire_and_forget: Option<bool>,
    pub max_active_requests: Option<usize>,
    pub max_loaned_requests: Option<usize>,
    pub max_borrowed_responses: Option<usize>,
    pub response_buffer: Option<usize>,
    pub max_servers: Option<usize>,
    pub max_clients: Option<usize>,
    pub max_nodes: Option<usize>,
    pub max_departed_clients: Option<usize>,
}

impl Wishes {
    /// Settings for a new service, `default` where there is no wish (RR-SVC-15): 0 is taken as 1 (RR-SVC-10).
    pub(crate) fn for_creation(&self, default: &Settings) -> Result<Settings, ServiceError> {
        let count = |setting, wish: Option<usize>, default: usize| match wish.unwrap_or(default).max(1) {
            count if count <= COUNT_MAX => Ok(count),
            asked => Err(ServiceError::CountTooLarge { setting, asked }),
        };
        Ok(Settings {
            overflow_requests: self.overflow_requests.unwrap_or(default.overflow_requests),
            overflow_responses: self.overflow_responses.unwrap_or(default.overflow_responses),
            fire_and_forget: self.fire_and_forget.unwrap_or(default.fire_and_forget),
            max_active_requests: count("max_active_requests", self.max_active_requests, default.max_active_requests)?,
            max_loaned_requests: count("max_loaned_requests", self.max_loaned_requests, default.max_loaned_requests)?,
            max_borrowed_responses: count(
                "max_borrowed_responses",
                self.max_borrowed_responses,
                default.max_borrowed_responses,
            )?,
            response_buffer: count("response_buffer", self.response_buffer, default.response_buffer)?,
            max_servers: count("max_servers", self.max_servers, default.max_servers)?,
            max_clients: count("max_clients", self.max_clients, default.max_clients)?,
            max_nodes: count("max_nodes", self.max_nodes, default.max_nodes)?,
            max_departed_clients: count(
                "max_departed_clients",
                self.max_departed_clients,
                default.max_departed_clients,
            )?,
        })
    }

    /// Whether a service with settings `has` will do: counts at least (RR-SVC-07), behaviours exactly (RR-SVC-08).
    pub(crate) fn check(&self, has: &Settings) -> Result<(), ServiceError> {
        let behaviours = [
            ("overflow_requests", self.overflow_requests, has.overflow_requests),
            ("overflow_responses", self.overflow_responses, has.overflow_responses),
            ("fire_and_forget", self.fire_and_forget, has.fire_and_forget),
        ];
        for (setting, asked, has) in behaviours {
            if let Some(asked) = asked.filter(|asked| *asked != has) {
                return Err(ServiceError::IncompatibleBehaviour { setting, asked, has });
            }
        }
        let counts = [
            ("max_active_requests", self.max_active_requests, has.max_active_requests),
            ("max_loaned_requests", self.max_loaned_requests, has.max_loaned_requests),
            ("max_borrowed_responses", self.max_borrowed_responses, has.max_borrowed_responses),
            ("response_buffer", self.response_buffer, has.response_buffer),
            ("max_servers", self.max_servers, has.max_servers),
            ("max_clients", self.max_clients, has.max_clients),
            ("max_nodes", self.max_nodes, has.max_nodes),
            ("max_departed_clients", self.max_departed_clients, has.max_departed_clients),
        ];
        for (setting, asked, has) in counts {
            if let Some(asked) = asked.filter(|asked| *asked > has) {
                return Err(ServiceError::DoesNotSupport { setting, asked, has });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_one_and_the_rest_is_default() {
        let wishes = Wishes { max_clients: Some(0), response_buffer: Some(0), ..Wishes::default() };
        let settings = wishes.for_creation(&Settings { max_nodes: 9, max_clients: 9, ..Settings::default() }).unwrap();
        let expected = Settings { max_clients: 1, response_buffer: 1, max_nodes: 9, ..Settings::default() };
        assert_eq!(settings, expected);
    }

    #[test]
    fn counts_ask_for_at_least_and_behaviours_for_exactly() {
        let has = Settings { max_clients: 3, fire_and_forget: false, ..Settings::default() };
        assert_eq!(Wishes::default().check(&has), Ok(()));
        assert_eq!(Wishes { max_clients: Some(3), ..Wishes::default() }.check(&has), Ok(()));
        let refused = Wishes { max_clients: Some(4), ..Wishes::default() }.check(&has);
        assert_eq!(refused, Err(ServiceError::DoesNotSupport { setting: "max_clients", asked: 4, has: 3 }));
        let refused = Wishes { fire_and_forget: Some(true), ..Wishes::default() }.check(&has);
        let error = ServiceError::IncompatibleBehaviour { setting: "fire_and_forget", asked: true, has: false };
        assert_eq!(refused, Err(error));
    }
}
