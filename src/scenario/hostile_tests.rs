//! No text makes the parser panic, and what is wrong is always said with a place inside the text.

use miette::Diagnostic;
use proptest::prelude::*;

use super::{Catalogue, ScenarioError, bench, builtin, conformance};

fn is_sound(error: &ScenarioError, text: &str) {
    assert!(error.line() >= 1 && error.line() <= text.matches('\n').count() + 1, "{error}");
    assert!(error.column() >= 1, "{error}");
    assert!(!error.to_string().contains('\n'), "more than one line: {error}");
    for label in error.labels().into_iter().flatten() {
        assert!(label.offset() + label.len() <= text.len(), "{error}");
        assert!(text.is_char_boundary(label.offset()), "{error}");
    }
    let mut shown = String::new();
    miette::GraphicalReportHandler::new().render_report(&mut shown, error).unwrap();
}

fn try_all(text: &str) {
    thread_local!(static CATALOGUE: Catalogue = Catalogue::builtin().unwrap());
    CATALOGUE.with(|catalogue| {
        if let Err(error) = conformance::parse("any.toml", text, catalogue) {
            is_sound(&error, text);
        }
    });
    if let Err(error) = bench::parse("any.toml", text) {
        is_sound(&error, text);
    }
    if let Err(error) = Catalogue::parse("any.toml", text) {
        is_sound(&error, text);
    }
}

/// Pieces that get further into the parser than arbitrary characters do.
const PIECES: &[&str] = &[
    "$i",
    "$len",
    "\"$i\"",
    "0",
    "-1",
    "9223372036854775807",
    "[]",
    "{}",
    "true",
    "1.5",
    "1979-05-27",
    "\"\"",
    "ä",
    "\u{0}",
    "runner",
    "repeat",
    "do",
    "begin",
    "await",
    "\"_\"",
    "as",
    "of",
    "from",
    "expect",
    "expect_any",
    "check",
    "ok",
    "err",
    "\n",
    "\"",
    "'",
    ",",
    "}",
    "]",
    "=",
    "parallel",
    "\"service\"",
    "\"node\"",
    "1048577",
    "\"drop\"",
    "within_ms",
];

fn built_in() -> impl Strategy<Value = &'static str> {
    // The long ones would only make this slow: they are the same steps over and over.
    let short: Vec<&str> =
        builtin::CONFORMANCE.iter().map(|(_, text)| *text).filter(|text| !text.contains("repeat")).collect();
    prop::sample::select(short)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text_is_no_panic(text in "\\PC{0,200}") {
        try_all(&text);
    }

    #[test]
    fn mutated_scenarios_are_no_panic(
        text in built_in(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, prop::sample::select(PIECES)), 1..4),
    ) {
        let mut text = text.to_owned();
        for (at, removed, piece) in edits {
            let start = text.floor_char_boundary(at.index(text.len()));
            let end = text.ceil_char_boundary((start + removed).min(text.len()));
            text.replace_range(start..end, piece);
        }
        try_all(&text);
    }

    #[test]
    fn exchanged_words_are_no_panic(
        text in built_in(),
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
    ) {
        let words: Vec<&str> = text.split(|c: char| !(c.is_alphanumeric() || "_.-$".contains(c))).filter(|w| !w.is_empty()).collect();
        try_all(&text.replace(words[from.index(words.len())], words[to.index(words.len())]));
    }

    #[test]
    fn cut_off_scenarios_are_no_panic(text in built_in(), at in any::<prop::sample::Index>()) {
        try_all(&text[..text.floor_char_boundary(at.index(text.len()))]);
    }
}

#[test]
fn deep_and_wide_files_are_refused_or_read_in_time() {
    for text in [
        "a = ".to_owned() + &"[".repeat(10_000),
        "a = ".to_owned() + &"{ a = ".repeat(10_000),
        format!(
            "id = \"a/b\"\nmatrix = {{ a = [{0}], b = [{0}] }}",
            (0..200).map(|i| i.to_string() + ",").collect::<String>()
        ),
        "[".repeat(1000),
    ] {
        try_all(&text);
    }
}
