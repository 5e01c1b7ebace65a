//! Whatever arrives, the compiler answers: it never panics.

use super::tests::{EVENTS, OFFERS, TAGS, sound};
use super::*;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_text_makes_the_compiler_panic(text in "(\\PC|\n){0,200}") {
        let _ = compile(&[("a.yaml".to_owned(), text)], &Dictionary::default());
    }

    #[test]
    fn no_damage_makes_the_compiler_panic(at in 0usize..3000, with in "[-{}\\[\\]:,'\"#&*!|>% \na1~\u{e9}]{1,6}", cut in 0usize..6) {
        let mut text: Vec<char> = format!("{TAGS}{EVENTS}{OFFERS}").chars().collect();
        let at = at % text.len();
        let end = (at + cut).min(text.len());
        text.splice(at..end, with.chars());
        let _ = compile(&[("a.yaml".to_owned(), text.into_iter().collect())], &Dictionary::default());
    }

    #[test]
    fn no_bytes_make_the_canonical_reader_panic(at in 0usize..4000, with in any::<u8>()) {
        let mut bytes = sound().playbook.canonical.to_vec();
        let at = at % bytes.len();
        bytes[at] = with;
        let _ = from_canonical(&bytes, &Dictionary::default());
    }
}
