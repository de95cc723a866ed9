//! Block by block: a line with the time, the listing, and a blank line.

use std::thread::sleep;
use std::time::Instant;

use ipvs_netlink::Table;

use super::reader::Reader;
use super::{Clock, stamp};
use crate::failure::Failure;
use crate::grammar::{List, ListFormat, Watch};
use crate::output::Output;
use crate::view::{self, Screen};

/// Prints blocks until the pipe closes, or the last one.
pub(super) fn run(reader: &mut Reader<'_>, output: &mut Output, watch: Watch) -> Result<(), Failure> {
    let mut clock = Clock::new(watch);
    // The reader has sorted already.
    let list = List { sorted: false, ..reader.list.clone() };
    let screen = Screen::of_stdout(list.color);
    loop {
        reader.read("")?;
        let entries = (0..reader.count()).map(|index| reader.entry(index));
        let table = Table::new(entries.collect::<Result<_, _>>()?);
        output.names.look_up(view::addresses(&table.entries));
        output.push(stamp() + "\n");
        match list.format {
            ListFormat::Table => view::people_table(output, table, reader.momentary(), &list, screen),
            _ => view::table(output, table.entries, None, &list).map_err(Failure::Output)?,
        }
        output.push("\n");
        output.print().map_err(Failure::Output)?;
        if clock.advance() {
            return Ok(());
        }
        sleep(clock.next.saturating_duration_since(Instant::now()));
    }
}
