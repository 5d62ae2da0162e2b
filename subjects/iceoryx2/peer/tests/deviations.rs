//! The list of known deviations and the programs that show them belong together.

use std::collections::BTreeSet;

use shmark::harness::subject::Subject;

const PROGRAMS: &str = concat!(
    include_str!("../examples/confirm/death.rs"),
    include_str!("../examples/confirm/loans.rs"),
    include_str!("../examples/confirm/requests.rs"),
    include_str!("../examples/confirm/services.rs"),
);

#[test]
fn every_known_deviation_has_a_program_that_shows_it_and_a_link() {
    let subject = Subject::find("iceoryx2").unwrap();
    assert!(!subject.expected.is_empty());
    let mut named = BTreeSet::new();
    for entry in &subject.expected {
        let (_, name) = entry.reason.rsplit_once("Confirmed by ").unwrap_or_else(|| panic!("{}", entry.scenario));
        named.insert(name.to_owned());
        assert!(!entry.message.is_empty() && entry.link.is_some(), "{}", entry.scenario);
    }
    let field = |line: &str| Some(line.trim().strip_prefix("name: \"")?.strip_suffix("\",")?.to_owned());
    let programs: BTreeSet<String> = PROGRAMS.lines().filter_map(field).collect();
    assert_eq!(named, programs);
}
