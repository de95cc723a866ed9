//! From words to a [`Command`].
//!
//! `options` is the one table of verbs and options, `scan` turns the words of a command line into pairs of
//! option and value, `lower` gives the pairs their meaning, `values` reads the values.

mod lower;
mod options;
mod scan;
mod values;

use ipvs::{Change, ServiceId};

pub use options::{Opt, Verb};
pub use scan::help;

use crate::error::Usage;

/// What a command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Something that the kernel is to change.
    Change(Change),
    /// Show the table.
    List(List),
    /// Show the connections.
    Connections { engines: bool, numeric: bool },
    /// Show the timeouts.
    Timeouts,
    /// Show the sync daemons.
    Daemons,
    /// Print the table as commands; with `full` everything of it.
    Save { numeric: bool, full: bool },
    /// Run the commands in a file or on standard input.
    Restore(Restore),
    /// Explain the program.
    Help,
    /// Name the program's version.
    Version,
}

/// What to do with the commands of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restore {
    /// The file, if it is not standard input.
    pub file: Option<String>,
    /// Only read and check it.
    pub check: bool,
    /// Make the table what the file says instead of adding to it.
    pub replace: Option<Replace>,
}

/// How to replace the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replace {
    /// Only say what would be done.
    pub dry_run: bool,
    /// Leave services alone that the file does not name.
    pub keep_others: bool,
    /// A file that says nothing clears the table.
    pub allow_empty: bool,
}

/// What to list, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct List {
    /// Only this service.
    pub service: Option<ServiceId>,
    /// Which columns.
    pub view: View,
    /// Addresses and ports as numbers.
    pub numeric: bool,
    /// Counters as they are, instead of shortened with K, M, G.
    pub exact: bool,
    /// By address and port instead of the kernel's order.
    pub sorted: bool,
}

/// The columns of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Settings and numbers of connections.
    Plain,
    /// Counters since the last zeroing.
    Stats,
    /// Counters per second.
    Rate,
    /// Thresholds of servers.
    Thresholds,
    /// Clients that are bound to servers.
    PersistentConn,
    /// Tunnels to servers.
    TunInfo,
}

/// Reads command lines.
#[derive(Default)]
pub struct Parser(scan::Scanner);

impl Parser {
    /// Reads the words of a command line, without the program's name. No words at all ask for a listing.
    pub fn parse(&mut self, words: &[&str]) -> Result<Command, Usage> {
        lower::lower(self.0.scan(if words.is_empty() { &["-L"] } else { words })?)
    }
}
