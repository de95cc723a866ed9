//! The evidence: all that was seen of the machine. Nothing here asks for more.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use ipvs_netlink::{DestinationId, Protocol, Scheduler, ServiceId, SyncDaemon, TableEntry, Tunnel};

use super::heard::{Holder, SyncMessage};
use crate::momentary::MomentaryWeights;

/// Everything that the checks look at. What could not be read is missing, and no check blames what is missing.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// The services that alone are examined, besides the machine, or none.
    pub(crate) only: Vec<ServiceId>,
    /// The tunnel that leads to the real server that is examined, if one does.
    pub(crate) tunnel: Option<Tunnel>,
    /// The table, or the part of it that is examined.
    pub(crate) table: Vec<TableEntry>,
    /// The number of rows of the connection table; 0 if it grows by itself.
    pub(crate) connection_table_size: u32,
    pub(crate) daemons: Vec<SyncDaemon>,
    pub(crate) connections: ConnectionCounts,
    /// Settings by their paths below `/proc/sys`.
    pub(crate) settings: BTreeMap<String, String>,
    /// The version of the kernel, such as 6.1.
    pub(crate) kernel: Option<(u32, u32)>,
    pub(crate) interfaces: Vec<Interface>,
    pub(crate) addresses: Vec<Address>,
    /// The ways to virtual addresses and to servers.
    pub(crate) routes: HashMap<IpAddr, Route>,
    /// The neighbours that did not answer the last request for their hardware addresses, with their interfaces.
    pub(crate) failed_neighbours: HashSet<(u32, IpAddr)>,
    /// The outcomes of connecting to servers, if that was asked for.
    pub(crate) probes: HashMap<SocketAddr, Probe>,
    /// Other machines that answer for virtual addresses, if they were asked.
    pub(crate) holders: BTreeSet<Holder>,
    /// The messages of other directors, if anybody has listened.
    pub(crate) sync_messages: BTreeSet<SyncMessage>,
    /// The sockets that wait for requests, if they were asked for.
    pub(crate) listeners: Option<Vec<Listener>>,
    /// The ports that the kernel's helper for FTP watches; none if it is missing.
    pub(crate) ftp_ports: Vec<u16>,
    /// The modules of packet filters that look at tracked connections and are used by rules.
    pub(crate) tracking_rules: Vec<String>,
    /// The programs of this network namespace that change tables or move addresses.
    pub(crate) programs: Vec<Program>,
    pub(crate) rules: Option<Rules>,
    /// The weights that were set because of the load of servers.
    pub(crate) momentary: MomentaryWeights,
    /// The servers that were drained, and whose weights from before are known.
    pub(crate) drained: HashSet<(ServiceId, DestinationId)>,
    /// Set if a program sets them; `None` if that is not known.
    pub(crate) has_follower: Option<bool>,
    /// The things that could not be read.
    pub(crate) unread: Vec<String>,
}

/// A network interface.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interface {
    pub(crate) index: u32,
    pub(crate) name: String,
    pub(crate) is_up: bool,
    /// Set if there is a carrier.
    pub(crate) is_running: bool,
    pub(crate) is_loopback: bool,
    /// Set if it asks nobody for hardware addresses, and answers nobody.
    pub(crate) has_no_arp: bool,
    /// Set if a single machine, or a program, is behind it.
    pub(crate) is_point_to_point: bool,
    pub(crate) mtu: u32,
    /// The kind of virtual interface, such as `ipip`.
    pub(crate) kind: String,
    /// Set if it accepts only GRE packets with checksums, and `false` if only those without.
    pub(crate) wants_checksums: Option<bool>,
}

impl Interface {
    /// Returns whether packets come out of it that were wrapped in others.
    pub(crate) fn is_tunnel(&self) -> bool {
        matches!(self.kind.as_str(), "ipip" | "gre" | "ip6tnl" | "ip6gre" | "sit")
    }
}

/// An address of this machine.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) ip: IpAddr,
    pub(crate) prefix: u8,
    /// The index of its interface.
    pub(crate) interface: u32,
    /// Set if another machine has it, too.
    pub(crate) is_duplicate: bool,
}

impl Address {
    /// Returns whether the address stands for itself alone, without a network.
    pub(crate) fn is_alone(&self) -> bool {
        self.prefix >= width(self.ip)
    }

    /// Returns whether another address is in the network of this one.
    pub(crate) fn is_with(&self, other: IpAddr) -> bool {
        !self.is_alone() && under_prefix(self.ip, self.prefix) == under_prefix(other, self.prefix)
    }
}

/// The way of packets to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// It is this machine's own.
    Local,
    /// Over this interface, to this next hop unless it is there itself.
    Over { interface: u32, gateway: Option<IpAddr> },
    /// There is none.
    Missing,
}

