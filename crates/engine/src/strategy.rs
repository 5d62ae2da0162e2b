//! Strategies that a port is given, by its builder or by the configuration.

use serde::{Deserialize, Serialize};

/// How a payload segment gets room for longer slices.
///
/// ```
/// # use shmark_engine::{Node, ServiceName};
/// use shmark_engine::AllocationStrategy;
/// use shmark_engine::error::LoanError;
///
/// # let folder = tempfile::tempdir()?;
/// # let node = Node::builder().root(folder.path()).create()?;
/// # let name = ServiceName::new("My/Funk/ServiceName")?;
/// # let service = node.service_builder(&name).request_response::<[u8], [u8]>().open_or_create()?;
/// # let server = service.server_builder().create()?;
/// let builder = service.client_builder().initial_max_slice_len(16);
/// let client = builder.allocation_strategy(AllocationStrategy::PowerOfTwo).create()?;
/// let request = client.loan_slice_uninit(1000)?.write_from_fn(|i| i as u8);
/// let pending = request.send()?;
/// assert_eq!(client.max_slice_len(), 1024);
/// # assert_eq!(server.receive()?.map(|request| request.payload().len()), Some(1000));
/// # drop(pending);
///
/// let client = service.client_builder().initial_max_slice_len(16).create()?;
/// let refused = client.loan_slice(17).map(drop);
/// assert_eq!(refused, Err(LoanError::ExceedsMaxLoanSize { len: 17, max: 16 }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AllocationStrategy {
    /// Not at all: `initial_max_slice_len` is the limit.
    #[default]
    Static,
    /// A longer slice gets a new segment with room for exactly its length.
    BestFit,
    /// A longer slice gets a new segment with room for the next power of two of its length.
    PowerOfTwo,
}

impl AllocationStrategy {
    /// Whether a longer loan, or one more, is served by a new segment.
    pub(super) fn grows(self) -> bool {
        self != Self::Static
    }

    /// Elements that fit the new segment that a loan of `len` makes, if there is such a number.
    pub(super) fn room_for(self, len: usize) -> Option<usize> {
        match self {
            Self::Static | Self::BestFit => Some(len),
            Self::PowerOfTwo => len.checked_next_power_of_two(),
        }
    }
}

/// What a sender does when a buffer without overflow is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackpressureStrategy {
    /// Waits until the receiver makes room or goes away ([RR-SND-08](crate#requirements)).
    #[default]
    RetryUntilDelivered,
    /// Does not deliver to that receiver ([RR-SND-07](crate#requirements)).
    DiscardData,
}
