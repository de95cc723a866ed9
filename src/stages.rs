//! Single stages of a command, which `benches/in_process.rs` measures and `tests/documents` uses.

use ipvs_netlink::{Change, Connection, Table};

use crate::completion;
use crate::grammar::{List, Parser};
use crate::output::Output;
use crate::view;

/// Reads the words of a command line, and returns the change that it asks for.
#[must_use]
pub fn parse(words: &[&str]) -> Option<Change> {
    Parser::default().parse(words).ok()?.change()
}

/// Returns the mistake in a command line, as far as it can be found without looking names up.
#[must_use]
pub fn mistake(words: &[&str]) -> Option<String> {
    if words.first() == Some(&completion::COMMAND) {
        return None;
    }
    let mut parser = Parser::default();
    let outcome = parser.parse_provisionally(words);
    outcome.err().filter(|_| !parser.misses_names()).map(|mistake| mistake.to_string())
}

/// Formats a table as `-Ln` does. A text of more than 16 KiB would be printed.
#[must_use]
pub fn format_table(table: Table) -> Vec<u8> {
    let list = List { numeric: true, sorted: true, ..List::default() };
    let mut output = Output::default();
    // Nothing can fail that is not printed.
    let _ = view::table(&mut output, table.entries, None, &list);
    output.into_bytes()
}

/// Formats lines of the kernel's list of connections as `-Lnc` does. Stops at a malformed line.
#[must_use]
pub fn format_connections<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut output = Output::default();
    for connection in lines.into_iter().map_while(|line| Connection::parse(line).ok()) {
        view::connection(&mut output, &connection, false);
    }
    output.into_bytes()
}
