//! `-L -c --count` and `--count-by`: numbers in place of connections.

use std::hash::Hash;

use ipvs_netlink::Connection;

use super::session::Session;
use super::source::Source;
use super::tally::Tally;
use crate::document::{CountFields, Writer};
use crate::failure::{self, Failure};
use crate::grammar::{ConnectionList, Count, CountBy, ListFormat};
use crate::names::Names;
use crate::view::{self, Counted, CountedService, Screen};

/// Shows numbers of connections. Lines that are malformed are not among them, and make the command fail at its end.
#[cold]
pub(super) fn run(
    session: &mut Session,
    connections: Source<'_>,
    options: &ConnectionList,
    count: Count,
) -> Result<(), Failure> {
    session.output.names = Names::new(options.numeric);
    let malformed = match count {
        Count::All => all(session, connections, options.format)?,
        Count::By { what, top } => {
            let by = By { options, what, top };
            match what {
                CountBy::Client => {
                    by.run(session, connections, |found| found.client.ip(), Counted::Client)?
                }
                CountBy::Service => by.run(session, connections, CountedService::new, Counted::Service)?,
                CountBy::Server => {
                    by.run(session, connections, |found| found.destination, Counted::Server)?
                }
                CountBy::State => {
                    by.run(session, connections, |found| found.state.to_vec(), Counted::State)?
                }
            }
        }
    };
    match malformed {
        0 => Ok(()),
        count => Err(Failure::LeftOutConnections(count)),
    }
}

fn all(session: &mut Session, connections: Source<'_>, format: ListFormat) -> Result<usize, Failure> {
    let mut count = 0_u64;
    let malformed = connections.for_each(|_| count += 1)?;
    if format == ListFormat::Json {
        let mut document = Writer::start(&mut session.output);
        document.field("count", &count).map_err(Failure::Output)?;
        end(document, malformed)?;
    } else {
        session.output.number(count);
        session.output.push("\n");
    }
    Ok(malformed)
}

/// The request for a number for each of something.
struct By<'a> {
    options: &'a ConnectionList,
    what: CountBy,
    top: Option<usize>,
}

impl By<'_> {
    /// Counts by a key, and returns the number of malformed lines.
    fn run<K: Hash + Ord>(
        &self,
        session: &mut Session,
        connections: Source<'_>,
        key: impl Fn(&Connection<'_>) -> K,
        counted: impl Fn(K) -> Counted,
    ) -> Result<usize, Failure> {
        let mut tally = Tally::new();
        let malformed = connections.for_each(|connection| tally.add(key(connection)))?;
        let (total, max_error) = (tally.total, tally.max_error);
        if max_error > 0 {
            failure::note(&format!(
                "too many to count exactly: each number is too low by at most {max_error}, and what has no more than \
                 that may be missing; a filter makes it exact"
            ));
        }
        let counts = tally.into_sorted(self.top).into_iter().map(|(key, count)| (counted(key), count));
        let counts: Vec<(Counted, u64)> = counts.collect();
        let names = &mut session.output.names;
        names.look_up(counts.iter().filter_map(|(counted, _)| counted.address()));
        match self.options.format {
            ListFormat::Json => {
                let names = std::mem::take(&mut session.output.names);
                let mut document = Writer::start(&mut session.output);
                document.field("count", &total).map_err(Failure::Output)?;
                document.list("counts", |list| {
                    for (counted, count) in &counts {
                        list.push(&CountFields::new(counted, *count, &names)).map_err(Failure::Output)?;
                        list.output.print_if_long().map_err(Failure::Output)?;
                    }
                    Ok::<(), Failure>(())
                })?;
                if max_error > 0 {
                    document.field("max_error", &max_error).map_err(Failure::Output)?;
                }
                end(document, malformed)?;
            }
            ListFormat::Table => {
                let screen = Screen::of_stdout(self.options.color);
                view::people_counts(&mut session.output, self.what, &counts, total, screen);
            }
            _ => {
                for (counted, count) in &counts {
                    view::count(&mut session.output, counted, *count);
                    session.output.print_if_long().map_err(Failure::Output)?;
                }
            }
        }
        Ok(malformed)
    }
}

/// Ends a document, after the number of malformed lines if there are any.
fn end(mut document: Writer<'_>, malformed: usize) -> Result<(), Failure> {
    if malformed > 0 {
        document.field("malformed", &malformed).map_err(Failure::Output)?;
    }
    document.end();
    Ok(())
}
