//! Configuration: the builder wins over the file, the file over the built-in value (RR-SVC-15).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use shmark_engine::error::{ConfigError, LoanError, ServiceError};
use shmark_engine::{BackpressureStrategy, Config, DeploymentProfile, Node, Settings};

use crate::common::{Scratch, name, numbers, numbers_in_chunks};

/// Unlike the built-in value in every key.
const OTHER: &str = "
profile = \"safety-critical\"
[service]
overflow_requests = false
overflow_responses = false
fire_and_forget = false
max_active_requests = 3
max_loaned_requests = 5
max_borrowed_responses = 6
response_buffer = 7
max_servers = 8
max_clients = 9
max_nodes = 10
max_departed_clients = 12
[client]
initial_max_slice_len = 11
backpressure_strategy = \"discard-data\"
preallocate = 12
[server]
initial_max_slice_len = 13
backpressure_strategy = \"discard-data\"
preallocate = 14
max_loaned_responses = 1
";

fn from_text(text: &str) -> Config {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    Config::from_file(file.path()).unwrap()
}

/// What the profile does needs rights that a test may lack.
fn other() -> Config {
    let config = from_text(OTHER);
    assert_eq!(config.profile, DeploymentProfile::SafetyCritical);
    Config { profile: DeploymentProfile::Desktop, ..config }
}

fn node(scratch: &Scratch, config: Config) -> Node {
    Node::builder().config(config).root(scratch.path()).create().unwrap()
}

#[test]
fn settings_of_services_come_from_the_builder_then_the_file_then_the_engine() {
    let scratch = Scratch::new();
    let configured = node(&scratch, other());
    let plain = scratch.node();
    let from_file = other().service;
    let table = |settings: Settings| toml::Table::try_from(settings).unwrap();
    for ((key, other), (_, built_in)) in table(from_file).into_iter().zip(table(Settings::default())) {
        assert_ne!(other, built_in, "{key} is as it is built in");
    }
    assert_eq!(*numbers(&configured).create().unwrap().settings(), from_file);
    assert_eq!(*numbers(&plain).create().unwrap().settings(), Settings::default());
    // One of each by the builder, what it leaves out by the file.
    let service = numbers(&configured).enable_fire_and_forget_requests(true).max_clients(1).create().unwrap();
    let expected = Settings { fire_and_forget: true, max_clients: 1, ..from_file };
    assert_eq!(*service.settings(), expected);
    // Whoever opens asks for what its builder says, not for what its file says, and sees what there is.
    assert_eq!(*numbers(&plain).open().unwrap().settings(), expected);
    let plains = plain.service_builder(&name("plain")).request_response::<u64, u64>().create().unwrap();
    let opened = configured.service_builder(&name("plain")).request_response::<u64, u64>().open_or_create().unwrap();
    assert_eq!(opened.settings(), plains.settings());
}

