//! The words before the one that is completed. They need not make sense.

use crate::cli::{Arity, Entry, Opt, Verb};

/// The meaning of the words, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Line<'a> {
    pub(super) verb: Option<Verb>,
    options: Vec<(Opt, Option<&'a str>)>,
    /// The number of words that are neither options nor their values.
    pub(super) words: usize,
    /// The command or option whose value comes next, or can come next.
    pub(super) expects: Option<Entry>,
}

impl<'a> Line<'a> {
    pub(super) fn read(words: impl Iterator<Item = &'a str>) -> Self {
        let mut line = Self::default();
        for word in words {
            match line.expects.take() {
                Some(entry) if !(entry.is_optional() && word.starts_with('-')) => line.set_value(entry, word),
                _ => line.read_word(word),
            }
        }
        line
    }

    pub(super) fn has(&self, option: Opt) -> bool {
        self.options.iter().any(|(given, _)| *given == option)
    }

    pub(super) fn value(&self, option: Opt) -> Option<&'a str> {
        self.options.iter().find(|(given, _)| *given == option)?.1
    }

    fn read_word(&mut self, word: &'a str) {
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) =
                long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            if let Some(entry) = long_entry(name) {
                self.add(entry, value);
            }
        } else if let Some(cluster) = word.strip_prefix('-').filter(|cluster| !cluster.is_empty()) {
            self.read_cluster(cluster);
        } else {
            self.words += 1;
        }
    }

    /// Reads short options in one word, of which the last may have its value in it.
    fn read_cluster(&mut self, cluster: &'a str) {
        for (index, short) in cluster.char_indices() {
            let Some(entry) = self.short_entry(short) else { return };
            let rest = &cluster[index + short.len_utf8()..];
            let value = rest.strip_prefix('=').unwrap_or(rest);
            if entry.row().arity == Arity::None {
                self.add(entry, None);
            } else {
                return self.add(entry, Some(value).filter(|_| !rest.is_empty()));
            }
        }
    }

    fn short_entry(&self, short: char) -> Option<Entry> {
        match (self.verb, short) {
            (Some(Verb::Save), 'o') => Some(Entry::Option(Opt::Output)),
            (_, 'l') => Some(Entry::Verb(Verb::List)),
            _ => Entry::ALL.iter().copied().find(|entry| entry.row().short == Some(short)),
        }
    }

    fn add(&mut self, entry: Entry, value: Option<&'a str>) {
        match entry {
            Entry::Verb(_) if self.verb == Some(Verb::Help) => self.words += 1,
            Entry::Verb(verb) => self.verb = self.verb.or(Some(verb)),
            Entry::Option(option) => self.options.push((option, value)),
        }
        self.expects = Some(entry).filter(|entry| value.is_none() && entry.row().arity != Arity::None);
    }

    fn set_value(&mut self, entry: Entry, word: &'a str) {
        if let (Entry::Option(_), Some((_, value))) = (entry, self.options.last_mut()) {
            *value = Some(word);
        }
    }
}

/// Finds a command or an option by its long name.
pub(super) fn long_entry(name: &str) -> Option<Entry> {
    Entry::ALL.iter().copied().find(|entry| entry.row().long == name)
}
