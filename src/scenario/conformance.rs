//! A conformance scenario file: from text to one checked scenario for each cell of its matrix.

use std::collections::BTreeSet;

use super::args::Needs;
use super::catalogue::Catalogue;
use super::error::{Flaw, Parsed, ScenarioError};
use super::fields::{Fields, is_name, ranged, word};
use super::matrix::{Cell, Filler, cells, plain};
use super::model::{MEMORY_MIB, PeerPlan, Role, Scenario};
use super::reader::StepReader;
use super::service;
use super::source::{Source, Span};
use super::state::ScenarioState;
use super::tree::{self, Data, Node};
use super::violation::Violation;
use crate::results::model::Level;
use shmark_peer::protocol::FEATURES;

const KEYS: &[&str] = &["id", "title", "requirements", "features", "memory_mib", "matrix", "peers", "service", "steps"];
/// Most that a scenario may state: 1 TiB.
const MEMORY_MIB_MAX: u64 = 1 << 20;

/// Reads one conformance scenario; `file` is its name in messages.
///
/// # Errors
/// The first rule that the text violates.
pub fn parse(file: &str, text: &str, catalogue: &Catalogue) -> Result<Vec<Scenario>, ScenarioError> {
    parse_source(&Source::new(file, text), catalogue).map(|(scenarios, _)| scenarios)
}

/// The scenarios of a file, and where its id stands.
pub(super) fn parse_source(source: &Source, catalogue: &Catalogue) -> Result<(Vec<Scenario>, Span), ScenarioError> {
    read(source, catalogue).map_err(|flaw| flaw.in_file(source))
}

fn read(source: &Source, catalogue: &Catalogue) -> Parsed<(Vec<Scenario>, Span)> {
    let root = tree::parse(source.text())?;
    let file = Fields::new(&root, "a scenario", KEYS)?;
    let id_span = file.need("id")?.span.clone();
    let matrix = file.get("matrix");
    let mut used = BTreeSet::new();
    let mut scenarios = Vec::new();
    let mut count = 0;
    let body = Node {
        span: root.span.clone(),
        data: Data::Table(file.entries().iter().filter(|entry| entry.key != "matrix").cloned().collect()),
    };
    for cell in cells(matrix)? {
        let mut filler = Filler::new(&cell);
        let root = filler.fill(&body)?;
        used.append(&mut filler.used);
        scenarios.push(scenario(&root, &cell, &mut count, source, catalogue)?);
    }
    for entry in matrix.map_or(Ok(&[][..]), |matrix| matrix.entries("matrix"))? {
        if !used.contains(&entry.key) {
            return Err(Flaw::new(Violation::UnusedVariable { name: entry.key.clone() }, &entry.key_span));
        }
    }
    Ok((scenarios, id_span))
}

/// `count` is the number of steps in the cells before, and is moved on.
fn scenario(root: &Node, cell: &Cell, count: &mut usize, source: &Source, catalogue: &Catalogue) -> Parsed<Scenario> {
    let file = Fields::new(root, "a scenario", KEYS)?;
    let id = id(file.need("id")?)?;
    let requirements = requirements(file.need("requirements")?, catalogue)?;
    let mut needs = Needs::default();
    features(file.get("features"), &mut needs)?;
    let peers = peers(file.need("peers")?)?;
    let service = service::read(file.get("service"))?;
    let opened = peers.iter().any(|peer| peer.opens_service);
    if let Some(open) = service::opens().filter(|_| opened) {
        needs.of_operation(open, &service);
    }

    let state = ScenarioState::new(&peers, service.clone(), needs);
    let mut reader = StepReader { source, catalogue, state, count: *count, checked: Vec::new() };
    let steps = reader.steps(file.need("steps")?.list("steps")?)?;
    *count = reader.count;
    let StepReader { state, checked, .. } = reader;
    if let Some((peer, begun)) = state.unawaited() {
        let violation = Violation::NeverAwaited { peer: peer.to_owned(), tag: begun.tag.clone() };
        return Err(Flaw::new(violation, &begun.span));
    }
    decided(&requirements, &checked)?;
    Ok(Scenario {
        title: file.text("title")?.map_or_else(|| title_of(&id), str::to_owned),
        id,
        cell: cell.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        level: level(&requirements, catalogue),
        requirements: requirements.into_iter().map(|(id, _)| id).collect(),
        features: state.needs.list(),
        memory_mib: file
            .get("memory_mib")
            .map_or(Ok(MEMORY_MIB), |node| ranged(node, "memory_mib", 1, MEMORY_MIB_MAX))?,
        peers,
        service: opened.then_some(service),
        steps,
        file: source.file().to_owned(),
    })
}

