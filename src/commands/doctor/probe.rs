//! Trying to connect to servers, the only thing that the doctor ever sends.

use std::collections::{HashMap, HashSet};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use ipvs_netlink::{Protocol, TableEntry};

use crate::doctor::Probe;

/// The time for a server to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The number of connections that are made at the same time.
const MAX_CONNECTIONS: usize = 64;

/// Connects to the servers of TCP services that get new connections, each once.
pub(super) fn probe(table: &[TableEntry]) -> HashMap<SocketAddr, Probe> {
    let servers: HashSet<SocketAddr> = table
        .iter()
        .filter(|entry| entry.service.id().protocol() == Some(Protocol::TCP))
        .flat_map(|entry| &entry.destinations)
        .filter(|server| server.settings.weight > 0 && server.id().port > 0)
        .map(|server| SocketAddr::new(server.id().address, server.id().port))
        .collect();
    let count = servers.len().min(MAX_CONNECTIONS);
    let servers = Mutex::new(servers.into_iter());
    let next = || servers.lock().ok()?.next();
    let connect_to_some = || {
        let outcomes = std::iter::from_fn(next).filter_map(|server| Some((server, connect(server)?)));
        outcomes.collect::<Vec<_>>()
    };
    // Where no thread can be had, one of the others does its part.
    thread::scope(|scope| {
        let threads =
            (1..count).map_while(|_| thread::Builder::new().spawn_scoped(scope, connect_to_some).ok());
        let threads: Vec<_> = threads.collect();
        let mut outcomes: HashMap<_, _> = connect_to_some().into_iter().collect();
        outcomes.extend(threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()));
        outcomes
    })
}

/// Connects to a server, and closes the connection. What fails on this side is no answer of the server's.
fn connect(server: SocketAddr) -> Option<Probe> {
    match TcpStream::connect_timeout(&server, PATIENCE) {
        Ok(_) => Some(Probe::Accepted),
        Err(error) => match error.kind() {
            ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Some(Probe::Refused),
            ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
                Some(Probe::Silent)
            }
            _ => None,
        },
    }
}
