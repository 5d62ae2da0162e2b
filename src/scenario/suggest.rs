//! "Did you mean": the known word that is nearest to a wrong one.

/// A sentence for the remedy: the nearest word if one is near, and the list of all known ones.
pub(super) fn among(word: &str, known: &[String]) -> String {
    if known.is_empty() {
        return "there is none so far".to_owned();
    }
    let list = known.join(", ");
    match nearest(word, known) {
        Some(near) => format!("did you mean {near:?}? Known: {list}"),
        None => format!("known: {list}"),
    }
}

/// The known word that is near enough to be meant, if there is one.
pub(super) fn nearest<'a>(word: &str, known: &'a [String]) -> Option<&'a str> {
    let limit = word.chars().count().div_ceil(3).max(1);
    known
        .iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= limit || begins_alike(word, candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.as_str())
}

/// Whether one is the beginning of the other, as `len` is of `length`.
fn begins_alike(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    short.len() >= 3 && long.starts_with(short)
}

/// Insertions, removals and replacements that make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{among, distance, nearest};

    #[test]
    fn counts_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn suggests_only_what_is_near() {
        let known = ["drop".to_owned(), "read".to_owned()];
        assert!(among("dorp", &known).starts_with("did you mean \"drop\"?"));
        assert_eq!(among("d", &[]), "there is none so far");
        assert_eq!(nearest("length", &["seed".to_owned(), "len".to_owned()]), Some("len"));
        assert_eq!(among("xyzzy", &known), "known: drop, read");
    }
}
