//! `-L -c`: the connections, however many, in constant memory.

use std::io;

use ipvs::Ipvs;
use ipvs::proc::{Connection, Connections, ConnectionsError};

use crate::error::Failure;
use crate::output::{self, Names, Text};

/// How many lines are looked up together.
const LINES_AT_ONCE: usize = 1000;

pub fn run(engines: bool, numeric: bool, text: &mut Text) -> Result<(), Failure> {
    let connections = open()?;
    let mut names = Names::new(numeric);
    text.push(output::connections_header(engines));
    if numeric {
        return connections.for_each(|connection| {
            output::connection(text, connection, engines, &names);
            text.print_if_long()
        });
    }
    let mut lines = Vec::new();
    connections.for_each(|connection| {
        lines.push(connection.line.to_vec());
        match lines.len() {
            LINES_AT_ONCE => show(text, std::mem::take(&mut lines), engines, &mut names),
            _ => Ok(()),
        }
    })?;
    show(text, lines, engines, &mut names)
}

/// Shows connections with names in place of addresses and ports.
fn show(text: &mut Text, lines: Vec<Vec<u8>>, engines: bool, names: &mut Names) -> Result<(), Failure> {
    let connections = lines.iter().map(|line| Connection::parse(line));
    let connections = connections.collect::<Result<Vec<_>, _>>()?;
    names.look_up(connections.iter().flat_map(|connection| {
        [connection.client.ip(), connection.service.ip(), connection.destination.ip()]
    }));
    for connection in &connections {
        output::connection(text, connection, engines, names);
    }
    text.print_if_long()
}

/// Opens the file; if there is none, IPVS is asked for first.
fn open() -> Result<Connections, Failure> {
    match Connections::open() {
        Err(ConnectionsError::Read(error)) if error.kind() == io::ErrorKind::NotFound => {
            Ipvs::connect()?;
            Ok(Connections::open()?)
        }
        connections => Ok(connections?),
    }
}
