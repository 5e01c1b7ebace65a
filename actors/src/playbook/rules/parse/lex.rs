//! From text to words: names, numbers, quoted text and signs, each with its place.
//!
//! Leaves out what may follow what ([`super`]).

use super::{Fault, LANGUAGE, fault};

/// A word of a rule.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    /// `t`, `age`, `in`, `true`
    Name(String),
    /// `18`; without its sign, so that the smallest whole number fits.
    Int(u64),
    /// `29.9`
    Number(f64),
    /// `'sms'`
    Text(String),
    /// `&&`, `<=`, `(`
    Sign(&'static str),
}

/// The signs of the language, the longer ones first.
const SIGNS: [&str; 19] =
    ["&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "*", "/", "(", ")", "[", "]", ",", "."];

/// The words of a text, in order.
pub(super) fn words(text: &str) -> Result<Vec<Word>, Fault> {
    let mut rest = text;
    let mut words = Vec::new();
    loop {
        rest = without_blanks(rest);
        let Some(first) = rest.chars().next() else { return Ok(words) };
        let (word, length) = match first {
            '\'' | '"' => quoted(rest, first)?,
            _ if first.is_ascii_digit() => number(rest)?,
            '.' if rest[1..].starts_with(|next: char| next.is_ascii_digit())
                && !matches!(words.last(), Some(Word::Name(_))) =>
            {
                number(rest)?
            }
            _ if first.is_ascii_alphabetic() || first == '_' => name(rest)?,
            _ => sign(rest, first)?,
        };
        words.push(word);
        rest = &rest[length..];
    }
}

/// Blanks, line ends, and `// ..` to the end of its line.
fn without_blanks(text: &str) -> &str {
    let rest = text.trim_start_matches([' ', '\t', '\n', '\r']);
    match rest.strip_prefix("//") {
        Some(comment) => without_blanks(comment.find('\n').map_or("", |end| &comment[end..])),
        None => rest,
    }
}

fn sign(rest: &str, first: char) -> Result<(Word, usize), Fault> {
    match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
        Some(sign) => Ok((Word::Sign(sign), sign.len())),
        None => Err(fault(format!("`{first}` is not part of the rule language"), LANGUAGE)),
    }
}

fn name(rest: &str) -> Result<(Word, usize), Fault> {
    let length = length_of(rest, |sign| sign.is_ascii_alphanumeric() || sign == '_');
    if rest[length..].starts_with(['\'', '"']) {
        return Err(fault(format!("`{}` stands before a quote", &rest[..length]), "write plain quotes: 'x'"));
    }
    Ok((Word::Name(rest[..length].to_owned()), length))
}

/// `18`, `0x1f`, `29.9`, `.5`, `1e3`
fn number(rest: &str) -> Result<(Word, usize), Fault> {
    let whole = length_of(rest, |sign| sign.is_ascii_digit());
    if let Some(digits) = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
        let length = 2 + length_of(digits, |sign| sign.is_ascii_hexdigit());
        let word = u64::from_str_radix(&rest[2..length], 16).ok().map(Word::Int);
        return ended(word, rest, length);
    }
    let mut length = whole;
    if let Some(fraction) = rest[length..].strip_prefix('.') {
        let digits = length_of(fraction, |sign| sign.is_ascii_digit());
        length += if digits > 0 { 1 + digits } else { 0 };
    }
    if rest[length..].starts_with(['e', 'E']) {
        let signed = usize::from(rest[length + 1..].starts_with(['+', '-']));
        let digits = length_of(&rest[length + 1 + signed..], |sign| sign.is_ascii_digit());
        length += if digits > 0 { 1 + signed + digits } else { 0 };
    }
    let text = &rest[..length];
    let word = match length == whole {
        true => text.parse().ok().map(Word::Int),
        false => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Word::Number),
    };
    ended(word, rest, length)
}

/// A number ends where no letter follows.
fn ended(word: Option<Word>, rest: &str, length: usize) -> Result<(Word, usize), Fault> {
    let more = length_of(&rest[length..], |sign| sign.is_ascii_alphanumeric() || sign == '_');
    match word {
        Some(word) if more == 0 => Ok((word, length)),
        _ => {
            let written = &rest[..length + more];
            Err(fault(format!("`{written}` is no number that can be used"), "write 18, 29.9 or 1e6"))
        }
    }
}

/// Text between quotes. One line; escapes as in JSON, and `\'`.
fn quoted(rest: &str, quote: char) -> Result<(Word, usize), Fault> {
    let mut text = String::new();
    let mut signs = rest.char_indices().skip(1);
    while let Some((ix, sign)) = signs.next() {
        match sign {
            _ if sign == quote => return Ok((Word::Text(text), ix + 1)),
            '\\' => {
                let Some((at, escape)) = signs.next() else { break };
                let digits = match escape {
                    'x' | 'X' => 2,
                    'u' => 4,
                    'U' => 8,
                    _ => 0,
                };
                let code = rest.get(at + 1..at + 1 + digits).unwrap_or("");
                match escaped(escape, code) {
                    Some(sign) => text.push(sign),
                    None => {
                        let what = format!("`\\{escape}{code}` is no escape");
                        return Err(fault(what, "write \\\\, \\', \\\", \\n, \\t, \\r or \\u00e9"));
                    }
                }
                signs.by_ref().take(digits).for_each(drop);
            }
            '\n' | '\r' => break,
            _ => text.push(sign),
        }
    }
    Err(fault(format!("a text has no closing {quote}"), "close it on the same line"))
}

fn escaped(escape: char, code: &str) -> Option<char> {
    match escape {
        'n' => Some('\n'),
        't' => Some('\t'),
        'r' => Some('\r'),
        '\\' | '\'' | '"' | '`' | '?' => Some(escape),
        'x' | 'X' | 'u' | 'U' if code.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
            u32::from_str_radix(code, 16).ok().and_then(char::from_u32)
        }
        _ => None,
    }
}

fn length_of(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|sign| !belongs(sign)).unwrap_or(text.len())
}
