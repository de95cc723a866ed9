//! Connections as rows.

use std::net::SocketAddr;

use ipvs_netlink::Connection;

use super::grid::{Grid, Tone};
use super::screen::Screen;
use super::words;
use crate::grammar::{ConnectionColumn, ConnectionList};
use crate::output::Output;
use crate::terminal::escape;
use crate::view::connections::{expires, protocol};

/// A table of connections that grows line by line.
pub(crate) struct ConnectionTable(Grid<ConnectionColumn>);

impl ConnectionTable {
    pub(crate) fn new(list: &ConnectionList) -> Self {
        use ConnectionColumn::{Client, Data, Engine, Expires, Protocol, Server, Service, State};
        let columns: &[_] = if list.engines {
            &[Protocol, State, Expires, Client, Service, Server, Engine, Data]
        } else {
            &[Protocol, State, Expires, Client, Service, Server]
        };
        Self(Grid::new(list.chosen.clone().unwrap_or_else(|| columns.to_vec())))
    }

    /// Appends a connection. `output` has the names.
    pub(crate) fn row(&mut self, output: &mut Output, connection: &Connection<'_>) {
        let foreign = |text: &[u8]| String::from_utf8_lossy(&escape(text)).into_owned();
        let protocol = protocol(connection);
        let mut endpoint = |end: SocketAddr| {
            words::endpoint(output, |output| output.endpoint(0, end.ip(), end.port(), protocol))
        };
        let engine = connection.engine.unwrap_or_default();
        self.0.row(Tone::Plain, |column| match column {
            ConnectionColumn::Protocol => foreign(connection.protocol),
            ConnectionColumn::State => foreign(connection.state),
            ConnectionColumn::Expires => {
                let text = Output::default().text(|output| expires(output, connection.expires));
                text.trim_end().to_owned()
            }
            ConnectionColumn::Client => endpoint(connection.client),
            ConnectionColumn::Service => endpoint(connection.service),
            ConnectionColumn::Server => endpoint(connection.destination),
            ConnectionColumn::Engine => foreign(engine.0),
            ConnectionColumn::Data => foreign(engine.1),
        });
    }

    /// Appends a line that is no connection.
    pub(crate) fn malformed(&mut self, line: &[u8]) {
        self.0.text(Tone::Full, format!("??? {}", String::from_utf8_lossy(&escape(line))));
    }

    /// Appends the table to the output.
    pub(crate) fn write(&self, output: &mut Output, screen: Screen) {
        let (text, note) = self.0.render(screen);
        output.push(text);
        output.push(note.unwrap_or_default());
    }
}
