//! Explains mistakes by characters that look like others.

use super::characters::{meant, with_plain_characters};
use super::usage::Usage;

/// Returns the better explanation of a mistake if its word contains a character that looks like another.
pub(crate) fn explain(usage: Usage, words: &[&str]) -> Usage {
    let culprit = match &usage {
        // A dash that is no minus makes no option, so the word is the first and not the one that was found.
        Usage::NoVerb(_) => words.first().copied(),
        usage => usage.culprit(),
    };
    let found = culprit.and_then(|word| word.chars().find(|&character| meant(character).is_some()));
    // Of short options in one word the mistake names only one.
    let word = found.and_then(|found| words.iter().find(|word| word.contains(found)));
    match found.zip(word) {
        None => usage,
        Some((character, word)) => Usage::Lookalike {
            word: (*word).to_owned(),
            character,
            typed: with_plain_characters(word),
            mistake: Box::new(usage),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(usage: Usage, words: &[&str]) -> String {
        explain(usage, words).to_string()
    }

    #[test]
    fn dashes_blanks_and_marks_are_named_with_what_to_type() {
        let no_verb = |words: &[&str]| explained(Usage::NoVerb(words[0].into()), words);
        assert_eq!(no_verb(&["–A", "–t"]), "\"–A\" has an en dash (U+2013) in place of \"-\": type \"-A\"");
        for (word, typed) in [
            ("—add-service", "--add-service"),
            ("––add-service", "--add-service"),
            ("–tcp-service=10.0.0.1:80", "--tcp-service=10.0.0.1:80"),
            ("−L", "-L"),
            ("-–bogus", "--bogus"),
            ("-A\u{a0}-t", "-A -t"),
            ("\u{feff}-A", "-A"),
        ] {
            let sentence = no_verb(&[word]);
            assert!(sentence.ends_with(&format!(": type \"{typed}\"")), "{sentence}");
        }
        assert_eq!(
            no_verb(&["\u{feff}"]),
            "\"\\u{feff}\" has a byte-order mark (U+FEFF), which is invisible: leave it out"
        );
    }

    #[test]
    fn other_mistakes_keep_their_sentences() {
        for usage in [Usage::ExtraWord("x".into()), Usage::NoVerb("x".into()), Usage::ThreeTimeouts] {
            assert_eq!(explain(usage.clone(), &["x", "–t"]), usage);
        }
    }
}
