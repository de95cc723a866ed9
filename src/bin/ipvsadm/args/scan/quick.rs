//! The usual command line, read without clap, which takes a hundred times as long. Whatever is not plainly
//! right is left to clap, which knows how to say what is wrong.

use std::borrow::Cow;

use super::{Scanned, Text};
use crate::args::options::{OPTIONS, Opt, VERBS, Value, Verb};

/// What an option's name stands for.
#[derive(Clone, Copy)]
enum Meaning {
    Verb(Verb),
    Option(Opt),
}

impl Meaning {
    fn value(self) -> Value {
        match self {
            Self::Verb(verb) => verb.row().value,
            Self::Option(option) => option.row().value,
        }
    }
}

/// Reads the words if they are a usual command line, in which clap would find the same.
pub fn scan<'a>(words: &[&'a str]) -> Option<Scanned<'a>> {
    let mut line = Line { verb: None, value: None, options: Vec::with_capacity(8), words: Vec::new() };
    let mut rest = words.iter().copied().peekable();
    while let Some(word) = rest.next() {
        if matches!(word, "" | "-" | "--") {
            return None;
        }
        if let Some(long) = word.strip_prefix("--") {
            let (name, attached) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (long, None),
            };
            line.take(by_long(name)?, attached, &mut rest)?;
        } else if let Some(bundle) = word.strip_prefix('-') {
            let mut shorts = bundle.chars();
            while let Some(short) = shorts.next() {
                let meaning = by_short(short)?;
                match meaning.value() {
                    Value::None => line.take(meaning, None, &mut rest)?,
                    _ => {
                        let attached = match shorts.as_str() {
                            "" => None,
                            attached => Some(attached.strip_prefix('=').unwrap_or(attached)),
                        };
                        line.take(meaning, attached, &mut rest)?;
                        break;
                    }
                }
            }
        } else {
            line.words.push(Cow::Borrowed(word));
        }
    }
    line.options.sort_unstable_by_key(|&(option, _)| option as usize);
    Some(Scanned { verb: line.verb?, value: line.value, options: line.options, words: line.words })
}

struct Line<'a> {
    verb: Option<Verb>,
    value: Text<'a>,
    options: Vec<(Opt, Text<'a>)>,
    words: Vec<Cow<'a, str>>,
}

impl<'a> Line<'a> {
    /// Takes an option with its value: the attached one or, where one may follow, the next word.
    fn take(
        &mut self,
        meaning: Meaning,
        attached: Option<&'a str>,
        rest: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>,
    ) -> Option<()> {
        let value = match (meaning.value(), attached) {
            (Value::None, None) => None,
            (Value::None, Some(_)) | (_, Some("")) => return None,
            (_, Some(value)) => Some(value),
            (Value::Required(_), None) => Some(rest.next().filter(|word| !matches!(*word, "" | "--"))?),
            (Value::Optional(_), None) => rest.next_if(|word| !word.is_empty() && !word.starts_with('-')),
        };
        let value = value.map(Cow::Borrowed);
        match meaning {
            Meaning::Verb(Verb::Help | Verb::Version) => return None,
            Meaning::Verb(verb) if self.verb.is_none() => (self.verb, self.value) = (Some(verb), value),
            Meaning::Verb(_) => return None,
            Meaning::Option(option) => {
                if self.verb.is_none() || self.options.iter().any(|(given, _)| *given == option) {
                    return None;
                }
                self.options.push((option, value));
            }
        }
        Some(())
    }
}

/// What each ASCII character stands for.
const SHORTS: [Option<Meaning>; 128] = {
    let mut shorts = [None; 128];
    let mut place = 0;
    while place < VERBS.len() {
        if let Some(short) = VERBS[place].short {
            shorts[short as usize] = Some(Meaning::Verb(VERBS[place].verb));
        }
        place += 1;
    }
    place = 0;
    while place < OPTIONS.len() {
        if let Some(short) = OPTIONS[place].short {
            shorts[short as usize] = Some(Meaning::Option(OPTIONS[place].option));
        }
        place += 1;
    }
    shorts['l' as usize] = shorts['L' as usize];
    shorts
};

fn by_short(short: char) -> Option<Meaning> {
    *SHORTS.get(short as usize)?
}

fn by_long(long: &str) -> Option<Meaning> {
    let option = || OPTIONS.iter().find(|row| row.long == long).map(|row| Meaning::Option(row.option));
    VERBS.iter().find(|row| row.long == long).map(|row| Meaning::Verb(row.verb)).or_else(option)
}
