//! "Did you mean": the known word that is nearest to a wrong one.

/// A sentence for the remedy: the nearest word if one is near, and the list of all known ones.
pub(crate) fn among(word: &str, known: &[String]) -> String {
    if known.is_empty() {
        return "there is none so far".to_owned();
    }
    let list = known.join(", ");
    match nearest(word, known) {
        Some(near) => format!("did you mean {near:?}? Known: {list}"),
        None => format!("known: {list}"),
    }
}

/// The known word that was probably meant.
pub(crate) fn nearest<'a>(word: &str, known: &'a [impl AsRef<str>]) -> Option<&'a str> {
    let limit = word.chars().count().div_ceil(3).max(1);
    known
        .iter()
        .map(AsRef::as_ref)
        // Two letters that changed places are one mistake.
        .map(|candidate: &str| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= limit || begins_alike(word, candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Whether one is the beginning of the other, as `len` is of `length`.
fn begins_alike(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    short.len() >= 3 && long.starts_with(short)
}

#[cfg(test)]
mod tests {
    use super::{among, nearest};

    #[test]
    fn suggests_only_what_is_near() {
        let known = ["drop".to_owned(), "read".to_owned()];
        assert!(among("dorp", &known).starts_with("did you mean \"drop\"?"));
        assert_eq!(among("d", &[]), "there is none so far");
        assert_eq!(nearest("length", &["seed", "len"]), Some("len"));
        assert_eq!(nearest("refrence", &["reference", "pipe"]), Some("reference"));
        assert_eq!(among("xyzzy", &known), "known: drop, read");
    }
}
