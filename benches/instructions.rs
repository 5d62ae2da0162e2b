//! Instructions that the engine's hot path takes, counted by valgrind's callgrind: unlike times, they are the same on
//! every machine with the same compiler, so that a hot path that grows is noticed at once.
//!
//!     cargo bench --bench instructions                     counts, and fails where a limit is passed
//!     cargo bench --bench instructions -- --update         counts, and writes the limits anew
//!     scripts/instructions --steps                         counts, and says which step of a round trip takes how many
//!     scripts/instructions --annotate                      counts, and lists the functions that a round trip spends in
//!     scripts/instructions --lines                         the same by source line
//!
//! The last three need names and lines, which the script builds with (`--profile profiling`).
//!
//! An operation is run twice under callgrind, with different numbers of repetitions; the difference is the loop's alone.

mod common;
#[path = "common/interrupt.rs"]
mod interrupt;

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, ExitCode};

use common::{Channel, Pair, STEPS};

/// Repetitions of the short run and of the long one.
const TIMES: [u64; 2] = [2_000, 12_000];
/// Repetitions under `--annotate`: a million, so that callgrind's millions read as instructions of one.
const TIMES_ANNOTATED: u64 = 1_000_000;
/// Limits, by operation.
const LIMITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.toml");
/// How far above its limit an operation may be, percent: compilers differ a little.
const TOLERANCE_PERCENT: f64 = 3.0;

type Done = Result<(), Box<dyn Error>>;

