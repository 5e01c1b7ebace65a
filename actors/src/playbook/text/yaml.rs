//! The events of the YAML parser into nodes: one pass, nothing kept but the nodes.
//!
//! Leaves out which texts may reach the parser at all ([`super::read`]).

use super::{At, DEPTH_MAX, Findings, Node, NodeKind};
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use std::collections::{BTreeSet, HashSet};

/// Maps with fewer keys are compared key by key.
const FEW_KEYS: usize = 16;

/// The first document of a text; what is wrong with it becomes findings, and what is broken beyond reading gives `None`.
pub(super) fn document(file: u32, text: &str, findings: &mut Findings) -> Option<Node> {
    let mut tree = Tree { file, findings, open: Vec::new(), whole: None, documents: 0 };
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => tree.on_event(event, span)?,
            Err(error) => {
                let at = At { file, line: line(error.marker().line()) };
                let what = format!("the file can't be read: {}", error.info());
                tree.findings.error(at, what, "correct the YAML");
                return None;
            }
        }
    }
    tree.whole
}

/// The nodes that are still open, and the one that is done.
struct Tree<'a> {
    file: u32,
    findings: &'a mut Findings,
    open: Vec<Open>,
    whole: Option<Node>,
    documents: usize,
}

/// A list or map whose end has not come.
struct Open {
    at: At,
    inside: Inside,
}

enum Inside {
    List(Vec<Node>),
    Map { entries: Vec<(String, Node)>, key: Key },
}

/// What a map waits for.
enum Key {
    /// The next key.
    Awaited,
    /// The value of this key.
    Of(String, At),
    /// The value of a key that is none.
    Unusable,
}

impl Tree<'_> {
    /// `None`: there is no point in reading on.
    fn on_event(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        let at = At { file: self.file, line: line(span.start.line()) };
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.findings.error(at, "a second document begins", "put it into a file of its own");
                    return None;
                }
            }
            Event::Scalar(text, style, _, tag) => {
                if tag.is_some() {
                    self.findings.error(at, "a value begins with !", "quote it: \"!t.x\"");
                    return self.close(at, NodeKind::Null);
                }
                let kind = match style {
                    ScalarStyle::Plain => plain(&text),
                    _ => NodeKind::Text(text.into_owned()),
                };
                self.close(at, kind)?;
            }
            Event::SequenceStart(..) => self.open(at, Inside::List(Vec::new()))?,
            Event::MappingStart(..) => {
                self.open(at, Inside::Map { entries: Vec::new(), key: Key::Awaited })?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Open { at, inside } = self.open.pop()?;
                let kind = match inside {
                    Inside::List(items) => NodeKind::List(items),
                    Inside::Map { entries, .. } => NodeKind::Map(self.without_repeats(entries)),
                };
                self.close(at, kind)?;
            }
            Event::Alias(_) => {
                self.findings.error(at, "an anchor is repeated", "write it out: anchors are not read");
                self.close(at, NodeKind::Null)?;
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Some(())
    }

    fn open(&mut self, at: At, inside: Inside) -> Option<()> {
        if self.open.len() >= DEPTH_MAX {
            self.findings.error(at, format!("more than {DEPTH_MAX} levels inside each other"), "flatten it");
            return None;
        }
        self.open.push(Open { at, inside });
        Some(())
    }

    /// A node is complete: it is a key, a value, an item, or the whole.
    fn close(&mut self, at: At, kind: NodeKind) -> Option<()> {
        match self.open.last_mut().map(|open| &mut open.inside) {
            None => self.whole = Some(Node { at, kind }),
            Some(Inside::List(items)) => items.push(Node { at, kind }),
            Some(Inside::Map { entries, key }) => match std::mem::replace(key, Key::Awaited) {
                Key::Awaited => match name(kind) {
                    Some(name) => *key = Key::Of(name, at),
                    None => {
                        *key = Key::Unusable;
                        self.findings.error(at, "a key is not text", "quote it");
                    }
                },
                Key::Of(name, key_at) => {
                    let at = match kind {
                        NodeKind::List(_) | NodeKind::Map(_) | NodeKind::Null => key_at,
                        _ => at.max(key_at),
                    };
                    entries.push((name, Node { at, kind }));
                }
                Key::Unusable => {}
            },
        }
        Some(())
    }

    /// Every key once: those that come again are findings, and the first one counts.
    fn without_repeats(&mut self, entries: Vec<(String, Node)>) -> Vec<(String, Node)> {
        let repeats = repeats(&entries);
        if repeats.is_empty() {
            return entries;
        }
        for (name, node) in repeats.iter().map(|ix| &entries[*ix]) {
            self.findings.error(node.at, format!("the key {name} is given twice"), "keep one of them");
        }
        let first = |(ix, entry)| (!repeats.contains(&ix)).then_some(entry);
        entries.into_iter().enumerate().filter_map(first).collect()
    }
}

