//! The JSON Schema of a playbook's files, kept by hand and held against the reader.
//!
//! Says which keys there are and of what types. Leaves out what only the compiler knows: names that must exist, rules
//! that must hold together.

/// JSON Schema (draft 2020-12) of one file of a playbook.
pub const PLAYBOOK: &str = include_str!("../../../playbooks/schema.json");

#[cfg(test)]
mod tests {
    use super::*;
    use actors::playbook::Dictionary;
    use actors::playbook::compile::compile;
    use actors::playbook::text::{Findings, Node, NodeKind, read_all};
    use serde_json::{Map, Value as Json, json};
    use std::collections::BTreeSet;

    fn schema() -> Json {
        serde_json::from_str(PLAYBOOK).expect("the schema is JSON")
    }

    /// What the reader says of a key it does not know: the keys it does.
    fn known_to_the_reader(text: &str) -> BTreeSet<String> {
        let files = [("p.yaml".to_owned(), text.to_owned())];
        let mistakes = compile(&files, &Dictionary::default()).expect_err("a key nobody knows");
        let told = mistakes.iter().find(|mistake| mistake.what.contains("zzzzzzzzzzzz"));
        let told = told.unwrap_or_else(|| panic!("{text}: {mistakes:?}"));
        let (_, keys) = told.fix.split_once(" are ").unwrap_or_else(|| panic!("{told}"));
        keys.split(", ").map(str::to_owned).collect()
    }

    #[test]
    fn the_schema_and_the_reader_know_the_same_keys() {
        let schema = schema();
        let check = |pointer: &str, text: &str| {
            let at = schema.pointer(pointer).unwrap_or_else(|| panic!("the schema has no {pointer}"));
            let properties = at["properties"].as_object().unwrap_or_else(|| panic!("{pointer} has no keys"));
            let ours: BTreeSet<String> = properties.keys().cloned().collect();
            assert_eq!(ours, known_to_the_reader(text), "{pointer}");
            assert_eq!(at["additionalProperties"], false, "{pointer}");
        };
        let z = "zzzzzzzzzzzz: 1";
        check("", z);
        let map = |section: &str| format!("{section}: {{{z}}}");
        let list = |section: &str| format!("{section}: [{{{z}}}]");
        let item = |section: &str| format!("/properties/{section}/items");
        for section in ["tenant", "kpi", "explore", "learning", "languages", "lifecycle"] {
            check(&format!("/properties/{section}"), &map(section));
        }
        for section in [
            "tags",
            "events",
            "offers",
            "context_weights",
            "caps",
            "suppress",
            "quiet_hours",
            "calendar",
            "holdouts",
            "experiments",
            "journeys",
            "fit",
            "partners",
            "pauses",
            "fences",
        ] {
            check(&item(section), &list(section));
        }
        check("/properties/channels/additionalProperties", &format!("channels: {{app: {{{z}}}}}"));
        let inner = |section: &str, path: &str, inner: &str| {
            check(
                &format!("{}/properties/{path}", item(section)),
                &format!("{section}: [{{id: a, {inner}}}]"),
            );
        };
        inner("tags", "translations/additionalProperties", &format!("translations: {{de: {{{z}}}}}"));
        check(
            &format!("{}/properties/updates/items", item("events")),
            &format!("events: [{{updates: [{{{z}}}]}}]"),
        );
        for key in ["valid", "rules", "place", "trigger"] {
            inner("offers", key, &format!("{key}: {{{z}}}"));
        }
        for key in ["affinity", "hours", "variants"] {
            inner("offers", &format!("{key}/items"), &format!("{key}: [{{{z}}}]"));
        }
        inner("caps", "window", &format!("window: {{{z}}}"));
        inner("experiments", "arms/items", &format!("arms: [{{{z}}}]"));
        inner("journeys", "entry", &format!("entry: {{{z}}}"));
        inner("journeys", "steps/items", &format!("steps: [{{id: s, {z}}}]"));
        for key in ["wait", "message"] {
            inner(
                "journeys",
                &format!("steps/items/properties/{key}"),
                &format!("steps: [{{{key}: {{{z}}}}}]"),
            );
        }
        inner(
            "journeys",
            "steps/items/properties/on_ignore/anyOf/1",
            &format!("steps: [{{on_ignore: {{{z}}}}}]"),
        );
        inner("journeys", "steps/items/properties/branch/items", &format!("steps: [{{branch: [{{{z}}}]}}]"));
        check("/properties/lifecycle/properties/moves/items", &format!("lifecycle: {{moves: [{{{z}}}]}}"));
        check(
            "/properties/languages/properties/words/additionalProperties",
            &format!("languages: {{words: {{de: {{{z}}}}}}}"),
        );
    }

