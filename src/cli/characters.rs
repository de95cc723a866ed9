//! Characters that look like a minus, like a blank or like nothing. Web pages and editors put them into command
//! lines.

use super::options::Entry;

/// The character that is meant by one that looks like it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meant {
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

/// Returns what is meant by a character that looks like another.
pub(super) fn meant(character: char) -> Option<Meant> {
    LOOKALIKES.iter().find(|&&(lookalike, ..)| lookalike == character).map(|&(.., meant)| meant)
}

/// Returns the word as it should have been typed.
pub(super) fn with_plain_characters(word: &str) -> String {
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
