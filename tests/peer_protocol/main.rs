//! The peer protocol as a runner sees it: sessions of the kit around a plain model, in this process.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail the way tests do")]

mod bench;
mod document;
mod entries;
mod fake;
mod page;
mod process;
mod session;

use serde_json::{Value, json};
use shmark_peer::kit::Session;

/// Sends `hello` and then the commands, numbered from 2; the answers to the commands, each checked for its shape.
fn talk(commands: &[Value]) -> Vec<Value> {
    let hello = json!({ "op": "hello", "protocol": 2, "root": "/nonexistent/example" });
    let all: Vec<Value> = std::iter::once(&hello).chain(commands).cloned().collect();
    let mut answers = talk_without_hello(&all);
    let hello = answers.remove(0);
    assert!(hello.get("ok").is_some(), "hello: {hello}");
    answers
}

/// As [`talk`], with nothing in front.
fn talk_without_hello(commands: &[Value]) -> Vec<Value> {
    let mut input = String::new();
    for (id, command) in (1..).zip(commands) {
        let mut command = command.clone();
        command["id"] = json!(id);
        input.push_str(&command.to_string());
        input.push('\n');
    }
    let answers = answers_of(Session::new::<fake::Model>(), input.as_bytes());
    assert_eq!(answers.len(), commands.len(), "one answer for each command");
    for (id, answer) in (1_u64..).zip(&answers) {
        assert_eq!(answer["id"], id, "{answer}");
    }
    answers
}

/// Runs a session over raw input; each line of its output, checked for its shape.
fn answers_of(session: Session, input: &[u8]) -> Vec<Value> {
    let mut output = Vec::new();
    session.run(input, &mut output).unwrap();
    let output = String::from_utf8(output).unwrap();
    assert!(output.is_empty() || output.ends_with('\n'), "the last answer is a whole line");
    output.lines().map(checked).collect()
}

fn checked(line: &str) -> Value {
    let answer: Value = serde_json::from_str(line).unwrap();
    let outcomes = ["ok", "err", "unsupported", "fault"].iter().filter(|key| answer.get(*key).is_some()).count();
    assert_eq!(outcomes, 1, "exactly one outcome: {line}");
    assert_eq!(answer.as_object().unwrap().len(), 2, "nothing but id and outcome: {line}");
    answer
}

/// The text of a `fault`.
fn fault(answer: &Value) -> &str {
    answer["fault"].as_str().unwrap_or_else(|| panic!("a fault was expected, not {answer}"))
}
