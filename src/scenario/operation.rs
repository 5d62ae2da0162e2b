//! Operations of a step: their arguments, and what they do to the handles of a peer.

use std::slice;

use serde_json::Value;

use super::args;
use super::error::{Flaw, Parsed};
use super::handle::{Filling, Handle, Sent};
use super::model::Args;
use super::reader::{STEP_KEYS, StepReader, key_span};
use super::service::{self, Shape, Shapes};
use super::state::Tagged;
use super::tree::{Entry, Node};
use super::violation::Violation;
use shmark_peer::protocol::{ArgKind, ArgSpec, HandleKind, OPS, OpSpec, op};

/// Name of a handle that no legal answer makes.
pub(super) const UNUSED: &str = "_";

/// The operation that a step names under `key`.
pub(super) fn named(node: &Node, key: &str) -> Parsed<&'static OpSpec> {
    let entries = node.entries("a step")?;
    let entry = entries.iter().find(|entry| entry.key == key);
    let Some(entry) = entry else {
        let violation = Violation::MissingKey { key: key.to_owned(), what: "a step".to_owned() };
        return Err(Flaw::new(violation, &node.span));
    };
    let name = entry.value.text(key)?;
    op(name).ok_or_else(|| {
        let known = OPS.iter().map(|op| op.name.to_owned()).collect();
        Flaw::new(Violation::UnknownOp { op: name.to_owned(), known }, &entry.value.span)
    })
}

/// The arguments of a step, by their names in the protocol, with defaults filled in. `as` may be missing.
pub(super) fn arguments(reader: &mut StepReader<'_>, node: &Node, op: &'static OpSpec, index: usize) -> Parsed<Args> {
    let mut args = Args::new();
    for entry in node.entries("a step")? {
        if STEP_KEYS.contains(&entry.key.as_str()) {
            continue;
        }
        let (name, kind) = spec(op, entry)?;
        if args.contains_key(name) {
            return Err(Flaw::new(Violation::OfAndFrom, &entry.key_span));
        }
        args.insert(name.to_owned(), args::value(&entry.value, &entry.key, kind)?);
    }
    defaults(reader, &mut args, op);
    reader.state.needs.of_operation(op, &args);
    for spec in op.args {
        if spec.required && spec.name != "as" && !args.contains_key(spec.name) {
            return Err(missing(node, op, spec.name));
        }
        check_handles(reader, node, op, spec, &args, index)?;
    }
    needs_len(reader, node, op, &args, index)?;
    Ok(args)
}

/// Demands the name of the handle that the answer makes; one that no legal answer makes needs none.
pub(super) fn complete(args: &mut Args, node: &Node, op: &'static OpSpec, makes: bool) -> Parsed<()> {
    if op.made().is_some() && !args.contains_key("as") {
        if makes {
            return Err(missing(node, op, "as"));
        }
        args.insert("as".to_owned(), Value::from(UNUSED));
    }
    Ok(())
}

/// `of` and `from` are the protocol's `on`, which in a file is the peer.
fn spec<'e>(op: &'static OpSpec, entry: &'e Entry) -> Parsed<(&'e str, ArgKind)> {
    let name = match entry.key.as_str() {
        "of" | "from" => "on",
        other => other,
    };
    op.arg(name).map(|spec| (name, spec.kind)).ok_or_else(|| {
        let known = op.args.iter().map(|spec| written(spec.name).to_owned());
        let known = known.chain(STEP_KEYS.iter().map(|&key| key.to_owned())).collect();
        let violation = Violation::UnknownArgument { op: op.name.to_owned(), argument: entry.key.clone(), known };
        Flaw::new(violation, &entry.key_span)
    })
}

fn written(argument: &str) -> &str {
    if argument == "on" { "of" } else { argument }
}

fn missing(node: &Node, op: &OpSpec, argument: &str) -> Flaw {
    let violation = Violation::MissingArgument { op: op.name.to_owned(), argument: written(argument).to_owned() };
    Flaw::new(violation, &node.span)
}

fn defaults(reader: &mut StepReader<'_>, args: &mut Args, op: &OpSpec) {
    let takes = |name: &str| op.arg(name).is_some();
    if takes("node") {
        args.entry("node".to_owned()).or_insert_with(|| Value::from("node"));
    }
    if takes("service") {
        args.entry("service".to_owned()).or_insert_with(|| Value::from("service"));
    }
    if takes("request") {
        service::fill_in(args, &reader.state.service);
    } else if op.arg("name").is_some_and(|name| name.required) {
        let name = reader.state.service.get("name").cloned().unwrap_or_else(|| Value::from(service::NAME));
        args.entry("name".to_owned()).or_insert(name);
    }
    if takes("seed") {
        // Counted even where a seed is given, so that giving one does not change the others.
        let seed = reader.state.next_seed();
        args.entry("seed".to_owned()).or_insert_with(|| Value::from(seed));
    }
}

