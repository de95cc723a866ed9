//! Numbers of connections as rows.

use super::grid::{Grid, Tone};
use super::screen::Screen;
use super::words;
use crate::grammar::{CountBy, CountColumn};
use crate::output::Output;
use crate::view::Counted;

/// Appends a table of numbers of connections, with their shares of all.
pub(crate) fn people_counts(
    output: &mut Output,
    what: CountBy,
    counts: &[(Counted, u64)],
    total: u64,
    screen: Screen,
) {
    let name = match what {
        CountBy::Client => CountColumn::Client,
        CountBy::Service => CountColumn::Service,
        CountBy::Server => CountColumn::Server,
        CountBy::State => CountColumn::State,
    };
    let mut grid = Grid::new(vec![name, CountColumn::Connections, CountColumn::Share]);
    for (counted, count) in counts {
        grid.row(Tone::Plain, |column| match column {
            CountColumn::Connections => count.to_string(),
            CountColumn::Share => words::share(*count, total),
            _ => words::endpoint(output, |output| counted.write(output)),
        });
    }
    let (text, note) = grid.render(screen);
    output.push(text);
    output.push(note.unwrap_or_default());
}
