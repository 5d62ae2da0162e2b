//! Error classes: one entry each.
//!
//! What follows from an entry: the class of a refusal, as the kit writes it and the runner reads it; the words that an
//! expectation of a scenario may hold; whether a setting comes with it; the table of docs/PEER-PROTOCOL.md, which a test
//! compares.

use serde::{Deserialize, Serialize};

macro_rules! error_classes {
    ($($(#[doc = $text:literal])+ $class:ident = $name:literal
        $(, refused by $requirement:literal)? $(, names the $setting:ident)?;)*) => {
        /// Why an implementation refused an operation.
        ///
        /// A refusal for the sake of a setting names the setting beside the class.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ErrorClass {
            $($(#[doc = $text])+ #[serde(rename = $name)] $class,)*
        }

        impl ErrorClass {
            /// Every class.
            pub const ALL: &[Self] = &[$(Self::$class,)*];

            /// Its word on the wire.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$class => $name,)*
                }
            }

            /// What it means, in Markdown.
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$class => concat!($($text),+).trim_ascii(),)*
                }
            }

            /// The requirement that demands this refusal, for those that one demands.
            pub const fn requirement(self) -> Option<&'static str> {
                match self {
                    $(Self::$class => error_classes!(@option $($requirement)?),)*
                }
            }

            /// Whether a refusal of this class names the setting at fault.
            pub const fn names_setting(self) -> bool {
                match self {
                    $(Self::$class => error_classes!(@flag $($setting)?),)*
                }
            }
        }
    };
    (@option) => { None };
    (@option $value:literal) => { Some($value) };
    (@flag) => { false };
    (@flag setting) => { true };
}

error_classes! {
    /// A service, port or node of this name is there already.
    AlreadyExists = "already-exists", refused by "RR-SVC-01";
    /// There is none.
    DoesNotExist = "does-not-exist", refused by "RR-SVC-02";
    /// Payload or header types differ in type, kind, size or alignment.
    IncompatibleTypes = "incompatible-types", refused by "RR-TYP-01";
    /// A required attribute is missing or has another value.
    IncompatibleAttributes = "incompatible-attributes", refused by "RR-SVC-12";
    /// A flag of the service is not as asked for.
    IncompatibleBehaviour = "incompatible-behaviour", refused by "RR-SVC-08", names the setting;
    /// A count of the service is smaller than asked for.
    DoesNotSupport = "does-not-support", refused by "RR-SVC-07", names the setting;
    /// The service has its maximum of nodes.
    ExceedsMaxNodes = "exceeds-max-nodes", refused by "RR-SVC-11";
    /// The service has its maximum of clients.
    ExceedsMaxClients = "exceeds-max-clients", refused by "RR-PRT-01";
    /// The service has its maximum of servers.
    ExceedsMaxServers = "exceeds-max-servers", refused by "RR-PRT-01";
    /// The port has its maximum of loans.
    ExceedsMaxLoans = "exceeds-max-loans", refused by "RR-LOAN-01";
    /// The loan is larger than the port may ever make it.
    ExceedsMaxLoanSize = "exceeds-max-loan-size", refused by "RR-DYN-01";
    /// The payload segment, or shared memory, is used up.
    OutOfMemory = "out-of-memory", refused by "RR-PRT-08";
    /// The client has its maximum of active requests.
    ExceedsMaxActiveRequests = "exceeds-max-active-requests", refused by "RR-SND-03";
    /// The receiver holds its maximum of messages.
    ExceedsMaxBorrows = "exceeds-max-borrows", refused by "RR-PND-02";
    /// A buffer is full and the backpressure strategy does not allow to wait or to leave it out.
    UnableToDeliver = "unable-to-deliver", refused by "RR-SND-09";
    /// The name may not be used.
    InvalidName = "invalid-name", refused by "RR-SVC-14";
    /// What is in shared memory was made by another version.
    VersionMismatch = "version-mismatch", refused by "RR-BAD-01";
    /// What is in shared memory contradicts itself.
    Corrupted = "corrupted", refused by "RR-BAD-02";
    /// The service is being created, and was not finished in time.
    InCreation = "in-creation";
    /// The system denied it.
    Permission = "permission";
    /// The other side is gone.
    Disconnected = "disconnected";
    /// The implementation's own timeout has passed.
    Timeout = "timeout";
    /// None of these; `native` says what.
    Other = "other";
}