    /// Holds a value against the parts of JSON Schema that ours uses; answers what does not fit.
    fn faults(schema: &Json, value: &Json, at: &str, found: &mut Vec<String>) {
        if let Some(ways) = schema["anyOf"].as_array() {
            let fits = |way: &Json| {
                let mut found = Vec::new();
                faults(way, value, at, &mut found);
                found.is_empty()
            };
            if !ways.iter().any(fits) {
                found.push(format!("{at} fits none"));
            }
        }
        let is = |kind: &str| match kind {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            other => panic!("the schema names the type {other}"),
        };
        let kinds = match &schema["type"] {
            Json::String(kind) => vec![kind.as_str()],
            Json::Array(kinds) => kinds.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        };
        if !kinds.is_empty() && !kinds.into_iter().any(is) {
            found.push(format!("{at} is {value}, not {}", schema["type"]));
        }
        if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
            found.push(format!("{at} is {value}, not one of {}", schema["enum"]));
        }
        for (place, item) in value.as_array().into_iter().flatten().enumerate() {
            faults(&schema["items"], item, &format!("{at}[{place}]"), found);
        }
        let Some(fields) = value.as_object() else { return };
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str) {
            if !fields.contains_key(key) {
                found.push(format!("{at} lacks {key}"));
            }
        }
        for (key, field) in fields {
            match (&schema["properties"][key], &schema["additionalProperties"]) {
                (Json::Null, Json::Bool(false)) => found.push(format!("{at} has an unknown key {key}")),
                (Json::Null, others) => faults(others, field, &format!("{at}.{key}"), found),
                (known, _) => faults(known, field, &format!("{at}.{key}"), found),
            }
        }
    }

    fn as_json(node: &Node) -> Json {
        match &node.kind {
            NodeKind::Null => Json::Null,
            NodeKind::Bool(value) => json!(value),
            NodeKind::Int(value) => json!(value),
            NodeKind::Number(value) => json!(value),
            NodeKind::Text(value) => json!(value),
            NodeKind::List(items) => Json::Array(items.iter().map(as_json).collect()),
            NodeKind::Map(entries) => {
                let entries = entries.iter().map(|(key, node)| (key.to_string(), as_json(node)));
                Json::Object(entries.collect::<Map<String, Json>>())
            }
        }
    }

    fn faults_of(name: &str, text: &str) -> Vec<String> {
        let mut findings = Findings::default();
        let nodes = read_all(&[(name.to_owned(), text.to_owned())], &mut findings);
        let mut found = Vec::new();
        faults(&schema(), &as_json(nodes.first().expect("readable")), name, &mut found);
        found
    }

    #[test]
    fn the_sample_playbook_fits_the_schema() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../playbooks/telco");
        let mut files = 0;
        for entry in std::fs::read_dir(dir).expect("the sample playbook") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|ending| ending == "yaml") {
                let text = std::fs::read_to_string(&path).expect("a file");
                assert_eq!(faults_of(&path.display().to_string(), &text), Vec::<String>::new());
                files += 1;
            }
        }
        assert!(files > 5, "{files} files");
    }

    #[test]
    fn what_does_not_fit_the_schema_is_seen() {
        let check = |text: &str, expected: &str| assert_eq!(faults_of("p", text), [expected], "{text}");
        check("offers: [{id: a, rulez: 1}]", "p.offers[0] has an unknown key rulez");
        check("offers: [{title: a}]", "p.offers[0] lacks id");
        check("offers: [{id: a, price: cheap}]", "p.offers[0].price is \"cheap\", not \"number\"");
        check(
            "tags: [{id: a, type: integer}]",
            "p.tags[0].type is \"integer\", not one of [\"int\",\"number\",\"bool\",\"enum\",\"string\",\"time\"]",
        );
        check(
            "journeys: [{id: j, entry: {}, steps: [{id: s, on_accept: 3}]}]",
            "p.journeys[0].steps[0].on_accept fits none",
        );
    }
}
