//! YAML and JSON into nodes that know their place.
//!
//! Nothing here knows playbooks. Files come from people and from the network, so size, depth and repetition are
//! bounded: anchors with aliases are refused before the parser would copy what they stand for.

mod nearest;

pub use nearest::nearest;

use super::mistake::{Mistake, Severity};
use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use std::collections::HashSet;

/// About 14,000 offers with thirty affinities each. A larger catalogue is spread over files.
pub const FILE_BYTES_MAX: usize = 32 << 20;
/// No playbook needs more than ten levels.
pub const DEPTH_MAX: usize = 64;
/// Indentation opens levels that the parser keeps on its stack.
const INDENT_MAX: usize = 256;
/// Keys given twice in one map are mended and searched on this often, so that other mistakes are found too.
const DUPLICATES_MAX: u32 = 20;
/// Marks a key that was given twice: a character of the private use area.
const DUPLICATE_MARK: u32 = 0xE000;

/// A place in the files of a playbook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// Index of the file.
    pub file: u32,
    /// Line, counted from 1.
    pub line: u32,
}

/// A value of a file and its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it begins.
    pub at: At,
    /// What it is.
    pub kind: NodeKind,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another number; may be infinite or not a number.
    Number(f64),
    /// Text.
    Text(String),
    /// Values in order.
    List(Vec<Node>),
    /// Values by key, in the order of the file.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The kind of value in words, for messages.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.kind {
            NodeKind::Null => "nothing",
            NodeKind::Bool(_) => "true or false",
            NodeKind::Int(_) => "a whole number",
            NodeKind::Number(_) => "a number",
            NodeKind::Text(_) => "text",
            NodeKind::List(_) => "a list",
            NodeKind::Map(_) => "a map",
        }
    }
}

/// Everything found so far.
#[derive(Debug, Default)]
pub struct Findings {
    files: Vec<String>,
    /// Errors and warnings in the order they were found.
    pub mistakes: Vec<Mistake>,
}

/// Findings beyond this number are not listed: they rarely are independent.
const MISTAKES_MAX: usize = 1000;

impl Findings {
    /// Names the next file; nodes read from it carry the index given back.
    pub fn file(&mut self, name: &str) -> u32 {
        self.files.push(name.to_owned());
        u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX)
    }

    /// Adds an error.
    pub fn error(&mut self, at: At, what: impl Into<String>, fix: impl Into<String>) {
        self.push(Severity::Error, at, what.into(), fix.into());
    }

    /// Adds a warning.
    pub fn warning(&mut self, at: At, what: impl Into<String>, fix: impl Into<String>) {
        self.push(Severity::Warning, at, what.into(), fix.into());
    }

    /// Whether there is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.mistakes.iter().any(|mistake| mistake.severity == Severity::Error)
    }

    /// Whether no more findings are listed: what costs time to find can be left.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.mistakes.len() >= MISTAKES_MAX
    }

    fn push(&mut self, severity: Severity, at: At, what: String, fix: String) {
        if !self.is_full() {
            let file = self.files.get(at.file as usize).cloned().unwrap_or_default();
            self.mistakes.push(Mistake { severity, file, line: at.line as usize, what, fix });
        }
    }
}

/// Reads one file. A broken file is a finding, and other files can still be read.
pub fn read(name: &str, text: &str, findings: &mut Findings) -> Option<Node> {
    let file = findings.file(name);
    let bounds = within_bounds(text);
    if let Err((line, what, fix)) = bounds {
        findings.error(At { file, line }, what, fix);
        return None;
    }
    let documents = load(file, text, findings)?;
    let mut documents = documents.into_iter();
    let first = documents.next()?;
    if let Some(second) = documents.next() {
        findings.error(place(file, &second), "a second document begins", "put it into a file of its own");
    }
    let mut nodes = Nodes { file, findings };
    nodes.node(first, 0)
}

