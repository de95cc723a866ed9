//! The content of the screen: lines of spans, some of which stand out.

use std::collections::HashMap;

use ipvs_netlink::{DestinationId, ServiceId};

/// The look of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Plain,
    /// Headings.
    Bold,
    /// The first line, and values that have changed.
    Inverse,
}

/// A part of a line.
pub(super) type Span = (Look, String);

/// The thing that a line of the listing is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    Service(ServiceId),
    Settings(ServiceId),
    /// The line that says that a service has none.
    NoServers(ServiceId),
    Server(ServiceId, DestinationId),
}

/// The lines of this and of the last reading, by which changes are found.
#[derive(Default)]
pub(super) struct Changes {
    before: HashMap<Subject, String>,
    now: HashMap<Subject, String>,
}

impl Changes {
    /// Begins a new reading.
    pub(super) fn advance(&mut self) {
        self.before = std::mem::take(&mut self.now);
    }

    /// Forgets everything: the lines look different now.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns the line with the words marked that have changed since the last reading.
    pub(super) fn mark(&mut self, subject: Subject, line: &str) -> Vec<Span> {
        self.now.insert(subject, line.to_owned());
        match self.before.get(&subject) {
            Some(before) if before != line => mark_words(line, before),
            _ => vec![(Look::Plain, line.to_owned())],
        }
    }
}

/// Marks the words that are not the same as the words before. If there are more or fewer of them, all are marked.
fn mark_words(line: &str, before: &str) -> Vec<Span> {
    let mut old = before.split_whitespace();
    let same_count = line.split_whitespace().count() == old.clone().count();
    let mut spans: Vec<Span> = Vec::new();
    for part in line.split_inclusive(' ') {
        let word = part.trim_end();
        let look = match word {
            "" => Look::Plain,
            word if old.next() == Some(word) && same_count => Look::Plain,
            _ => Look::Inverse,
        };
        spans.push((look, word.to_owned()));
        spans.push((Look::Plain, part[word.len()..].to_owned()));
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(line: &str, before: &str) -> String {
        let mark = |(look, text): Span| if look == Look::Inverse { format!("<{text}>") } else { text };
        mark_words(line, before).into_iter().map(mark).collect()
    }

    #[test]
    fn words_that_have_changed_are_marked_and_nothing_else_is() {
        for (line, before, expected) in [
            (
                "  -> 10.0.0.1:80   Masq  1  25",
                "  -> 10.0.0.1:80   Masq  1  7",
                "  -> 10.0.0.1:80   Masq  1  <25>",
            ),
            ("a 1 2", "a 2 1", "a <1> <2>"),
            ("a full 2", "a 2", "<a> <full> <2>"),
            ("a", "a", "a"),
        ] {
            assert_eq!(marked(line, before), expected);
        }
    }

    #[test]
    fn a_line_is_compared_with_the_last_reading_however_often_it_is_drawn() {
        let mut changes = Changes::default();
        let subject = Subject::Service(ServiceId::tcp(([192, 0, 2, 1], 80)));
        let is_marked = |spans: Vec<Span>| spans.iter().any(|(look, _)| *look == Look::Inverse);
        assert!(!is_marked(changes.mark(subject, "a 1")));
        changes.advance();
        assert!(is_marked(changes.mark(subject, "a 2")) && is_marked(changes.mark(subject, "a 2")));
        changes.advance();
        assert!(!is_marked(changes.mark(subject, "a 2")));
    }
}
