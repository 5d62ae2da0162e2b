//! Words for a shell.

/// For a shell: plain words as they are, everything else in single quotes.
pub fn quoted(word: &str) -> String {
    if !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=:,".contains(c)) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn shell_words_are_quoted_where_needed() {
        assert_eq!(quoted("liv/x"), "liv/x");
        assert_eq!(quoted("liv/x[len=1]"), "'liv/x[len=1]'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
