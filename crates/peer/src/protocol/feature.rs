//! Features: what a peer may lack, and says in `hello`.

/// One feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeatureSpec {
    /// Name, as in `hello`.
    pub name: &'static str,
    /// Version of the protocol that has it first.
    pub since: u32,
    /// What it stands for, in Markdown.
    pub text: &'static str,
}

const fn feature(name: &'static str, since: u32, text: &'static str) -> FeatureSpec {
    FeatureSpec { name, since, text }
}

/// Every feature; the table of docs/PEER-PROTOCOL.md.
pub const FEATURE_TABLE: &[FeatureSpec] = &[
    feature("fixed", 1, "Payloads of `kind: \"fixed\"`."),
    feature("slice", 1, "Payloads of `kind: \"slice\"`, and `initial_max_slice_len` of a port."),
    feature("user-header", 1, "`request_header`, `response_header`, `header_seed`, `header_crc32`."),
    feature("alignment", 1, "`align` of a payload type."),
    feature("attributes", 1, "`attributes` of a service."),
    feature("overflow", 1, "`overflow_requests` and `overflow_responses` can be chosen."),
    feature("backpressure", 1, "`backpressure` of a port."),
    feature("backpressure-handler", 2, "`handler` of a port, and `backpressure_calls`."),
    feature("fire-and-forget", 1, "`fire_and_forget` can be chosen."),
    feature(
        "growth",
        1,
        "An `allocation` of a port other than `static`: loans beyond `initial_max_slice_len` grow its payload segment.",
    ),
    feature("hint", 1, "`pending.hint_disconnect` and `active.has_hint`."),
    feature("preallocate", 1, "`preallocate` of a port."),
    feature("wait", 1, "`wait_ms` of a receive."),
    feature("wait-set", 2, "`wait`: several handles at once."),
    feature("nodes", 1, "`node.list` and `node.cleanup`."),
    feature("configuration", 2, "`configure`: defaults of services from a file."),
    feature("listing", 1, "`service.exists`, `service.list` and `service.ports`."),
    feature("resources", 1, "`resources` with `chunks_in_use` and `segments`."),
    feature(
        "crash-points",
        1,
        "The implementation can be told by its environment to die at a chosen store. No operation needs it.",
    ),
    feature("bench", 1, "The [benchmark mode](#benchmark-mode)."),
];

/// What a peer can declare in `hello`: the names of [`FEATURE_TABLE`].
pub const FEATURES: &[&str] = &names::<{ FEATURE_TABLE.len() }>();

const fn names<const N: usize>() -> [&'static str; N] {
    let mut names = [""; N];
    let mut index = 0;
    while index < N {
        names[index] = FEATURE_TABLE[index].name;
        index += 1;
    }
    names
}

/// Whether a version of the protocol has a feature. One that is unknown altogether is left to the runner.
pub fn has_feature(protocol: u32, name: &str) -> bool {
    FEATURE_TABLE.iter().all(|feature| feature.name != name || feature.since <= protocol)
}