#[test]
fn defaults_of_ports_come_from_the_builder_then_the_file_then_the_engine() {
    let scratch = Scratch::new();
    let configured = node(&scratch, other());
    let slices = |node: &Node| {
        let service = node.service_builder(&name("slices")).request_response::<[u8], [u8]>();
        service.max_active_requests_per_client(1).max_response_buffer_size(1).open_or_create().unwrap()
    };
    let service = slices(&configured);
    let (client, server) = (service.client_builder(), service.server_builder());
    let (client, server) = (client.create().unwrap(), server.create().unwrap());
    assert_eq!((client.max_slice_len(), server.max_slice_len()), (11, 13));
    let pending = client.loan_slice(11).unwrap().send().unwrap();
    let active = server.receive().unwrap().unwrap();
    // One loaned response a request. Without overflow and with strategy discard, a second send does not wait.
    let loan = active.loan_slice(13).unwrap();
    assert_eq!(active.loan_slice(1).unwrap_err(), LoanError::ExceedsMaxLoans { max: 1 });
    loan.send().unwrap();
    active.loan_slice(1).unwrap().send().unwrap();
    assert_eq!(pending.receive().unwrap().unwrap().len(), 13);
    assert!(pending.receive().unwrap().is_none(), "the second response should have been discarded");
    drop((pending, active));
    drop(client.loan_slice(1).unwrap().send().unwrap());
    let discarded = client.loan_slice(1).unwrap().send().unwrap();
    assert_eq!(discarded.number_of_server_connections(), 0, "the second request should have been discarded");
    drop((discarded, client, server));

    let client = service.client_builder().initial_max_slice_len(2).preallocate(1);
    let client = client.backpressure_strategy(BackpressureStrategy::DiscardData).create().unwrap();
    let server = service.server_builder().initial_max_slice_len(3).max_loaned_responses_per_request(2);
    let server = server.preallocate(1).create().unwrap();
    assert_eq!((client.max_slice_len(), server.max_slice_len()), (2, 3));
    drop((client, server, service));

    let plain = scratch.node();
    let service = slices(&plain);
    let (client, server) = (service.client_builder().create().unwrap(), service.server_builder().create().unwrap());
    assert_eq!((client.max_slice_len(), server.max_slice_len()), (1, 1));
    let pending = client.loan_slice(1).unwrap().send().unwrap();
    let active = server.receive().unwrap().unwrap();
    let loans = [active.loan_slice(1).unwrap(), active.loan_slice(1).unwrap()];
    assert_eq!(active.loan_slice(1).unwrap_err(), LoanError::ExceedsMaxLoans { max: 2 });
    drop((loans, pending));
}

/// Fewer chunks than can be needed at once: loans fail until chunks come back, and then work again.
#[test]
fn with_few_chunks_a_loan_fails_until_one_comes_back() {
    let scratch = Scratch::new();
    for from_builder in [true, false] {
        let mut config = Config::default();
        if !from_builder {
            (config.client.preallocate, config.server.preallocate) = (Some(2), Some(1));
        }
        let node = node(&scratch, config);
        let service = numbers_in_chunks(&node).create().unwrap();
        let (mut client, mut server) = (service.client_builder(), service.server_builder());
        if from_builder {
            (client, server) = (client.preallocate(2), server.preallocate(1));
        }
        let (client, server) = (client.create().unwrap(), server.create().unwrap());
        for round in 0..10 {
            let held = client.send_copy(1).unwrap();
            let active = server.receive().unwrap().unwrap();
            let loan = client.loan().unwrap();
            assert_eq!(client.loan().unwrap_err(), LoanError::OutOfMemory, "round {round}");
            let response = active.loan().unwrap();
            assert_eq!(active.loan().unwrap_err(), LoanError::OutOfMemory, "round {round}");
            response.send().unwrap();
            assert_eq!(active.loan().unwrap_err(), LoanError::OutOfMemory, "round {round}");
            drop(held.receive().unwrap().unwrap());
            active.send_copy(2).unwrap();
            drop((active, loan, held));
        }
        assert_eq!((client.chunks_in_use(), server.chunks_in_use()), (0, 0));
    }
}

/// Values that no file can have come from code: 0 is 1, as in a builder, and what is too much is refused by name.
#[test]
fn a_configuration_from_code_is_checked_when_it_is_used() {
    let scratch = Scratch::new();
    let mut config = Config::default();
    config.service.max_clients = 0;
    config.service.max_nodes = 1 << 20;
    config.client.initial_max_slice_len = 0;
    (config.client.preallocate, config.server.preallocate, config.server.max_loaned_responses) = (Some(0), Some(0), 0);
    let node = node(&scratch, config);
    let refused = numbers(&node).create().unwrap_err();
    assert_eq!(refused, ServiceError::CountTooLarge { setting: "max_nodes", asked: 1 << 20 });
    let service = numbers(&node).max_nodes(2).create().unwrap();
    assert_eq!(service.settings().max_clients, 1);
    let (client, server) = (service.client_builder().create().unwrap(), service.server_builder().create().unwrap());
    let pending = client.send_copy(1).unwrap();
    server.receive().unwrap().unwrap().send_copy(2).unwrap();
    assert_eq!(*pending.receive().unwrap().unwrap(), 2);
}

