//! Payload bytes: filled from a seed, and told apart by a checksum, so that no data goes over the protocol.

use crate::protocol::payload_byte;

/// Writes the bytes that `seed` stands for over the whole of `payload`. Headers are filled the same way.
///
/// ```
/// let mut bytes = [0; 4];
/// shmark_peer::kit::payload::fill(&mut bytes, 0);
/// assert_eq!(bytes, [0xaf, 0xc1, 0xce, 0xed]);
/// ```
pub fn fill(payload: &mut [u8], seed: u64) {
    for (i, byte) in (0..).zip(payload) {
        *byte = payload_byte(seed, i);
    }
}

/// CRC-32 (ISO-HDLC, as in zip and Ethernet) of some bytes.
///
/// ```
/// assert_eq!(shmark_peer::kit::payload::crc32(b"123456789"), 0xcbf4_3926);
/// ```
pub fn crc32(payload: &[u8]) -> u32 {
    crc32fast::hash(payload)
}

/// CRC-32 of the `bytes` bytes that `seed` stands for.
pub fn seeded_crc32(seed: u64, bytes: u64) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    let mut block = [0; 256];
    let mut start = 0;
    while start < bytes {
        let len = (bytes - start).min(block.len() as u64) as usize;
        fill(&mut block[..len], seed.wrapping_add(start));
        hasher.update(&block[..len]);
        start += len as u64;
    }
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_checksum_equals_that_of_filled_bytes() {
        for bytes in [0_usize, 1, 8, 255, 256, 257, 4096] {
            let mut payload = vec![0; bytes];
            fill(&mut payload, 99);
            assert_eq!(seeded_crc32(99, bytes as u64), crc32(&payload), "{bytes} bytes");
        }
    }

    #[test]
    fn a_seed_near_the_end_of_the_range_wraps() {
        let mut payload = [0; 3];
        fill(&mut payload, u64::MAX);
        assert_eq!(payload[1..], [payload_byte(0, 0), payload_byte(0, 1)]);
    }
}
