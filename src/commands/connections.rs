//! `-L -c`: the connections, any number of them in constant memory.

use ipvs_netlink::Connection;

use super::counting;
use super::session::Session;
use super::source::Source;
use crate::failure::Failure;
use crate::grammar::{ConnectionList, ListFormat};
use crate::names::Names;
use crate::output::Output;
use crate::view::{self, ConnectionTable, Screen};

/// The number of lines whose addresses are looked up together.
pub(super) const LINES_TOGETHER: usize = 1000;

/// Shows the connections, or numbers of them. Lines that are malformed are marked, and make the command fail at its end.
pub(super) fn run(session: &mut Session, options: &ConnectionList) -> Result<(), Failure> {
    let ConnectionList { engines, numeric, .. } = *options;
    let connections = Source::open(session, &options.filter)?;
    if let Some(count) = options.count {
        return counting::run(session, connections, options, count);
    }
    session.output.names = Names::new(numeric);
    if options.format == ListFormat::Table {
        return people_table(session, connections, options);
    }
    session.output.push(view::connections_header(engines));
    let mut list = List { output: &mut session.output, engines, malformed: 0 };
    if numeric {
        connections.for_each_line(|line| list.show(line))?;
    } else {
        let mut lines = Vec::new();
        connections.for_each_line(|line| {
            lines.push(line.to_vec());
            if lines.len() < LINES_TOGETHER {
                return Ok(());
            }
            list.show_named(&std::mem::take(&mut lines))
        })?;
        list.show_named(&lines)?;
    }
    match list.malformed {
        0 => Ok(()),
        count => Err(Failure::MalformedConnections(count)),
    }
}

/// Shows tables for people, each of as many connections as memory and the screen can bear.
#[cold]
fn people_table(
    session: &mut Session,
    connections: Source<'_>,
    options: &ConnectionList,
) -> Result<(), Failure> {
    let (output, screen) = (&mut session.output, Screen::of_stdout(options.color));
    let (mut lines, mut is_first, mut malformed) = (Vec::new(), true, 0);
    let mut show = |lines: &[Vec<u8>]| {
        look_up(output, lines);
        let mut table = ConnectionTable::new(options);
        for line in lines {
            match Connection::parse(line) {
                Ok(connection) => table.row(output, &connection),
                Err(_) => {
                    malformed += 1;
                    table.malformed(line);
                }
            }
        }
        if !std::mem::take(&mut is_first) {
            output.push("\n");
        }
        table.write(output, screen);
        output.print_if_long().map_err(Failure::Output)
    };
    connections.for_each_line(|line| {
        if lines.len() == LINES_TOGETHER {
            show(&std::mem::take(&mut lines))?;
        }
        lines.push(line.to_vec());
        Ok::<_, Failure>(())
    })?;
    show(&lines)?;
    match malformed {
        0 => Ok(()),
        count => Err(Failure::MalformedConnections(count)),
    }
}

/// Looks up the names of the addresses in lines.
fn look_up(output: &mut Output, lines: &[Vec<u8>]) {
    let connections = lines.iter().filter_map(|line| Connection::parse(line).ok());
    output.names.look_up(connections.flat_map(|connection| {
        [connection.client.ip(), connection.service.ip(), connection.destination.ip()]
    }));
}

/// A listing that is being written.
struct List<'a> {
    output: &'a mut Output,
    /// Shows the columns for persistence engines.
    engines: bool,
    /// The number of lines that are no connections.
    malformed: usize,
}

impl List<'_> {
    /// Shows lines with names in place of addresses and ports.
    fn show_named(&mut self, lines: &[Vec<u8>]) -> Result<(), Failure> {
        look_up(self.output, lines);
        lines.iter().try_for_each(|line| self.show(line))
    }

    fn show(&mut self, line: &[u8]) -> Result<(), Failure> {
        match Connection::parse(line) {
            Ok(connection) => view::connection(self.output, &connection, self.engines),
            Err(_) => {
                self.malformed += 1;
                view::malformed_connection(self.output, line);
            }
        }
        self.output.print_if_long().map_err(Failure::Output)
    }
}
