//! The fence between "push" and "does anybody sleep?", which senders do not execute.
//!
//! A sender pushes and then looks at the receiver's wake word; a receiver writes its wake word and then looks for messages.
//! Each must not look before what it wrote can be seen, or both miss each other and the receiver sleeps beside a message.
//! The textbook puts a full fence in both. Here the receiver, before it sleeps for the first time, makes the kernel put one
//! into every sender that runs (`membarrier`): once in a long while, instead of once a message.

use std::sync::OnceLock;

use crate::shm;

/// Whether this process takes part. Asked for once; processes do not lose it, and forked ones inherit it.
static REGISTERED: OnceLock<bool> = OnceLock::new();

/// Lets sleepers reach the threads of this process. `false` if the kernel refuses: then every sender has to fence after
/// every push.
pub(crate) fn register() -> bool {
    *REGISTERED.get_or_init(shm::register_for_fences)
}

/// A full fence in every sender that does not fence by itself. `false` if the kernel refuses: then a sleeper cannot rely on
/// being woken.
pub(crate) fn fence_all() -> bool {
    shm::fence_all()
}
