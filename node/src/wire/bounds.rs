//! How long texts may be that are remembered with a customer or a decision: a caller that sends a book in place of a
//! name must not fill what is kept of a customer for good.
//!
//! Ids have bounds of their own beside the requests that carry them.

use serde_json::{Map, Value as Json};

/// Names of channels, placements and purposes, in bytes: no playbook has longer ones.
pub const NAME_BYTES_MAX: usize = 128;
/// Who said something, in bytes.
pub const SOURCE_BYTES_MAX: usize = 64;
/// Words that go with a consent, in bytes: a citation, not the text that was consented to.
pub const NOTE_BYTES_MAX: usize = 512;
/// The context of a question as JSON, in bytes: it is logged with every decision.
pub const CONTEXT_BYTES_MAX: usize = 64 << 10;

/// Whether a text is short enough.
///
/// # Errors
/// A sentence naming the field.
pub fn text(field: &str, text: &str, bytes_max: usize) -> Result<(), String> {
    match text.len() {
        length if length > bytes_max => {
            Err(format!("{field} is {length} bytes long; at most {bytes_max} are kept"))
        }
        _ => Ok(()),
    }
}

/// Whether a context is small enough.
///
/// # Errors
/// A sentence with its size.
pub fn context(context: &Map<String, Json>) -> Result<(), String> {
    let bytes = serde_json::to_vec(context).map_or(usize::MAX, |bytes| bytes.len());
    match bytes > CONTEXT_BYTES_MAX {
        true => Err(format!("context is {bytes} bytes of JSON; at most {CONTEXT_BYTES_MAX} are kept")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_may_have_exactly_the_bytes_allowed() {
        let check = |content: &str, expected: Option<&str>| {
            assert_eq!(text("source", content, 4).err().as_deref(), expected, "{content}");
        };
        check("", None);
        check("four", None);
        check("fives", Some("source is 5 bytes long; at most 4 are kept"));
        check("üüü", Some("source is 6 bytes long; at most 4 are kept"));
    }

    #[test]
    fn a_context_is_measured_as_json() {
        let check = |bytes: usize, expected: bool| {
            let filler = "x".repeat(bytes - "{\"a\":\"\"}".len());
            let wrapped = json!({ "a": filler });
            assert_eq!(context(wrapped.as_object().unwrap()).is_ok(), expected, "{bytes}");
        };
        check(100, true);
        check(CONTEXT_BYTES_MAX, true);
        check(CONTEXT_BYTES_MAX + 1, false);
    }
}
