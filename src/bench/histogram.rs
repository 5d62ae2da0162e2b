//! Histograms of round trips as peers send them: `HdrHistogram` V2, base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};

use crate::results::model::Percentiles;

/// Bytes before the counts of an encoded histogram.
const HEADER_BYTES: usize = 40;

/// Reads what a peer sent. Every byte of it may be wrong.
///
/// # Errors
/// One sentence that names what is wrong with the text.
pub fn decode(text: &str) -> Result<Histogram<u64>, String> {
    let bytes = STANDARD.decode(text).map_err(|error| format!("it is not base64: {error}"))?;
    // The decoder trusts this length before it has seen the bytes.
    let announced = bytes.get(4..8).and_then(|field| <[u8; 4]>::try_from(field).ok()).map(u32::from_be_bytes);
    if announced.map(|counts| counts as usize + HEADER_BYTES) != Some(bytes.len()) {
        return Err(format!("its {} bytes are not the length that its header states", bytes.len()));
    }
    // The one number that the decoder cannot negate; no histogram holds a count above 2^56.
    if bytes[HEADER_BYTES..].windows(9).any(|number| number == [0xff; 9]) {
        return Err("it holds a count above 2^56".to_owned());
    }
    let mut histogram: Histogram<u64> = Deserializer::new()
        .deserialize(&mut bytes.as_slice())
        .map_err(|error| format!("it is no HdrHistogram V2: {error}"))?;
    histogram.auto(true);
    Ok(histogram)
}

/// Encodes for the report.
///
/// # Errors
/// A histogram of more than 4 GiB.
pub fn encode(histogram: &Histogram<u64>) -> Result<String, String> {
    let mut bytes = Vec::new();
    V2Serializer::new()
        .serialize(histogram, &mut bytes)
        .map_err(|error| format!("the merged histogram cannot be encoded: {error}"))?;
    Ok(STANDARD.encode(bytes))
}

/// Adds up histograms of whatever range and resolution; the result resolves three digits. `None` if one of them cannot
/// be added because the result would not fit into memory.
pub fn merge<'a>(histograms: impl IntoIterator<Item = &'a Histogram<u64>>) -> Option<Histogram<u64>> {
    let mut merged = Histogram::new(3).ok()?;
    for histogram in histograms {
        merged.add(histogram).ok()?;
    }
    Some(merged)
}

/// Percentiles, ns; all 0 for an empty histogram.
pub fn percentiles(histogram: &Histogram<u64>) -> Percentiles {
    let at = |quantile: f64| histogram.value_at_quantile(quantile) as f64;
    Percentiles {
        min: if histogram.is_empty() { 0.0 } else { histogram.min() as f64 },
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p99_9: at(0.999),
        p99_99: at(0.9999),
        max: histogram.max() as f64,
        mean: histogram.mean(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percentiles_survive_encoding_and_merging() {
        let mut low = Histogram::<u64>::new(3).unwrap();
        let mut high = Histogram::<u64>::new_with_bounds(1, 1_000_000, 2).unwrap();
        (1..=900).for_each(|value| low.record(value).unwrap());
        (901..=1000).for_each(|value| high.record(value).unwrap());
        let merged = merge([&decode(&encode(&low).unwrap()).unwrap(), &decode(&encode(&high).unwrap()).unwrap()]);
        let figures = percentiles(&merged.unwrap());
        assert_eq!((figures.min, figures.p50, figures.p90), (1.0, 500.0, 900.0));
        assert!((figures.p99 / 990.0 - 1.0).abs() < 0.01, "{}", figures.p99);
    }

    #[test]
    fn a_lying_length_is_refused_before_memory_is_taken() {
        let mut bytes = STANDARD.decode(encode(&Histogram::new(3).unwrap()).unwrap()).unwrap();
        bytes[4..8].copy_from_slice(&u32::MAX.to_be_bytes());
        assert!(decode(&STANDARD.encode(bytes)).unwrap_err().contains("length"));
        assert!(decode("").unwrap_err().contains("length"));
        assert!(decode("%").unwrap_err().contains("base64"));
    }

    proptest! {
        #[test]
        fn garbage_counts_are_an_error_and_no_panic(counts in proptest::collection::vec(any::<u8>(), 0..64), ff in 0..12) {
            let mut bytes = STANDARD.decode(encode(&Histogram::new(3).unwrap()).unwrap()).unwrap();
            bytes.truncate(HEADER_BYTES);
            bytes.extend(counts);
            bytes.extend(std::iter::repeat_n(0xff, ff as usize));
            let length = u32::try_from(bytes.len() - HEADER_BYTES).unwrap();
            bytes[4..8].copy_from_slice(&length.to_be_bytes());
            if let Ok(histogram) = decode(&STANDARD.encode(bytes)) {
                let _ = percentiles(&histogram);
                let _ = merge([&histogram, &histogram]);
            }
        }
    }
}
