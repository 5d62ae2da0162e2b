//! The rules of scenario files, one variant for each. What a message says is in `wording`.

/// A violated rule.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are what the message shows")]
pub enum Violation {
    // --- the file as such
    /// The file or folder cannot be read.
    Unreadable { reason: String },
    /// A folder of scenarios holds `conformance/` or `bench/`.
    NoScenarioFolder { folder: String },
    /// The file is TOML.
    Syntax { message: String },
    /// Tables hold known keys only.
    UnknownKey { key: String, what: String, known: Vec<String> },
    /// Required keys are there.
    MissingKey { key: String, what: String },
    /// Values have the type of their key.
    WrongType { key: String, wanted: String, found: String },
    /// Lists that are given hold something.
    EmptyList { key: String },
    /// Words are among the known ones of their key.
    UnknownWord { key: String, word: String, known: Vec<String> },
    /// Names are made of letters, digits, `_` and `-`.
    BadName { name: String },
    /// Numbers stay within the range of their key.
    OutOfRange { key: String, number: u64, range: String },
    /// An id belongs to one file.
    DuplicateId { id: String, other: String },
    /// An id is the path of its file.
    IdIsNotPath { id: String, path: String },
    /// A list holds nothing twice.
    ListedTwice { key: String, word: String },
    /// Round trips are timed one after the other.
    NotARoundTrip { key: String },
    /// What is under way has room where it waits.
    NoRoom { key: String, number: usize, room: String },
    /// An open loop has a rate.
    NoRate,
    /// What is for open loops stands in one.
    NotAnOpenLoop { key: String },
    /// An open loop polls while it waits for its next moment.
    OpenLoopSleeps,
    /// A request of an open loop is over with its response.
    OpenLoopStreams,
    /// An open loop has one client and one server.
    OpenLoopOfMany { key: String },
    /// Several ports are polled in turn.
    PortsSleep { key: String },
    /// Messages that are under way at a time have a bound.
    TooManyUnderWay { key: String, other: String, max: usize },

    // --- requirements, features
    /// Requirements are in the catalogue.
    UnknownRequirement { id: String, known: Vec<String> },
    /// Features are those of the peer protocol.
    UnknownFeature { feature: String, known: Vec<String> },
    /// A check says what it expects.
    CheckWithoutExpect { id: String },
    /// Every listed requirement has a check.
    RequirementWithoutCheck { id: String },
    /// Every checked requirement is listed.
    CheckNotListed { id: String },

    // --- matrix and repeat
    /// A `$name` is a variable of the matrix.
    UnknownVariable { name: String, known: Vec<String> },
    /// Every variable of the matrix is used.
    UnusedVariable { name: String },
    /// `$i` stands in a repeat.
    RoundOutsideRepeat,
    /// `i` is no variable of the matrix.
    ReservedVariable,
    /// Repeats do not hold repeats.
    NestedRepeat,
    /// A scenario stays within a number of cells and steps.
    TooMuch { what: String, max: usize },

    // --- steps
    /// A step is one of `do`, `begin`, `await`, `runner`.
    StepShape { found: Vec<String> },
    /// A step is for a declared peer.
    UnknownPeer { peer: String, known: Vec<String> },
    /// Operations are those of the peer protocol.
    UnknownOp { op: String, known: Vec<String> },
    /// Arguments are those of the operation.
    UnknownArgument { op: String, argument: String, known: Vec<String> },
    /// Required arguments are there.
    MissingArgument { op: String, argument: String },
    /// A slice's length is said.
    SliceWithoutLen { op: String },
    /// `of` and `from` mean the same and are not given both.
    OfAndFrom,
    /// `within_ms` is for steps that can wait or be asked again.
    WithinMisplaced { op: String },
    /// What runs in parallel is a `do` on a peer of its own.
    NotParallel { why: String },
    /// A glob pattern can be read.
    BadGlob { pattern: String, reason: String },

    // --- peers and what they hold
    /// A step needs a running peer.
    PeerNotRunning { peer: String, why: String },
    /// Only a peer that is not running can be started.
    PeerRunning { peer: String },
    /// Only a stopped peer can continue.
    PeerNotStopped { peer: String },
    /// A peer handles one operation at a time.
    PeerBusy { peer: String, tag: String },
    /// An operation that begins is awaited, or its peer is gone.
    NeverAwaited { peer: String, tag: String },
    /// What is awaited was begun.
    AwaitWithoutBegin { peer: String, tag: String },
    /// What begins has a name to await it by.
    BeginWithoutName { op: String },
    /// Handles are made before they are used.
    UnknownHandle { peer: String, name: String, known: Vec<String> },
    /// Handles are used for what they are.
    WrongHandle { name: String, kind: String, op: String, wanted: String },
    /// A name stands for one handle at a time.
    NameTaken { peer: String, name: String, line: usize },

    // --- expectations
    /// `expect` or `expect_any`, not both.
    TwoExpectations,
    /// An expectation is one of `ok` and `err`.
    OutcomeShape { found: Vec<String> },
    /// An error class is one of the protocol's.
    UnknownErrorClass { class: String, known: Vec<String> },
    /// Fields are those of the operation's answer.
    UnknownField { op: String, field: String, known: Vec<String> },
    /// A matcher table holds one known matcher.
    MatcherShape { found: Vec<String> },
    /// A reference names an earlier step.
    UnknownTag { tag: String, known: Vec<String> },
    /// A reference means one step.
    AmbiguousTag { tag: String, candidates: Vec<String> },
    /// A reference is a tag, a dot and a field.
    ReferenceShape { reference: String },
    /// A referenced answer has been collected.
    NotAnswered { tag: String },
    /// A step whose payload is meant has sent one.
    NoPayload { tag: String, why: String },
}
