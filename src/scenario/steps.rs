//! Steps that talk to a peer: `do`, `begin` and `await`.

use super::error::{Flaw, Parsed};
use super::expect;
use super::fields::{Fields, is_name, name};
use super::model::{Action, Args, Expectation, Matcher, Step};
use super::operation;
use super::reader::{StepReader, key_span};
use super::state::StartedOp;
use super::tree::Node;
use super::violation::Violation;
use shmark_peer::protocol::OpSpec;

/// What makes a step one.
const SHAPES: &[&str] = &["do", "begin", "await", "runner"];

impl StepReader<'_> {
    /// Reads one step that is not a repeat.
    pub fn step(&mut self, node: &Node) -> Parsed<Step> {
        let entries = node.entries("a step")?;
        let found: Vec<&str> = SHAPES.iter().copied().filter(|shape| entries.iter().any(|e| e.key == *shape)).collect();
        match found.as_slice() {
            ["do"] => self.operate(node),
            ["begin"] => self.begin(node),
            ["await"] => self.await_answer(node),
            ["runner"] => self.runner(node),
            _ => {
                let found = found.iter().map(|&shape| format!("`{shape}`")).collect();
                Err(Flaw::new(Violation::StepShape { found }, &node.span))
            }
        }
    }

    /// A step with nothing but its place and its action.
    pub fn plain(&self, node: &Node, action: Action) -> Step {
        Step {
            line: self.source.line(node.span.start),
            text: node.to_string(),
            action,
            tag: None,
            check: None,
            expect: Vec::new(),
            within_ms: None,
        }
    }

    fn operate(&mut self, node: &Node) -> Parsed<Step> {
        let op = operation::named(node, "do")?;
        let on = on(node)?;
        let index = self.state.find(on.text("on")?, &on.span)?;
        self.state.peer(index).ready(false, &on.span)?;
        let mut args = operation::arguments(self, node, op, index)?;
        let expect = self.expectations(node, op)?;
        let makes = makes_handle(&expect);
        operation::complete(&mut args, node, op, makes)?;
        if makes {
            operation::name_is_free(self, node, &args, index)?;
        }
        let within_ms = within(node)?;
        if within_ms.is_some() && !op.retryable {
            return Err(Flaw::new(Violation::WithinMisplaced { op: op.name.to_owned() }, &key_span(node, "within_ms")));
        }
        let check = self.check(node)?;
        let peer = on.text("on")?.to_owned();
        let tag = tag(node, &args)?.map(|tag| format!("{peer}/{tag}"));
        operation::remember(self, tag.as_deref(), op, &args, index, true);
        operation::take_effect(self, node, op, &args, index, makes);
        let action = Action::Do { peer, op: op.name.to_owned(), args };
        Ok(Step { tag, check, expect, within_ms, ..self.plain(node, action) })
    }

    fn begin(&mut self, node: &Node) -> Parsed<Step> {
        let op = operation::named(node, "begin")?;
        for key in ["check", "expect", "expect_any", "within_ms"] {
            if node.entries("a step")?.iter().any(|entry| entry.key == key) {
                let known = vec!["tag".to_owned(), "on".to_owned(), "begin".to_owned()];
                let what = "a step that begins (the await has it)".to_owned();
                let violation = Violation::UnknownKey { key: key.to_owned(), what, known };
                return Err(Flaw::new(violation, &key_span(node, key)));
            }
        }
        let on = on(node)?;
        let index = self.state.find(on.text("on")?, &on.span)?;
        self.state.peer(index).ready(true, &on.span)?;
        let mut args = operation::arguments(self, node, op, index)?;
        operation::complete(&mut args, node, op, true)?;
        operation::name_is_free(self, node, &args, index)?;
        let peer = on.text("on")?.to_owned();
        let Some(tag) = tag(node, &args)? else {
            return Err(Flaw::new(Violation::BeginWithoutName { op: op.name.to_owned() }, &node.span));
        };
        let full = format!("{peer}/{tag}");
        operation::remember(self, Some(&full), op, &args, index, false);
        let begun = StartedOp { tag: tag.clone(), op, args: args.clone(), span: node.span.clone() };
        self.state.peer(index).begun = Some(begun);
        let action = Action::Begin { peer, op: op.name.to_owned(), args, tag };
        Ok(Step { tag: Some(full), ..self.plain(node, action) })
    }

    fn await_answer(&mut self, node: &Node) -> Parsed<Step> {
        let known = ["on", "await", "check", "expect", "expect_any", "within_ms"];
        let fields = Fields::new(node, "a step that awaits", &known)?;
        let on = fields.need("on")?;
        let index = self.state.find(on.text("on")?, &on.span)?;
        self.state.peer(index).running(&on.span)?;
        let peer = on.text("on")?.to_owned();
        let awaited = fields.need("await")?;
        let tag = name(awaited, "await")?.to_owned();
        let begun = self.state.peer(index).begun.take();
        let Some(begun) = begun.filter(|begun| begun.tag == tag) else {
            return Err(Flaw::new(Violation::AwaitWithoutBegin { peer, tag }, &awaited.span));
        };
        let expect = self.expectations(node, begun.op)?;
        let check = self.check(node)?;
        let full = format!("{peer}/{tag}");
        self.state.answered(&full);
        operation::take_effect(self, node, begun.op, &begun.args, index, makes_handle(&expect));
        let step = self.plain(node, Action::Await { peer, tag });
        Ok(Step { tag: Some(full), check, expect, within_ms: fields.count("within_ms")?, ..step })
    }

    fn expectations(&self, node: &Node, op: &'static OpSpec) -> Parsed<Vec<Expectation>> {
        expect::read(node, op, &self.state)
    }

    fn check(&mut self, node: &Node) -> Parsed<Option<String>> {
        let entries = node.entries("a step")?;
        let Some(check) = entries.iter().find(|entry| entry.key == "check") else { return Ok(None) };
        let id = check.value.text("check")?.to_owned();
        self.catalogue.need(&id, &check.value.span)?;
        if !entries.iter().any(|entry| matches!(entry.key.as_str(), "expect" | "expect_any")) {
            return Err(Flaw::new(Violation::CheckWithoutExpect { id }, &check.value.span));
        }
        self.checked.push((id.clone(), check.value.span.clone()));
        Ok(Some(id))
    }
}

