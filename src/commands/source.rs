//! The kernel's list of connections as the commands read it: line by line, and only what is wanted.

use std::io;

use ipvs_netlink::{Connection, Connections, ProcError};

use super::session::Session;
use crate::failure::Failure;
use crate::grammar::ConnectionFilter;

/// The kernel's list of connections, or those of them that are wanted.
pub(super) struct Source<'a> {
    connections: Connections,
    /// Unless all are wanted.
    filter: Option<&'a ConnectionFilter>,
}

impl<'a> Source<'a> {
    /// Opens the list. If it does not exist, connecting to the kernel loads IPVS or says why not.
    pub(super) fn open(session: &mut Session, filter: &'a ConnectionFilter) -> Result<Self, Failure> {
        let open = if filter.needs_origins() { Connections::open_with_origins } else { Connections::open };
        let connections = match open() {
            Err(ProcError::Read(_, error)) if error.kind() == io::ErrorKind::NotFound => {
                session.kernel()?;
                open()?
            }
            connections => connections?,
        };
        Ok(Self { connections, filter: Some(filter).filter(|filter| !filter.is_empty()) })
    }

    /// Hands each line to `handle`, also those that are no connections and so could be a part of any.
    pub(super) fn for_each_line(
        self,
        mut handle: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match self.filter {
            None => self.connections.for_each_line(handle),
            Some(filter) => filtered(self.connections, filter, &mut handle),
        }
    }

    /// Hands each connection to `handle`, and returns the number of lines that are none.
    pub(super) fn for_each(self, mut handle: impl FnMut(&Connection<'_>)) -> Result<usize, Failure> {
        let mut malformed = 0;
        self.for_each_line(|line| {
            Connection::parse(line).map_or_else(|_| malformed += 1, |connection| handle(&connection));
            Ok(())
        })?;
        Ok(malformed)
    }
}

/// Not inlined, so that lists without a filter stay as fast as they are.
#[cold]
fn filtered(
    connections: Connections,
    filter: &ConnectionFilter,
    handle: &mut dyn FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    connections.for_each_line(|line| match Connection::parse(line) {
        Ok(connection) if !filter.matches(&connection) => Ok(()),
        _ => handle(line),
    })
}
