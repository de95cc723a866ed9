//! The form of a command line between the scanners and the grammar.

use std::borrow::Cow;

use super::options::{Opt, Verb};

/// A command with its options in the table's order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Scanned<'a> {
    pub(crate) verb: Verb,
    /// The command's own value.
    pub(crate) value: Value<'a>,
    pub(crate) options: Vec<(Opt, Value<'a>)>,
    /// Words that are neither options nor values.
    pub(crate) words: Vec<Cow<'a, str>>,
}

/// The value of an option, if it has one. The scanner that uses clap returns copies of words.
pub(crate) type Value<'a> = Option<Cow<'a, str>>;
