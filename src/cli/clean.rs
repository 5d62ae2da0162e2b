//! `shmark clean`.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::args;
use super::columns::columns;
use super::failure::CommandError;
use super::memory::Place;
use super::services::{json_remains, kind_word};
use crate::harness::run_folder::{dead_runs, sweep};
use crate::report::sanitise::visible;
use crate::report::streams::print;
use shmark_engine::{Cleaning, Inventory, NodeState, Remains, RemainsKind};

/// What was done, or would be.
struct Done {
    removed: Vec<Remains>,
    kept: Vec<(Remains, String)>,
    runs: Vec<PathBuf>,
}

/// 1 if something that dead processes left could not be removed: it will not go away by itself.
pub(super) fn run(args: &args::Clean) -> Result<u8, CommandError> {
    let place = Place::find(args.root.as_deref())?;
    let Cleaning { removed, kept } = match &place.root {
        None => Cleaning { removed: Vec::new(), kept: Vec::new() },
        Some(root) if args.dry_run => foreseen(Inventory::of(root)?),
        Some(root) => Inventory::clean(root)?,
    };
    let runs = match &args.root {
        // A namespace that was named is all that was asked for.
        Some(_) => Vec::new(),
        None if args.dry_run => dead_runs(),
        None => sweep(),
    };
    let done = Done { removed, kept, runs };
    print(&if args.json { json_text(&place, &done, args.dry_run) } else { shown(&place.path, &done, args.dry_run) });
    let is_stuck = |kept: &(Remains, String)| kept.0.kind != RemainsKind::Foreign;
    Ok(u8::from(!args.dry_run && done.kept.iter().any(is_stuck)))
}

/// What a cleaning would do now.
fn foreseen(inventory: Inventory) -> Cleaning {
    let lives = inventory.nodes.iter().any(|node| node.state != NodeState::Dead);
    let is_kept = |remains: &Remains| match remains.kind {
        RemainsKind::Foreign => true,
        RemainsKind::DamagedService => lives,
        _ => false,
    };
    let (kept, removed): (Vec<_>, Vec<_>) = inventory.remains.into_iter().partition(is_kept);
    let with_reason = |remains: Remains| {
        let reason = remains.kind.why_kept().to_owned();
        (remains, reason)
    };
    Cleaning { removed, kept: kept.into_iter().map(with_reason).collect() }
}

fn shown(root: &Path, done: &Done, dry_run: bool) -> String {
    let Done { removed, kept, runs } = done;
    let root_word = visible(&root.display().to_string());
    if removed.is_empty() && kept.is_empty() && runs.is_empty() {
        return format!("There is nothing to clean in {root_word}.\n");
    }
    let verb = if dry_run { "would remove" } else { "removed" };
    let at = |remains: &Remains| root.join(&remains.path).display().to_string();
    let mut rows = Vec::new();
    for remains in removed {
        rows.push(vec![verb.to_owned(), words(remains), at(remains)]);
    }
    for path in runs {
        rows.push(vec![verb.to_owned(), "namespace of a run that was killed".to_owned(), path.display().to_string()]);
    }
    for (remains, reason) in kept {
        rows.push(vec!["kept".to_owned(), words(remains), format!("{}: {reason}", at(remains))]);
    }
    columns(&rows)
}

fn words(remains: &Remains) -> String {
    let what = kind_word(remains.kind).replace('-', " ");
    let what = if remains.kind == RemainsKind::Foreign { "file of somebody else".to_owned() } else { what };
    if remains.detail.is_empty() { what } else { format!("{what} ({})", remains.detail) }
}

fn json_text(place: &Place, done: &Done, dry_run: bool) -> String {
    let kept = done.kept.iter().map(|(remains, reason)| {
        let mut value = json_remains(remains);
        value["reason"] = json!(reason);
        value
    });
    let value = json!({
        "root": place.path,
        "dry_run": dry_run,
        "removed": done.removed.iter().map(json_remains).collect::<Vec<_>>(),
        "removed_runs": done.runs,
        "kept": kept.collect::<Vec<_>>(),
    });
    format!("{value:#}\n")
}
