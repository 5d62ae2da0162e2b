//! The operations of the table, carried out: a module and a trait for each of its groups.

mod nodes;
mod objects;
mod ports;
mod requests;
mod responses;
mod services;
mod waiting;

use serde_json::Value;

use super::args::Args;
use super::host::Started;
use super::implementation::{Arrival, Implementation, LoanView, View};
use super::payload;
use super::reply::{Answer, Stop, ok};

/// Elements, and whether the payload may stay as it is.
fn loan_args(args: Args) -> Result<(usize, bool), Stop> {
    Ok((args.size("len")?.unwrap_or(1), args.text("init") == Some("uninit")))
}

fn write(view: LoanView, args: Args) -> Answer {
    match (view.header, args.count("header_seed")) {
        (Some(header), Some(seed)) => payload::fill(header, seed),
        (None, Some(_)) => return Err(Stop::fault("header_seed is given, but the service has no such user header")),
        (_, None) => {}
    }
    let seed = args.count("seed").ok_or_else(|| Stop::fault("the argument seed is missing"))?;
    payload::fill(view.payload, seed);
    ok([])
}

fn summary(len: usize, payload: &[u8]) -> Answer {
    ok([("len", len.into()), ("bytes", payload.len().into()), ("crc32", payload::crc32(payload).into())])
}

/// Nothing was received; of a wait, why it ended.
fn nothing(wait_ms: Option<u64>, ended: bool) -> Answer {
    let mut fields = ok([("received", false.into())])?;
    if wait_ms.is_some() {
        fields.insert("ended".to_owned(), ended.into());
    }
    Ok(fields)
}

fn received(view: &View, arrival: Arrival) -> Answer {
    let mut fields = summary(view.len, view.payload)?;
    fields.insert("received".to_owned(), true.into());
    if let Some(header) = view.header {
        fields.insert("header_crc32".to_owned(), payload::crc32(header).into());
    }
    fields.insert("origin".to_owned(), Value::String(arrival.origin));
    fields.insert("align_ok".to_owned(), arrival.align_ok.into());
    Ok(fields)
}
