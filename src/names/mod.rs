//! Names in place of addresses and ports.

mod forward;
mod getent;
mod hosts;
mod ports;
mod reverse;
mod syntax;

pub(crate) use hosts::Hosts;
pub(crate) use ports::PORTS;
pub(crate) use syntax::fault;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

use ipvs_netlink::Protocol;

/// The time that all look-ups of an input, or of an output, may take together. In output an address without
/// an answer by then stays a number.
const PATIENCE: Duration = Duration::from_secs(10);
/// Look-ups for output end when no answer at all has come for this time.
const SILENCE: Duration = Duration::from_secs(3);
/// Up to this number each key is a question of its own, so that one without an answer does not delay others.
/// Beyond it some share a question, as starting a process takes longer than most answers.
const MAX_ALONE: usize = 16;

/// The names that output shows. The default is numeric: it has none and looks nothing up.
#[derive(Default)]
pub(crate) struct Names {
    hosts: HashMap<IpAddr, Option<String>>,
    /// The IPv4 addresses whose names may be read as IPv6 addresses.
    read_as_ipv6: HashSet<IpAddr>,
    mode: Mode,
    patience: Duration,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Numeric,
    /// Shows the names that people know.
    Named,
    /// Shows only names that input reads as the same address or port.
    Reversible,
}

impl Names {
    /// Returns the names for a listing.
    pub(crate) fn new(numeric: bool) -> Self {
        Self {
            mode: if numeric { Mode::Numeric } else { Mode::Named },
            patience: PATIENCE,
            ..Self::default()
        }
    }

    /// Returns the names for output that will be input, which reads names in place of some IPv4 addresses as
    /// IPv6 addresses if they have one.
    pub(crate) fn reversible(numeric: bool, read_as_ipv6: HashSet<IpAddr>) -> Self {
        let mode = if numeric { Mode::Numeric } else { Mode::Reversible };
        Self { mode, read_as_ipv6, patience: PATIENCE, ..Self::default() }
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
        let mut names = reverse::names(&unknown, &mut self.patience);
        if self.mode == Mode::Reversible {
            reverse::retain_reversible(&mut names, &self.read_as_ipv6, &mut self.patience);
        }
        self.hosts.extend(names.into_iter().map(|(address, name)| (address, Some(name))));
    }

    pub(crate) fn is_numeric(&self) -> bool {
        self.mode == Mode::Numeric
    }

    pub(crate) fn host(&self, address: IpAddr) -> Option<&str> {
        self.hosts.get(&address)?.as_deref()
    }

    /// Returns the name of a port, which depends on the protocol. Port 0 has none.
    pub(crate) fn port(&self, port: u16, protocol: Option<Protocol>) -> Option<&str> {
        if self.is_numeric() || port == 0 {
            return None;
        }
        let name = PORTS.name(port, protocol?)?;
        (self.mode == Mode::Named || PORTS.is_reversible(name, port, protocol?)).then_some(name)
    }
}

/// Splits keys into questions that are asked side by side.
fn split_keys(keys: &[String], max_together: usize) -> impl Iterator<Item = &[String]> {
    keys.chunks(keys.len().div_ceil(MAX_ALONE).clamp(1, max_together))
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
