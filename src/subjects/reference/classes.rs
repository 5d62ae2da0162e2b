//! The engine's errors in the classes of the peer protocol.

#![allow(clippy::match_same_arms, reason = "each error of today is named; `_` is for those to come")]

use std::fmt::Debug;
use std::io::ErrorKind;

use shmark_engine::error::{LoanError, NodeError, PortError, ReceiveError, SendError, ServiceError, SystemError};
use shmark_peer::kit::implementation::Refusal;
use shmark_peer::protocol::ErrorClass;

/// Which class an error of the engine stands for, and for a setting's refusal which setting.
pub(super) trait Classify: Debug {
    fn class(&self) -> (ErrorClass, Option<&'static str>);
}

/// An error of the engine as the kit's refusal.
#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
pub(super) fn refusal<E: Classify>(error: E) -> Refusal {
    let (class, setting) = error.class();
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

impl Classify for NodeError {
    fn class(&self) -> (ErrorClass, Option<&'static str>) {
        let class = match self {
            NodeError::NameTooLong { .. } => ErrorClass::InvalidName,
            NodeError::NotOurFolder { .. } | NodeError::FolderMode { .. } => ErrorClass::Permission,
            NodeError::Config(_)
            | NodeError::RelativeRoot { .. }
            | NodeError::NotANamespace { .. }
            | NodeError::HugePages { .. }
            | NodeError::NamespaceGone(_) => ErrorClass::Other,
            NodeError::System(error) => system(error),
            _ => ErrorClass::Other,
        };
        (class, None)
    }
}

impl Classify for ServiceError {
    fn class(&self) -> (ErrorClass, Option<&'static str>) {
        let (class, setting) = match self {
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
            _ => (ErrorClass::Other, None),
        };
        (class, setting)
    }
}

impl Classify for PortError {
    fn class(&self) -> (ErrorClass, Option<&'static str>) {
        let class = match self {
            PortError::ExceedsMaxClients { .. } => ErrorClass::ExceedsMaxClients,
            PortError::ExceedsMaxServers { .. } => ErrorClass::ExceedsMaxServers,
            PortError::ExceedsMaxActiveRequests { .. } => ErrorClass::ExceedsMaxActiveRequests,
            PortError::NameTooLong { .. } => ErrorClass::InvalidName,
            PortError::TooManyDepartedClients { .. } | PortError::SegmentTooLarge { .. } => ErrorClass::OutOfMemory,
            PortError::GrowthInSafetyCriticalProfile => ErrorClass::Other,
            PortError::Busy => ErrorClass::InCreation,
            PortError::Corrupted { .. } => ErrorClass::Corrupted,
            PortError::System(error) => system(error),
            _ => ErrorClass::Other,
        };
        (class, None)
    }
}

fn loan(error: LoanError) -> ErrorClass {
    match error {
        LoanError::ExceedsMaxLoans { .. } => ErrorClass::ExceedsMaxLoans,
        LoanError::ExceedsMaxLoanSize { .. } => ErrorClass::ExceedsMaxLoanSize,
        LoanError::OutOfMemory | LoanError::CannotGrow { .. } | LoanError::GrownTooOften { .. } => {
            ErrorClass::OutOfMemory
        }
        _ => ErrorClass::Other,
    }
}

impl Classify for LoanError {
    fn class(&self) -> (ErrorClass, Option<&'static str>) {
        (loan(*self), None)
    }
}

impl Classify for SendError {
    fn class(&self) -> (ErrorClass, Option<&'static str>) {
        let class = match self {
            SendError::ExceedsMaxActiveRequests { .. } => ErrorClass::ExceedsMaxActiveRequests,
            SendError::UnableToDeliver { .. } => ErrorClass::UnableToDeliver,
            SendError::Loan(error) => loan(*error),
            SendError::ConnectionCorrupted => ErrorClass::Corrupted,
            SendError::CannotAttach(reason) => system(reason),
            SendError::NamespaceGone(_) => ErrorClass::DoesNotExist,
            _ => ErrorClass::Other,
        };
        (class, None)
    }
}

impl Classify for ReceiveError {
    fn class(&self) -> (ErrorClass, Option<&'static str>) {
        let class = match self {
            ReceiveError::ExceedsMaxBorrows { .. } => ErrorClass::ExceedsMaxBorrows,
            ReceiveError::ConnectionCorrupted => ErrorClass::Corrupted,
            ReceiveError::CannotMap(_) => ErrorClass::OutOfMemory,
            ReceiveError::CannotAttach(reason) => system(reason),
            ReceiveError::MessageLost => ErrorClass::Other,
            ReceiveError::NamespaceGone(_) => ErrorClass::DoesNotExist,
            _ => ErrorClass::Other,
        };
        (class, None)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// The arm `_` would take a new error without a word.
    #[test]
    fn each_error_of_the_engine_is_named() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let files = fs::read_dir(root.join("crates/engine/src/error")).unwrap();
        let errors: String = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
        let classes = fs::read_to_string(root.join("src/subjects/reference/classes.rs")).unwrap();
        let mut found = 0;
        for part in errors.split("pub enum ").skip(1) {
            let (name, body) = part.split_once(" {\n").unwrap();
            if !classes.contains(&format!("impl Classify for {name} ")) {
                continue;
            }
            let variants = body.lines().take_while(|line| *line != "}").filter_map(|line| line.strip_prefix("    "));
            for variant in variants.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase())) {
                let variant = variant.split(|c: char| !c.is_alphanumeric()).next().unwrap();
                assert!(classes.contains(&format!("{name}::{variant}")), "{name}::{variant} has no class");
                found += 1;
            }
        }
        assert!(found > 40, "only {found} errors were found");
    }
}
