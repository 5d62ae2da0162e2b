//! iceoryx2's errors as the protocol's error classes.

use std::fmt::Display;

use iceoryx2::node::{NodeCleanupFailure, NodeCreationFailure, NodeListFailure};
use iceoryx2::port::client::RequestSendError;
use iceoryx2::port::update_connections::ConnectionFailure;
use iceoryx2::port::{LoanError, ReceiveError, SendError};
use iceoryx2::service::builder::request_response::{
    RequestResponseCreateError as CreateError, RequestResponseOpenError as OpenError,
    RequestResponseOpenOrCreateError as OpenOrCreateError,
};
use iceoryx2::service::port_factory::client::ClientCreateError;
use iceoryx2::service::port_factory::server::ServerCreateError;
use iceoryx2::service::service_name::ServiceNameError;
use iceoryx2::service::{ServiceDetailsError, ServiceListError};
use shmark_peer::kit::implementation::Refusal;
use shmark_peer::protocol::ErrorClass;

/// Which class, and for a setting's refusal which setting, an error of iceoryx2 stands for.
pub trait Classify: Display {
    /// Class of the error.
    fn class(&self) -> ErrorClass;

    /// The setting at fault, by its name in the protocol.
    fn setting(&self) -> Option<&'static str> {
        None
    }
}

/// Turns an error of iceoryx2 into the kit's refusal.
#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
pub fn refusal<E: Classify>(error: E) -> Refusal {
    Refusal::Error { class: error.class(), native: error.to_string(), setting: error.setting().map(str::to_owned) }
}

/// A refusal whose class is already known, for errors that iceoryx2 shares between unlike causes.
pub fn refusal_as(class: ErrorClass, native: impl Into<String>) -> Refusal {
    Refusal::Error { class, native: native.into(), setting: None }
}

impl Classify for OpenError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::DoesNotExist => ErrorClass::DoesNotExist,
            Self::DoesNotSupportRequestedAmountOfClientRequestLoans
            | Self::DoesNotSupportRequestedAmountOfActiveRequestsPerClient
            | Self::DoesNotSupportRequestedResponseBufferSize
            | Self::DoesNotSupportRequestedAmountOfServers
            | Self::DoesNotSupportRequestedAmountOfClients
            | Self::DoesNotSupportRequestedAmountOfNodes
            | Self::DoesNotSupportRequestedAmountOfBorrowedResponsesPerPendingResponse => ErrorClass::DoesNotSupport,
            Self::ExceedsMaxNumberOfNodes => ErrorClass::ExceedsMaxNodes,
            Self::HangsInCreation => ErrorClass::InCreation,
            Self::IncompatibleRequestOrResponseType => ErrorClass::IncompatibleTypes,
            Self::IncompatibleAttributes => ErrorClass::IncompatibleAttributes,
            Self::IncompatibleMessagingPattern
            | Self::IncompatibleOverflowBehaviorForRequests
            | Self::IncompatibleOverflowBehaviorForResponses
            | Self::IncompatibleBehaviorForFireAndForgetRequests => ErrorClass::IncompatibleBehaviour,
            Self::InsufficientPermissions => ErrorClass::Permission,
            Self::ServiceInCorruptedState => ErrorClass::Corrupted,
            Self::VersionMismatch => ErrorClass::VersionMismatch,
            Self::Interrupt
            | Self::InternalFailure
            | Self::IsMarkedForDestruction
            | Self::UnableToCreateServiceTag
            | Self::UnableToAcquireTypeDefinition
            | Self::InvalidTypeDefinition => ErrorClass::Other,
        }
    }

    fn setting(&self) -> Option<&'static str> {
        Some(match self {
            Self::DoesNotSupportRequestedAmountOfClientRequestLoans => "max_loaned_requests",
            Self::DoesNotSupportRequestedAmountOfActiveRequestsPerClient => "max_active_requests",
            Self::DoesNotSupportRequestedResponseBufferSize => "response_buffer",
            Self::DoesNotSupportRequestedAmountOfServers => "max_servers",
            Self::DoesNotSupportRequestedAmountOfClients => "max_clients",
            Self::DoesNotSupportRequestedAmountOfNodes => "max_nodes",
            Self::DoesNotSupportRequestedAmountOfBorrowedResponsesPerPendingResponse => "max_borrowed_responses",
            Self::IncompatibleOverflowBehaviorForRequests => "overflow_requests",
            Self::IncompatibleOverflowBehaviorForResponses => "overflow_responses",
            Self::IncompatibleBehaviorForFireAndForgetRequests => "fire_and_forget",
            _ => return None,
        })
    }
}

impl Classify for CreateError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::AlreadyExists => ErrorClass::AlreadyExists,
            Self::IsBeingCreatedByAnotherInstance | Self::HangsInCreation => ErrorClass::InCreation,
            Self::InsufficientPermissions => ErrorClass::Permission,
            Self::ServiceInCorruptedState => ErrorClass::Corrupted,
            Self::Interrupt
            | Self::InternalFailure
            | Self::UnableToCreateServiceTag
            | Self::ServiceConfigCouldNotBeCreated
            | Self::UnableToAcquireTypeDefinition
            | Self::InvalidTypeDefinition
            | Self::UnableToGenerateUniqueServiceId => ErrorClass::Other,
        }
    }
}

