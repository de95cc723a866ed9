//! Faults in the input of `-R`, shown with their lines.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::cli::Usage;
use crate::grammar::looks_like_shell;
use crate::terminal::{printable, quote};

/// The number of mistakes or refusals that are shown: in a binary file every line is one.
pub(crate) const MAX_SHOWN: usize = 20;
/// Longer lines are shown only in part.
const MAX_LINE_LEN: usize = 160;

/// The first mistakes in an input, and the number of all.
#[derive(Debug, Default)]
pub(crate) struct Mistakes {
    shown: Vec<Mistake>,
    total: usize,
    /// Set if a line that is shown may be one of a shell script.
    has_shell: bool,
}

/// A line, or a value in a document, that makes no sense.
#[derive(Debug)]
struct Mistake {
    /// The number of the line, counted from 1.
    number: usize,
    error: String,
    /// The line with a mark below its word that is wrong. Values of documents are named by their paths.
    marked: String,
}

impl Mistakes {
    /// Adds a mistake. The text of the line is asked for only if it will be shown.
    pub(crate) fn add(&mut self, number: usize, line: impl FnOnce() -> String, error: Usage) {
        self.total += 1;
        if self.shown.len() < MAX_SHOWN {
            let line = line();
            self.has_shell |= looks_like_shell(&line);
            let marked = marked(&line, error.culprit());
            self.shown.push(Mistake { number, error: error.to_string(), marked });
        }
    }

    /// Adds a value in a document. The number of its line is asked for only if it will be shown.
    pub(crate) fn add_value(&mut self, number: impl FnOnce() -> usize, path: &str, why: &str) {
        self.total += 1;
        if self.shown.len() < MAX_SHOWN {
            let mistake = Mistake { number: number(), error: at_path(path, why), marked: String::new() };
            self.shown.push(mistake);
        }
    }

    /// Counts mistakes beyond those that are shown.
    pub(crate) fn add_uncounted(&mut self, number: usize) {
        self.total += number;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.total == 0
    }
}

/// Lines that repeat earlier ones word for word, or say the same in other words.
#[derive(Debug, Default)]
pub(crate) struct Repeated {
    /// The first one, and the line that it repeats.
    first: Option<(usize, usize)>,
    total: usize,
}

impl Repeated {
    pub(crate) fn add(&mut self, number: usize, earlier: usize) {
        self.total += 1;
        self.first.get_or_insert((number, earlier));
    }

    /// Says on standard error that the lines are applied once, which is no failure.
    pub(crate) fn report(&self, input: &str) {
        let Some((number, earlier)) = self.first else { return };
        let others = match self.total {
            1 => String::new(),
            total => format!(", and {} more repeat others", total - 1),
        };
        // Nobody can be told if standard error is closed.
        let _ = writeln!(
            std::io::stderr(),
            "{}:{number}: this line repeats line {earlier}{others}: applied once",
            quote(input)
        );
    }
}

/// A change that the kernel refused.
#[derive(Debug)]
pub(crate) struct RefusedLine {
    /// The number of the line that asks for it, counted from 1. A deletion by `--replace` has none.
    pub(crate) number: Option<usize>,
    /// The sentence about the refusal.
    pub(crate) error: String,
}

/// The first changes that the kernel refused, and the number of all.
#[derive(Debug, Default)]
pub(crate) struct RefusedLines {
    shown: Vec<RefusedLine>,
    total: usize,
}

impl RefusedLines {
    /// Adds a refusal, which is put into words only if it will be shown: to find its place may take time.
    pub(crate) fn add(&mut self, line: impl FnOnce() -> RefusedLine) {
        self.total += 1;
        if self.shown.len() < MAX_SHOWN {
            self.shown.push(line());
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.total == 0
    }
}

/// Writes the path to a value before the sentence about it.
pub(crate) fn at_path(path: &str, why: &str) -> String {
    if path.is_empty() { why.to_owned() } else { format!("{path}: {why}") }
}

pub(super) fn mistakes(input: &str, mistakes: &Mistakes) -> String {
    let mut text = String::new();
    for Mistake { number, error, marked } in &mistakes.shown {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}:{number}: {}", quote(input), quote(error));
        text.push_str(marked);
    }
    if mistakes.total > mistakes.shown.len() {
        let _ = writeln!(text, "... and {} more", mistakes.total - mistakes.shown.len());
    }
    text.push_str("ipvsadm: nothing was applied");
    if mistakes.has_shell {
        text.push_str(
            "\nipvsadm: a shell script cannot be restored: run it once with a shell, and save the table by 'ipvsadm-save -o FILE'",
        );
    }
    text
}

