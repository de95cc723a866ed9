//! Names in place of addresses and ports.

mod getent;
mod hosts;
mod ports;

pub(crate) use hosts::Hosts;
pub(crate) use ports::port;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ipvs_netlink::Protocol;
use ports::PortNames;

/// The time that all reverse look-ups together may take. An address without an answer by then stays a
/// number.
const PATIENCE: Duration = Duration::from_secs(10);

/// The names that output shows. The default is numeric: it has none and looks nothing up.
#[derive(Default)]
pub(crate) struct Names {
    hosts: HashMap<IpAddr, Option<String>>,
    ports: Option<PortNames>,
    patience: Duration,
}

impl Names {
    pub(crate) fn new(numeric: bool) -> Self {
        if numeric {
            return Self::default();
        }
        Self { hosts: HashMap::new(), ports: Some(PortNames::read()), patience: PATIENCE }
    }

    /// Looks up the addresses that were not looked up before, unless output is numeric.
    pub(crate) fn look_up(&mut self, addresses: impl IntoIterator<Item = IpAddr>) {
        if self.is_numeric() {
            return;
        }
        let unknown: HashSet<IpAddr> =
            addresses.into_iter().filter(|address| !self.hosts.contains_key(address)).collect();
        let unknown: Vec<IpAddr> = unknown.into_iter().collect();
        self.hosts.extend(unknown.iter().map(|&address| (address, None)));
        if unknown.is_empty() || self.patience.is_zero() {
            return;
        }
        let start = Instant::now();
        let names = hosts::names(&unknown, self.patience);
        self.hosts.extend(names.into_iter().map(|(address, name)| (address, Some(name))));
        self.patience = self.patience.saturating_sub(start.elapsed());
    }

    pub(crate) fn is_numeric(&self) -> bool {
        self.ports.is_none()
    }

    pub(crate) fn host(&self, address: IpAddr) -> Option<&str> {
        self.hosts.get(&address)?.as_deref()
    }

    /// Returns the name of a port, which depends on the protocol. Port 0 has none.
    pub(crate) fn port(&self, port: u16, protocol: Option<Protocol>) -> Option<&str> {
        self.ports.as_ref().filter(|_| port != 0)?.name(port, protocol?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numeric_names_look_nothing_up() {
        let mut names = Names::new(true);
        names.look_up([[127, 0, 0, 1].into()]);
        assert!(names.hosts.is_empty());
        assert_eq!(names.host([127, 0, 0, 1].into()), None);
        assert_eq!(names.port(80, Some(Protocol::TCP)), None);
    }
}
