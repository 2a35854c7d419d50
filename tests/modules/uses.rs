//! Uses of one top-level module by another, read from the tokens of the source files.
//!
//! A use is a path that begins with `crate::`, or with as many `super::` as lead to the crate's root. Paths inside
//! macros count. Code under `#[cfg(test)]`, comments and strings do not.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A source file: its path below `src`, such as `plan/probe.rs`, and its text.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// One use of the top-level module `to` in the top-level module `from`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Use {
    pub(crate) from: String,
    pub(crate) to: String,
    /// File and line.
    pub(crate) at: String,
}

/// The names at the crate's root: modules, and the module that each re-exported item comes from.
struct Root {
    modules: BTreeSet<String>,
    exported: BTreeMap<String, String>,
}

/// Reads the uses between the library's top-level modules, in the order of `sources`.
///
/// The files of the program are left out: `main.rs` and `program` are another crate, which no module can use.
///
/// # Errors
///
/// A file that is not Rust, a missing `lib.rs`, or a path to a name that `lib.rs` neither declares nor re-exports.
pub(crate) fn uses(sources: &[Source]) -> Result<Vec<Use>, String> {
    let lib = sources.iter().find(|source| source.path == "lib.rs");
    let root = Root::read(&tokens(lib.ok_or("there is no lib.rs")?)?);
    let mut all = Vec::new();
    for source in sources {
        let (module, depth) = place(&source.path);
        if root.modules.contains(&module) {
            let mut heads = Vec::new();
            walk(&tokens(source)?, depth, &mut heads);
            for (name, line) in heads {
                let at = format!("src/{}:{line}", source.path);
                if let Some(to) = root.module_of(&name).map_err(|e| format!("{at}: {e}"))? {
                    let from = module.clone();
                    all.push(Use { from, to, at });
                }
            }
        }
    }
    all.retain(|found| found.from != found.to);
    Ok(all)
}

fn tokens(source: &Source) -> Result<Vec<TokenTree>, String> {
    let parsed: Result<TokenStream, _> = source.text.parse();
    let refused = |error| format!("src/{}: {error}", source.path);
    Ok(parsed.map_err(refused)?.into_iter().collect())
}

/// The top-level module of a file, and how many modules deep the file is: 1 for a top-level module itself.
fn place(path: &str) -> (String, usize) {
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
    let module = path.split('/').next().unwrap_or(path);
    (module.to_owned(), path.split('/').count())
}

impl Root {
    /// Reads `mod name;` and `pub use name::{..}` of `lib.rs`.
    fn read(tokens: &[TokenTree]) -> Self {
        let mut root = Self {
            modules: BTreeSet::new(),
            exported: BTreeMap::new(),
        };
        for at in 0..tokens.len() {
            let rest = &tokens[at + 1..];
            if is_ident(&tokens[at], "mod") && rest.get(1).is_some_and(|t| is_punct(t, ';')) {
                root.modules.insert(rest[0].to_string());
            }
            if is_ident(&tokens[at], "use") {
                root.export(rest);
            }
        }
        root
    }

    /// Takes the rest of `use module::item;`, `use module::{items};` or `use external;`.
    fn export(&mut self, rest: &[TokenTree]) {
        let module = rest[0].to_string();
        if !is_path_separator(&rest[1..]) {
            self.exported.insert(module.clone(), module);
            return;
        }
        let mut heads = Vec::new();
        path_heads(&rest[3..], 0, &mut heads);
        let items = heads.into_iter().map(|(item, _)| (item, module.clone()));
        self.exported.extend(items);
    }

    /// The top-level module that `crate::name` leads to; none for other crates' items.
    fn module_of(&self, name: &str) -> Result<Option<String>, String> {
        if name == "self" {
            return Ok(None);
        }
        let module = self.exported.get(name).map_or(name, String::as_str);
        if self.modules.contains(module) {
            return Ok(Some(module.to_owned()));
        }
        match self.exported.contains_key(name) {
            true => Ok(None),
            false => Err(format!("lib.rs has no module and no item `{name}`")),
        }
    }
}

/// Collects the first name after the crate's root of every path, with its line. `depth` modules lie above.
fn walk(tokens: &[TokenTree], depth: usize, heads: &mut Vec<(String, usize)>) {
    let mut at = 0;
    while at < tokens.len() {
        if is_test_only(&tokens[at..]) {
            at += item_length(&tokens[at + 2..]) + 2;
            continue;
        }
        if is_ident(&tokens[at], "crate") && is_path_separator(&tokens[at + 1..]) {
            path_heads(&tokens[at + 3..], 0, heads);
        }
        let begins_path = at < 2 || !is_path_separator(&tokens[at - 2..]);
        if is_ident(&tokens[at], "super") && begins_path {
            path_heads(&tokens[at..], depth, heads);
        }
        if let TokenTree::Group(group) = &tokens[at] {
            let is_module = at >= 2 && is_ident(&tokens[at - 2], "mod");
            let inner: Vec<_> = group.stream().into_iter().collect();
            walk(&inner, depth + usize::from(is_module), heads);
        }
        at += 1;
    }
}

/// Follows a path, or the paths in braces, from `above` modules below the root.
fn path_heads(path: &[TokenTree], above: usize, heads: &mut Vec<(String, usize)>) {
    match path.first() {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
            let inner: Vec<_> = group.stream().into_iter().collect();
            for part in inner.split(|token| is_punct(token, ',')) {
                path_heads(part, above, heads);
            }
        }
        Some(TokenTree::Ident(name)) if above == 0 => {
            heads.push((name.to_string(), name.span().start().line));
        }
        Some(name) if is_ident(name, "super") && is_path_separator(&path[1..]) => {
            path_heads(&path[3..], above - 1, heads);
        }
        Some(star) if above == 0 && is_punct(star, '*') => {
            heads.push(("*".to_owned(), star.span().start().line));
        }
        _ => {}
    }
}

/// Whether `#[cfg(test)]` or `#[cfg(all(test, ..))]` stands here.
fn is_test_only(tokens: &[TokenTree]) -> bool {
    let [hash, TokenTree::Group(attribute), ..] = tokens else {
        return false;
    };
    let text = attribute.stream().to_string().replace(' ', "");
    is_punct(hash, '#') && (text == "cfg(test)" || text.starts_with("cfg(all(test,"))
}

/// The number of tokens of the item that begins here: it ends with its braces or its semicolon.
fn item_length(tokens: &[TokenTree]) -> usize {
    let is_end = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        other => is_punct(other, ';'),
    };
    let end = tokens.iter().position(is_end);
    end.map_or(tokens.len(), |end| end + 1)
}

fn is_ident(token: &TokenTree, name: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == name)
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

fn is_path_separator(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [a, b, ..] if is_punct(a, ':') && is_punct(b, ':'))
}