fn shipped(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

/// Every key with its built-in value, as TOML writes it; keys without one are left out.
fn built_in() -> BTreeMap<String, String> {
    let toml::Value::Table(table) = toml::Value::try_from(Config::default()).unwrap() else { unreachable!() };
    let mut keys = BTreeMap::new();
    for (key, value) in table {
        match value {
            toml::Value::Table(inner) => keys.extend(inner.iter().map(|(k, v)| (format!("{key}.{k}"), v.to_string()))),
            value => _ = keys.insert(key, value.to_string()),
        }
    }
    keys
}

#[test]
fn the_shipped_file_has_every_key_at_its_built_in_value() {
    let text = shipped("config.example.toml");
    let file = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(from_text(&text), Config::default());
    let toml::Value::Table(table) = toml::from_str(&text).unwrap() else { unreachable!() };
    for key in built_in().keys() {
        let found = match key.split_once('.') {
            Some((section, key)) => table.get(section).and_then(|section| section.get(key)),
            None => table.get(key),
        };
        assert!(found.is_some(), "config.example.toml lacks {key}");
    }
    // Keys without a built-in value stand there as remarks; they are keys, too.
    let remarks = text.lines().map(|line| line.strip_prefix('#').filter(|key| !key.starts_with(' ')).unwrap_or(line));
    fs::write(file.path(), remarks.collect::<Vec<_>>().join("\n")).unwrap();
    let config = Config::from_file(file.path()).unwrap();
    assert!(config.root.is_some() && config.client.preallocate.is_some() && config.server.preallocate.is_some());
}

#[test]
fn the_documented_table_has_every_key_and_its_built_in_value() {
    let page = shipped("docs/CONFIGURATION.md");
    let (_, keys) = page.split_once("## Keys").unwrap();
    let rows = keys.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let mut documented: BTreeMap<String, String> = rows
        .map(|(key, rest)| (key.to_owned(), rest.split(" | ").next().unwrap().trim_matches('`').to_owned()))
        .collect();
    for optional in ["root", "client.preallocate", "server.preallocate"] {
        assert_eq!(documented.remove(optional).as_deref(), Some("none"), "{optional}");
    }
    assert_eq!(documented, built_in());
}

/// Words that a key may have, in the order of the message that refuses another.
fn words(key: &str) -> Vec<String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), format!("{key} = \"another\"\n")).unwrap();
    let message = Config::from_file(file.path()).unwrap_err().to_string();
    let (_, expected) = message.split_once("expected").unwrap_or_else(|| panic!("{message}"));
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// `SHMARK_WRITE_DOCS=1` writes them anew.
#[test]
fn the_documented_words_are_those_that_are_read() {
    let mut page = shipped("docs/CONFIGURATION.md");
    let ports = ["client", "server"];
    let strategies = ["allocation_strategy", "backpressure_strategy"];
    let keys = ports.iter().flat_map(|port| strategies.iter().map(move |key| format!("{port}.{key}")));
    for key in keys.chain(["profile".to_owned()]) {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{key}` |"))).unwrap().to_owned();
        let range = row.split(" | ").nth(2).unwrap();
        let right = words(&key).iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", ");
        if std::env::var_os("SHMARK_WRITE_DOCS").is_none() {
            assert_eq!(range, right, "{key}");
        }
        page = page.replace(&row, &row.replace(range, &right));
    }
    if std::env::var_os("SHMARK_WRITE_DOCS").is_some() {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/CONFIGURATION.md"), page).unwrap();
    }
}

#[test]
fn a_broken_file_makes_no_node() {
    let scratch = Scratch::new();
    let path = scratch.path().join("config.toml");
    fs::write(&path, "[service]\nmax_clients = 3\nmax_server = 1\n").unwrap();
    let error = Config::from_file(&path).unwrap_err();
    assert!(matches!(error, ConfigError::Invalid { line: 3, column: 1, .. }), "{error}");
    assert!(error.to_string().contains("config.toml:3:1: unknown field `max_server`"), "{error}");
}
