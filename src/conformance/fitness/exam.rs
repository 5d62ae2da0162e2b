//! Commands to a peer under examination, and what its answers have to be like.

use serde_json::{Map, Value, json};

use crate::harness::error::HarnessError;
use crate::harness::peer::{HelloReply, Peer};
use crate::harness::timeout::ANSWER_TIME;
use shmark_peer::protocol::has_feature;

/// What looking at a peer has shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// What is proved, one line each.
    pub proved: Vec<String>,
    /// What could not be asked, and why, one line each.
    pub open: Vec<String>,
    /// What is wrong with the peer, one sentence each.
    pub broken: Vec<String>,
}

/// Fields of an `ok`; `None` if there was none, which is noted.
pub(super) type Answered = Result<Option<Map<String, Value>>, HarnessError>;

/// One peer, and what was found.
pub(super) struct Exam<'a> {
    peer: Peer,
    hello: &'a HelloReply,
    id: u64,
    /// The peer does not answer any more; nothing else is sent.
    pub(super) is_over: bool,
    pub(super) findings: Findings,
}

impl<'a> Exam<'a> {
    pub(super) fn new(peer: Peer, hello: &'a HelloReply) -> Self {
        Self { peer, hello, id: 0, is_over: false, findings: Findings::default() }
    }

    pub(super) fn has(&self, feature: &str) -> bool {
        self.hello.features.iter().any(|declared| declared == feature)
    }

    /// Whether a feature is left out though the peer's version of the protocol has it.
    pub(super) fn lacks(&self, feature: &str) -> bool {
        !self.has(feature) && has_feature(self.hello.protocol, feature)
    }

    /// Requests with room for any number of bytes, if the peer has any payload at all.
    pub(super) fn request_type(&self) -> Option<Value> {
        let kind = if self.has("slice") { "slice" } else { "fixed" };
        self.has(kind).then(|| json!({ "type": "bytes", "kind": kind }))
    }

    pub(super) fn complain(&mut self, text: String) {
        self.findings.broken.push(text);
    }

    /// Sends a line; `None` if no answer came, which ends the examination.
    fn exchange(&mut self, line: &str) -> Result<Option<Value>, HarnessError> {
        if self.is_over {
            return Ok(None);
        }
        let time = self.peer.timeout_multiplier().of(ANSWER_TIME);
        Ok(match self.peer.exchange(line, time)? {
            Ok(answer) => Some(answer),
            Err(why) => {
                self.is_over = true;
                self.complain(format!("the line `{line}` got no answer: {why}"));
                None
            }
        })
    }

    /// Sends a command; the answer has to be to this one.
    fn command(&mut self, op: &str, args: Value) -> Result<(String, Option<Value>), HarnessError> {
        self.id += 1;
        let mut command = json!({ "id": self.id, "op": op });
        if let (Value::Object(command), Value::Object(args)) = (&mut command, args) {
            command.extend(args);
        }
        let line = command.to_string();
        let answer = self.exchange(&line)?;
        if let Some(answer) = &answer
            && answer.get("id").and_then(Value::as_u64) != Some(self.id)
        {
            self.is_over = true;
            self.complain(format!("the command `{line}` was answered with another id: `{answer}`"));
            return Ok((line, None));
        }
        Ok((line, answer))
    }

    /// A command that has to be carried out.
    pub(super) fn ok(&mut self, op: &str, args: Value) -> Answered {
        let (line, answer) = self.command(op, args)?;
        let Some(answer) = answer else { return Ok(None) };
        if let Some(Value::Object(fields)) = answer.get("ok") {
            return Ok(Some(fields.clone()));
        }
        self.complain(format!("`{line}` was answered `{answer}`, required ok"));
        Ok(None)
    }

    /// A command that has to be carried out, with these fields among others.
    pub(super) fn ok_with(&mut self, op: &str, args: Value, wanted: &Value) -> Answered {
        let shown = args.to_string();
        let Some(fields) = self.ok(op, args)? else { return Ok(None) };
        for (key, value) in wanted.as_object().into_iter().flatten() {
            if fields.get(key) != Some(value) {
                let seen = fields.get(key).map_or("missing".to_owned(), Value::to_string);
                self.complain(format!("{op} {shown} was answered with `{key}` {seen}, required {value}"));
                return Ok(None);
            }
        }
        Ok(Some(fields))
    }

    /// A command that has to be refused with this class.
    pub(super) fn refused(&mut self, op: &str, args: &Value, class: &str) -> Result<(), HarnessError> {
        let (line, answer) = self.command(op, args.clone())?;
        let Some(answer) = answer else { return Ok(()) };
        if answer.pointer("/err/class").and_then(Value::as_str) != Some(class) {
            self.complain(format!("`{line}` was answered `{answer}`, required err with the class `{class}`"));
        }
        Ok(())
    }

    /// A command that has to be answered with a text under `key`: `fault` or `unsupported`. Whether it was.
    pub(super) fn told(&mut self, what: &str, op: &str, args: &Value, key: &str) -> Result<bool, HarnessError> {
        let (line, answer) = self.command(op, args.clone())?;
        Ok(answer.is_some_and(|answer| self.is_told(what, &line, &answer, key)))
    }

    /// A line that is no command, and gets a `fault` without an id. Whether it did.
    pub(super) fn no_command(&mut self, what: &str, line: &str) -> Result<bool, HarnessError> {
        let Some(answer) = self.exchange(line)? else { return Ok(false) };
        if answer.get("id") != Some(&Value::Null) {
            self.complain(format!("{what}, `{line}`, was answered `{answer}`, required a `fault` whose `id` is null"));
            return Ok(false);
        }
        Ok(self.is_told(what, line, &answer, "fault"))
    }

    fn is_told(&mut self, what: &str, line: &str, answer: &Value, key: &str) -> bool {
        let keys = answer.as_object().map_or(0, Map::len);
        let is = answer.get(key).is_some_and(Value::is_string) && keys == 2;
        if !is {
            self.complain(format!("{what}, `{line}`, was answered `{answer}`, required {key}"));
        }
        is
    }
}
