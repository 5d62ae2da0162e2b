//! The loop: one command a line in, one answer a line out.

use std::io::{self, BufRead, Write};
use std::time::Instant;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::args::Args;
use super::bench::{Bench, BenchHost};
use super::host::{BenchOnly, Host, Ops};
use super::implementation::{BenchSubject, Hello, Implementation};
use super::reply::{self, Answer, Stop, ok, ok_table};
use crate::protocol::{self, OpSpec, PROTOCOL_VERSION, PROTOCOL_VERSION_MIN, TIMED_SINCE};

/// One peer, from `hello` to the end of its input.
///
/// It speaks over any reader and writer, so that a peer can be tested without a process:
///
/// ```
/// # use shmark_peer::kit::Session;
/// # fn peer<MyEngine: shmark_peer::kit::implementation::Implementation>() -> std::io::Result<()> {
/// let input = br#"{"id":1,"op":"hello","protocol":1,"root":"/dev/shm/example"}"#;
/// let mut output = Vec::new();
/// Session::new::<MyEngine>().run(&input[..], &mut output)
/// # }
/// ```
pub struct Session<'a> {
    /// Dropped before the implementation, which may be what the ports of a benchmark run on.
    bench: Option<Box<dyn Bench + 'a>>,
    ops: Box<dyn Ops + 'a>,
    /// Version that is spoken, since a successful `hello`.
    spoken: Option<u32>,
}

impl std::fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("spoken", &self.spoken).finish_non_exhaustive()
    }
}

impl<'a> Session<'a> {
    /// A peer without a benchmark mode.
    pub fn new<I: Implementation + 'a>() -> Self {
        Self { bench: None, ops: Box::new(Host::<I>::new()), spoken: None }
    }

    /// A peer with everything.
    pub fn with_bench<I: Implementation + 'a, B: BenchSubject + 'a>() -> Self {
        Self { bench: Some(Box::new(BenchHost::<B>::new())), ..Self::new::<I>() }
    }

    /// A peer that answers `hello` and has nothing but the benchmark mode.
    pub fn bench_only<B: BenchSubject + 'a>(hello: Hello) -> Self {
        Self { bench: Some(Box::new(BenchHost::<B>::new())), ops: Box::new(BenchOnly(hello)), spoken: None }
    }

    /// Answers each line of `input` until it ends, then drops everything, the newest first.
    ///
    /// # Errors
    /// What reading or writing says. No command can cause one.
    pub fn run(mut self, mut input: impl BufRead, mut output: impl Write) -> io::Result<()> {
        let mut line = Vec::new();
        loop {
            line.clear();
            if input.read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            let mut answer = self.answer(&line);
            answer.push('\n');
            output.write_all(answer.as_bytes())?;
            output.flush()?;
            // A trial starts behind the answer to `bench.start`, when nobody waits for this peer any more.
            if let Some(bench) = &mut self.bench {
                bench.run_if_started();
            }
        }
    }

    fn answer(&mut self, line: &[u8]) -> String {
        let mut command: Map<String, Value> = match serde_json::from_slice(line) {
            Ok(command) => command,
            Err(error) => {
                return reply::line(None, Err(Stop::fault(format!("the line is not a JSON object: {error}"))));
            }
        };
        let Some(id) = command.remove("id").as_ref().and_then(Value::as_u64) else {
            return reply::line(None, Err(Stop::fault("the command needs an id, an integer from 0 up")));
        };
        let answer = match command.remove("op") {
            Some(Value::String(op)) => self.dispatch(&op, command),
            Some(other) => Err(Stop::fault(format!("op has to be a text, not {other}"))),
            None => Err(Stop::fault("the command needs an op")),
        };
        reply::line(Some(id), answer)
    }

    fn dispatch(&mut self, op: &str, command: Map<String, Value>) -> Answer {
        if op == "hello" {
            return self.hello(command);
        }
        let Some(spoken) = self.spoken else {
            return Err(Stop::fault(format!("{op} came before a successful hello")));
        };
        if let Some(spec) = protocol::op(op) {
            return self.operation(spec, command, spoken);
        }
        match (op, &mut self.bench) {
            ("bench.prepare" | "bench.start" | "bench.collect", None) => {
                Err(Stop::unsupported("this peer has no benchmark mode"))
            }
            ("bench.prepare", Some(bench)) => bench.prepare(&typed(op, command)?).and_then(|()| ok([])),
            ("bench.start", Some(bench)) => bench.start(typed(op, command)?).and_then(|()| ok([])),
            ("bench.collect", Some(bench)) => ok_table(&bench.collect()?),
            _ => Err(Stop::unsupported(format!("there is no operation {op}"))),
        }
    }

    /// One operation of the table, timed if the command asks for it.
    fn operation(&mut self, spec: &'static OpSpec, mut command: Map<String, Value>, spoken: u32) -> Answer {
        let timed = if spoken >= TIMED_SINCE { command.remove("timed") } else { None };
        let is_timed = match timed {
            None => false,
            Some(Value::Bool(is_timed)) => is_timed,
            Some(other) => return Err(Stop::fault(format!("timed has to be true or false, not {other}"))),
        };
        let args = Args::check(spec, &command)?;
        let before = Instant::now();
        let mut fields = self.ops.call(spec, args)?;
        if is_timed {
            let took_ns = u64::try_from(before.elapsed().as_nanos()).unwrap_or(u64::MAX);
            fields.insert("took_ns".to_owned(), took_ns.into());
        }
        Ok(fields)
    }

    fn hello(&mut self, command: Map<String, Value>) -> Answer {
        let arguments: HelloArgs = typed("hello", command)?;
        if self.spoken.is_some() {
            return Err(Stop::fault("hello was said already"));
        }
        let wanted = arguments.protocol;
        if !(PROTOCOL_VERSION_MIN..=PROTOCOL_VERSION).contains(&wanted) {
            let (first, last) = (PROTOCOL_VERSION_MIN, PROTOCOL_VERSION);
            return Err(Stop::unsupported(format!("protocol {wanted}: this peer speaks versions {first} to {last}")));
        }
        let hello = self.ops.hello(&arguments.root, wanted)?;
        self.spoken = Some(wanted);
        let mut fields = ok_table(&hello)?;
        fields.insert("protocol".to_owned(), wanted.into());
        Ok(fields)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HelloArgs {
    protocol: u32,
    root: String,
    /// For implementations that make random choices; the kit makes none.
    #[serde(default, rename = "seed")]
    _seed: u64,
}

fn typed<T: serde::de::DeserializeOwned>(op: &str, command: Map<String, Value>) -> Result<T, Stop> {
    serde_json::from_value(Value::Object(command)).map_err(|error| Stop::fault(format!("{op}: {error}")))
}
