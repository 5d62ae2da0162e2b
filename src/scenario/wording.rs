//! What the message of each violated rule says.

use std::fmt;

use super::violation::Violation;
use crate::suggest::among;

/// The message of a violated rule.
struct Wording {
    code: &'static str,
    text: String,
    remedy: String,
}

fn say(code: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Wording {
    Wording { code, text: text.into(), remedy: remedy.into() }
}

impl Wording {
    fn of(violation: &Violation) -> Self {
        of_file(violation)
            .or_else(|| of_load(violation))
            .or_else(|| of_step(violation))
            .unwrap_or_else(|| of_expectation(violation))
    }
}

impl Violation {
    /// Short permanent name, as in `scenario::unknown_key`.
    pub fn code(&self) -> &'static str {
        Wording::of(self).code
    }

    /// What to do about it.
    pub fn remedy(&self) -> Option<String> {
        Some(Wording::of(self).remedy).filter(|remedy| !remedy.is_empty())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Wording::of(self).text)
    }
}

fn of_file(violation: &Violation) -> Option<Wording> {
    use Violation as V;
    Some(match violation {
        V::Unreadable { reason } => {
            say("unreadable", format!("this cannot be read: {reason}"), "check path and access")
        }
        V::NoScenarioFolder { folder } => say(
            "no_scenario_folder",
            format!("{folder} holds no scenarios"),
            "put them in conformance/GROUP/NAME.toml and bench/NAME.toml below it",
        ),
        V::Syntax { message } => say("syntax", format!("this is not TOML: {message}"), ""),
        V::UnknownKey { key, what, known } => {
            say("unknown_key", format!("{what} has no key {key:?}"), among(key, known))
        }
        V::MissingKey { key, what } => {
            say("missing_key", format!("{what} lacks the key {key:?}"), format!("add `{key} = ...`"))
        }
        V::WrongType { key, wanted, found } => {
            say("wrong_type", format!("{key:?} has to be {wanted}, and this is {found}"), "")
        }
        V::EmptyList { key } => {
            say("empty_list", format!("the list {key:?} is empty"), "put something in, or leave the key out")
        }
        V::UnknownWord { key, word, known } => {
            say("unknown_word", format!("{word:?} is nothing that {key:?} can be"), among(word, known))
        }
        V::BadName { name } => say(
            "bad_name",
            format!("{name:?} is no name"),
            "a name begins with a letter or _ and goes on with letters, digits, _ and -",
        ),
        V::OutOfRange { key, number, range } => {
            say("out_of_range", format!("{key:?} cannot be {number}"), format!("it goes {range}"))
        }
        V::DuplicateId { id, other } => say(
            "duplicate_id",
            format!("the id {id:?} belongs to {other} already"),
            "give this scenario an id (and a path) of its own",
        ),
        V::IdIsNotPath { id, path } => say(
            "id_is_not_path",
            format!("the id is {id:?}, and the file's path says {path:?}"),
            "move the file: an id is permanent",
        ),
        V::ListedTwice { key, word } => {
            say("listed_twice", format!("{word:?} is twice in {key:?}"), "remove one of the two")
        }
        V::UnknownRequirement { id, known } => {
            say("unknown_requirement", format!("the catalogue has no requirement {id:?}"), among(id, known))
        }
        V::UnknownFeature { feature, known } => {
            say("unknown_feature", format!("the peer protocol has no feature {feature:?}"), among(feature, known))
        }
        V::CheckWithoutExpect { id } => say(
            "check_without_expect",
            format!("the check of {id} does not say what it expects"),
            "add `expect = { ok = {} }`, or what the requirement calls for",
        ),
        V::RequirementWithoutCheck { id } => say(
            "requirement_without_check",
            format!("{id} is listed, and no step checks it"),
            format!("add `check = {id:?}` to the step that decides it, or take it off the list"),
        ),
        V::CheckNotListed { id } => {
            say("check_not_listed", format!("{id} is checked, and not listed"), format!("add {id:?} to `requirements`"))
        }
        V::UnknownVariable { name, known } => {
            say("unknown_variable", format!("the matrix has no variable {name:?}"), among(name, known))
        }
        V::UnusedVariable { name } => say(
            "unused_variable",
            format!("no value uses the variable {name:?} of the matrix"),
            format!("write \"${name}\" where it belongs, or remove it: every cell would be the same"),
        ),
        V::RoundOutsideRepeat => {
            say("round_outside_repeat", "\"$i\" is the round of a repeat, and this is in none", "move it into a repeat")
        }
        V::ReservedVariable => {
            say("reserved_variable", "\"$i\" is the round of a repeat", "call this variable something else")
        }
        V::NestedRepeat => {
            say("nested_repeat", "a repeat cannot hold another one", "write the inner steps out, or use the matrix")
        }
        V::TooMuch { what, max } => {
            say("too_much", format!("the scenario has too many {what}"), format!("stay below {max}"))
        }
        V::BadGlob { pattern, reason } => say(
            "bad_glob",
            format!("the pattern {pattern:?} cannot be read: {reason}"),
            "`**/*` is every file below the root",
        ),
        _ => return None,
    })
}

