//! The engine's errors in the classes of the peer protocol.

use std::fmt::Debug;
use std::io::ErrorKind;

use crate::engine::error::{LoanError, NodeError, PortError, ReceiveError, SendError, ServiceError, SystemError};
use crate::peer::kit::implementation::Refusal;
use crate::peer::protocol::ErrorClass;

fn refusal(class: ErrorClass, error: &impl Debug, setting: Option<&str>) -> Refusal {
    Refusal::Error { class, native: format!("{error:?}"), setting: setting.map(str::to_owned) }
}

fn system(error: &SystemError) -> ErrorClass {
    match error.kind {
        _ if error.is_exhaustion() => ErrorClass::OutOfMemory,
        ErrorKind::PermissionDenied => ErrorClass::Permission,
        ErrorKind::InvalidData => ErrorClass::Corrupted,
        _ => ErrorClass::Other,
    }
}

impl From<NodeError> for Refusal {
    fn from(error: NodeError) -> Self {
        let class = match &error {
            NodeError::NameTooLong { .. } => ErrorClass::InvalidName,
            NodeError::NotOurFolder { .. } | NodeError::FolderMode { .. } => ErrorClass::Permission,
            NodeError::Config(_)
            | NodeError::RelativeRoot { .. }
            | NodeError::NotANamespace { .. }
            | NodeError::HugePages { .. }
            | NodeError::NamespaceGone(_) => ErrorClass::Other,
            NodeError::System(error) => system(error),
        };
        refusal(class, &error, None)
    }
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        let (class, setting) = match &error {
            ServiceError::InvalidName(_) | ServiceError::NameCollision { .. } => (ErrorClass::InvalidName, None),
            ServiceError::AlreadyExists => (ErrorClass::AlreadyExists, None),
            ServiceError::DoesNotExist => (ErrorClass::DoesNotExist, None),
            ServiceError::IncompatibleTypes { .. } => (ErrorClass::IncompatibleTypes, None),
            ServiceError::IncompatibleAttributes { .. } => (ErrorClass::IncompatibleAttributes, None),
            ServiceError::IncompatibleBehaviour { setting, .. } => (ErrorClass::IncompatibleBehaviour, Some(*setting)),
            ServiceError::DoesNotSupport { setting, .. } => (ErrorClass::DoesNotSupport, Some(*setting)),
            ServiceError::CountTooLarge { setting, .. } => (ErrorClass::OutOfMemory, Some(*setting)),
            ServiceError::InvalidAlignment { .. }
            | ServiceError::TypeAlignment { .. }
            | ServiceError::NamespaceGone(_) => (ErrorClass::Other, None),
            ServiceError::TypeTooLarge { .. } | ServiceError::AttributesTooLarge { .. } => {
                (ErrorClass::OutOfMemory, None)
            }
            ServiceError::ExceedsMaxNodes { .. } => (ErrorClass::ExceedsMaxNodes, None),
            ServiceError::InCreation => (ErrorClass::InCreation, None),
            ServiceError::Corrupted { .. } => (ErrorClass::Corrupted, None),
            ServiceError::VersionMismatch { .. } => (ErrorClass::VersionMismatch, None),
            ServiceError::System(error) => (system(error), None),
        };
        refusal(class, &error, setting)
    }
}

impl From<PortError> for Refusal {
    fn from(error: PortError) -> Self {
        let class = match &error {
            PortError::ExceedsMaxClients { .. } => ErrorClass::ExceedsMaxClients,
            PortError::ExceedsMaxServers { .. } => ErrorClass::ExceedsMaxServers,
            PortError::ExceedsMaxActiveRequests { .. } => ErrorClass::ExceedsMaxActiveRequests,
            PortError::NameTooLong { .. } => ErrorClass::InvalidName,
            PortError::TooManyDepartedClients { .. } | PortError::SegmentTooLarge { .. } => ErrorClass::OutOfMemory,
            PortError::GrowthInSafetyCriticalProfile => ErrorClass::Other,
            PortError::Busy => ErrorClass::InCreation,
            PortError::Corrupted { .. } => ErrorClass::Corrupted,
            PortError::System(error) => system(error),
        };
        refusal(class, &error, None)
    }
}

fn loan(error: LoanError) -> ErrorClass {
    match error {
        LoanError::ExceedsMaxLoans { .. } => ErrorClass::ExceedsMaxLoans,
        LoanError::ExceedsMaxLoanSize { .. } => ErrorClass::ExceedsMaxLoanSize,
        LoanError::OutOfMemory | LoanError::CannotGrow { .. } | LoanError::GrownTooOften { .. } => {
            ErrorClass::OutOfMemory
        }
    }
}

impl From<LoanError> for Refusal {
    fn from(error: LoanError) -> Self {
        refusal(loan(error), &error, None)
    }
}

impl From<SendError> for Refusal {
    fn from(error: SendError) -> Self {
        let class = match &error {
            SendError::ExceedsMaxActiveRequests { .. } => ErrorClass::ExceedsMaxActiveRequests,
            SendError::UnableToDeliver { .. } => ErrorClass::UnableToDeliver,
            SendError::Loan(error) => loan(*error),
            SendError::ConnectionCorrupted => ErrorClass::Corrupted,
            SendError::CannotAttach(reason) => system(reason),
            SendError::NamespaceGone(_) => ErrorClass::DoesNotExist,
        };
        refusal(class, &error, None)
    }
}

impl From<ReceiveError> for Refusal {
    fn from(error: ReceiveError) -> Self {
        let class = match &error {
            ReceiveError::ExceedsMaxBorrows { .. } => ErrorClass::ExceedsMaxBorrows,
            ReceiveError::ConnectionCorrupted => ErrorClass::Corrupted,
            ReceiveError::CannotMap(_) => ErrorClass::OutOfMemory,
            ReceiveError::CannotAttach(reason) => system(reason),
            ReceiveError::MessageLost => ErrorClass::Other,
            ReceiveError::NamespaceGone(_) => ErrorClass::DoesNotExist,
        };
        refusal(class, &error, None)
    }
}