/// Places of keys that stood before.
fn repeats(entries: &[(String, Node)]) -> BTreeSet<usize> {
    let names = || entries.iter().map(|(name, _)| name.as_str());
    if entries.len() <= FEW_KEYS {
        let stood_before = |(ix, name): &(usize, &str)| names().take(*ix).any(|before| before == *name);
        return names().enumerate().filter(stood_before).map(|(ix, _)| ix).collect();
    }
    let mut seen = HashSet::with_capacity(entries.len());
    names().enumerate().filter(|(_, name)| !seen.insert(*name)).map(|(ix, _)| ix).collect()
}

/// A key: text, or what reads as a whole number or a truth value.
fn name(kind: NodeKind) -> Option<String> {
    match kind {
        NodeKind::Text(name) => Some(name),
        NodeKind::Int(name) => Some(name.to_string()),
        NodeKind::Bool(name) => Some(name.to_string()),
        _ => None,
    }
}

/// What an unquoted scalar means: the core schema of YAML 1.2.2, section 10.3.2.
fn plain(text: &str) -> NodeKind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return NodeKind::Null,
        "true" | "True" | "TRUE" => return NodeKind::Bool(true),
        "false" | "False" | "FALSE" => return NodeKind::Bool(false),
        _ => {}
    }
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return NodeKind::Text(text.to_owned());
    }
    let radix = |digits: &str, radix| i64::from_str_radix(digits, radix).ok();
    let int = match text.as_bytes() {
        [b'0', b'x', ..] => radix(&text[2..], 16),
        [b'0', b'o', ..] => radix(&text[2..], 8),
        _ => text.parse().ok(),
    };
    match int.map(NodeKind::Int).or_else(|| number(text).map(NodeKind::Number)) {
        Some(kind) => kind,
        None => NodeKind::Text(text.to_owned()),
    }
}

fn number(text: &str) -> Option<f64> {
    match text {
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Some(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
        _ if text.bytes().any(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    }
}

fn line(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        let check = |text: &str, expected: &str| assert_eq!(format!("{:?}", plain(text)), expected, "{text}");
        check("", "Null");
        check("~", "Null");
        check("True", "Bool(true)");
        check("yes", "Text(\"yes\")");
        check("18", "Int(18)");
        check("+18", "Int(18)");
        check("-0", "Int(0)");
        check("0x1f", "Int(31)");
        check("0o17", "Int(15)");
        check("9223372036854775808", "Number(9.223372036854776e18)");
        check("29.9", "Number(29.9)");
        check("1e3", "Number(1000.0)");
        check(".5", "Number(0.5)");
        check("-.inf", "Number(-inf)");
        check(".nan", "Number(NaN)");
        check("1.2.3", "Text(\"1.2.3\")");
        check("2026-01-01", "Text(\"2026-01-01\")");
        check("-", "Text(\"-\")");
        check("+", "Text(\"+\")");
        check("30d", "Text(\"30d\")");
        check("inf", "Text(\"inf\")");
    }
}