/// Handles that an argument names have to be there, and of a kind that it takes.
fn check_handles(
    reader: &mut StepReader<'_>,
    node: &Node,
    op: &OpSpec,
    spec: &ArgSpec,
    args: &Args,
    index: usize,
) -> Parsed<()> {
    let (ArgKind::Handle(wanted) | ArgKind::Handles(wanted)) = spec.kind else { return Ok(()) };
    let given =
        args.get(spec.name).map_or(&[][..], |value| value.as_array().map_or(slice::from_ref(value), Vec::as_slice));
    if given.is_empty() {
        return Ok(());
    }
    let span = match spec.name {
        "on" => node.entries("a step")?.iter().find(|entry| matches!(entry.key.as_str(), "of" | "from")),
        other => node.entries("a step")?.iter().find(|entry| entry.key == other),
    }
    .map_or(node.span.clone(), |entry| entry.value.span.clone());
    for name in given.iter().filter_map(Value::as_str) {
        let kind = reader.state.peer(index).handle(name, &span)?.kind;
        if !wanted.contains(&kind) {
            let (name, kind, op) = (name.to_owned(), kind.words().to_owned(), op.name.to_owned());
            return Err(Flaw::new(
                Violation::WrongHandle { name, kind, op, wanted: HandleKind::any_of(wanted) },
                &span,
            ));
        }
    }
    Ok(())
}

fn text<'a>(args: &'a Args, argument: &str) -> Option<&'a str> {
    args.get(argument).and_then(Value::as_str)
}

/// Payload that a step loans or sends at once.
fn shape(op: &OpSpec, shapes: Shapes) -> Option<Shape> {
    op.arg("len")?;
    Some(if op.receiver() == [HandleKind::Client] { shapes.request } else { shapes.response })
}

/// Whether it sends what was loaned before.
fn sends_loan(op: &OpSpec) -> bool {
    op.consumes && matches!(op.receiver(), [HandleKind::Request | HandleKind::ResponseLoan])
}

/// Whether it fills what was loaned before.
fn writes_loan(op: &OpSpec) -> bool {
    op.arg("seed").is_some() && matches!(op.receiver(), [HandleKind::Request | HandleKind::ResponseLoan])
}

fn needs_len(reader: &mut StepReader<'_>, node: &Node, op: &OpSpec, args: &Args, index: usize) -> Parsed<()> {
    let Some(parent) = text(args, "on") else { return Ok(()) };
    let shapes = reader.state.peer(index).handle(parent, &node.span)?.shapes;
    match shape(op, shapes) {
        Some(shape) if shape.slice && !args.contains_key("len") => {
            Err(Flaw::new(Violation::SliceWithoutLen { op: op.name.to_owned() }, &node.span))
        }
        _ => Ok(()),
    }
}

/// Refuses a name that stands for another handle at this point.
pub(super) fn name_is_free(reader: &mut StepReader<'_>, node: &Node, args: &Args, index: usize) -> Parsed<()> {
    match text(args, "as") {
        Some(name) => reader.state.peer(index).free(name, &key_span(node, "as")),
        None => Ok(()),
    }
}

fn sent(reader: &mut StepReader<'_>, op: &OpSpec, args: &Args, index: usize) -> Option<Sent> {
    let parent = text(args, "on")?;
    let parent = reader.state.peer(index).handle(parent, &(0..0)).ok()?;
    if sends_loan(op) {
        return parent.sent.clone();
    }
    let shape = shape(op, parent.shapes)?;
    let number = |key: &str| args.get(key).and_then(Value::as_u64);
    let payload = match (number("seed"), text(args, "init")) {
        (Some(seed), _) => Filling::Seed(seed),
        (None, Some("uninit")) => Filling::Unknown,
        (None, _) => Filling::Default,
    };
    let len = if shape.slice { number("len").unwrap_or(1) } else { 1 };
    Some(Sent { shape, len, payload, header_seed: number("header_seed") })
}

/// Remembers a step under its name, with the payload that it sends.
pub(super) fn remember(
    reader: &mut StepReader<'_>,
    tag: Option<&str>,
    op: &'static OpSpec,
    args: &Args,
    index: usize,
    answered: bool,
) {
    let sent = sent(reader, op, args, index);
    if let Some(tag) = tag {
        reader.state.remember(tag.to_owned(), Tagged { op, answered, sent });
    }
}

/// Makes and uses up handles as a legal answer of the operation does.
pub(super) fn take_effect(
    reader: &mut StepReader<'_>,
    node: &Node,
    op: &'static OpSpec,
    args: &Args,
    index: usize,
    makes: bool,
) {
    let line = reader.source.line(node.span.start);
    let sent = sent(reader, op, args, index);
    let parent = text(args, "on").or_else(|| text(args, "service"));
    let inherited = parent.and_then(|name| reader.state.peer(index).handle(name, &(0..0)).ok()).map(|h| h.shapes);
    if writes_loan(op) {
        write(reader, node, args, index);
    }
    if let Some(parent) = parent.filter(|_| op.consumes) {
        reader.state.peer(index).consume(parent);
    }
    if let (Some(kind), Some(name), true) = (op.made(), text(args, "as"), makes) {
        let shapes = inherited.unwrap_or_else(|| Shapes::of(args));
        reader.state.peer(index).make(name, Handle { kind, shapes, line, sent });
    }
}

fn write(reader: &mut StepReader<'_>, node: &Node, args: &Args, index: usize) {
    let (Some(name), Some(seed)) = (text(args, "on"), args.get("seed").and_then(Value::as_u64)) else { return };
    let Ok(handle) = reader.state.peer(index).handle(name, &(0..0)) else { return };
    let Some(sent) = handle.sent.as_mut() else { return };
    sent.payload = Filling::Seed(seed);
    if let Some(header_seed) = args.get("header_seed").and_then(Value::as_u64) {
        sent.header_seed = Some(header_seed);
    }
    let sent = sent.clone();
    if let Ok(peer) = node.entries("a step").map(|entries| entries.iter().find(|entry| entry.key == "on"))
        && let Some(Ok(peer)) = peer.map(|entry| entry.value.text("on"))
    {
        reader.state.note_sent(&format!("{peer}/{name}"), &sent);
    }
}
