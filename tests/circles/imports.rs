//! Which file of a crate imports from which: its tokens are read, not its types.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// Path of a module from the root of its crate: `["bench", "figures"]`.
pub type Module = Vec<String>;

/// A crate's modules with a file of their own.
pub struct Crate {
    modules: BTreeMap<Module, Source>,
}

/// What a file says of others.
#[derive(Default)]
struct Source {
    /// Paths in the file, each from the module in which it stands.
    paths: Vec<(Module, Vec<String>)>,
    /// Names that stand for paths elsewhere, by module: of `pub use`. `*` is any name.
    exported: Vec<(Module, String, Vec<String>)>,
    /// Modules with a file of their own.
    declared: Vec<Module>,
}

impl Crate {
    /// Reads a crate from its root file on; modules that are for tests are left out.
    pub fn read(root: &Path) -> Self {
        let mut modules = BTreeMap::new();
        let mut to_read = vec![(Module::new(), root.to_owned(), root.parent().unwrap().to_owned())];
        while let Some((module, file, folder)) = to_read.pop() {
            let text = fs::read_to_string(&file).unwrap();
            let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let mut source = Source::default();
            source.read(&module, tokens);
            for child in &source.declared {
                let below = &child[module.len()..];
                let path = folder.join(below.join("/"));
                let flat = path.with_extension("rs");
                let file = if flat.exists() { flat } else { path.join("mod.rs") };
                to_read.push((child.clone(), file, path));
            }
            modules.insert(module, source);
        }
        Self { modules }
    }

    /// The module with a file that a path leads to from a module; `None` if it leads out of the crate.
    fn target(&self, from: &Module, path: &[String], depth: usize) -> Option<Module> {
        let (mut at, rest) = match path[0].as_str() {
            "crate" => (Module::new(), &path[1..]),
            "self" => (from.clone(), &path[1..]),
            "super" => {
                let ups = path.iter().take_while(|word| *word == "super").count();
                (from[..from.len().checked_sub(ups)?].to_vec(), &path[ups..])
            }
            first => {
                // A module of this one, or a name that was imported: the import counts then.
                let child = [&from[..], &[first.to_owned()]].concat();
                self.modules.contains_key(&child).then_some(())?;
                (from.clone(), path)
            }
        };
        for (index, word) in rest.iter().enumerate() {
            let child = [&at[..], std::slice::from_ref(word)].concat();
            if self.modules.contains_key(&child) {
                at = child;
                continue;
            }
            // Not a file: an item, an inline module, or what the file re-exports. Whose item a `*` is, is not known: the
            // first one is taken.
            let file = self.file_of(&at);
            let exported = self.modules[&file].exported.iter().filter(|(module, ..)| *module == at);
            for (module, name, to) in exported.filter(|(_, name, _)| name == word || name == "*") {
                assert!(depth < 20, "re-exports of {name} in {module:?} do not end");
                let whole: Vec<String> = if name == "*" {
                    [&to[..], &rest[index..]].concat()
                } else {
                    [&to[..], &rest[index + 1..]].concat()
                };
                if let Some(target) = self.target(module, &whole, depth + 1) {
                    return Some(target);
                }
                if name != "*" {
                    return None;
                }
            }
            break;
        }
        Some(self.file_of(&at))
    }

    /// The module with a file in which a module stands.
    fn file_of(&self, module: &Module) -> Module {
        (0..=module.len()).rev().map(|end| module[..end].to_vec()).find(|own| self.modules.contains_key(own)).unwrap()
    }

    /// Who imports whom.
    pub fn imports(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let edges = self.modules.iter().map(|(module, source)| {
            let targets = source.paths.iter().filter_map(|(from, path)| self.target(from, path, 0));
            (module.clone(), targets.filter(|target| target != module).collect())
        });
        edges.collect()
    }
}

impl Source {
    /// Takes in what stands in a module of the file.
    fn read(&mut self, module: &Module, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let (mut at, mut is_public) = (0, false);
        while let Some(token) = tokens.get(at) {
            at += 1;
            let was_public = std::mem::take(&mut is_public);
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    if let Some(TokenTree::Group(attribute)) = tokens.get(at) {
                        at += 1;
                        if is_test(attribute) {
                            at = end_of_item(&tokens, at);
                        }
                    }
                }
                TokenTree::Ident(word) if word == "pub" => {
                    is_public = true;
                    let in_parentheses = |group: &Group| group.delimiter() == Delimiter::Parenthesis;
                    at += usize::from(matches!(tokens.get(at), Some(TokenTree::Group(group)) if in_parentheses(group)));
                }
                TokenTree::Ident(word) if word == "mod" => {
                    let child = [&module[..], &[tokens[at].to_string()]].concat();
                    match &tokens[at + 1] {
                        TokenTree::Group(group) => self.read(&child, group.stream()),
                        _ => self.declared.push(child),
                    }
                    at += 2;
                }
                TokenTree::Ident(word) if word == "use" => {
                    // Without a semicolon it says what a returned type captures, or is a word of a macro.
                    if let Some(end) = tokens[at..].iter().position(|token| is_punct(token, ';')) {
                        self.tree(module, &[], &tokens[at..at + end], was_public);
                        at += end;
                    }
                }
                TokenTree::Ident(word) => {
                    let goes_on = at > 2 && is_punct(&tokens[at - 2], ':') && is_punct(&tokens[at - 3], ':');
                    let mut path = vec![word.to_string()];
                    while let [a, b, TokenTree::Ident(next), ..] = &tokens[at..]
                        && is_punct(a, ':')
                        && is_punct(b, ':')
                    {
                        path.push(next.to_string());
                        at += 3;
                    }
                    if path.len() > 1 && !goes_on {
                        self.paths.push((module.clone(), path));
                    }
                }
                TokenTree::Group(group) => self.read(module, group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    /// The tree of a `use`, behind what its branches have in common.
    fn tree(&mut self, module: &Module, common: &[String], tokens: &[TokenTree], is_public: bool) {
        let mut path = common.to_vec();
        let mut name = None;
        let mut tokens = tokens.iter();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(word) if word == "as" => name = tokens.next().map(ToString::to_string),
                TokenTree::Ident(word) => path.push(word.to_string()),
                TokenTree::Punct(punct) if punct.as_char() == '*' => name = Some("*".to_owned()),
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    for branch in inner.split(|token| is_punct(token, ',')).filter(|branch| !branch.is_empty()) {
                        self.tree(module, &path, branch, is_public);
                    }
                    return;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
        if path.len() > 1 && path.last().is_some_and(|word| word == "self") {
            path.pop();
        }
        if is_public {
            let name = name.or_else(|| path.last().cloned()).unwrap();
            self.exported.push((module.clone(), name, path));
        } else {
            self.paths.push((module.clone(), path));
        }
    }
}

fn is_punct(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

/// Whether an attribute keeps what follows for tests.
fn is_test(attribute: &Group) -> bool {
    let plain: String = attribute.stream().to_string().split_whitespace().collect();
    plain == "test" || plain.starts_with("cfg(test") || plain.starts_with("cfg(all(test")
}

/// Behind the item that begins here: behind its braces or its semicolon.
fn end_of_item(tokens: &[TokenTree], from: usize) -> usize {
    let ends = |token: &TokenTree| {
        is_punct(token, ';') || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
    };
    (from..tokens.len()).find(|at| ends(&tokens[*at])).map_or(tokens.len(), |at| at + 1)
}