/// Whether a legal answer leaves a handle behind.
fn makes_handle(expect: &[Expectation]) -> bool {
    let nothing = |fields: &std::collections::BTreeMap<String, Matcher>| {
        fields.get("received") == Some(&Matcher::Equal(serde_json::Value::Bool(false)))
    };
    expect.is_empty() || expect.iter().any(|one| matches!(one, Expectation::Ok(fields) if !nothing(fields)))
}

fn on(node: &Node) -> Parsed<&Node> {
    let entries = node.entries("a step")?;
    entries.iter().find(|entry| entry.key == "on").map(|entry| &entry.value).ok_or_else(|| {
        Flaw::new(Violation::MissingKey { key: "on".to_owned(), what: "a step for a peer".to_owned() }, &node.span)
    })
}

fn within(node: &Node) -> Parsed<Option<u64>> {
    let entries = node.entries("a step")?;
    entries.iter().find(|entry| entry.key == "within_ms").map(|entry| entry.value.count("within_ms")).transpose()
}

/// Name that a step is remembered by: its `tag`, else its `as`.
fn tag(node: &Node, args: &Args) -> Parsed<Option<String>> {
    if let Some(entry) = node.entries("a step")?.iter().find(|entry| entry.key == "tag") {
        return Ok(Some(name(&entry.value, "tag")?.to_owned()));
    }
    let made = args.get("as").and_then(serde_json::Value::as_str).filter(|name| *name != operation::UNUSED);
    Ok(made.filter(|name| is_name(name)).map(str::to_owned))
}
