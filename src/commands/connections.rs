//! `-L -c`: the connections, any number of them in constant memory.

use std::io;

use ipvs_netlink::{Connection, Connections, ProcError};

use super::session::Session;
use crate::failure::Failure;
use crate::names::Names;
use crate::output::Output;
use crate::view;

/// The number of lines whose addresses are looked up together.
pub(super) const LINES_TOGETHER: usize = 1000;

/// Shows all connections. Lines that are malformed are marked, and make the command fail at its end.
pub(super) fn run(session: &mut Session, engines: bool, numeric: bool) -> Result<(), Failure> {
    let connections = open(session)?;
    session.output.names = Names::new(numeric);
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
        let connections = lines.iter().filter_map(|line| Connection::parse(line).ok());
        self.output.names.look_up(connections.flat_map(|connection| {
            [connection.client.ip(), connection.service.ip(), connection.destination.ip()]
        }));
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

/// Opens the list of connections. If it does not exist, connecting to the kernel loads IPVS or says why not.
pub(super) fn open(session: &mut Session) -> Result<Connections, Failure> {
    match Connections::open() {
        Err(ProcError::Read(_, error)) if error.kind() == io::ErrorKind::NotFound => {
            session.kernel()?;
            Ok(Connections::open()?)
        }
        connections => Ok(connections?),
    }
}
