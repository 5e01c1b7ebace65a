//! Did you mean..? The word that was meant, when one is near enough.

/// A dictionary may hold 90,000 words that look alike; this many are compared letter by letter.
const COMPARED_MAX: usize = 5000;

/// The word nearest to what was written, when it is near enough to be meant.
#[must_use]
pub fn nearest<'a>(written: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near_max = 1 + written.chars().count() / 4;
    words
        .into_iter()
        .filter(|word| word.len().abs_diff(written.len()) <= near_max && *word != written)
        .filter(|word| (letters(word) ^ letters(written)).count_ones() as usize <= 2 * near_max)
        .take(COMPARED_MAX)
        .map(|word| (distance(written, word, near_max), word))
        .filter(|(far, _)| *far <= near_max)
        .min()
        .map(|(_, word)| word)
}

/// Which letters a word has, roughly: one bit for each of 64 groups.
fn letters(word: &str) -> u64 {
    word.bytes().fold(0, |set, byte| set | 1 << (byte % 64))
}

/// Letters to add, drop, change or swap on the way from one word to the other; at least `enough + 1` beyond that.
fn distance(from: &str, to: &str, enough: usize) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    if from.len() > 64 || to.len() > 64 {
        return enough + 1;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let mut best = (row[j] + usize::from(a != b)).min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                best = best.min(before[j - 1] + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(enough + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_one_that_may_be_meant() {
        let check = |written: &str, expected: Option<&str>| {
            assert_eq!(nearest(written, ["eligible", "age", "offers"]), expected, "{written}");
        };
        check("agee", Some("age"));
        check("eligibel", Some("eligible"));
        check("ofers", Some("offers"));
        check("contract", None);
    }
}
