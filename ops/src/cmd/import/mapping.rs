//! How the columns of a table become tags.
//!
//! A mapping file lists every column: a column nobody thought of is an error before the first row is sent, not a tag
//! nobody wanted. Without a mapping file each column is a tag of its own name.

use super::row::{Reject, Row, ready};
use actors::timestamp::Timestamp;
use saphyr::{LoadableYamlNode, Yaml};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A mapping file.
#[derive(Debug)]
pub struct Mapping {
    /// The column with the customer's id.
    pub customer: String,
    /// Who says so.
    pub source: Option<String>,
    /// What becomes of each other column.
    pub columns: BTreeMap<String, Column>,
}

/// What becomes of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Left out on purpose.
    Skip,
    /// Its cells are values of a tag.
    Tag {
        /// The tag's id.
        tag: String,
        /// Words of the table and the values they stand for; a word that is not listed rejects its row.
        values: Option<BTreeMap<String, Value>>,
        /// What an empty cell means.
        empty: Empty,
        /// How a cell is read.
        kind: Kind,
    },
}

/// What an empty cell means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Empty {
    /// Nothing: the tag stays as it is.
    Skip,
    /// The tag is removed.
    Unset,
}

/// How a cell is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The first that fits: bool, int, number, text.
    Guess,
    /// As it is.
    Text,
    /// A whole number.
    Int,
    /// Any number.
    Number,
    /// true or false.
    Bool,
}

/// What rows that don't say it themselves get.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// Who says so.
    pub source: String,
    /// When it was true.
    pub as_of: Timestamp,
}

/// A mapping bound to the columns of one table.
#[derive(Debug)]
pub struct Plan {
    customer: usize,
    as_of: Option<usize>,
    columns: Vec<(usize, String, Column)>,
}

impl Mapping {
    /// Reads a mapping file; the error says what to mend.
    pub fn parse(text: &str) -> Result<Self, String> {
        let documents = Yaml::load_from_str(text).map_err(|error| error.to_string())?;
        let file =
            documents.first().and_then(Yaml::as_mapping).ok_or("expected customer, source and columns")?;
        let mut mapping = Mapping { customer: String::new(), source: None, columns: BTreeMap::new() };
        for (key, value) in file {
            match (word(key).as_deref(), value) {
                (Some("customer"), value) => {
                    mapping.customer = word(value).ok_or("customer: expected a column")?;
                }
                (Some("source"), value) => {
                    mapping.source = Some(word(value).ok_or("source: expected a name")?);
                }
                (Some("columns"), Yaml::Mapping(columns)) => {
                    for (name, rule) in columns {
                        let name = word(name).ok_or("columns: expected names of columns")?;
                        let column = column(rule).map_err(|what| format!("column {name}: {what}"))?;
                        mapping.columns.insert(name, column);
                    }
                }
                (Some("columns"), _) => {
                    return Err("columns: expected `name: {tag: ...}` or `name: skip`".to_owned());
                }
                (key, _) => {
                    let key = key.unwrap_or("?");
                    return Err(format!("unknown key {key}; there are customer, source and columns"));
                }
            }
        }
        if mapping.customer.is_empty() {
            Err("customer: name the column with the id".to_owned())
        } else {
            Ok(mapping)
        }
    }
}

fn column(rule: &Yaml<'_>) -> Result<Column, String> {
    let Yaml::Mapping(parts) = rule else {
        return match word(rule).as_deref() {
            Some("skip") => Ok(Column::Skip),
            _ => Err("expected `{tag: ...}` or `skip`".to_owned()),
        };
    };
    let (mut tag, mut values, mut empty, mut kind) = (None, None, Empty::Skip, Kind::Guess);
    for (key, value) in parts {
        match (word(key).as_deref().unwrap_or("?"), word(value).as_deref()) {
            ("tag", Some(id)) => tag = Some(id.to_owned()),
            ("values", None) => values = Some(words_and_values(value)?),
            ("empty", Some("skip")) => empty = Empty::Skip,
            ("empty", Some("unset")) => empty = Empty::Unset,
            ("as", Some("text")) => kind = Kind::Text,
            ("as", Some("int")) => kind = Kind::Int,
            ("as", Some("number")) => kind = Kind::Number,
            ("as", Some("bool")) => kind = Kind::Bool,
            ("empty", _) => return Err("empty: expected skip or unset".to_owned()),
            ("as", _) => return Err("as: expected text, int, number or bool".to_owned()),
            (key, _) => return Err(format!("{key}: expected tag, values, empty and as")),
        }
    }
    let tag = tag.ok_or("tag: name the tag, or write `skip`")?;
    Ok(Column::Tag { tag, values, empty, kind })
}

fn words_and_values(yaml: &Yaml<'_>) -> Result<BTreeMap<String, Value>, String> {
    let shape = || "values: expected `word: value` pairs".to_owned();
    let pairs = yaml.as_mapping().ok_or_else(shape)?.iter();
    pairs.map(|(key, value)| Ok((word(key).ok_or_else(shape)?, scalar(value).ok_or_else(shape)?))).collect()
}