/// Writes sentences, each on a line.
pub(super) fn sentences(lines: &[String]) -> String {
    let mut text: String =
        lines.iter().take(MAX_SHOWN).map(|line| format!("ipvsadm: {}\n", quote(line))).collect();
    if lines.len() > MAX_SHOWN {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "... and {} more", lines.len() - MAX_SHOWN);
    }
    text
}

pub(super) fn refusals(input: &str, refused: &RefusedLines) -> String {
    let input = quote(input);
    let sentence = |RefusedLine { number, error }: &RefusedLine| match number {
        Some(number) => format!("{input}:{number}: {}\n", quote(error)),
        None => format!("ipvsadm: {}\n", quote(error)),
    };
    let mut text: String = refused.shown.iter().map(sentence).collect();
    if refused.total > refused.shown.len() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "... and {} more", refused.total - refused.shown.len());
    }
    text
}

/// Joins the first texts of a list, and the number of all others.
pub(super) fn shorten_list(texts: &[String]) -> String {
    let mut shown: Vec<String> = texts.iter().take(MAX_SHOWN).map(|text| quote(text).into_owned()).collect();
    if texts.len() > MAX_SHOWN {
        shown.push(format!("and {} more", texts.len() - MAX_SHOWN));
    }
    shown.join(", ")
}

/// Indents the line, and marks the word below it if the line has it.
fn marked(line: &str, word: Option<&str>) -> String {
    let line = line.trim_end();
    let found = word.filter(|word| !word.is_empty()).and_then(|word| Some((line.rfind(word)?, word)));
    let start = match found {
        // The word has to be in sight.
        Some((index, _)) if index > MAX_LINE_LEN / 2 => floor_boundary(line, index - MAX_LINE_LEN / 2),
        _ => 0,
    };
    let shown = printable(&line[start..floor_boundary(line, start + MAX_LINE_LEN)]);
    match found {
        None => format!("    {shown}\n"),
        Some((index, word)) => {
            let blanks = line[start..index].chars().count();
            let length = word.chars().count().min(shown.chars().count().saturating_sub(blanks)).max(1);
            format!("    {shown}\n    {}{}\n", " ".repeat(blanks), "^".repeat(length))
        }
    }
}

/// Returns the last index up to this one at which a character begins.
fn floor_boundary(text: &str, index: usize) -> usize {
    (0..=index.min(text.len())).rev().find(|&index| text.is_char_boundary(index)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_marked_in_short_and_long_lines_and_any_script() {
        assert_eq!(marked("-A -t x:y", Some("x:y")), "    -A -t x:y\n          ^^^\n");
        assert_eq!(marked("-A\t-t grün\x1b\r", Some("grün\x1b")), "    -A -t grün?\n          ^^^^^\n");
        assert_eq!(marked("-A", Some("")), "    -A\n");
        assert_eq!(marked("-A", None), "    -A\n");
        let long = format!("{} wrong {}", "ä".repeat(1000), "ö".repeat(1000));
        let marked = marked(&long, Some("wrong"));
        let [line, marker] = marked.lines().collect::<Vec<_>>()[..] else { panic!() };
        assert!(line.chars().count() < 200);
        let column = marker.chars().position(|character| character == '^').unwrap();
        assert_eq!(line.chars().skip(column).take(5).collect::<String>(), "wrong");
    }

    #[test]
    fn mistakes_beyond_the_first_twenty_are_only_counted() {
        let mut wrong = Mistakes::default();
        for number in 1..=50 {
            wrong.add(number, || "-x".into(), Usage::LineNotUtf8);
        }
        let text = mistakes("<stdin>", &wrong);
        assert_eq!(text.lines().count(), 2 * MAX_SHOWN + 2);
        assert!(text.contains("\n... and 30 more\n"), "{text}");
    }

    #[test]
    fn refusals_beyond_the_first_twenty_are_only_counted() {
        let first = |count| {
            let mut lines = RefusedLines::default();
            for number in 1..=count {
                lines.add(|| RefusedLine { number: Some(number), error: "no".into() });
            }
            refusals("<stdin>", &lines)
        };
        let text = first(20);
        assert_eq!(text.lines().count(), MAX_SHOWN);
        let text = first(200_000);
        assert_eq!(text.lines().count(), MAX_SHOWN + 1);
        assert!(text.ends_with("<stdin>:20: no\n... and 199980 more\n"), "{text}");
        let list = shorten_list(&vec!["x".into(); 23]);
        assert!(list.ends_with("x, and 3 more") && list.matches('x').count() == MAX_SHOWN, "{list}");
    }
}
