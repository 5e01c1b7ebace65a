//! What is different between two playbooks, by section and id.
//!
//! Compares what the authors wrote (the canonical form), so a comment or another order of files is no change.

use crate::error::Failure;
use actors::playbook::source::Source;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Entries named one by one in a section; more are counted.
const NAMED_MAX: usize = 40;

/// What a playbook would change.
#[derive(Debug)]
pub struct Changes {
    /// The playbook in force; `None`: there is none.
    from: Option<String>,
    /// The other one.
    to: String,
    sections: BTreeMap<String, Section>,
}

#[derive(Debug, Default)]
struct Section {
    added: Vec<String>,
    removed: Vec<String>,
    changed: Vec<String>,
}

/// The canonical form as a document whose sections are maps by id.
pub fn document(canonical: &[u8]) -> Result<Value, Failure> {
    let unreadable = |detail: String| Failure::Failed(detail);
    let source = Source::from_canonical(canonical).map_err(|error| unreadable(error.to_string()))?;
    serde_json::to_value(source).map_err(|error| unreadable(error.to_string()))
}

/// The changes from the node's active playbook, as it answers `GET /v1/playbooks/active`, to ours.
pub fn against(active: Option<&Value>, to: &str, ours: &Value) -> Changes {
    match active {
        Some(active) => between(active["id"].as_str(), &active["document"], to, ours),
        None => between(None, &Value::Null, to, ours),
    }
}

/// The changes from `old` to `new`, documents as made by [`document`].
pub fn between(from: Option<&str>, old: &Value, to: &str, new: &Value) -> Changes {
    let (old, new) = (by_id(old), by_id(new));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let nothing = BTreeMap::new();
    let sections = names.into_iter().map(|name| {
        let (old, new) = (old.get(name).unwrap_or(&nothing), new.get(name).unwrap_or(&nothing));
        let ids = |ids: &BTreeMap<String, &Value>, wanted: &dyn Fn(&String) -> bool| {
            ids.keys().filter(|id| wanted(id)).cloned().collect::<Vec<_>>()
        };
        let section = Section {
            added: ids(new, &|id| !old.contains_key(id)),
            removed: ids(old, &|id| !new.contains_key(id)),
            changed: ids(new, &|id| old.get(id).is_some_and(|it| *it != new[id])),
        };
        (name.clone(), section)
    });
    let sections = sections.filter(|(_, section)| !section.is_empty()).collect();
    Changes { from: from.map(str::to_owned), to: to.to_owned(), sections }
}

/// Every section as a map: by id, by name, by place in the list, or as a whole.
fn by_id(document: &Value) -> BTreeMap<String, BTreeMap<String, &Value>> {
    let sections = document.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let entries = |name: &String, value: &'_ Value| -> Vec<String> {
        match value {
            Value::Array(list) => (0..).zip(list).map(|(n, entry): (usize, _)| id_of(entry, n)).collect(),
            Value::Object(map) => map.keys().cloned().collect(),
            _ => vec![name.clone()],
        }
    };
    sections
        .map(|(name, value)| {
            let values: Vec<&Value> = match value {
                Value::Array(list) => list.iter().collect(),
                Value::Object(map) => map.values().collect(),
                other => vec![other],
            };
            (name.clone(), entries(name, value).into_iter().zip(values).collect())
        })
        .collect()
}

fn id_of(entry: &Value, place: usize) -> String {
    entry["id"].as_str().map_or_else(|| format!("#{}", place + 1), str::to_owned)
}

impl Section {
    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

impl Changes {
    /// For programs.
    pub fn to_json(&self) -> Value {
        let sections: Map<String, Value> = self
            .sections
            .iter()
            .map(|(name, it)| {
                (name.clone(), json!({"added": it.added, "removed": it.removed, "changed": it.changed}))
            })
            .collect();
        json!({ "from": self.from, "to": self.to, "sections": sections })
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |id: &str| id.chars().take(12).collect::<String>();
        match &self.from {
            Some(from) if *from == self.to => {
                return write!(f, "no change: playbook {} is active", short(from));
            }
            Some(from) => write!(f, "from playbook {} to {}", short(from), short(&self.to))?,
            None => write!(f, "the first playbook: {}", short(&self.to))?,
        }
        for (name, section) in &self.sections {
            let counts =
                [("added", &section.added), ("removed", &section.removed), ("changed", &section.changed)];
            let counts: Vec<String> = counts
                .iter()
                .filter(|(_, ids)| !ids.is_empty())
                .map(|(word, ids)| format!("{} {word}", ids.len()))
                .collect();
            write!(f, "\n{}: {}", name.replace('_', " "), counts.join(", "))?;
            if self.from.is_none() {
                continue;
            }
            let marked = [('+', &section.added), ('-', &section.removed), ('~', &section.changed)];
            let all: Vec<String> = marked
                .iter()
                .flat_map(|(mark, ids)| ids.iter().map(move |id| format!("{mark} {id}")))
                .collect();
            for line in all.iter().take(NAMED_MAX) {
                write!(f, "\n  {line}")?;
            }
            if all.len() > NAMED_MAX {
                write!(f, "\n  ... and {} more", all.len() - NAMED_MAX)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_compared_by_their_ids() {
        let old = json!({
            "kpi": "clv", "tags": [{"id": "age", "kind": "int"}, {"id": "old", "kind": "int"}],
            "channels": {"sms": {"kind": "webhook"}}, "suppress": [{"on": "rejected"}], "explore": null,
        });
        let new = json!({
            "kpi": "cash_flow", "tags": [{"id": "new", "kind": "int"}, {"id": "age", "kind": "number"}],
            "channels": {"sms": {"kind": "webhook"}}, "suppress": [{"on": "ignored"}], "explore": null,
        });
        let changes = between(Some("aaa"), &old, "bbb", &new);
        let expected = "from playbook aaa to bbb\n\
            kpi: 1 changed\n  ~ kpi\n\
            suppress: 1 changed\n  ~ #1\n\
            tags: 1 added, 1 removed, 1 changed\n  + new\n  - old\n  ~ age";
        assert_eq!(changes.to_string(), expected);
        assert_eq!(changes.to_json()["sections"]["tags"]["added"], json!(["new"]));
        assert_eq!(between(Some("aaa"), &old, "aaa", &old).to_string(), "no change: playbook aaa is active");
    }

    #[test]
    fn what_the_node_has_is_compared_with_ours() {
        let active = json!({"id": "aaa", "document": {"offers": [{"id": "x"}, {"id": "y", "price": 1}]}});
        let ours = json!({"offers": [{"id": "y", "price": 2}, {"id": "z"}]});
        let expected = "from playbook aaa to bbb\noffers: 1 added, 1 removed, 1 changed\n  + z\n  - x\n  ~ y";
        assert_eq!(against(Some(&active), "bbb", &ours).to_string(), expected);
        assert_eq!(against(None, "bbb", &ours).to_string(), "the first playbook: bbb\noffers: 2 added");
    }
}