fn id(node: &Node) -> Parsed<String> {
    let id = node.text("id")?;
    if id.split_once('/').is_some_and(|(group, name)| is_name(group) && is_name(name)) {
        return Ok(id.to_owned());
    }
    let (key, wanted) = ("id".to_owned(), "\"group/name\"".to_owned());
    Err(Flaw::new(Violation::WrongType { key, wanted, found: node.described() }, &node.span))
}

/// `liv/a-name` reads "A name".
fn title_of(id: &str) -> String {
    let words = id.rsplit('/').next().unwrap_or(id).replace(['-', '_'], " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn requirements(node: &Node, catalogue: &Catalogue) -> Parsed<Vec<(String, Span)>> {
    let mut requirements: Vec<(String, Span)> = Vec::new();
    for node in node.list("requirements")? {
        let id = node.text("requirements")?;
        catalogue.need(id, &node.span)?;
        if requirements.iter().any(|(earlier, _)| earlier == id) {
            let violation = Violation::ListedTwice { key: "requirements".to_owned(), word: id.to_owned() };
            return Err(Flaw::new(violation, &node.span));
        }
        requirements.push((id.to_owned(), node.span.clone()));
    }
    Ok(requirements)
}

fn level(requirements: &[(String, Span)], catalogue: &Catalogue) -> Level {
    let levels = requirements.iter().filter_map(|(id, _)| catalogue.get(id)).map(|requirement| requirement.level);
    levels.min().unwrap_or(Level::Observed)
}

/// Listed and checked requirements have to be the same ones.
fn decided(listed: &[(String, Span)], checked: &[(String, Span)]) -> Parsed<()> {
    if let Some((id, span)) = checked.iter().find(|(id, _)| listed.iter().all(|(other, _)| other != id)) {
        return Err(Flaw::new(Violation::CheckNotListed { id: id.clone() }, span));
    }
    match listed.iter().find(|(id, _)| checked.iter().all(|(other, _)| other != id)) {
        Some((id, span)) => Err(Flaw::new(Violation::RequirementWithoutCheck { id: id.clone() }, span)),
        None => Ok(()),
    }
}

fn features(node: Option<&Node>, needs: &mut Needs) -> Parsed<()> {
    let Some(node) = node else { return Ok(()) };
    let mut seen: Vec<&str> = Vec::new();
    for node in node.list("features")? {
        let feature = node.text("features")?;
        if !FEATURES.contains(&feature) {
            let known = FEATURES.iter().map(|&feature| feature.to_owned()).collect();
            return Err(Flaw::new(Violation::UnknownFeature { feature: feature.to_owned(), known }, &node.span));
        }
        if seen.contains(&feature) {
            let violation = Violation::ListedTwice { key: "features".to_owned(), word: feature.to_owned() };
            return Err(Flaw::new(violation, &node.span));
        }
        seen.push(feature);
        needs.add(feature);
    }
    Ok(())
}

fn peers(node: &Node) -> Parsed<Vec<PeerPlan>> {
    let entries = node.entries("peers")?;
    if entries.is_empty() {
        return Err(Flaw::new(Violation::EmptyList { key: "peers".to_owned() }, &node.span));
    }
    let plans = entries.iter().map(|entry| {
        if !is_name(&entry.key) {
            return Err(Flaw::new(Violation::BadName { name: entry.key.clone() }, &entry.key_span));
        }
        let (role, start_later, opens_service) = if let Data::Table(_) = entry.value.data {
            let fields = Fields::new(&entry.value, "a peer", &["role", "start", "opens"])?;
            let later = fields.get("start").map(|start| word(start, "start", &["first", "later"])).transpose()?;
            (fields.need("role")?, later == Some("later"), fields.flag("opens")?.unwrap_or(true))
        } else {
            (&entry.value, false, true)
        };
        let role = match word(role, "role", &["client", "server"])? {
            "client" => Role::Client,
            _ => Role::Server,
        };
        Ok(PeerPlan { name: entry.key.clone(), role, start_later, opens_service })
    });
    plans.collect()
}