/// The outcome of connecting to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probe {
    /// The server has accepted the connection.
    Accepted,
    /// The server is there, and nothing waits for connections.
    Refused,
    /// No answer came in time.
    Silent,
}

/// A socket that waits for requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listener {
    pub(crate) protocol: Protocol,
    pub(crate) address: SocketAddr,
}

/// A running program that has to do with tables or addresses.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) name: String,
    /// Set if it changes the table.
    pub(crate) manages_table: bool,
    /// Set if it moves virtual addresses between directors.
    pub(crate) moves_addresses: bool,
}

/// The file that the table is loaded from at boot.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) file: String,
    pub(crate) state: RulesState,
    /// The schedulers in it that the kernel has no module for.
    pub(crate) missing_schedulers: Vec<Scheduler>,
}

/// The content of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RulesState {
    /// It cannot be read or is refused, because of this.
    Broken(String),
    /// It has host names.
    HasNames,
    /// It differs from the table by these changes.
    Differs(String),
    Same,
}

/// The connections of one server of one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Flow {
    pub(crate) protocol: Protocol,
    pub(crate) service: SocketAddr,
    pub(crate) server: SocketAddr,
}

/// Numbers of connections.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    /// Connections whose server has not answered yet, as far as the director knows.
    pub(crate) waiting: u64,
    /// Connections that carry traffic, and all of UDP.
    pub(crate) established: u64,
    /// Connections that end.
    pub(crate) ending: u64,
    /// Some clients of those that wait.
    pub(crate) waiting_clients: Vec<IpAddr>,
}

impl Counts {
    const MAX_CLIENTS: usize = 8;

    /// The seconds that are left of a connection that waits for an answer longer than answers take. The kernel gives it
    /// 60 with each packet of the client.
    const MAX_STUCK: u64 = 58;

    /// Counts a connection in the state that the kernel names, and with so many seconds left.
    pub(crate) fn count(&mut self, state: &[u8], seconds: u64, client: IpAddr) {
        match state {
            b"SYN_RECV" | b"SYN_SENT" | b"INIT" | b"INIT1" | b"COOKIE_WAIT" if seconds > Self::MAX_STUCK => {}
            b"SYN_RECV" | b"SYN_SENT" | b"INIT" | b"INIT1" | b"COOKIE_WAIT" => {
                self.waiting += 1;
                if self.waiting_clients.len() < Self::MAX_CLIENTS && !self.waiting_clients.contains(&client) {
                    self.waiting_clients.push(client);
                }
            }
            b"ESTABLISHED" | b"UDP" => self.established += 1,
            _ => self.ending += 1,
        }
    }
}

/// All connections, counted.
#[derive(Debug, Default)]
pub(crate) struct ConnectionCounts {
    /// Everything in the connection table, also what binds clients.
    pub(crate) total: u64,
    pub(crate) flows: HashMap<Flow, Counts>,
    /// The same by the server's address, for services that have no port or no address.
    pub(crate) servers: HashMap<IpAddr, Counts>,
}

impl Evidence {
    /// Returns a setting, such as `net/ipv4/ip_forward`.
    pub(crate) fn setting(&self, path: &str) -> Option<i64> {
        self.settings.get(path)?.trim().parse().ok()
    }

    /// Returns the larger value of a setting for all interfaces and for this one, which is the one that applies.
    pub(crate) fn interface_setting(&self, interface: &Interface, name: &str) -> Option<i64> {
        let all = self.setting(&format!("net/ipv4/conf/all/{name}"))?;
        Some(all.max(self.setting(&format!("net/ipv4/conf/{}/{name}", interface.name))?))
    }

    pub(crate) fn interface(&self, index: u32) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.index == index)
    }

    /// Returns the name of an interface, or its number.
    pub(crate) fn interface_name(&self, index: u32) -> String {
        self.interface(index).map_or_else(|| format!("interface {index}"), |found| found.name.clone())
    }

    /// Returns the places of an address of this machine.
    pub(crate) fn places(&self, ip: IpAddr) -> impl Iterator<Item = &Address> {
        self.addresses.iter().filter(move |address| address.ip == ip)
    }

    /// Returns whether two addresses are in one network that this machine is attached to.
    pub(crate) fn are_neighbours(&self, one: IpAddr, other: IpAddr) -> bool {
        self.addresses.iter().any(|address| address.is_with(one) && address.is_with(other))
    }

    /// Returns the connections of a server.
    pub(crate) fn counts(&self, service: ServiceId, server: DestinationId) -> Option<&Counts> {
        match service {
            ServiceId::Address { protocol, address, port } if port != 0 => {
                let service = SocketAddr::new(address, port);
                self.connections.flows.get(&Flow { protocol, service, server: server.into() })
            }
            _ => self.connections.servers.get(&server.address),
        }
    }

    /// Returns whether another director may have the virtual addresses at present.
    pub(crate) fn may_stand_by(&self) -> bool {
        self.daemons.iter().any(|daemon| daemon.state == ipvs_netlink::DaemonState::Backup)
            || self.programs.iter().any(|program| program.moves_addresses)
    }
}

