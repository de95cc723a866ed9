//! The words of one command line: [`Arguments`] reads them, [`Line`] writes them.

use std::borrow::Cow;
use std::fmt::{Display, Write};
use std::ops::RangeInclusive;
use std::str::FromStr;

use ipvs_netlink::NameError;

use crate::cli::{Opt, Scanned, Usage, Value, Verb};
use crate::names::Hosts;
use crate::output::Output;

pub(super) type Result<T> = std::result::Result<T, Usage>;

/// The options and words of a command, each until it is taken.
pub(super) struct Arguments<'a, 'h> {
    pub(super) verb: Verb,
    /// The command's own value.
    pub(super) value: Value<'a>,
    pub(super) words: Vec<Cow<'a, str>>,
    options: Vec<(Opt, Value<'a>)>,
    /// Finds the addresses of host names.
    pub(super) hosts: &'h mut Hosts,
}

impl<'a, 'h> Arguments<'a, 'h> {
    /// Checks that the command accepts the options and the number of words.
    pub(super) fn new(scanned: Scanned<'a>, hosts: &'h mut Hosts) -> Result<Self> {
        let Scanned { verb, value, mut options, mut words } = scanned;
        if verb == Verb::Save {
            // After -S the letter -o is short for --output, whose value the scanner takes for a word.
            let is_given = options.iter().any(|(option, _)| *option == Opt::Output);
            if let Some(output) = options.iter_mut().find(|(option, _)| *option == Opt::OnePacket) {
                if is_given {
                    return Err(Usage::Repeated(Opt::Output.name().to_owned()));
                }
                let file = words.pop().ok_or_else(|| Usage::NoValue(Opt::OnePacket.name().to_owned()))?;
                *output = (Opt::Output, Some(file));
            }
        }
        if let Some(&(option, _)) = options.iter().find(|(option, _)| !option.verbs().contains(&verb)) {
            return Err(Usage::NotAllowed(option, verb));
        }
        let max_words = match verb {
            Verb::SetTimeouts => 3,
            Verb::Restore | Verb::Help => 1,
            _ => 0,
        };
        match words.get(max_words) {
            Some(word) => Err(extra_word(verb, &options, word)),
            None => Ok(Self { verb, value, words, options, hosts }),
        }
    }

    /// Returns the first of these options that was given, without taking it.
    pub(super) fn find(&self, options: &[Opt]) -> Option<Opt> {
        let is_given = |option: &Opt| self.options.iter().any(|(existing, _)| existing == option);
        options.iter().copied().find(is_given)
    }

    pub(super) fn take(&mut self, option: Opt) -> Option<Value<'a>> {
        let index = self.options.iter().position(|&(existing, _)| existing == option)?;
        Some(self.options.swap_remove(index).1)
    }

    pub(super) fn flag(&mut self, option: Opt) -> bool {
        self.take(option).is_some()
    }

    pub(super) fn value(&mut self, option: Opt) -> Value<'a> {
        self.take(option).flatten()
    }

    pub(super) fn number<T>(&mut self, option: Opt, range: RangeInclusive<T>) -> Result<Option<T>>
    where
        T: FromStr + PartialOrd + Display,
    {
        self.value(option).map(|text| number(option, &text, range)).transpose()
    }

    /// Takes a name that the kernel can keep. An empty one stands for the default.
    pub(super) fn name<T: FromStr<Err = NameError>>(&mut self, option: Opt) -> Result<Option<T>> {
        let text = self.value(option).filter(|text| !text.is_empty());
        text.map(|text| name(option, &text)).transpose()
    }

    /// Takes one of several options that exclude each other.
    pub(super) fn exclusive<const N: usize>(
        &mut self,
        options: [Opt; N],
    ) -> Result<Option<(Opt, Value<'a>)>> {
        let mut found: Option<(Opt, Value<'a>)> = None;
        for option in options {
            if let Some(value) = self.take(option) {
                if let Some((first, _)) = found {
                    return Err(Usage::Conflict(first, option));
                }
                found = Some((option, value));
            }
        }
        Ok(found)
    }
}

/// Explains a word that does not belong to the command. One that looks like an address may lack its option.
fn extra_word(verb: Verb, options: &[(Opt, Value<'_>)], word: &str) -> Usage {
    let takes_server = verb != Verb::List && Opt::RealServer.verbs().contains(&verb);
    let has_server = options.iter().any(|&(option, _)| option == Opt::RealServer);
    let is_server = takes_server && !has_server && word.contains(['.', ':']);
    let sentence = if is_server { Usage::BareServer } else { Usage::ExtraWord };
    sentence(word.to_owned())
}

pub(super) fn bad_value(option: Opt, value: &str, why: impl Display) -> Usage {
    Usage::BadValue { option, value: value.to_owned(), why: why.to_string() }
}

pub(super) fn name<T: FromStr<Err = NameError>>(option: Opt, text: &str) -> Result<T> {
    text.parse().map_err(|error| bad_value(option, text, error))
}

/// Reads the decimal number that an option takes.
pub(super) fn number<T>(option: Opt, text: &str, range: RangeInclusive<T>) -> Result<T>
where
    T: FromStr + PartialOrd + Display,
{
    decimal(text, &range).ok_or_else(|| {
        bad_value(option, text, format_args!("it is a number from {} to {}", range.start(), range.end()))
    })
}

/// Reads a decimal number. Blanks and a `+` before it are allowed.
pub(super) fn decimal<T: FromStr + PartialOrd>(text: &str, range: &RangeInclusive<T>) -> Option<T> {
    text.trim_start().parse().ok().filter(|number| range.contains(number))
}

/// A command line that is being written.
pub(super) struct Line<'a>(&'a mut Output);

impl<'a> Line<'a> {
    pub(super) fn start(output: &'a mut Output, verb: Verb) -> Self {
        output.push(verb.name());
        Self(output)
    }

    pub(super) fn flag(&mut self, option: Opt) {
        self.0.push(" ");
        self.0.push(option.name());
    }

    pub(super) fn option(&mut self, option: Opt, append_value: impl FnOnce(&mut Output)) {
        self.flag(option);
        self.0.push(" ");
        append_value(self.0);
    }

    pub(super) fn number(&mut self, option: Opt, number: impl itoa::Integer) {
        self.option(option, |output| output.number(number));
    }

    pub(super) fn text(&mut self, option: Opt, value: impl Display) {
        self.flag(option);
        self.word(value);
    }

    /// Appends an option with a name, which is escaped: the kernel's names may be anything.
    pub(super) fn name(&mut self, option: Opt, name: &[u8]) {
        self.option(option, |output| output.foreign(name));
    }

    pub(super) fn word(&mut self, word: impl Display) {
        // Writing to memory cannot fail.
        let _ = write!(self.0, " {word}");
    }
}

#[cfg(test)]
mod tests {
    use crate::grammar::Parser;

    #[test]
    fn only_one_file_can_be_saved_into() {
        let mistake =
            |words: &[&str]| Parser::default().parse(words).err().map(|mistake| mistake.to_string());
        for words in [["-S", "-o", "a", "--output", "b"], ["-S", "--output", "b", "-o", "a"]] {
            assert_eq!(mistake(&words).as_deref(), Some("--output is given twice"), "{words:?}");
        }
        for words in [["-S", "-o", "a"], ["-S", "--output", "b"]] {
            assert_eq!(mistake(&words), None, "{words:?}");
        }
    }
}