fn of_load(violation: &Violation) -> Option<Wording> {
    use Violation as V;
    Some(match violation {
        V::NotARoundTrip { key } => say(
            "not_a_round_trip",
            format!("{key:?} is more than 1 and round trips are timed one after the other"),
            "add timing = \"throughput\", which counts messages per second",
        ),
        V::NoRoom { key, number, room } => say(
            "no_room",
            format!("{key:?} is {number} and nothing says that there is room for so many"),
            format!("add {room} = [{number}], or more: a message that is lost makes a trial invalid"),
        ),
        V::NoRate => say(
            "no_rate",
            "an open loop needs the rate at which requests are sent",
            "add rate_per_s = [100000], or other rates",
        ),
        V::NotAnOpenLoop { key } => say(
            "not_an_open_loop",
            format!("{key:?} is for open loops: the rate of a closed one is what comes out of it"),
            "add timing = \"open-loop\", or leave it out",
        ),
        V::OpenLoopSleeps => say(
            "open_loop_sleeps",
            "an open loop cannot wait by sleeping: while it sleeps, the next request may be due",
            "write waiting = [\"spin\"]",
        ),
        V::OpenLoopStreams => say(
            "open_loop_streams",
            "a request of an open loop is over with its response",
            "leave out \"responses\", or write timing = \"throughput\"",
        ),
        V::OpenLoopOfMany { key } => say(
            "open_loop_of_many",
            format!("{key:?} is more than 1 and an open loop has one client and one server"),
            "leave it out, or write timing = \"throughput\"",
        ),
        V::PortsSleep { key } => say(
            "ports_sleep",
            format!(
                "{key:?} is more than 1 and none of several ports can wait by sleeping: one thread polls them in turn"
            ),
            "write waiting = [\"spin\"]",
        ),
        V::TooManyUnderWay { key, other, max } => say(
            "too_many_under_way",
            format!("{key:?} times {other:?} is more than {max} messages under way at a time"),
            "take fewer of one of them",
        ),
        _ => return None,
    })
}