impl Classify for OpenOrCreateError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::RequestResponseOpenError(error) => error.class(),
            Self::RequestResponseCreateError(error) => error.class(),
            Self::SystemInFlux => ErrorClass::Other,
        }
    }

    fn setting(&self) -> Option<&'static str> {
        match self {
            Self::RequestResponseOpenError(error) => error.setting(),
            Self::RequestResponseCreateError(_) | Self::SystemInFlux => None,
        }
    }
}

impl Classify for ClientCreateError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::ExceedsMaxSupportedClients => ErrorClass::ExceedsMaxClients,
            Self::MaxActiveRequestsExceedsMaxSupportedActiveRequestsOfService => ErrorClass::DoesNotSupport,
            // iceoryx2 does not say why; in practice shared memory or descriptors ran out.
            Self::UnableToCreateDataSegment => ErrorClass::OutOfMemory,
            Self::FailedToDeployThreadsafetyPolicy
            | Self::UnableToCreatePortTag
            | Self::UnableToGenerateUniqueClientId => ErrorClass::Other,
        }
    }

    fn setting(&self) -> Option<&'static str> {
        matches!(self, Self::MaxActiveRequestsExceedsMaxSupportedActiveRequestsOfService)
            .then_some("max_active_requests")
    }
}

impl Classify for ServerCreateError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::ExceedsMaxSupportedServers => ErrorClass::ExceedsMaxServers,
            Self::UnableToCreateDataSegment => ErrorClass::OutOfMemory,
            Self::FailedToDeployThreadsafetyPolicy
            | Self::UnableToCreatePortTag
            | Self::UnableToGenerateUniqueServerId => ErrorClass::Other,
        }
    }
}

impl Classify for LoanError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::OutOfMemory => ErrorClass::OutOfMemory,
            Self::ExceedsMaxLoans => ErrorClass::ExceedsMaxLoans,
            Self::ExceedsMaxLoanSize => ErrorClass::ExceedsMaxLoanSize,
            Self::InternalFailure => ErrorClass::Other,
        }
    }
}

impl Classify for SendError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::ConnectionBrokenSinceSenderNoLongerExists => ErrorClass::Disconnected,
            Self::ConnectionCorrupted => ErrorClass::Corrupted,
            Self::LoanError(error) => error.class(),
            Self::ConnectionError(error) => error.class(),
            Self::UnableToDeliver => ErrorClass::UnableToDeliver,
            Self::InternalError => ErrorClass::Other,
        }
    }
}

impl Classify for RequestSendError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::ExceedsMaxActiveRequests => ErrorClass::ExceedsMaxActiveRequests,
            Self::SendError(error) => error.class(),
        }
    }
}

impl Classify for ReceiveError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::ExceedsMaxBorrows => ErrorClass::ExceedsMaxBorrows,
            Self::ConnectionFailure(error) => error.class(),
        }
    }
}

impl Classify for ServiceNameError {
    fn class(&self) -> ErrorClass {
        ErrorClass::InvalidName
    }
}

impl Classify for ConnectionFailure {
    fn class(&self) -> ErrorClass {
        ErrorClass::Other
    }
}

impl Classify for NodeCreationFailure {
    fn class(&self) -> ErrorClass {
        match self {
            Self::InsufficientPermissions => ErrorClass::Permission,
            Self::SystemCorrupted => ErrorClass::Corrupted,
            Self::InternalError | Self::UnableToGenerateUniqueNodeId => ErrorClass::Other,
        }
    }
}

impl Classify for NodeListFailure {
    fn class(&self) -> ErrorClass {
        match self {
            Self::InsufficientPermissions => ErrorClass::Permission,
            Self::Interrupt | Self::InternalError => ErrorClass::Other,
        }
    }
}

impl Classify for NodeCleanupFailure {
    fn class(&self) -> ErrorClass {
        match self {
            Self::InsufficientPermissions => ErrorClass::Permission,
            Self::VersionMismatch => ErrorClass::VersionMismatch,
            _ => ErrorClass::Other,
        }
    }
}

impl Classify for ServiceDetailsError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::InsufficientPermissions => ErrorClass::Permission,
            Self::VersionMismatch => ErrorClass::VersionMismatch,
            Self::FailedToDeserializeStaticServiceInfo | Self::ServiceInInconsistentState => ErrorClass::Corrupted,
            Self::Interrupt
            | Self::FailedToOpenStaticServiceInfo
            | Self::FailedToReadStaticServiceInfo
            | Self::InternalError
            | Self::FailedToAcquireNodeState => ErrorClass::Other,
        }
    }
}

impl Classify for ServiceListError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::InsufficientPermissions => ErrorClass::Permission,
            Self::InternalError => ErrorClass::Other,
        }
    }
}
