//! What can be wrong with the input of `-R`, shown with the line.

use std::fmt::Write;

use super::usage::printable;
use super::{Failure, Usage};

/// So many mistakes are shown; of binary files every line is one.
const SHOWN: usize = 20;
/// Longer lines are shown only in part.
const LONGEST: usize = 160;

/// A line that makes no sense.
#[derive(Debug)]
struct Mistake {
    /// Its number, counted from 1.
    number: usize,
    line: String,
    error: Usage,
}

/// The first mistakes, and how many there are.
#[derive(Debug, Default)]
pub struct Mistakes {
    shown: Vec<Mistake>,
    total: usize,
}

impl Mistakes {
    /// Adds a mistake; the line is only asked for if it will be shown.
    pub fn add(&mut self, number: usize, line: impl FnOnce() -> String, error: Usage) {
        self.total += 1;
        if self.shown.len() < SHOWN {
            self.shown.push(Mistake { number, line: line(), error });
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }
}

/// A change that the kernel refused.
#[derive(Debug)]
pub struct RefusedLine {
    /// The number of the line that asks for it, counted from 1; no line asks for a deletion of `--replace`.
    pub number: Option<usize>,
    /// Why.
    pub error: Failure,
}

pub(super) fn mistakes(input: &str, mistakes: &Mistakes) -> String {
    let mut text = String::new();
    for Mistake { number, line, error } in &mistakes.shown {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{input}:{number}: {error}");
        text.push_str(&marked(line, error.culprit()));
    }
    if mistakes.total > mistakes.shown.len() {
        let _ = writeln!(text, "... and {} more", mistakes.total - mistakes.shown.len());
    }
    text.push_str("ipvsadm: nothing was applied");
    text
}

pub(super) fn refusals(input: &str, refused: &[RefusedLine]) -> String {
    let sentence = |RefusedLine { number, error }: &RefusedLine| match number {
        Some(number) => format!("{input}:{number}: {error}\n"),
        None => format!("ipvsadm: {error}\n"),
    };
    refused.iter().map(sentence).collect()
}

/// The line, with a marker under the word if it is found there.
fn marked(line: &str, word: Option<&str>) -> String {
    let line = line.trim_end();
    let place = word.filter(|word| !word.is_empty()).and_then(|word| Some((line.rfind(word)?, word)));
    let start = match place {
        // The word has to be in sight.
        Some((place, _)) if place > LONGEST / 2 => floor(line, place - LONGEST / 2),
        _ => 0,
    };
    let shown = printable(&line[start..floor(line, start + LONGEST)]);
    match place {
        None => format!("    {shown}\n"),
        Some((place, word)) => {
            let blanks = line[start..place].chars().count();
            let length = word.chars().count().min(shown.chars().count().saturating_sub(blanks)).max(1);
            format!("    {shown}\n    {}{}\n", " ".repeat(blanks), "^".repeat(length))
        }
    }
}

/// The last place at or before this one where a character begins.
fn floor(text: &str, place: usize) -> usize {
    (0..=place.min(text.len())).rev().find(|&place| text.is_char_boundary(place)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_marked_also_in_long_lines_and_foreign_scripts() {
        assert_eq!(marked("-A -t x:y", Some("x:y")), "    -A -t x:y\n          ^^^\n");
        assert_eq!(marked("-A\t-t grün\x1b\r", Some("grün\x1b")), "    -A -t grün?\n          ^^^^^\n");
        assert_eq!(marked("-A", Some("")), "    -A\n");
        assert_eq!(marked("-A", None), "    -A\n");
        let long = format!("{} wrong {}", "ä".repeat(1000), "ö".repeat(1000));
        let marked = marked(&long, Some("wrong"));
        let [line, marker] = marked.lines().collect::<Vec<_>>()[..] else { panic!() };
        assert!(line.chars().count() < 200);
        let place = marker.chars().position(|character| character == '^').unwrap();
        assert_eq!(line.chars().skip(place).take(5).collect::<String>(), "wrong");
    }

    #[test]
    fn only_the_first_mistakes_are_shown() {
        let mut wrong = Mistakes::default();
        for number in 1..=50 {
            wrong.add(number, || "x".into(), Usage::LineNotUtf8);
        }
        let text = mistakes("<stdin>", &wrong);
        assert_eq!(text.lines().count(), 2 * SHOWN + 2);
        assert!(text.contains("\n... and 30 more\n"), "{text}");
    }
}