/// Its name, and what runs it a number of times.
type Operation = (&'static str, fn(u64) -> Done);

const OPERATIONS: &[Operation] = &[
    ("round-trip", |times| {
        let pair = Pair::new(common::scratch()?)?;
        repeat(times, |number| pair.round_trip(number))
    }),
    ("loan-and-drop", |times| {
        let pair = Pair::new(common::scratch()?)?;
        repeat(times, |number| pair.loan_and_drop(number))
    }),
    ("channel-with-overflow", |times| {
        let mut channel = Channel::new(4, true);
        repeat(times, |number| channel.push_and_take(number as u32 & 0xff))
    }),
    ("channel-without-overflow", |times| {
        let mut channel = Channel::new(4, false);
        repeat(times, |number| channel.push_and_take(number as u32 & 0xff))
    }),
];

/// The same round trip in pieces, which has no limit of its own.
const IN_STEPS: Operation = ("round-trip-in-steps", |times| {
    let pair = Pair::new(common::scratch()?)?;
    repeat(times, |number| pair.round_trip_in_steps(number))
});

fn repeat<T>(times: u64, mut operation: impl FnMut(u64) -> Result<T, Box<dyn Error>>) -> Done {
    for number in 0..times {
        black_box(operation(black_box(number))?);
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let outcome = match arguments.iter().position(|argument| argument == "--work") {
        Some(at) => work(&arguments[at + 1..]).map(|()| true),
        // `cargo test --benches` runs this too: once each, without valgrind.
        None if !has("--bench") || has("--test") => OPERATIONS.iter().try_for_each(|(_, run)| run(10)).map(|()| true),
        None => interrupt::install().map_err(Into::into).and_then(|()| check(&has)),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("instructions: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The side that callgrind looks at.
fn work(arguments: &[String]) -> Done {
    let [name, times] = arguments else { return Err("--work needs an operation and a number".into()) };
    let mut operations = OPERATIONS.iter().chain([&IN_STEPS]);
    let (_, run) = operations.find(|(known, _)| known == name).ok_or("no such operation")?;
    run(times.parse()?)
}

/// Counts everything; `false` if something passed its limit.
fn check(has: &dyn Fn(&str) -> bool) -> Result<bool, Box<dyn Error>> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!(
            "SKIPPED: valgrind is not installed, so instructions cannot be counted; install your system's package"
        );
        return Ok(true);
    }
    let limits: BTreeMap<String, f64> = match std::fs::read_to_string(LIMITS) {
        Ok(text) => toml::from_str(&text)?,
        Err(_) => BTreeMap::new(),
    };
    let mut counts = BTreeMap::new();
    let mut grown = Vec::new();
    println!("{:<26} {:>12} {:>12}", "instructions of one", "counted", "limit");
    for (name, _) in OPERATIONS {
        let one = count_one(name, &[])?;
        let limit = limits.get(*name).copied();
        let limit_text = limit.map_or("none yet".to_owned(), |limit| format!("{limit:.1}"));
        println!("{name:<26} {one:>12.1} {limit_text:>12}");
        let tolerance = TOLERANCE_PERCENT / 100.0;
        if limit.is_some_and(|limit| one < limit * (1.0 - tolerance)) {
            println!("  less than its limit says: keep what was won with scripts/instructions --update");
        }
        if !limit.is_some_and(|limit| one <= limit * (1.0 + tolerance)) {
            grown.push(format!("{name} takes {one:.1} instructions; its limit is {limit_text}"));
        }
        counts.insert((*name).to_owned(), (one * 10.0).round() / 10.0);
    }
    if has("--steps") {
        steps()?;
    }
    if has("--annotate") || has("--lines") {
        annotated(has("--lines"))?;
    }
    if has("--update") {
        let head =
            "# Instructions of one operation on the engine's hot path; `scripts/instructions --update` writes them.\n";
        std::fs::write(LIMITS, format!("{head}{}", toml::to_string(&counts)?))?;
        println!("written: {LIMITS}");
        return Ok(true);
    }
    for line in &grown {
        println!("GREW: {line} (and {TOLERANCE_PERCENT} %)");
    }
    if !grown.is_empty() {
        println!(
            "Each message pays for this. See where they go: scripts/instructions --annotate\n\
             If it is worth its price, say so in the commit that does this: scripts/instructions --update"
        );
    }
    Ok(grown.is_empty())
}

/// Instructions of one operation: the difference of two runs, so that what comes before and after it cancels out.
fn count_one(name: &str, options: &[String]) -> Result<f64, Box<dyn Error>> {
    let [short, long] = TIMES.map(|times| count(name, times, Path::new("/dev/null"), options));
    Ok((long? - short?) as f64 / (TIMES[1] - TIMES[0]) as f64)
}

/// What each step takes, with everything that it calls. As functions of their own, which hand on what they made, they
/// take more together than a round trip that the compiler sees as one.
fn steps() -> Done {
    println!("\n{:<26} {:>12}", "step of a round trip", "instructions");
    for step in STEPS {
        let one = count_one(IN_STEPS.0, &[format!("--toggle-collect=*{step}*")])?;
        if one == 0.0 {
            return Err("this program was built without names; run scripts/instructions --steps".into());
        }
        println!("{:<26} {one:>12.1}", step.trim_start_matches("step_").replace('_', " "));
    }
    println!("{:<26} {:>12.1}", "all of it, in steps", count_one(IN_STEPS.0, &[])?);
    Ok(())
}

/// Instructions of a whole process that does an operation so often.
fn count(name: &str, times: u64, out: &Path, options: &[String]) -> Result<u64, Box<dyn Error>> {
    // Not the child's own: whoever ends this program in between has that removed as well.
    let scratch = interrupt::scratch()?;
    let output = Command::new("valgrind")
        .env(common::SCRATCH, scratch.path())
        .args(["--tool=callgrind", &format!("--callgrind-out-file={}", out.display())])
        .args(options)
        .arg(std::env::current_exe()?)
        .args(["--work", name, &times.to_string()])
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{name} failed under valgrind, {}:\n{text}", output.status).into());
    }
    let collected = text.lines().find_map(|line| line.split_once("Collected :")).ok_or("callgrind counted nothing")?;
    Ok(collected.1.trim().parse()?)
}

/// Where round trips spend their instructions: by function with what was inlined into it, and by source file or line.
fn annotated(lines: bool) -> Done {
    let folder = interrupt::scratch()?;
    let out = folder.path().join("callgrind.out");
    let (name, _) = OPERATIONS[0];
    count(name, TIMES_ANNOTATED, &out, &[])?;
    let auto = if lines { "--auto=yes" } else { "--auto=no" };
    let annotate = Command::new("callgrind_annotate").args([auto, "--threshold=100"]).arg(&out).output()?;
    let text = String::from_utf8_lossy(&annotate.stdout);
    let (mut functions, mut files) = (BTreeMap::new(), BTreeMap::new());
    for (instructions, file, function) in text.lines().filter_map(place) {
        *functions.entry(function).or_insert(0) += instructions;
        *files.entry(file).or_insert(0) += instructions;
    }
    for (what, table) in [("function, with what is inlined", functions), ("source file", files)] {
        println!("\n{:>12}  of one {name}, by {what}", "instructions");
        let mut rows: Vec<_> = table.into_iter().collect();
        rows.sort_by_key(|(_, instructions)| std::cmp::Reverse(*instructions));
        for (place, instructions) in rows.into_iter().take(40) {
            println!("{:>12.1}  {place}", instructions as f64 / TIMES_ANNOTATED as f64);
        }
    }
    if lines {
        println!("\n{TIMES_ANNOTATED} times {name}, so millions are instructions of one\n{text}");
    }
    Ok(())
}

/// A line `1,234 ( 5.00%)  file:function [object]` of callgrind's table.
fn place(line: &str) -> Option<(u64, &str, &str)> {
    let (count, rest) = line.trim_start().split_once(" (")?;
    let (_, place) = rest.split_once("%)  ")?;
    let place = place.split(" [/").next()?;
    // A path with colons would be a strange one; a function has them in pairs.
    let (file, function) = place.split_once(':')?;
    Some((count.replace(',', "").parse().ok()?, file, function))
}
