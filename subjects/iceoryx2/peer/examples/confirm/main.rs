//! Shows each known deviation of iceoryx2 with iceoryx2's own API alone: no peer, no protocol, no harness.
//!
//! ```text
//! cargo run --manifest-path subjects/iceoryx2/peer/Cargo.toml --example confirm            the names
//! cargo run --manifest-path subjects/iceoryx2/peer/Cargo.toml --example confirm -- NAME    one of them
//! cargo run --manifest-path subjects/iceoryx2/peer/Cargo.toml --example confirm -- all     all of them
//! ```
//!
//! Exit code 1 if a deviation shows, 0 if iceoryx2 behaves, 2 for wrong use, 4 if it could not be found out. Each one
//! runs in a process of its own, in a namespace of its own, so that one that panics or never returns is seen as such.

mod death;
mod loans;
mod requests;
mod sandbox;
mod services;

use std::process::ExitCode;

use sandbox::{Ending, Sandbox};

/// What a deviation's program found out: `Ok` if iceoryx2 behaves, `Err` with what it did instead.
type Seen = Result<(), String>;
/// Failures of what is not in question.
type Res<T> = Result<T, Box<dyn std::error::Error>>;

/// One deviation.
struct Deviation {
    name: &'static str,
    requirement: &'static str,
    /// What a user may expect.
    expected: &'static str,
    /// Runs in the process of its own.
    program: fn(&Sandbox) -> Res<Seen>,
}

const DEVIATIONS: &[Deviation] = &[
    services::ZERO_COUNTS,
    services::UTF8_NAMES,
    requests::DISPLACED_REQUEST,
    requests::DROPPED_INSTEAD_OF_BLOCKED,
    requests::UNREAD_RESPONSES,
    requests::LOST_SLICES,
    requests::UNSEEN_CLIENTS,
    requests::HAS_REQUESTS,
    requests::SKIPPED_REQUESTS,
    requests::LEAVING_SERVER,
    loans::SERVED_IN_TURN,
    loans::FAILED_RESPONSE_LOAN,
    loans::FEW_CHUNKS,
    loans::REFUSED_PORT,
    death::KILLED_SERVER,
    death::KILLED_CLIENT,
    death::BLOCKED_RESPONSE,
    death::BLOCKED_REQUEST,
    death::KILLED_CLEANER,
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        [] => {
            for deviation in DEVIATIONS {
                println!("{} ({})", deviation.name, deviation.requirement);
            }
            Ok(2)
        }
        ["all"] => confirm(DEVIATIONS.iter()),
        ["--program", name] => find(name).and_then(inside),
        ["--victim", role] => death::victim(role).map(|()| 0),
        [name] => find(name).and_then(|deviation| confirm(std::iter::once(deviation))),
        _ => Err("give one name, or `all`".into()),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(4)
        }
    }
}

fn find(name: &str) -> Res<&'static Deviation> {
    let known = DEVIATIONS.iter().find(|deviation| deviation.name == name);
    known.ok_or_else(|| format!("no deviation is called {name}; without a name all are listed").into())
}

/// Runs each in a process of its own and says what came of it.
fn confirm(deviations: impl Iterator<Item = &'static Deviation>) -> Res<u8> {
    let mut code = 0;
    for deviation in deviations {
        println!("{} ({})\n  expected: {}", deviation.name, deviation.requirement, deviation.expected);
        let happened = match sandbox::run(deviation.name)? {
            Ending::Said { deviates: false, .. } => {
                println!("  happened: as expected");
                continue;
            }
            Ending::Said { text, .. } => text,
            Ending::Panicked(text) => format!("a panic: {text}"),
            Ending::Hung => format!("no return within {} s", sandbox::PATIENCE.as_secs()),
        };
        println!("  happened: {happened}");
        code = 1;
    }
    Ok(code)
}

/// The process of its own.
fn inside(deviation: &'static Deviation) -> Res<u8> {
    match (deviation.program)(&Sandbox::from_environment()?)? {
        Ok(()) => Ok(0),
        Err(text) => {
            println!("{text}");
            Ok(1)
        }
    }
}
