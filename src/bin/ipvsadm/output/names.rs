//! Names in place of addresses and ports.
//!
//! Addresses are looked up side by side, each once, and for a bounded time in all: what a resolver does
//! not know by then stays a number.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use ipvs::{DestinationId, Family, Protocol, ServiceId};

use super::address::{self, escape};
use super::services::PortNames;

/// How long all look-ups together may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many look-ups run side by side.
const THREADS: usize = 32;

/// Names that were found. With numeric output there are none.
pub struct Names {
    addresses: HashMap<IpAddr, Option<String>>,
    ports: Option<PortNames>,
    patience: Duration,
}

impl Names {
    pub fn new(numeric: bool) -> Self {
        let ports = (!numeric).then(PortNames::read);
        Self { addresses: HashMap::new(), ports, patience: PATIENCE }
    }

    /// Looks up the addresses that are not known yet.
    pub fn look_up(&mut self, addresses: impl IntoIterator<Item = IpAddr>) {
        if self.ports.is_none() {
            return;
        }
        let unknown: HashSet<IpAddr> =
            addresses.into_iter().filter(|address| !self.addresses.contains_key(address)).collect();
        let unknown: Vec<IpAddr> = unknown.into_iter().collect();
        self.addresses.extend(unknown.iter().map(|&address| (address, None)));
        if unknown.is_empty() || self.patience.is_zero() {
            return;
        }
        let started = Instant::now();
        for (address, name) in side_by_side(unknown, self.patience, host_name) {
            self.addresses.insert(address, name);
        }
        self.patience = self.patience.saturating_sub(started.elapsed());
    }

    /// `10.0.0.1:80`, `web.example.com:http`, `[host6]:domain`. Without a protocol the port stays a number.
    pub fn endpoint(&self, address: IpAddr, port: u16, protocol: Option<Protocol>) -> String {
        let host = match self.addresses.get(&address).and_then(Option::as_ref) {
            Some(name) => name.clone(),
            None => address::text(address),
        };
        let port_name = self.ports.as_ref().zip(protocol).filter(|_| port != 0);
        let port = match port_name.and_then(|(names, protocol)| names.name(port, protocol)) {
            Some(name) => name.to_owned(),
            None => port.to_string(),
        };
        match address.into() {
            Family::V4 => format!("{host}:{port}"),
            Family::V6 => format!("[{host}]:{port}"),
        }
    }

    /// What stands after the protocol of a service in a listing: `10.0.0.1:80`, `7`, `7 IPv6`.
    pub fn service(&self, id: &ServiceId) -> String {
        match *id {
            ServiceId::Address { protocol, address, port } => self.endpoint(address, port, Some(protocol)),
            ServiceId::Fwmark { mark, family: Family::V4 } => mark.to_string(),
            ServiceId::Fwmark { mark, family: Family::V6 } => format!("{mark} IPv6"),
        }
    }

    /// A server of a service. With a firewall mark there is no protocol to name its port by.
    pub fn server(&self, service: &ServiceId, id: &DestinationId) -> String {
        let protocol = match *service {
            ServiceId::Address { protocol, .. } => Some(protocol),
            ServiceId::Fwmark { .. } => None,
        };
        self.endpoint(id.address, id.port, protocol)
    }
}

/// The name that the system's resolver has for an address.
fn host_name(address: IpAddr) -> Option<String> {
    let name = dns_lookup::lookup_addr(&address).ok()?;
    (name.parse::<IpAddr>().is_err() && !name.is_empty()).then(|| escape(name.as_bytes()))
}

/// Looks up all addresses with several threads and returns what is there when the time is over. Threads
/// that still wait for a resolver then are left behind.
fn side_by_side(
    addresses: Vec<IpAddr>,
    patience: Duration,
    look_up: fn(IpAddr) -> Option<String>,
) -> Vec<(IpAddr, Option<String>)> {
    let deadline = Instant::now() + patience;
    let count = addresses.len();
    let queue = Arc::new(Mutex::new(addresses));
    let (sender, found) = mpsc::channel();
    for _ in 0..count.min(THREADS) {
        let (queue, sender) = (Arc::clone(&queue), sender.clone());
        let worker = move || {
            while let Some(address) = { queue.lock().unwrap_or_else(PoisonError::into_inner).pop() } {
                if sender.send((address, look_up(address))).is_err() {
                    return;
                }
            }
        };
        // Without threads there are no names.
        if thread::Builder::new().spawn(worker).is_err() {
            break;
        }
    }
    drop(sender);
    let left = || deadline.saturating_duration_since(Instant::now());
    std::iter::from_fn(|| found.recv_timeout(left()).ok()).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(count: u32) -> Vec<IpAddr> {
        (0..count).map(|number| std::net::Ipv4Addr::from(number).into()).collect()
    }

    #[test]
    fn every_address_is_looked_up_once() {
        let mut found = side_by_side(addresses(1000), PATIENCE, |address| Some(address.to_string()));
        found.sort();
        let expected: Vec<_> =
            addresses(1000).into_iter().map(|address| (address, Some(address.to_string()))).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_dead_resolver_is_given_up() {
        let started = Instant::now();
        let patience = Duration::from_millis(50);
        let found = side_by_side(addresses(3), patience, |address| {
            if address == std::net::Ipv4Addr::from(1) {
                thread::sleep(Duration::from_secs(60));
            }
            Some("name".into())
        });
        assert_eq!(found.len(), 2);
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn numeric_output_looks_nothing_up() {
        let mut names = Names::new(true);
        names.look_up(addresses(10));
        assert!(names.addresses.is_empty());
        assert_eq!(names.endpoint([127, 0, 0, 1].into(), 80, Some(Protocol::TCP)), "127.0.0.1:80");
    }
}