/// A scalar as the word it was meant as, whatever YAML takes it for.
fn word(yaml: &Yaml<'_>) -> Option<String> {
    match scalar(yaml)? {
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

fn scalar(yaml: &Yaml<'_>) -> Option<Value> {
    let text = yaml.as_str().map(Value::from);
    let number = yaml.as_integer().map(Value::from).or_else(|| yaml.as_floating_point().map(Value::from));
    text.or_else(|| yaml.as_bool().map(Value::from)).or(number)
}

impl Plan {
    /// Every column of the table must be listed, and every listed one must be there.
    pub fn by_mapping(mapping: &Mapping, header: &[String]) -> Result<Self, String> {
        let at = |name: &str| header.iter().position(|column| column == name);
        let lost = mapping.columns.keys().chain([&mapping.customer]).find(|name| at(name).is_none());
        if let Some(name) = lost {
            return Err(format!("the mapping names column {name}, which the file does not have"));
        }
        let mut columns = Vec::new();
        for (ix, name) in header.iter().enumerate() {
            match mapping.columns.get(name) {
                Some(column) => columns.push((ix, name.clone(), column.clone())),
                None if *name == mapping.customer || name == "as_of" => {}
                None => {
                    return Err(format!(
                        "column {name} is not in the mapping; add `{name}: {{tag: ...}}` or `{name}: skip`"
                    ));
                }
            }
        }
        let as_of = at("as_of").filter(|_| !mapping.columns.contains_key("as_of"));
        let customer = at(&mapping.customer).unwrap_or_default();
        Plan { customer, as_of, columns }.checked()
    }

    /// The customer is the column `customer`, or else the first; every other one is a tag of its name.
    pub fn by_names(header: &[String]) -> Result<Self, String> {
        let at = |name: &str| header.iter().position(|column| column == name);
        let (customer, as_of) = (at("customer").unwrap_or(0), at("as_of"));
        let tag = |(ix, name): (usize, &String)| {
            let column =
                Column::Tag { tag: name.clone(), values: None, empty: Empty::Skip, kind: Kind::Guess };
            (ix != customer && Some(ix) != as_of).then(|| (ix, name.clone(), column))
        };
        Plan { customer, as_of, columns: header.iter().enumerate().filter_map(tag).collect() }.checked()
    }

    fn checked(self) -> Result<Self, String> {
        let mut seen = std::collections::BTreeSet::new();
        for (_, name, column) in &self.columns {
            if let Column::Tag { tag, .. } = column
                && !seen.insert(tag)
            {
                return Err(format!("column {name}: another column sets tag {tag} already"));
            }
        }
        Ok(self)
    }

    /// A record as one line of tags, or why not.
    pub fn row(&self, line: u64, cells: &csv::StringRecord, defaults: &Defaults) -> Row {
        let customer = cells[self.customer].trim();
        match self.patch(cells, defaults) {
            Ok(patch) => {
                let line_json = json!({
                    "customer": customer, "source": defaults.source, "as_of": patch.as_of,
                    "set": patch.set, "unset": patch.unset,
                });
                ready(line, Some(customer), line_json.to_string().into_bytes())
            }
            Err((code, detail)) => {
                let customer = Some(customer.to_owned()).filter(|id| !id.is_empty());
                Row::Rejected(Reject { line, customer, code: code.to_owned(), detail })
            }
        }
    }

    fn patch(&self, cells: &csv::StringRecord, defaults: &Defaults) -> Result<Patch, (&'static str, String)> {
        let said = self.as_of.map(|ix| cells[ix].trim()).filter(|text| !text.is_empty());
        let as_of = match said {
            None => defaults.as_of,
            Some(text) => Timestamp::parse(text)
                .ok_or_else(|| ("bad_time", format!("as_of {text}: write it like 2026-03-01T09:00:00Z")))?,
        };
        let mut patch = Patch { as_of: as_of.to_string(), set: Map::new(), unset: Vec::new() };
        for (ix, name, column) in &self.columns {
            let Column::Tag { tag, values, empty, kind } = column else { continue };
            let cell = cells[*ix].trim();
            match values.as_ref().map(|values| values.get(cell)) {
                Some(Some(value)) => drop(patch.set.insert(tag.clone(), value.clone())),
                _ if cell.is_empty() && *empty == Empty::Unset => patch.unset.push(tag.clone()),
                _ if cell.is_empty() => {}
                Some(None) => {
                    return Err(("unmapped_value", format!("column {name}: `{cell}` is not in its values")));
                }
                None => {
                    let value = kind.read(cell).ok_or_else(|| {
                        ("bad_value", format!("column {name}: `{cell}` can't be read as {}", kind.word()))
                    })?;
                    patch.set.insert(tag.clone(), value);
                }
            }
        }
        Ok(patch)
    }
}

struct Patch {
    as_of: String,
    set: Map<String, Value>,
    unset: Vec<String>,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Guess => "a value",
            Kind::Text => "text",
            Kind::Int => "int",
            Kind::Number => "number",
            Kind::Bool => "bool",
        }
    }

    fn read(self, cell: &str) -> Option<Value> {
        let int = || cell.parse::<i64>().ok().map(Value::from);
        let number = || cell.parse::<f64>().ok().filter(|x| x.is_finite()).map(Value::from);
        let bool = || cell.to_ascii_lowercase().parse::<bool>().ok().map(Value::from);
        match self {
            Kind::Text => Some(cell.into()),
            Kind::Int => int(),
            Kind::Number => number(),
            Kind::Bool => bool(),
            Kind::Guess if is_numeral(cell) => int().or_else(number),
            Kind::Guess => bool().or_else(|| Some(cell.into())),
        }
    }
}

/// Digits with perhaps a sign and a fraction. A leading zero or plus makes it a name, such as a postcode.
fn is_numeral(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(fraction) && (whole == "0" || !whole.starts_with('0'))
}

#[cfg(test)]
mod tests;
