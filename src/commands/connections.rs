//! `-L -c`: the connections, any number of them in constant memory.

use std::io;

use ipvs_netlink::{Connection, Connections, ConnectionsError};

use super::session::Session;
use crate::failure::Failure;
use crate::names::Names;
use crate::output::Output;
use crate::view;

/// The number of lines whose addresses are looked up together.
const LINES_TOGETHER: usize = 1000;

pub(super) fn run(session: &mut Session, engines: bool, numeric: bool) -> Result<(), Failure> {
    let connections = open(session)?;
    let output = &mut session.output;
    output.names = Names::new(numeric);
    output.push(view::connections_header(engines));
    if numeric {
        return connections.for_each(|connection| {
            view::connection(output, connection, engines);
            output.print_if_long().map_err(Failure::Output)
        });
    }
    let mut lines = Vec::new();
    connections.for_each(|connection| {
        lines.push(connection.line.to_vec());
        if lines.len() < LINES_TOGETHER {
            return Ok(());
        }
        show_named(output, &std::mem::take(&mut lines), engines)
    })?;
    show_named(output, &lines, engines)
}

/// Appends connections with names in place of addresses and ports.
fn show_named(output: &mut Output, lines: &[Vec<u8>], engines: bool) -> Result<(), Failure> {
    let connections = lines.iter().map(|line| Connection::parse(line));
    let connections = connections.collect::<Result<Vec<_>, _>>()?;
    output.names.look_up(connections.iter().flat_map(|connection| {
        [connection.client.ip(), connection.service.ip(), connection.destination.ip()]
    }));
    for connection in &connections {
        view::connection(output, connection, engines);
    }
    output.print_if_long().map_err(Failure::Output)
}

/// Opens the list of connections. If it does not exist, connecting to the kernel loads IPVS or says why not.
fn open(session: &mut Session) -> Result<Connections, Failure> {
    match Connections::open() {
        Err(ConnectionsError::Read(error)) if error.kind() == io::ErrorKind::NotFound => {
            session.kernel()?;
            Ok(Connections::open()?)
        }
        connections => Ok(connections?),
    }
}
