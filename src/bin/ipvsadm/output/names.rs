//! Names in place of addresses and ports.
//!
//! Addresses are looked up side by side, each once, and for a bounded time in all: what a resolver does
//! not know by then stays a number.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ipvs::{DestinationId, Family, Protocol, ServiceId};

use super::address::{self, escape};
use super::services::PortNames;
use super::{Text, resolver};

/// How long there may be no answer at all.
const SILENCE: Duration = Duration::from_secs(3);
/// How long all look-ups together may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Up to this number each address is a question of its own, so that one without an answer stands alone. Beyond
/// it some share one, as starting to ask takes longer than most answers.
const ALONE: usize = 16;
/// How many addresses share a question at most.
const TOGETHER: usize = 8;

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
        let together = unknown.len().div_ceil(ALONE).min(TOGETHER);
        let questions = unknown.chunks(together).map(|addresses| {
            let words = std::iter::once("hosts".into());
            words.chain(addresses.iter().map(IpAddr::to_string)).collect()
        });
        // Without answers there are no names.
        let lines = resolver::ask(questions.collect(), SILENCE, self.patience).unwrap_or_default();
        for (address, name) in lines.iter().filter_map(|line| host_name(line)) {
            self.addresses.insert(address, Some(name));
        }
        self.patience = self.patience.saturating_sub(started.elapsed());
    }

    /// Appends `10.0.0.1:80`, `web.example.com:http` or `[host6]:domain`, filled up with blanks to so many
    /// characters, 32 at most. Without a protocol the port stays a number.
    #[inline(always)]
    pub fn endpoint(
        &self,
        text: &mut Text,
        width: usize,
        address: IpAddr,
        port: u16,
        protocol: Option<Protocol>,
    ) {
        match address {
            IpAddr::V4(address) if self.ports.is_none() => text.ipv4_and_port(width, address.octets(), port),
            _ => text.left(width, |text| self.named_endpoint(text, address, port, protocol)),
        }
    }

    fn named_endpoint(&self, text: &mut Text, address: IpAddr, port: u16, protocol: Option<Protocol>) {
        let (before, behind) = if address.is_ipv4() { ("", ":") } else { ("[", "]:") };
        text.push(before);
        self.address(text, address);
        text.push(behind);
        if let (Some(names), Some(protocol), 1..) = (&self.ports, protocol, port) {
            if let Some(name) = names.name(port, protocol) {
                return text.push_name(name);
            }
        }
        text.number(port);
    }

    fn address(&self, text: &mut Text, address: IpAddr) {
        let name = if self.addresses.is_empty() { None } else { self.addresses.get(&address) };
        match name {
            Some(Some(name)) => text.push_name(name),
            _ => address::push(text, address),
        }
    }

    /// Appends what stands after the protocol of a service in a listing: `10.0.0.1:80`, `7`, `7 IPv6`.
    pub fn service(&self, text: &mut Text, id: &ServiceId) {
        match *id {
            ServiceId::Address { protocol, address, port } => {
                self.endpoint(text, 0, address, port, Some(protocol));
            }
            ServiceId::Fwmark { mark, family } => {
                text.number(mark.get());
                text.push(if family == Family::V6 { " IPv6" } else { "" });
            }
        }
    }

    /// Appends a server of a service, filled up with blanks like [`endpoint`](Self::endpoint). With a firewall mark
    /// there is no protocol to name its port by.
    #[inline]
    pub fn server(&self, text: &mut Text, width: usize, service: &ServiceId, id: &DestinationId) {
        let protocol = match *service {
            ServiceId::Address { protocol, .. } => Some(protocol),
            ServiceId::Fwmark { .. } => None,
        };
        self.endpoint(text, width, id.address, id.port, protocol);
    }
}

/// The address and the name of a line of the resolver: `ADDRESS NAME ALIAS...`.
fn host_name(line: &str) -> Option<(IpAddr, String)> {
    let (address, names) = line.split_once(char::is_whitespace)?;
    let name = names.split_whitespace().next().filter(|name| name.parse::<IpAddr>().is_err())?;
    let mut escaped = Text::default();
    escape(&mut escaped, name.as_bytes());
    Some((address.parse().ok()?, escaped.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_a_line_counts() {
        let name = |line| host_name(line).map(|(address, name)| (address.to_string(), name));
        assert_eq!(
            name("10.0.0.1        web.example.com web"),
            Some(("10.0.0.1".into(), "web.example.com".into()))
        );
        assert_eq!(name("::1             r\x1bed"), Some(("::1".into(), "r\\u{1b}ed".into())));
        for line in ["", "10.0.0.1", "10.0.0.1 ", "10.0.0.1 10.0.0.1", "web 10.0.0.1"] {
            assert_eq!(name(line), None, "{line}");
        }
    }

    #[test]
    fn numeric_output_looks_nothing_up() {
        let mut names = Names::new(true);
        names.look_up([[127, 0, 0, 1].into()]);
        assert!(names.addresses.is_empty());
        let mut text = Text::default();
        names.endpoint(&mut text, 0, [127, 0, 0, 1].into(), 80, Some(Protocol::TCP));
        assert_eq!(text.to_string(), "127.0.0.1:80");
    }
}
