//! A row of a file: ready to be sent, or rejected with its line and a reason.

use super::mapping::Defaults;
use actors::call::CustomerId;
use serde::Deserialize;
use serde_json::Value;

/// What became of reading one row.
#[derive(Debug)]
pub enum Row {
    /// It can be sent.
    Ready(Entry),
    /// It can't be read.
    Rejected(Reject),
}

/// A row that can be sent.
#[derive(Debug)]
pub struct Entry {
    /// Its first line in the file.
    pub line: u64,
    /// Whose it is.
    pub customer: CustomerId,
    /// One line of JSON, without its end.
    pub json: Vec<u8>,
}

/// A row that was not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// Its first line in the file.
    pub line: u64,
    /// Whose it is, if that could be read.
    pub customer: Option<String>,
    /// One word, for programs.
    pub code: String,
    /// What is wrong, for people.
    pub detail: String,
}

impl Reject {
    /// A row of which nothing is known but its line.
    pub fn new(line: u64, code: &str, detail: impl Into<String>) -> Self {
        Reject { line, customer: None, code: code.to_owned(), detail: detail.into() }
    }
}

/// A line of `{"customer", "source", "as_of", "set", "unset"}`; what it leaves out comes from `defaults`.
pub fn of_tag_line(line: u64, text: &str, defaults: &Defaults) -> Row {
    let mut patch: serde_json::Map<String, Value> = match serde_json::from_str(text) {
        Ok(patch) => patch,
        Err(error) => return Row::Rejected(Reject::new(line, "bad_json", error.to_string())),
    };
    patch.entry("source").or_insert_with(|| defaults.source.as_str().into());
    patch.entry("as_of").or_insert_with(|| defaults.as_of.to_string().into());
    let customer = patch.get("customer").and_then(Value::as_str);
    ready(line, customer, Value::Object(patch.clone()).to_string().into_bytes())
}

/// A line that holds one structured CloudEvent; it is sent as it stands.
pub fn of_event_line(line: u64, text: &str) -> Row {
    #[derive(Deserialize)]
    struct Addressed {
        subject: Option<String>,
    }
    match serde_json::from_str::<Addressed>(text) {
        Ok(event) => ready(line, event.subject.as_deref(), text.as_bytes().to_vec()),
        Err(error) => Row::Rejected(Reject::new(line, "bad_json", error.to_string())),
    }
}

/// Names the customer, or rejects the row.
pub fn ready(line: u64, customer: Option<&str>, json: Vec<u8>) -> Row {
    match customer.and_then(CustomerId::new) {
        Some(customer) => Row::Ready(Entry { line, customer, json }),
        None => Row::Rejected(Reject::new(
            line,
            "bad_customer",
            "no customer id of 1 to 128 bytes without control characters",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actors::timestamp::Timestamp;

    #[test]
    fn a_tag_line_keeps_what_it_says_and_gets_what_it_leaves_out() {
        let defaults = Defaults { source: "import".to_owned(), as_of: Timestamp::from_ms(0) };
        let check = |text: &str, expected: &str| match of_tag_line(3, text, &defaults) {
            Row::Ready(entry) => assert_eq!(String::from_utf8_lossy(&entry.json), expected),
            Row::Rejected(reject) => assert_eq!(reject.code, expected),
        };
        check(
            r#"{"customer":"c","set":{"age":4}}"#,
            r#"{"as_of":"1970-01-01T00:00:00Z","customer":"c","set":{"age":4},"source":"import"}"#,
        );
        check(
            r#"{"as_of":"x","customer":"c","source":"crm"}"#,
            r#"{"as_of":"x","customer":"c","source":"crm"}"#,
        );
        check(r#"{"set":{}}"#, "bad_customer");
        check(r#"{"customer":""}"#, "bad_customer");
        check("[]", "bad_json");
        check("{", "bad_json");
    }
}
