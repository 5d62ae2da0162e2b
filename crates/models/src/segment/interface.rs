//! What an implementation of payload segments has to offer, and what it is asked to be.

/// What happens when a slice is asked for that is longer than the chunks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Growth {
    /// It is refused.
    Static,
    /// The chunks become exactly as long as needed, but for what alignment adds.
    BestFit,
    /// The chunks become as long as the next power of two.
    PowerOfTwo,
}

impl Growth {
    /// All.
    pub(crate) const ALL: &[Self] = &[Self::Static, Self::BestFit, Self::PowerOfTwo];
    /// Those with which a segment grows.
    pub(crate) const GROWING: &[Self] = &[Self::BestFit, Self::PowerOfTwo];

    /// Bytes that fit after a loan of `len` that was longer than `len_max`.
    pub(crate) fn len_max_after(self, len: usize, len_max: usize) -> usize {
        match self {
            Self::Static => len_max,
            Self::BestFit => len,
            Self::PowerOfTwo => len.next_power_of_two(),
        }
    }
}

/// What a segment is asked to be. Elements are bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentShape {
    /// What happens to longer slices.
    pub growth: Growth,
    /// Bytes that a chunk of the first segment holds, at least 1.
    pub len_initial: usize,
    /// Alignment of what a chunk holds, a power of two from 1.
    pub align: usize,
    /// Loans that can exist at once; one more is refused.
    pub loans_max: usize,
    /// Messages that can be held by receivers at once; the kit does not exceed it.
    pub messages_max: usize,
    /// Receivers, each of which gets every message, 1 or more.
    pub receivers: usize,
}

/// Why a loan was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LoanRefused {
    /// The slice is too long, and the segment does not grow or cannot grow so far.
    TooLong,
    /// There are as many loans as there can be.
    TooMany,
}

/// A sender with its segments, and its receivers.
pub trait SegmentInstance {
    /// A chunk that the sender writes.
    type Loan;
    /// A message as one receiver holds it.
    type Held;

    /// Loans a slice of `len` bytes, whose contents may be anything.
    ///
    /// # Errors
    /// [`LoanRefused`]; then nothing has changed.
    fn loan(&mut self, len: usize) -> Result<Self::Loan, LoanRefused>;

    /// Address of the first byte of a loan.
    fn address(&self, loan: &Self::Loan) -> usize;

    /// A copy of what a loan holds, as long as the loan.
    fn contents(&self, loan: &Self::Loan) -> Vec<u8>;

    /// Fills a loan; `bytes` are as long as the loan.
    fn write(&mut self, loan: &mut Self::Loan, bytes: &[u8]);

    /// Gives a loan back without sending it.
    fn drop_loan(&mut self, loan: Self::Loan);

    /// Sends a loan to every receiver, and has every receiver take it: one message for each, in the receivers' order.
    fn send(&mut self, loan: Self::Loan) -> Vec<Self::Held>;

    /// A copy of a message as its receiver sees it.
    fn received(&self, held: &Self::Held) -> Vec<u8>;

    /// A receiver gives its message back; the chunk is free when all have.
    fn give_back(&mut self, held: Self::Held);

    /// Whether a message of so many bytes leaves no chunk behind: it is copied to its receivers, and the sender's chunk is
    /// free as soon as it is sent.
    fn leaves_no_chunk(&self, _len: usize) -> bool {
        false
    }

    /// Chunks that are loaned or held, without messages that left none, after the sender has learned of everything that was given back.
    fn chunks_in_use(&mut self) -> usize;

    /// Segments that exist, the current one and those that it has outgrown.
    fn segments(&self) -> usize;

    /// Bytes that a loan can have without growing, where that can be known.
    fn len_max(&self) -> Option<usize> {
        None
    }
}

/// An implementation of payload segments.
pub trait PayloadSegment {
    /// A sender with its segments, and its receivers.
    type Instance: SegmentInstance;

    /// A sender of which nothing is loaned, or nothing where the implementation has none of this shape: that shape is then
    /// not tested.
    fn create(&self, shape: SegmentShape) -> Option<Self::Instance>;
}
