//! Reads a config file: a YAML map of keys to simple values, each with the line it stands on.
//!
//! Leaves out what the keys mean.

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use serde_json::Value;

/// One key as written.
pub(super) struct Entry {
    pub line: usize,
    pub key: String,
    pub value: Value,
}

/// What is wrong, and where.
pub(super) struct Wrong {
    pub line: usize,
    pub what: String,
}

/// The entries in the order of the file; none for a file of comments.
pub(super) fn read(text: &str) -> Result<Vec<Entry>, Wrong> {
    let documents = MarkedYaml::load_from_str(text)
        .map_err(|error| Wrong { line: error.marker().line(), what: error.info().to_string() })?;
    let [document] = documents.as_slice() else {
        return match documents.get(1) {
            Some(second) => Err(Wrong { line: line_of(second), what: "one document only".into() }),
            None => Ok(Vec::new()),
        };
    };
    match &document.data {
        YamlData::Mapping(map) => map.iter().map(|(key, value)| entry(key, value)).collect(),
        YamlData::Value(Scalar::Null) => Ok(Vec::new()),
        _ => Err(Wrong { line: line_of(document), what: "expected lines of the form key: value".into() }),
    }
}

fn entry(key: &MarkedYaml<'_>, value: &MarkedYaml<'_>) -> Result<Entry, Wrong> {
    let line = line_of(key);
    let YamlData::Value(Scalar::String(name)) = &key.data else {
        return Err(Wrong { line, what: "a key must be a word".into() });
    };
    let simple = match &value.data {
        YamlData::Value(Scalar::String(text)) => Value::from(text.as_ref()),
        YamlData::Value(Scalar::Integer(number)) => Value::from(*number),
        YamlData::Value(Scalar::FloatingPoint(number)) => Value::from(number.into_inner()),
        YamlData::Value(Scalar::Boolean(truth)) => Value::from(*truth),
        YamlData::Value(Scalar::Null) => Value::Null,
        _ => return Err(Wrong { line, what: format!("{name}: expected one word or number") }),
    };
    Ok(Entry { line, key: name.to_string(), value: simple })
}

fn line_of(node: &MarkedYaml<'_>) -> usize {
    node.span.start.line()
}
