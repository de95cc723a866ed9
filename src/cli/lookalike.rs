//! Characters that look like a minus, like a blank or like nothing. Web pages and editors put them into command
//! lines.

use super::options::Entry;
use super::usage::Usage;

/// The character that is meant by one that looks like it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meant {
    Minus,
    Blank,
    Nothing,
}

const LOOKALIKES: [(char, &str, Meant); 17] = [
    ('\u{ad}', "a soft hyphen", Meant::Minus),
    ('\u{2010}', "a hyphen", Meant::Minus),
    ('\u{2011}', "a non-breaking hyphen", Meant::Minus),
    ('\u{2012}', "a figure dash", Meant::Minus),
    ('\u{2013}', "an en dash", Meant::Minus),
    ('\u{2014}', "an em dash", Meant::Minus),
    ('\u{2015}', "a horizontal bar", Meant::Minus),
    ('\u{2212}', "a minus sign of mathematics", Meant::Minus),
    ('\u{fe58}', "a small em dash", Meant::Minus),
    ('\u{fe63}', "a small hyphen", Meant::Minus),
    ('\u{ff0d}', "a full-width hyphen", Meant::Minus),
    ('\u{a0}', "a no-break space", Meant::Blank),
    ('\u{2007}', "a figure space", Meant::Blank),
    ('\u{202f}', "a narrow no-break space", Meant::Blank),
    ('\u{3000}', "an ideographic space", Meant::Blank),
    ('\u{200b}', "a zero-width space", Meant::Nothing),
    ('\u{feff}', "a byte-order mark", Meant::Nothing),
];

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

/// Returns the sentence about a character, such as `an en dash (U+2013) in place of "-"`.
pub(super) fn describe(character: char) -> String {
    let name = LOOKALIKES.iter().find(|&&(lookalike, ..)| lookalike == character).map_or("it", |row| row.1);
    let place = match meant(character) {
        Some(Meant::Minus) => " in place of \"-\"",
        Some(Meant::Blank) => " in place of a blank",
        _ => ", which is invisible",
    };
    format!("{name} (U+{:04X}){place}", u32::from(character))
}

fn meant(character: char) -> Option<Meant> {
    LOOKALIKES.iter().find(|&&(lookalike, ..)| lookalike == character).map(|&(.., meant)| meant)
}

/// Returns the word as it should have been typed.
fn with_plain_characters(word: &str) -> String {
    let plain = |character| match meant(character) {
        None => Some(character),
        Some(Meant::Minus) => Some('-'),
        Some(Meant::Blank) => Some(' '),
        Some(Meant::Nothing) => None,
    };
    let typed: String = word.chars().filter_map(plain).collect();
    // Some programs turn two dashes into one.
    let name = typed.strip_prefix('-').and_then(|name| name.split('=').next());
    if Entry::ALL.iter().any(|entry| Some(entry.row().long) == name) { format!("-{typed}") } else { typed }
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
