//! Hints to the processor which cache line is needed next, and for what. They never fault and never change a value.

use std::ptr::NonNull;

/// Asks for the line of a word, or a whole line, to write or exchange something in it soon.
#[inline(always)]
pub fn warm<T>(word_or_line: &T) {
    for_writing(NonNull::from(word_or_line));
}

/// Asks for a line to be written soon, or to be exchanged: it arrives in a state in which no other core has a copy, so that
/// the write or exchange which follows does not have to ask again.
///
/// Does nothing on processors where it is not known to help.
#[inline]
pub fn for_writing<T>(address: NonNull<T>) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: PREFETCHW only hints: it cannot fault, whatever the address, and processors without it take it for a NOP.
    unsafe {
        std::arch::asm!("prefetchw [{}]", in(reg) address.as_ptr(), options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