/// The parser stops at the first key given twice. It is marked, so that the rest is read as well.
fn load(file: u32, text: &str, findings: &mut Findings) -> Option<Vec<MarkedYaml<'static>>> {
    let mut mended: Option<Vec<char>> = None;
    for duplicates in 0..=DUPLICATES_MAX {
        let source: String = match &mended {
            None => text.to_owned(),
            Some(chars) => chars.iter().collect(),
        };
        let error = match MarkedYaml::load_from_iter(source.chars()) {
            Ok(documents) => return Some(documents),
            Err(error) => error,
        };
        let line = u32::try_from(error.marker().line()).unwrap_or(u32::MAX);
        let at = At { file, line };
        if !error.info().contains("duplicated key") {
            findings.error(at, format!("the file can't be read: {}", error.info()), "correct the YAML");
            return None;
        }
        let mut chars = mended.take().unwrap_or_else(|| text.chars().collect());
        let begin = error.marker().index();
        let key = begin + usize::from(matches!(chars.get(begin), Some('"' | '\'')));
        let written: String = chars[key.min(chars.len())..]
            .iter()
            .take_while(|sign| !":\"'\n,}".contains(**sign))
            .take(64)
            .collect();
        findings.error(at, format!("the key {written} is given twice"), "keep one of them");
        let mark = char::from_u32(DUPLICATE_MARK + duplicates)?;
        *chars.get_mut(key)? = mark;
        mended = Some(chars);
    }
    None
}

/// Line, what and fix of a text that must not reach the parser.
fn within_bounds(text: &str) -> Result<(), (u32, String, &'static str)> {
    if text.len() > FILE_BYTES_MAX {
        let what = format!("the file has {} MB", text.len() >> 20);
        return Err((1, what, "spread it over files of at most 32 MB"));
    }
    for (line, words) in (1u32..).zip(text.lines()) {
        let lead = words.len() - words.trim_start_matches([' ', '\t', '-', '?', ':']).len();
        let ruler = words.trim_start().starts_with("---");
        if lead > INDENT_MAX && !ruler {
            return Err((line, "the line is indented too deep".into(), "indent by at most 256"));
        }
    }
    match aliased(text) {
        Some((line, name)) => {
            Err((line, format!("*{name} repeats an anchor"), "write it out: anchors are not read"))
        }
        None => Ok(()),
    }
}

/// The first `*name` for which there is a `&name`. A `*` or `&` alone is part of some text.
fn aliased(text: &str) -> Option<(u32, &str)> {
    let mut anchors: HashSet<&str> = HashSet::new();
    for mark in ['&', '*'] {
        for (line, words) in (1u32..).zip(text.lines()) {
            for (index, _) in words.match_indices(mark) {
                if words[..index].ends_with(char::is_alphanumeric) {
                    continue;
                }
                let rest = &words[index + 1..];
                let end = rest.find(|c: char| c.is_whitespace() || ",[]{}".contains(c)).unwrap_or(rest.len());
                let name = &rest[..end];
                match mark {
                    _ if name.is_empty() => {}
                    '&' => {
                        anchors.insert(name);
                    }
                    _ if anchors.contains(name) || anchors.contains(name.trim_end_matches(':')) => {
                        return Some((line, name));
                    }
                    _ => {}
                }
            }
        }
    }
    None
}

fn place(file: u32, node: &MarkedYaml<'_>) -> At {
    At { file, line: u32::try_from(node.span.start.line()).unwrap_or(u32::MAX) }
}

struct Nodes<'a> {
    file: u32,
    findings: &'a mut Findings,
}

