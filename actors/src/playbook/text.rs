//! YAML and JSON into nodes that know their place.
//!
//! Nothing here knows playbooks. Files come from people and from the network, so size, depth and repetition are
//! bounded: anchors with aliases are refused before the parser would copy what they stand for.

mod nearest;
mod yaml;

pub use nearest::nearest;

use super::mistake::{Mistake, Severity};
use std::collections::HashSet;

/// About 14,000 offers with thirty affinities each. A larger catalogue is spread over files.
pub const FILE_BYTES_MAX: usize = 32 << 20;
/// No playbook needs more than ten levels.
pub const DEPTH_MAX: usize = 64;
/// Files of more text than this are read by several threads: for less, starting them costs more than they save.
const LARGE_BYTES: usize = 1 << 20;
/// Threads that read at most: a node has other things to do meanwhile.
const READERS_MAX: usize = 2;
/// Indentation opens levels that the parser keeps on its stack.
const INDENT_MAX: usize = 256;
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
        let file = self.files.get(at.file as usize).cloned().unwrap_or_default();
        self.keep(Mistake { severity, file, line: at.line as usize, what, fix });
    }

    fn keep(&mut self, mistake: Mistake) {
        if !self.is_full() {
            self.mistakes.push(mistake);
        }
    }
}

/// Reads all files, given as name and text. Nodes and findings come in the order of the files, whoever read them. A broken
/// file is a finding, and the others are still read.
pub fn read_all(files: &[(String, String)], findings: &mut Findings) -> Vec<Node> {
    let numbers: Vec<u32> = files.iter().map(|(name, _)| findings.file(name)).collect();
    let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
    let readers = if bytes > LARGE_BYTES { READERS_MAX.min(files.len()) } else { 1 };
    let read_every = |first: usize| {
        let mine = numbers.iter().zip(files).skip(first).step_by(readers);
        let mut found = Findings { files: findings.files.clone(), mistakes: Vec::new() };
        let read_one = |(number, (_, text)): (&u32, &(String, String))| {
            let node = read(*number, text, &mut found);
            (*number, node, std::mem::take(&mut found.mistakes))
        };
        mine.map(read_one).collect::<Vec<_>>()
    };
    let mut done = std::thread::scope(|scope| {
        let others: Vec<_> = (1..readers).map(|first| scope.spawn(move || read_every(first))).collect();
        let mut done = read_every(0);
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_by_key(|(number, ..)| *number);
    let mut nodes = Vec::with_capacity(done.len());
    for (_, node, mistakes) in done {
        nodes.extend(node);
        mistakes.into_iter().for_each(|mistake| findings.keep(mistake));
    }
    nodes
}

/// Reads the file of this number.
fn read(file: u32, text: &str, findings: &mut Findings) -> Option<Node> {
    let bounds = within_bounds(text);
    if let Err((line, what, fix)) = bounds {
        findings.error(At { file, line }, what, fix);
        return None;
    }
    yaml::document(file, text, findings)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let mut findings = Findings::default();
        read_all(&[("f".into(), text.to_owned())], &mut findings);
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
            ("a: 1\n---\nb: 2\n".to_owned(), "2: a second document begins"),
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
        let file = findings.file("f");
        let node = read(file, "a: 1\nb:\n  - x\n  - {c: 2.5,\n     d: null}\n", &mut findings).unwrap();
        let NodeKind::Map(entries) = &node.kind else { panic!("a map") };
        let NodeKind::List(items) = &entries[1].1.kind else { panic!("a list") };
        let NodeKind::Map(inner) = &items[1].kind else { panic!("a map") };
        let lines =
            [entries[0].1.at, entries[1].1.at, items[0].at, items[1].at, inner[0].1.at, inner[1].1.at];
        assert_eq!(lines.map(|at| at.line), [1, 2, 3, 4, 4, 5]);
    }

    #[test]
    fn large_files_are_read_side_by_side_and_told_in_their_order() {
        let lines = "- {a: 1, b: [x, y], c: \"t.a && t.b\"}\n".repeat(8_000);
        let files: Vec<(String, String)> = (0..7)
            .map(|n| (format!("f{n}"), format!("{lines}- {n}\n- [{n}: 1, {n}: 2]\n- {{k: 1, k: {n}}}\n")))
            .collect();
        assert!(files.iter().map(|(_, text)| text.len()).sum::<usize>() > LARGE_BYTES);
        let mut findings = Findings::default();
        let nodes = read_all(&files, &mut findings);
        let last: Vec<String> = nodes
            .iter()
            .map(|node| match &node.kind {
                NodeKind::List(items) => format!("{} {:?}", node.at.file, items[8_000].kind),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(last, (0..7).map(|n| format!("{n} Int({n})")).collect::<Vec<_>>());
        let found: Vec<String> =
            findings.mistakes.iter().map(|mistake| format!("{} {}", mistake.file, mistake.line)).collect();
        assert_eq!(found, (0..7).map(|n| format!("f{n} 8003")).collect::<Vec<_>>());
    }
}