fn of_step(violation: &Violation) -> Option<Wording> {
    use Violation as V;
    Some(match violation {
        V::StepShape { found } => say(
            "step_shape",
            match found.as_slice() {
                [] => "this step does nothing".to_owned(),
                found => format!("this step has {} at once", found.join(" and ")),
            },
            "a step has exactly one of do, begin, await (each with `on`) and runner",
        ),
        V::UnknownPeer { peer, known } => {
            say("unknown_peer", format!("the scenario has no peer {peer:?}"), among(peer, known))
        }
        V::UnknownOp { op, known } => {
            say("unknown_op", format!("the peer protocol has no operation {op:?}"), among(op, known))
        }
        V::UnknownArgument { op, argument, known } => {
            say("unknown_argument", format!("{op} has no argument {argument:?}"), among(argument, known))
        }
        V::MissingArgument { op, argument } => {
            say("missing_argument", format!("{op} lacks {argument:?}"), format!("add `{argument} = ...`"))
        }
        V::SliceWithoutLen { op } => say(
            "slice_without_len",
            format!("{op} does not say how many elements"),
            "the payload is a slice: add `len = ...`",
        ),
        V::OfAndFrom => say("of_and_from", "`of` and `from` mean the same handle", "keep one of them"),
        V::WithinMisplaced { op } => say(
            "within_misplaced",
            format!("{op} is never asked again"),
            "put `within_ms` on the step that looks at the result, or begin the operation and put it on the await",
        ),
        V::NotParallel { why } => say(
            "not_parallel",
            format!("this cannot run in parallel: {why}"),
            "each step in there is a `do` on a peer of its own",
        ),
        V::PeerNotRunning { peer, why } => say(
            "peer_not_running",
            format!("the peer {peer:?} is not running: {why}"),
            format!("start it first: {{ runner = \"spawn\", peer = {peer:?} }}"),
        ),
        V::PeerRunning { peer } => say(
            "peer_running",
            format!("the peer {peer:?} is running already"),
            "declare it with `start = \"later\"`, or end it first",
        ),
        V::PeerNotStopped { peer } => say(
            "peer_not_stopped",
            format!("the peer {peer:?} is not stopped"),
            format!("stop it first: {{ runner = \"stop\", peer = {peer:?} }}"),
        ),
        V::PeerBusy { peer, tag } => say(
            "peer_busy",
            format!("the peer {peer:?} is still busy with {tag:?}, and a peer handles one operation at a time"),
            format!("await it first: {{ on = {peer:?}, await = {tag:?} }}"),
        ),
        V::NeverAwaited { peer, tag } => say(
            "never_awaited",
            format!("{tag:?} begins here, and its answer is never collected"),
            format!("add {{ on = {peer:?}, await = {tag:?} }}, or kill the peer"),
        ),
        V::AwaitWithoutBegin { peer, tag } => say(
            "await_without_begin",
            format!("{tag:?} has not begun on the peer {peer:?}"),
            format!("begin it first: {{ on = {peer:?}, begin = \"...\", as = {tag:?} }}"),
        ),
        V::BeginWithoutName { op } => say(
            "begin_without_name",
            format!("nothing can await this {op}: it makes no handle and has no tag"),
            "add `tag = ...`",
        ),
        V::UnknownHandle { peer, name, known } => {
            say("unknown_handle", format!("the peer {peer:?} holds no {name:?} at this point"), among(name, known))
        }
        V::WrongHandle { name, kind, op, wanted } => {
            say("wrong_handle", format!("{name:?} is {kind}, and {op} works on {wanted}"), "")
        }
        V::NameTaken { peer, name, line } => say(
            "name_taken",
            format!("the peer {peer:?} holds a {name:?} already, from line {line}"),
            "take another name, or drop the first one before",
        ),
        _ => return None,
    })
}

fn of_expectation(violation: &Violation) -> Wording {
    use Violation as V;
    match violation {
        V::TwoExpectations => {
            say("two_expectations", "there is `expect` and `expect_any`", "put all legal answers into `expect_any`")
        }
        V::OutcomeShape { found } => say(
            "outcome_shape",
            match found.as_slice() {
                [] => "this expects nothing".to_owned(),
                found => format!("this expects {} at once", found.join(" and ")),
            },
            "one of { ok = {} } and { err = \"class\" }; several legal answers go into `expect_any`",
        ),
        V::UnknownErrorClass { class, known } => {
            say("unknown_error_class", format!("the peer protocol has no error class {class:?}"), among(class, known))
        }
        V::UnknownField { op, field, known } => {
            say("unknown_field", format!("the answer of {op} has no field {field:?}"), among(field, known))
        }
        V::MatcherShape { found } => say(
            "matcher_shape",
            format!("{{ {} }} is no matcher", found.join(", ")),
            "a value, or one of at_least, at_most, same_as, different_from, and no_more_than with plus",
        ),
        V::UnknownTag { tag, known } => {
            say("unknown_tag", format!("no step before this one is called {tag:?}"), among(tag, known))
        }
        V::AmbiguousTag { tag, candidates } => {
            say("ambiguous_tag", format!("{tag:?} may be one of several"), format!("write {}", candidates.join(" or ")))
        }
        V::ReferenceShape { reference } => say(
            "reference_shape",
            format!("{reference:?} is no field of an answer"),
            "write the step's name, a dot and the field: \"cli.port_id\"",
        ),
        V::NotAnswered { tag } => {
            say("not_answered", format!("the answer of {tag:?} is not there yet"), "await it before")
        }
        V::NoPayload { tag, why } => say(
            "no_payload",
            format!("what {tag:?} sends is not known: {why}"),
            "name the step that sends, by its `as` or its `tag`",
        ),
        // Every other variant has its words above; a test goes through all of them.
        other => say("rule", format!("{other:?}"), ""),
    }
}
