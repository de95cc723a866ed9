//! The command line as words: the table of commands and options, the two scanners that read words with it, and
//! everything that can be wrong with them.

mod characters;
mod examples;
mod lookalike;
mod options;
mod quick;
mod scanned;
mod scanner;
mod usage;

pub(crate) use lookalike::explain;
pub(crate) use options::{Arity, Entry, Opt, Verb};
pub(crate) use scanned::{Scanned, Value};
pub(crate) use scanner::{Scanner, help};
pub(crate) use usage::{Usage, bracket_hint};
