//! What a benchmark payload holds: its sequence number, over and over, so that every byte is written and read.
//!
//! Byte `i` is byte `i mod 8` of the sequence in little-endian order. A `u64` payload is just the sequence. All subjects
//! that are measured against each other use these functions, or do the same in their language.

use crate::kit::implementation::{BenchSetup, Element, Kind, Touch};

/// Bytes of a sequence number: the least that a benchmark payload holds.
pub const STAMP_BYTES: usize = 8;

/// Fills the whole payload with its sequence number.
#[inline]
pub fn write(payload: &mut [u8], sequence: u64) {
    let stamp = sequence.to_le_bytes();
    let (words, tail) = payload.as_chunks_mut::<STAMP_BYTES>();
    words.fill(stamp);
    tail.copy_from_slice(&stamp[..tail.len()]);
}

/// The payload's sequence number, if every byte belongs to it. `None` for a damaged payload or one below 8 bytes.
#[inline]
pub fn read(payload: &[u8]) -> Option<u64> {
    let (words, tail) = payload.as_chunks::<STAMP_BYTES>();
    let stamp = *words.first()?;
    let sequence = u64::from_le_bytes(stamp);
    // All words are looked at, without a branch each: damage is so rare that stopping early would only cost.
    let difference = words.iter().fold(0, |difference, word| difference | (u64::from_le_bytes(*word) ^ sequence));
    (difference == 0 && *tail == stamp[..tail.len()]).then_some(sequence)
}

/// Writes as much of the payload as the load touches.
#[inline]
pub fn write_touched(payload: &mut [u8], sequence: u64, touch: Touch) {
    match touch {
        Touch::All => write(payload, sequence),
        Touch::Stamp => write(payload.get_mut(..STAMP_BYTES).unwrap_or_default(), sequence),
    }
}

/// The payload's sequence number, of what the load touches.
#[inline]
pub fn read_touched(payload: &[u8], touch: Touch) -> Option<u64> {
    match touch {
        Touch::All => read(payload),
        Touch::Stamp => read(payload.get(..STAMP_BYTES)?),
    }
}

/// Bytes of each payload of a setup. Bounded by what a slice can hold.
pub fn payload_bytes(setup: &BenchSetup) -> usize {
    match (setup.payload.kind, setup.payload.element) {
        (Kind::Fixed, Element::U64) => 8,
        (Kind::Fixed, Element::Bytes) => 4096,
        (Kind::Slice, Element::U64) => setup.len.saturating_mul(8),
        (Kind::Slice, Element::Bytes) => setup.len,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_at_every_length() {
        for len in 8..40 {
            let mut payload = vec![0xff; len];
            write(&mut payload, 0x0102_0304_0506_0708);
            assert_eq!(payload[..8], [8, 7, 6, 5, 4, 3, 2, 1]);
            assert_eq!(read(&payload), Some(0x0102_0304_0506_0708), "{len} bytes");
        }
    }

    #[test]
    fn one_wrong_byte_anywhere_is_noticed() {
        for at in 0..21 {
            let mut payload = [0; 21];
            write(&mut payload, 7);
            payload[at] ^= 1;
            assert_eq!(read(&payload), None, "byte {at}");
        }
    }

    #[test]
    fn a_stamp_alone_leaves_the_rest_as_it_was() {
        let mut payload = [0xff; 21];
        write_touched(&mut payload, 7, Touch::Stamp);
        assert!(payload[8..].iter().all(|byte| *byte == 0xff));
        assert_eq!((read_touched(&payload, Touch::Stamp), read_touched(&payload, Touch::All)), (Some(7), None));
        write_touched(&mut payload, 9, Touch::All);
        assert_eq!(read_touched(&payload, Touch::All), Some(9));
        assert_eq!(read_touched(&[0; 7], Touch::Stamp), None);
    }

    #[test]
    fn a_payload_without_room_has_no_sequence() {
        assert_eq!(read(&[0; 7]), None);
    }
}
