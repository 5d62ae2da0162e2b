//! Documents against the tree: the map names every folder, what it names exists, links lead somewhere.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

const MAP: &str = "docs/ARCHITECTURE.md";
/// Made by a run, kept only as a sample that comes with a release.
const SAMPLE: &str = "reports/sample";
/// Where absolute paths may point, because they are the same on every machine.
const SYSTEM: [&str; 5] = ["/dev/", "/etc/", "/proc/", "/sys/", "/usr/"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Folders of a folder that belong to the project, relative to the root.
fn folders(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(parent)).unwrap().map(|entry| entry.unwrap());
    let folders =
        entries.filter(|entry| entry.file_type().unwrap().is_dir()).map(|entry| parent.join(entry.file_name()));
    // Folders of editors and tools are nobody's business.
    let is_ours = |path: &PathBuf| {
        let name = path.to_str().unwrap();
        name != "target" && (!name.starts_with('.') || [".ci", ".github"].contains(&name))
    };
    folders.filter(is_ours).collect()
}

fn folders_below(parent: &Path) -> Vec<PathBuf> {
    folders(parent).into_iter().flat_map(|folder| [vec![folder.clone()], folders_below(&folder)].concat()).collect()
}

/// Every Markdown file, relative to the root.
fn pages() -> Vec<PathBuf> {
    let all = [vec![PathBuf::new()], folders_below(Path::new(""))].concat();
    // Results of runs are no documents.
    let documents = all.into_iter().filter(|folder| !folder.starts_with("reports") || folder.starts_with(SAMPLE));
    let is_page = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    documents
        .flat_map(|folder| {
            let entries = fs::read_dir(root().join(&folder)).unwrap();
            entries.map(|entry| folder.join(entry.unwrap().file_name())).filter(is_page).collect::<Vec<_>>()
        })
        .collect()
}

fn read(page: &Path) -> String {
    fs::read_to_string(root().join(page)).unwrap()
}

/// The text without code blocks.
fn prose(text: &str) -> String {
    let mut fenced = false;
    let mut after_blank = true;
    let mut prose = String::new();
    for line in text.lines() {
        let fence = line.trim_start().starts_with("```");
        let indented = after_blank && line.starts_with("    ");
        if !fenced && !fence && !indented {
            prose.push_str(line);
            prose.push('\n');
            after_blank = line.is_empty();
        }
        fenced ^= fence;
    }
    prose
}

/// Pieces of inline code.
fn code(prose: &str) -> impl Iterator<Item = &str> {
    prose.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// Targets of links and images.
fn links(prose: &str) -> Vec<String> {
    let targets = prose.match_indices("](").map(|(at, _)| &prose[at + 2..]);
    targets.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect()
}

/// Anchors of a page's headings, as Markdown renderers make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text);
    let headings =
        headings.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    headings.map(|heading| heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

/// A path without `..`, or nothing if it leads out of the tree.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => normal.pop().then_some(())?,
            other => normal.push(other),
        }
    }
    Some(normal)
}

/// What is wrong with a link of a page.
fn flaw(page: &Path, link: &str) -> Option<String> {
    if ["http://", "https://", "mailto:"].iter().any(|scheme| link.starts_with(scheme)) {
        return None;
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if file.is_empty() { Some(page.to_owned()) } else { normal(&page.parent().unwrap().join(file)) };
    let Some(target) = target else { return Some("it leads out of the tree".to_owned()) };
    if target.starts_with(SAMPLE) && !root().join(SAMPLE).exists() {
        return None;
    }
    if !root().join(&target).exists() {
        return Some(format!("there is no {}", target.display()));
    }
    if !anchor.is_empty() && !anchors(&read(&target)).contains(anchor) {
        return Some(format!("{} has no heading for it", target.display()));
    }
    None
}

/// Absolute paths that are not the same on every machine.
fn machine_paths(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| c.is_whitespace() || "\"'`()[]<>,;=|".contains(c));
    let is_path = |word: &&str| {
        // A name and something below it: `/x/y`, and no mere slash between words.
        word.strip_prefix('/').is_some_and(|rest| rest.trim_end_matches('/').contains('/') && !rest.starts_with('/'))
    };
    words.filter(is_path).filter(|word| !SYSTEM.iter().any(|start| word.starts_with(start))).collect()
}

#[test]
fn the_map_names_every_folder() {
    let text = read(Path::new(MAP));
    let named: BTreeSet<&str> = code(&text).collect();
    let crates = folders(Path::new("crates")).into_iter().flat_map(|folder| folders_below(&folder.join("src")));
    let wanted = [folders(Path::new("")), folders_below(Path::new("src")), crates.collect()].concat();
    assert!(wanted.len() > 20, "these are not the folders of the project: {wanted:?}");
    let missing: Vec<_> = wanted
        .iter()
        .map(|folder| folder.to_str().unwrap())
        // `src` is named by what is in it.
        .filter(|folder| *folder != "src" && !named.contains(folder))
        .collect();
    assert!(missing.is_empty(), "{MAP} does not say what lives in {missing:?}");
}

#[test]
fn what_the_map_names_exists() {
    let text = prose(&read(Path::new(MAP)));
    let is_path = |word: &&str| {
        let letters = word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
        letters && word.contains('/') && !word.starts_with('/')
    };
    let named: Vec<&str> = code(&text).filter(is_path).collect();
    assert!(named.len() > 40, "these are not the paths of the map: {named:?}");
    let missing: Vec<_> = named.into_iter().filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "{MAP} names what is not there: {missing:?}");
}

#[test]
fn links_lead_somewhere() {
    let pages = pages();
    assert!(pages.contains(&PathBuf::from("README.md")) && pages.contains(&PathBuf::from(MAP)), "{pages:?}");
    let mut flaws = Vec::new();
    for page in &pages {
        for link in links(&prose(&read(page))) {
            flaws.extend(flaw(page, &link).map(|why| format!("{}: {link}: {why}", page.display())));
        }
    }
    assert!(flaws.is_empty(), "dead links:\n{}", flaws.join("\n"));
}

#[test]
fn no_page_holds_a_path_of_a_machine() {
    for page in pages() {
        let text = read(&page);
        assert_eq!(machine_paths(&text), Vec::<&str>::new(), "{} holds paths of a machine", page.display());
    }
}

#[test]
fn flaws_are_found() {
    let page = Path::new(MAP);
    assert_eq!(flaw(page, "https://example.org/x"), None);
    assert_eq!(flaw(page, "../README.md#quick-start"), None);
    assert_eq!(flaw(page, "LAYOUT.md"), None);
    for dead in ["nowhere.md", "../README.md#no-such-heading", "#no-such-heading", "../../README.md", "/README.md"] {
        assert!(flaw(page, dead).is_some(), "{dead}");
    }
    assert_eq!(links("[a](b.md) and ![c](d.png)"), ["b.md", "d.png"]);
    assert_eq!(machine_paths("see `/home/me/x`, /dev/shm/y and/or (/opt/z/)"), ["/home/me/x", "/opt/z/"]);
    assert_eq!(prose("a\n```\n[x](y)\n```\nb\n\n    [z](w)\n"), "a\nb\n\n");
}