impl Nodes<'_> {
    fn node(&mut self, yaml: MarkedYaml<'_>, depth: usize) -> Option<Node> {
        let at = place(self.file, &yaml);
        if depth > DEPTH_MAX {
            self.findings.error(at, format!("more than {DEPTH_MAX} levels inside each other"), "flatten it");
            return None;
        }
        let kind = match yaml.data {
            YamlData::Value(scalar) => match scalar {
                Scalar::Null => NodeKind::Null,
                Scalar::Boolean(value) => NodeKind::Bool(value),
                Scalar::Integer(value) => NodeKind::Int(value),
                Scalar::FloatingPoint(value) => NodeKind::Number(value.into_inner()),
                Scalar::String(value) => NodeKind::Text(value.into_owned()),
            },
            YamlData::Sequence(items) => {
                NodeKind::List(items.into_iter().filter_map(|item| self.node(item, depth + 1)).collect())
            }
            YamlData::Mapping(map) => {
                let entries = map.into_iter();
                NodeKind::Map(entries.filter_map(|(key, value)| self.entry(&key, value, depth + 1)).collect())
            }
            _ => {
                self.findings.error(at, "the value has a form that playbooks do without", "write plain YAML");
                return None;
            }
        };
        Some(Node { at, kind })
    }

    fn entry(&mut self, key: &MarkedYaml<'_>, value: MarkedYaml<'_>, depth: usize) -> Option<(String, Node)> {
        let at = place(self.file, key);
        let name = match &key.data {
            YamlData::Value(Scalar::String(name)) => name.clone().into_owned(),
            YamlData::Value(Scalar::Integer(name)) => name.to_string(),
            YamlData::Value(Scalar::Boolean(name)) => name.to_string(),
            _ => {
                self.findings.error(at, "a key is not text", "quote it");
                return None;
            }
        };
        let marked = (DUPLICATE_MARK..=DUPLICATE_MARK + DUPLICATES_MAX).filter_map(char::from_u32);
        if marked.into_iter().any(|mark| name.starts_with(mark)) {
            return None;
        }
        let mut node = self.node(value, depth)?;
        node.at = node.at.max(at);
        if let NodeKind::List(_) | NodeKind::Map(_) | NodeKind::Null = node.kind {
            node.at = at;
        }
        Some((name, node))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let mut findings = Findings::default();
        read("f", text, &mut findings);
        findings.mistakes.iter().map(|mistake| format!("{}: {}", mistake.line, mistake.what)).collect()
    }

    #[test]
    fn hostile_files_are_refused_before_they_cost_anything() {
        let nested = |open: &str, count: usize| open.repeat(count);
        for (text, begin) in [
            (nested("[", 100_000), "1: "),
            (nested("- ", 100_000), "1: the line is indented too deep"),
            (nested("? ", 100_000), "1: the line is indented too deep"),
            (format!("a:\n{}b", nested(" ", 5000)), "2: the line is indented too deep"),
            (format!("{}1{}", nested("[", 100), nested("]", 100)), "1: more than 64 levels"),
            ("a: &x [1, 2]\nb: [*x, *x]\n".to_owned(), "2: *x repeats an anchor"),
            ("a: 1\n---\nb: 2\n".to_owned(), "3: a second document begins"),
            ("a: [1\n".to_owned(), ""),
            ("[1]: 2\n".to_owned(), "1: a key is not text"),
            ("a: 1\nb: 2\na: 3\n'b': 4\n".to_owned(), "3: the key a is given twice"),
        ] {
            let found = found(&text);
            let start: String = text.chars().take(30).collect();
            assert!(found.first().is_some_and(|line| line.starts_with(begin)), "{start}: {found:?}");
        }
        assert_eq!(found("a: 1\nb: 2\na: 3\n'b': 4\n").len(), 2, "every key given twice is found");
    }

    #[test]
    fn signs_of_rules_are_no_anchors() {
        let text = "a: \"t.a * t.b && t.c\"\nb: >-\n  t.a\n  && t.b *2\nc: t.a && t.b\nd: \"x &amp; y * z\"\n# ----\n";
        assert_eq!(found(text), Vec::<String>::new());
    }

    #[test]
    fn nodes_know_their_lines() {
        let mut findings = Findings::default();
        let node = read("f", "a: 1\nb:\n  - x\n  - {c: 2.5,\n     d: null}\n", &mut findings).unwrap();
        let NodeKind::Map(entries) = &node.kind else { panic!("a map") };
        let NodeKind::List(items) = &entries[1].1.kind else { panic!("a list") };
        let NodeKind::Map(inner) = &items[1].kind else { panic!("a map") };
        let lines =
            [entries[0].1.at, entries[1].1.at, items[0].at, items[1].at, inner[0].1.at, inner[1].1.at];
        assert_eq!(lines.map(|at| at.line), [1, 2, 3, 4, 4, 5]);
    }
}
