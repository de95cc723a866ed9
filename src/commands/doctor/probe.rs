//! What only packets can tell: whether servers accept connections, and what other directors do.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use ipvs_netlink::{ServiceId, TableEntry};

use super::{arp, sync_messages};
use crate::doctor::{Evidence, Probe, is_probed};

/// The time for a server to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The number of connections that are made at the same time.
const MAX_CONNECTIONS: usize = 64;

/// Adds what packets tell.
pub(super) fn probe(evidence: &mut Evidence) {
    evidence.probes = connect_to_servers(&evidence.table);
    match arp::ask(&questions(evidence)) {
        Some(holders) => evidence.holders = holders,
        None => evidence.unread.push("what other machines answer to ARP requests".into()),
    }
    match sync_messages::listen(&evidence.daemons, &evidence.interfaces) {
        Some(messages) => evidence.sync_messages = messages,
        None => evidence.unread.push("what other sync daemons send".into()),
    }
}

/// Returns the virtual addresses that are on this machine, each with the interfaces by which others could have it. IPv6
/// asks for its addresses itself.
fn questions(evidence: &Evidence) -> BTreeSet<(Ipv4Addr, u32)> {
    let mut questions = BTreeSet::new();
    for entry in &evidence.table {
        let ServiceId::Address { address: IpAddr::V4(address), .. } = entry.service.id() else { continue };
        if evidence.places(address.into()).next().is_none() {
            continue;
        }
        let near = evidence
            .addresses
            .iter()
            .filter(|place| place.ip == IpAddr::from(address) || place.is_with(address.into()));
        for interface in near.filter_map(|place| evidence.interface(place.interface)) {
            if interface.is_up && !interface.is_loopback && !interface.has_no_arp {
                questions.insert((address, interface.index));
            }
        }
    }
    questions
}

/// Connects to the servers of TCP services that get new connections, each once.
fn connect_to_servers(table: &[TableEntry]) -> HashMap<SocketAddr, Probe> {
    let servers: HashSet<SocketAddr> = table
        .iter()
        .flat_map(|entry| entry.destinations.iter().filter(|server| is_probed(entry, server)))
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
