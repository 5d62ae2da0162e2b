//! One connection seen from one side: what has been lent to the other side, the segments of the other side, and how it is
//! woken.

pub(super) mod lending;
pub(super) mod remote;
pub(super) mod waker;