/// Returns the number of bits of an address.
pub(crate) fn width(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

/// Returns the network of an address, or `None` for one of the other family in a comparison.
fn under_prefix(ip: IpAddr, prefix: u8) -> (bool, u128) {
    let (is_v4, bits) = match ip {
        IpAddr::V4(ip) => (true, u128::from(u32::from(ip)) << 96),
        IpAddr::V6(ip) => (false, u128::from(ip)),
    };
    let mask = u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0);
    (is_v4, bits & mask)
}

#[cfg(test)]
pub(super) mod tests {
    use ipvs_netlink::{Destination, DestinationState, Forwarding, Service, ServiceState};

    use super::*;

    pub(crate) fn interface(index: u32, name: &str) -> Interface {
        Interface {
            index,
            name: name.into(),
            is_up: true,
            is_running: true,
            mtu: 1500,
            ..Interface::default()
        }
    }

    pub(crate) fn address(ip: &str, prefix: u8, interface: u32) -> Address {
        Address { ip: ip.parse().unwrap(), prefix, interface, is_duplicate: false }
    }

    /// A healthy director: one service, two servers behind NAT, everything as it should be.
    pub(crate) fn healthy() -> Evidence {
        let mut evidence = Evidence {
            connection_table_size: 4096,
            kernel: Some((6, 1)),
            interfaces: vec![
                Interface { is_loopback: true, mtu: 65_536, ..interface(1, "lo") },
                interface(2, "outside"),
                interface(3, "inside"),
            ],
            addresses: vec![
                address("127.0.0.1", 8, 1),
                address("192.0.2.1", 24, 2),
                address("10.0.0.1", 24, 3),
                address("2001:db8::1", 64, 2),
            ],
            table: vec![entry("TCP 192.0.2.1:80", &["10.0.0.11:80", "10.0.0.12:80"])],
            ..Evidence::default()
        };
        for (path, value) in [
            ("net/ipv4/ip_forward", "1"),
            ("net/ipv4/vs/conntrack", "0"),
            ("net/ipv4/vs/conn_reuse_mode", "1"),
            ("net/ipv4/vs/expire_nodest_conn", "0"),
            ("net/ipv4/vs/expire_quiescent_template", "0"),
            ("net/ipv4/vs/run_estimation", "1"),
            ("net/ipv4/vs/sync_version", "1"),
        ] {
            evidence.settings.insert(path.into(), value.into());
        }
        evidence.routes.insert("192.0.2.1".parse().unwrap(), Route::Local);
        for server in ["10.0.0.11", "10.0.0.12"] {
            evidence.routes.insert(server.parse().unwrap(), Route::Over { interface: 3, gateway: None });
        }
        evidence
    }

    /// Returns a service with servers behind NAT.
    pub(crate) fn entry(service: &str, servers: &[&str]) -> TableEntry {
        let service =
            ServiceState::new(Service::new(service.parse().unwrap()), ipvs_netlink::Stats::default());
        let servers = servers.iter().map(|id| {
            let id: DestinationId = id.parse().unwrap();
            DestinationState::new(Destination::new(id).with_forwarding(Forwarding::Masquerade))
        });
        TableEntry::new(service, servers.collect())
    }

    /// Examines a director and returns the names of the checks that found something.
    pub(crate) fn found(evidence: &Evidence) -> Vec<&'static str> {
        crate::doctor::examine_director(evidence).iter().map(|finding| finding.check).collect()
    }

    #[test]
    fn a_healthy_director_has_no_finding() {
        assert_eq!(crate::doctor::examine_director(&healthy()), []);
    }

    #[test]
    fn an_empty_machine_of_which_nothing_is_known_has_no_finding() {
        assert_eq!(crate::doctor::examine_director(&Evidence::default()), []);
        let unread = Evidence { unread: vec!["/proc/sys".into()], ..healthy() };
        assert_eq!(found(&unread), ["not-examined"]);
    }

    #[test]
    fn networks_are_those_of_the_prefix() {
        let address =
            |prefix| Address { ip: [10, 1, 2, 3].into(), prefix, interface: 1, is_duplicate: false };
        for (prefix, other, expected) in [
            (24, "10.1.2.200", true),
            (24, "10.1.3.3", false),
            (0, "192.0.2.1", true),
            (31, "10.1.2.2", true),
            (32, "10.1.2.3", false),
            (24, "::1", false),
        ] {
            assert_eq!(address(prefix).is_with(other.parse().unwrap()), expected, "{prefix} {other}");
        }
    }
}
