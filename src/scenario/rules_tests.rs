//! Every rule has a file that violates it, and the message points at the place.

use std::collections::BTreeSet;

use miette::Diagnostic;

use super::bench::BenchQuestion;
use super::lifecycle::LifecycleCase;
use super::model::{BenchCase, BenchScenario};
use super::{Catalogue, ScenarioError, bench, conformance};
use shmark_peer::kit::implementation::Timing;

const GOOD: &str = r#"id = "snd/example"
title = "An example."
requirements = ["RR-SND-01"]
peers = { s = "server", c = "client", l = { role = "client", start = "later" } }
service = { request = { type = "u64", kind = "slice" } }
steps = [
  { on = "s", do = "server.create", as = "srv" },
  { on = "c", do = "client.create", as = "cli" },
  { on = "c", do = "client.send", from = "cli", as = "p1", len = 1 },
  { on = "s", do = "server.receive", from = "srv", as = "a1", check = "RR-SND-01", expect = { ok = { payload_of = "p1" } } },
]
"#;

/// A step of `GOOD` that makes way for the steps of a case.
const SEND: &str = r#"  { on = "c", do = "client.send", from = "cli", as = "p1", len = 1 },"#;

fn parse(text: &str) -> Result<Vec<super::model::Scenario>, ScenarioError> {
    conformance::parse("bad.toml", text, &Catalogue::builtin().unwrap())
}

/// Code of the rule, what is replaced in `GOOD`, by what, where the error points, and what it says.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str);

/// `~` in front of what replaces means: steps put in behind `SEND`.
const CASES: &[Case] = &[
    ("syntax", "title = ", "title ", "\"An example", "this is not TOML"),
    ("unknown_key", "title", "tittle", "tittle", "a scenario has no key \"tittle\"; did you mean \"title\"?"),
    ("unknown_key", "start = ", "sart = ", "sart", "a peer has no key \"sart\"; did you mean \"start\"?"),
    ("unknown_key", r#"kind = "slice""#, r#"kind = "slice", size = 3"#, "size", "type, kind, align"),
    (
        "unknown_key",
        r#"peers = { s = "server", "#,
        r#"peers = { s = { role = "server", x = 1 }, "#,
        "x = 1",
        "no key \"x\"",
    ),
    ("missing_key", r#"id = "snd/example""#, "", "", "a scenario lacks the key \"id\"; add `id = ...`"),
    ("missing_key", r#"requirements = ["RR-SND-01"]"#, "", "", "lacks the key \"requirements\""),
    (
        "missing_key",
        r#"{ on = "c", do = "client.create""#,
        r#"{ do = "client.create""#,
        "{ do = ",
        "lacks the key \"on\"",
    ),
    (
        "wrong_type",
        r#"title = "An example.""#,
        "title = 3",
        "3",
        "\"title\" has to be a text, and this is the number 3",
    ),
    (
        "wrong_type",
        "len = 1",
        r#"len = "1""#,
        r#""1""#,
        "\"len\" has to be a number from 0, and this is the text \"1\"",
    ),
    ("wrong_type", "len = 1", "len = -1", "-1", "has to be a number from 0, and this is the number -1"),
    ("wrong_type", "len = 1", "len = 1.5", "1.5", "this is the fraction 1.5"),
    ("wrong_type", "len = 1", "len = 99999999999999999999", "99999999999999999999", "integer beyond 64 bits"),
    ("wrong_type", "snd/example", "example", "\"example", "\"id\" has to be \"group/name\""),
    ("empty_list", r#"["RR-SND-01"]"#, "[]", "[]", "the list \"requirements\" is empty"),
    (
        "unknown_word",
        r#"s = "server""#,
        r#"s = "servr""#,
        "\"servr\"",
        "\"servr\" is nothing that \"role\" can be; did you mean \"server\"?",
    ),
    ("unknown_word", r#"kind = "slice""#, r#"kind = "sliced""#, "\"sliced\"", "did you mean \"slice\"?"),
    (
        "unknown_word",
        r#"as = "cli" }"#,
        r#"as = "cli", allocation = "dynamic" }"#,
        "\"dynamic\"",
        "known: static, best-fit, power-of-two",
    ),
    ("unknown_word", SEND, r#"~{ runner = "kil", peer = "s" }"#, "\"kil\"", "did you mean \"kill\"?"),
    ("unknown_word", SEND, r#"~{ runner = "kill", peer = "s", signal = "HUP" }"#, "\"HUP\"", "known: KILL, TERM"),
    ("bad_name", r#"as = "p1""#, r#"as = "p 1""#, "\"p 1\"", "\"p 1\" is no name; a name begins with"),
    (
        "out_of_range",
        r#"kind = "slice""#,
        r#"kind = "slice", align = 48"#,
        "48",
        "\"align\" cannot be 48; it goes over the powers of two",
    ),
    (
        "out_of_range",
        "title = \"An example.\"",
        "memory_mib = 0",
        "0",
        "\"memory_mib\" cannot be 0; it goes from 1 to 1048576",
    ),
    (
        "out_of_range",
        "title = \"An example.\"",
        "memory_mib = 1048577",
        "1048577",
        "\"memory_mib\" cannot be 1048577; it goes from 1 to 1048576",
    ),
    (
        "wrong_type",
        "title = \"An example.\"",
        "memory_mib = \"1g\"",
        "\"1g\"",
        "\"memory_mib\" has to be a number from 0, and this is the text \"1g\"",
    ),
    (
        "out_of_range",
        SEND,
        r#"~{ runner = "repeat", times = 0, steps = [{}] }"#,
        "0, steps",
        "\"times\" cannot be 0; it goes from 1 to",
    ),
    (
        "listed_twice",
        r#"["RR-SND-01"]"#,
        r#"["RR-SND-01", "RR-SND-01"]"#,
        "\"RR-SND-01\"]",
        "is twice in \"requirements\"",
    ),
    (
        "unknown_requirement",
        r#"["RR-SND-01"]"#,
        r#"["RR-SND-99"]"#,
        "\"RR-SND-99\"",
        "the catalogue has no requirement \"RR-SND-99\"; did you mean",
    ),
    ("unknown_requirement", r#"check = "RR-SND-01""#, r#"check = "SND-01""#, "\"SND-01\"", "no requirement \"SND-01\""),
    (
        "unknown_feature",
        "title",
        "features = [\"slices\"]\ntitle",
        "\"slices\"",
        "no feature \"slices\"; did you mean \"slice\"?",
    ),
    (
        "check_without_expect",
        r#", expect = { ok = { payload_of = "p1" } }"#,
        "",
        "\"RR-SND-01\" },",
        "the check of RR-SND-01 does not say what it expects",
    ),
    (
        "requirement_without_check",
        r#"["RR-SND-01"]"#,
        r#"["RR-SND-01", "RR-SND-02"]"#,
        "\"RR-SND-02\"",
        "RR-SND-02 is listed, and no step checks it",
    ),
    (
        "check_not_listed",
        r#"check = "RR-SND-01""#,
        r#"check = "RR-SND-02""#,
        "\"RR-SND-02\"",
        "add \"RR-SND-02\" to `requirements`",
    ),
    (
        "unknown_variable",
        "len = 1",
        r#"len = "$len""#,
        "\"$len\"",
        "the matrix has no variable \"len\"; there is none so far",
    ),
    ("unused_variable", "title", "matrix = { len = [1, 2] }\ntitle", "len = [1", "no value uses the variable \"len\""),
    ("round_outside_repeat", "len = 1", r#"len = "$i""#, "\"$i\"", "is the round of a repeat, and this is in none"),
    ("reserved_variable", "title", "matrix = { i = [1, 2] }\ntitle", "i = [1", "call this variable something else"),
    (
        "nested_repeat",
        SEND,
        r#"~{ runner = "repeat", times = 1, steps = [{ runner = "repeat", times = 1, steps = [{}] }] }"#,
        "{ runner = \"repeat\", times = 1, steps = [{}]",
        "a repeat cannot hold another one",
    ),
    (
        "too_much",
        SEND,
        r#"~{ runner = "repeat", times = 10000, steps = [{ on = "s", do = "resources" }, { on = "s", do = "resources" }, { on = "c", do = "resources" }, { on = "s", do = "resources" }, { on = "s", do = "resources" }] }"#,
        "{ on = \"c\", do = \"resources\"",
        "too many steps; stay below 50000",
    ),
    (
        "bad_glob",
        SEND,
        r#"~{ runner = "damage", files = "[", how = "zero" }"#,
        "\"[\"",
        "the pattern \"[\" cannot be read",
    ),
    (
        "step_shape",
        r#"do = "client.create", "#,
        "",
        "{ on = \"c\", as = \"cli\"",
        "this step does nothing; a step has exactly one of",
    ),
    (
        "step_shape",
        r#"do = "client.create""#,
        r#"do = "client.create", await = "x""#,
        "{ on = \"c\", do = \"client.create\"",
        "has `do` and `await` at once",
    ),
    (
        "unknown_peer",
        r#"on = "c", do = "client.send""#,
        r#"on = "cc", do = "client.send""#,
        "\"cc\"",
        "no peer \"cc\"; did you mean \"c\"?",
    ),
    (
        "unknown_op",
        "client.send",
        "client.sent",
        "\"client.sent\"",
        "no operation \"client.sent\"; did you mean \"client.send\"?",
    ),
    (
        "unknown_argument",
        "len = 1",
        "length = 1",
        "length",
        "client.send has no argument \"length\"; did you mean \"len\"?",
    ),
    ("missing_argument", r#"from = "cli", "#, "", "{ on = \"c\", do = \"client.send\"", "client.send lacks \"of\""),
    ("missing_argument", r#", as = "p1""#, "", "{ on = \"c\", do = \"client.send\"", "client.send lacks \"as\""),
    (
        "slice_without_len",
        ", len = 1",
        "",
        "{ on = \"c\", do = \"client.send\"",
        "the payload is a slice: add `len = ...`",
    ),
    (
        "of_and_from",
        r#"from = "cli""#,
        r#"from = "cli", of = "cli""#,
        "of = \"cli\"",
        "`of` and `from` mean the same handle",
    ),
    ("within_misplaced", "len = 1", "len = 1, within_ms = 5", "within_ms", "client.send is never asked again"),
    (
        "not_parallel",
        SEND,
        r#"~{ runner = "parallel", steps = [{ on = "s", do = "resources" }, { on = "s", do = "resources" }] }"#,
        "{ on = \"s\", do = \"resources\" }]",
        "has a step in here already",
    ),
    (
        "not_parallel",
        SEND,
        r#"~{ runner = "parallel", steps = [{ runner = "kill", peer = "s" }] }"#,
        "{ runner = \"kill\"",
        "it is no `do`",
    ),
    (
        "peer_not_running",
        r#"on = "c", do = "client.send""#,
        r#"on = "l", do = "client.send""#,
        "\"l\", do",
        "the peer \"l\" is not running: it starts later; start it first",
    ),
    ("peer_not_running", SEND, r#"~{ runner = "kill", peer = "s" }"#, "\"s\", do = \"server.receive\"", "it is gone"),
    (
        "peer_not_running",
        SEND,
        r#"~{ runner = "stop", peer = "s" }"#,
        "\"s\", do = \"server.receive\"",
        "it is stopped",
    ),
    (
        "peer_not_running",
        SEND,
        r#"~{ runner = "kill", peer = "s", signal = "TERM" }"#,
        "\"s\", do = \"server.receive\"",
        "a signal is ending it",
    ),
    (
        "peer_running",
        SEND,
        r#"~{ runner = "spawn", peer = "s" }"#,
        "\"s\" },\n  { on = \"s\", do = \"server.r",
        "the peer \"s\" is running already",
    ),
    (
        "peer_not_stopped",
        SEND,
        r#"~{ runner = "continue", peer = "s" }"#,
        "\"s\" },\n  { on = \"s\", do = \"server.r",
        "the peer \"s\" is not stopped",
    ),
    (
        "peer_busy",
        SEND,
        r#"~{ on = "s", begin = "resources", tag = "r" }"#,
        "\"s\", do = \"server.receive\"",
        "still busy with \"r\"",
    ),
    (
        "never_awaited",
        SEND,
        r#"~{ on = "c", begin = "resources", tag = "r" }"#,
        "{ on = \"c\", begin",
        "its answer is never collected",
    ),
    ("await_without_begin", SEND, r#"~{ on = "c", await = "p2" }"#, "\"p2\"", "\"p2\" has not begun on the peer \"c\""),
    (
        "begin_without_name",
        SEND,
        r#"~{ on = "c", begin = "resources" }"#,
        "{ on = \"c\", begin",
        "it makes no handle and has no tag",
    ),
    (
        "unknown_key",
        SEND,
        r#"~{ on = "c", begin = "resources", tag = "r", expect = { ok = {} } }"#,
        "expect = { ok = {} }",
        "the await has it",
    ),
    (
        "unknown_handle",
        r#"from = "cli""#,
        r#"from = "clt""#,
        "\"clt\"",
        "the peer \"c\" holds no \"clt\" at this point; did you mean \"cli\"?",
    ),
    (
        "unknown_handle",
        SEND,
        r#"~{ on = "s", do = "drop", of = "srv" }"#,
        "\"srv\", as = \"a1\"",
        "holds no \"srv\" at this point",
    ),
    (
        "unknown_handle",
        r#"c = "client""#,
        r#"c = { role = "client", opens = false }"#,
        "{ on = \"c\", do = \"client.create\"",
        "holds no \"service\"",
    ),
    (
        "wrong_handle",
        r#"from = "cli""#,
        r#"from = "service""#,
        "\"service\", as",
        "\"service\" is a service, and client.send works on a client",
    ),
    ("name_taken", r#"as = "p1""#, r#"as = "cli""#, "as = \"cli\", len", "holds a \"cli\" already, from line 8"),
    (
        "two_expectations",
        r#"check = "RR-SND-01""#,
        r#"expect_any = [{ ok = {} }], check = "RR-SND-01""#,
        "expect_any",
        "put all legal answers into `expect_any`",
    ),
    ("outcome_shape", r#"{ ok = { payload_of = "p1" } }"#, "{}", "{}", "this expects nothing"),
    (
        "outcome_shape",
        r#"{ ok = { payload_of = "p1" } }"#,
        r#"{ ok = {}, err = "other" }"#,
        "{ ok = {}, err",
        "this expects `ok` and `err` at once",
    ),
    (
        "unknown_error_class",
        r#"{ ok = { payload_of = "p1" } }"#,
        r#"{ err = "exceeds-max-loan" }"#,
        "\"exceeds-max-loan\"",
        "did you mean \"exceeds-max-loans\"?",
    ),
    (
        "unknown_word",
        r#"{ ok = { payload_of = "p1" } }"#,
        r#"{ err = { setting = "max_client" } }"#,
        "\"max_client\"",
        "did you mean \"max_clients\"?",
    ),
    (
        "unknown_field",
        "payload_of",
        "payload",
        "payload = \"p1\"",
        "the answer of server.receive has no field \"payload\"",
    ),
    ("wrong_type", r#"payload_of = "p1""#, "received = 1", "1 } } }", "\"received\" has to be true or false"),
    ("matcher_shape", r#"payload_of = "p1""#, "len = { least = 1 }", "{ least", "{ least } is no matcher"),
    (
        "unknown_tag",
        r#"payload_of = "p1""#,
        r#"payload_of = "p2""#,
        "\"p2\"",
        "no step before this one is called \"p2\"",
    ),
    (
        "ambiguous_tag",
        SEND,
        r#"~{ on = "s", do = "client.create", as = "k" }, { on = "s", do = "client.send", from = "k", as = "p1", len = 1 }"#,
        "\"p1\" } } }",
        "write \"c/p1\" or \"s/p1\"",
    ),
    (
        "reference_shape",
        r#"payload_of = "p1""#,
        r#"origin = { same_as = "cli" }"#,
        "\"cli\" } } } }",
        "write the step's name, a dot and the field",
    ),
    (
        "unknown_field",
        r#"payload_of = "p1""#,
        r#"origin = { same_as = "cli.id" }"#,
        "\"cli.id\"",
        "the answer of client.create has no field \"id\"",
    ),
    (
        "not_answered",
        SEND,
        r#"~{ on = "c", begin = "resources", tag = "r" }, { on = "s", do = "resources", expect = { ok = { fds = { same_as = "r.fds" } } } }"#,
        "\"r.fds\"",
        "await it before",
    ),
    ("no_payload", r#"payload_of = "p1""#, r#"payload_of = "cli""#, "\"cli\" } } }", "client.create sends nothing"),
];

/// Rules that are about more than one file's text; tests of the library go through them.
const OF_LIBRARY: &[&str] = &["unreadable", "no_scenario_folder", "duplicate_id", "id_is_not_path"];

fn violating(replaced: &str, by: &str) -> String {
    assert!(GOOD.contains(replaced), "{replaced}");
    match by.strip_prefix('~') {
        Some(steps) => GOOD.replacen(replaced, &format!("{replaced}\n  {steps},"), 1),
        None => GOOD.replacen(replaced, by, 1),
    }
}

#[test]
fn the_example_that_is_broken_below_is_good() {
    assert_eq!(parse(GOOD).unwrap().len(), 1);
}

#[test]
fn each_violation_is_reported_at_its_place() {
    for (code, replaced, by, at, says) in CASES {
        let text = violating(replaced, by);
        let error = parse(&text).expect_err(&text);
        assert_eq!(error.violation().code(), *code, "{error}\n{text}");
        let place = text.find(at).unwrap_or_else(|| panic!("{at} is not in\n{text}"));
        let line = text[..place].matches('\n').count() + 1;
        let column = place - text[..place].rfind('\n').map_or(0, |newline| newline + 1) + 1;
        assert_eq!((error.line(), error.column()), (line, column), "{error}\n{text}");
        assert_eq!(error.line_text(), text.lines().nth(line - 1).unwrap());
        assert!(error.to_string().starts_with(&format!("bad.toml:{line}:{column}: ")), "{error}");
        assert!(error.to_string().contains(says), "{error}\ndoes not say: {says}");
    }
}

#[test]
fn every_rule_has_a_case() {
    let mut rest = include_str!("wording.rs");
    let mut rules = BTreeSet::new();
    while let Some(at) = rest.find("say(") {
        rest = rest[at + 4..].trim_start();
        if let Some((code, _)) = rest.strip_prefix('"').and_then(|behind| behind.split_once('"')) {
            rules.insert(code);
        }
    }
    rules.remove("rule");
    let tested: BTreeSet<&str> =
        CASES.iter().map(|case| case.0).chain(OF_LIBRARY.iter().chain(OF_BENCHMARKS).copied()).collect();
    assert!(rules.len() > 50);
    assert_eq!(rules, tested);
}

#[test]
fn line_and_column_are_exact() {
    let error = parse(&violating("client.send", "client.sent")).unwrap_err();
    assert_eq!((error.file(), error.line(), error.column()), ("bad.toml", 9, 20));
    let label = error.labels().unwrap().next().unwrap();
    assert_eq!((label.offset(), label.len()), (GOOD.find("\"client.send").unwrap(), "\"client.sent\"".len()));
    assert_eq!(error.code().unwrap().to_string(), "scenario::unknown_op");
    assert!(error.help().unwrap().to_string().starts_with("did you mean \"client.send\"?"));
}

/// Rules that only benchmarks can break: see [`loads_have_room_and_can_be_timed`].
const OF_BENCHMARKS: &[&str] = &[
    "no_rate",
    "no_room",
    "not_a_round_trip",
    "not_an_open_loop",
    "open_loop_sleeps",
    "open_loop_streams",
    "open_loop_of_many",
    "ports_sleep",
    "too_many_under_way",
];

/// A benchmark of several requests at a time.
const CROWD: &str = r#"name = "crowd"
title = "t"
payload = ["u64"]
kind = ["fixed"]
len = [1]
waiting = ["spin"]
timing = "throughput"
outstanding = [1, 8]
max_active_requests = [8]
rounds = 7
duration_ms = 300
warmup_ms = 100
slice_requests = 2000
slice_floors = 2000
"#;

#[test]
fn loads_have_room_and_can_be_timed() {
    let good = CROWD;
    for (replaced, by, code, line, says) in [
        ("timing = \"throughput\"\n", "", "not_a_round_trip", 7, "\"outstanding\" is more than 1"),
        ("max_active_requests = [8]", "", "no_room", 8, "add max_active_requests = [8]"),
        ("max_active_requests = [8]", "max_active_requests = [8, 7]", "no_room", 8, "\"outstanding\" is 8"),
        ("outstanding = [1, 8]", "responses = [2]", "no_room", 8, "add response_buffer = [2]"),
        ("outstanding = [1, 8]", "outstanding = [0]", "out_of_range", 8, "cannot be 0; it goes from 1 to 65536"),
        ("outstanding = [1, 8]", "idle_clients = [65537]", "out_of_range", 8, "it goes from 0 to 65536"),
        ("[8]", "[]", "empty_list", 9, "the list \"max_active_requests\" is empty"),
        ("\"throughput\"", "\"troughput\"", "unknown_word", 7, "throughput"),
        ("[8]", "[8]\ntouch = [\"none\"]", "unknown_word", 10, "known: all, stamp"),
        ("\"throughput\"", "\"open-loop\"", "no_rate", 7, "add rate_per_s = [100000]"),
        ("\"throughput\"", "\"open-loop\"\nrate_per_s = [5, 0]", "no_rate", 8, "needs the rate"),
        (
            "\"throughput\"",
            "\"throughput\"\nrate_per_s = [5]",
            "not_an_open_loop",
            8,
            "\"rate_per_s\" is for open loops",
        ),
        (
            "\"throughput\"",
            "\"throughput\"\narrivals = [\"fixed\"]",
            "not_an_open_loop",
            8,
            "add timing = \"open-loop\"",
        ),
        (
            "\"spin\"]\ntiming = \"throughput\"",
            "\"block\"]\ntiming = \"open-loop\"\nrate_per_s = [5]",
            "open_loop_sleeps",
            6,
            "[\"spin\"]",
        ),
        (
            "throughput\"",
            "open-loop\"\nrate_per_s = [5]\nresponse_buffer = [2]\nresponses = [2]",
            "open_loop_streams",
            10,
            "over with its response",
        ),
        ("\"throughput\"", "\"open-loop\"\nrate_per_s = [100000001]", "out_of_range", 8, "it goes from 0 to 100000000"),
        ("[8]", "[8]\nclients = [2]", "no_room", 10, "add max_clients = [2]"),
        ("[8]", "[8]\nservers = [2]", "no_room", 10, "add max_servers = [2]"),
        ("[8]", "[8]\nservers = [0]", "out_of_range", 10, "cannot be 0; it goes from 1 to 65536"),
        (
            "timing = \"throughput\"\noutstanding = [1, 8]",
            "clients = [2]\nmax_clients = [2]",
            "not_a_round_trip",
            7,
            "\"clients\" is more than 1",
        ),
        (
            "throughput\"",
            "open-loop\"\nrate_per_s = [5]\nmax_servers = [2]\nservers = [1, 2]",
            "open_loop_of_many",
            10,
            "\"servers\" is more than 1 and an open loop has one client",
        ),
        ("\"spin\"]", "\"block\"]\nmax_clients = [2]\nclients = [2]", "ports_sleep", 8, "write waiting = [\"spin\"]"),
        (
            "[8]",
            "[8]\nmax_clients = [10000]\nclients = [10000]",
            "too_many_under_way",
            11,
            "\"clients\" times \"outstanding\" is more than 65536",
        ),
    ] {
        assert!(good.contains(replaced), "{replaced}");
        let error = bench::parse("b.toml", &good.replacen(replaced, by, 1)).unwrap_err();
        assert_eq!(error.code().unwrap().to_string(), format!("scenario::{code}"), "{error}");
        assert_eq!(error.line(), line, "{error}");
        let help = error.help().map(|help| help.to_string()).unwrap_or_default();
        assert!(error.to_string().contains(says) || help.contains(says), "{error}\n{help}");
    }
}

fn load(text: &str) -> BenchScenario {
    match bench::parse("b.toml", text).unwrap() {
        BenchQuestion::Load(scenario) => scenario,
        other @ BenchQuestion::Lifecycle(_) => panic!("{other:?}"),
    }
}

#[test]
fn several_servers_are_part_of_a_round_trip() {
    let text = CROWD.replace("timing = \"throughput\"\noutstanding = [1, 8]", "servers = [1, 2]\nmax_servers = [2]");
    let parsed = load(&text);
    assert_eq!(parsed.timing, Timing::RoundTrip);
    assert_eq!(parsed.cases.iter().map(BenchCase::servers).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn cases_are_the_product_of_all_lists() {
    let text = CROWD.replace("[8]", "[8, 16]\ntouch = [\"stamp\"]\nidle_clients = [0]");
    let cases = load(&text).cases;
    let numbers: Vec<_> = cases
        .iter()
        .map(|case| ["outstanding", "max_active_requests", "idle_clients"].map(|key| case.count(key)))
        .collect();
    let case = |outstanding, max| [Some(outstanding), Some(max), Some(0)];
    assert_eq!(numbers, [case(1, 8), case(1, 16), case(8, 8), case(8, 16)]);
    assert!(cases.iter().all(|case| case.words["touch"] == "stamp" && case.responses() == 1));
    let plain = load(include_str!("../../scenarios/bench/rtt.toml"));
    assert!(plain.cases[0].counts.is_empty() && plain.cases[0].words.is_empty(), "what is not asked for is not set");
}

#[test]
fn benchmark_files_are_checked_too() {
    let good = include_str!("../../scenarios/bench/rtt.toml");
    for (replaced, by, place, says) in [
        ("rounds = 7", "rounds = 0", (8, 10), "\"rounds\" cannot be 0; it goes from 1 to 1000"),
        ("rounds = 7", "round = 7", (8, 1), "a benchmark has no key \"round\"; did you mean \"rounds\"?"),
        ("[\"u64\"]", "[\"u32\"]", (4, 12), "\"u32\" is nothing that \"payload\" can be; known: u64, bytes"),
        ("[\"spin\"]", "[]", (7, 11), "the list \"waiting\" is empty"),
        ("\"pipe\"]", "\"a pipe\"]", (15, 45), "\"a pipe\" is no name"),
        ("\"pipe\"]", "\"unix-socket\"]", (15, 45), "is twice in \"baselines\""),
    ] {
        assert!(good.contains(replaced), "{replaced}");
        let error = bench::parse("b.toml", &good.replacen(replaced, by, 1)).unwrap_err();
        assert_eq!((error.line(), error.column()), place, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn files_about_the_lifecycle_are_checked_too() {
    let good = include_str!("../../scenarios/bench/growth.toml");
    for (replaced, by, says) in [
        ("rounds = 9", "rounds = 0", "\"rounds\" cannot be 0"),
        ("\"growth\"\nallocation", "\"grow\"\nallocation", "did you mean \"growth\"?"),
        ("\"best-fit\"", "\"best\"", "\"best\" is nothing that \"allocation\" can be"),
        ("[64, ", "[4, ", "\"bytes\" cannot be 4"),
        ("rounds = 9", "rounds = 9\nservices = [1]", "a question about the lifecycle has no key \"services\""),
        ("rounds = 9", "rounds = 9\npayload = [\"u64\"]", "has no key \"payload\""),
        ("allocation = [\"static\", \"best-fit\", \"power-of-two\"]", "", "lacks the key \"allocation\""),
        (
            "allocation = [\"static\", \"best-fit\", \"power-of-two\"]",
            "allocation = []",
            "the list \"allocation\" is empty",
        ),
    ] {
        assert!(good.contains(replaced), "{replaced}");
        let error = bench::parse("b.toml", &good.replacen(replaced, by, 1)).unwrap_err();
        let help = error.help().map(|help| help.to_string()).unwrap_or_default();
        assert!(error.to_string().contains(says) || help.contains(says), "{error}\n{help}\ndoes not say: {says}");
    }
}

/// The last list varies fastest, and what is there twice is one case.
#[test]
fn cases_of_the_lifecycle_are_the_product_of_its_lists() {
    let text = include_str!("../../scenarios/bench/newcomers.toml").replace("[4294967296]", "[64, 8, 64]");
    let BenchQuestion::Lifecycle(scenario) = bench::parse("b.toml", &text).unwrap() else { panic!("{text}") };
    let cases: Vec<String> = scenario.cases.iter().map(LifecycleCase::label).collect();
    assert_eq!(
        cases[..3],
        ["beside nothing, server_bytes 64", "beside nothing, server_bytes 8", "beside elsewhere, server_bytes 64"]
    );
    assert_eq!(
        (cases.len(), scenario.cases[1].count("server_bytes"), scenario.cases[1].word("beside")),
        (6, 8, "nothing")
    );
}
