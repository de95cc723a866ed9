//! Settings, connections and sockets, as files below `/proc` and `/sys` tell them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};

use ipvs_netlink::{Connection, Connections, Error, ProcError, Protocol};

use crate::doctor::{ConnectionCounts, Flow, Interface, Listener};
use crate::failure::Failure;

/// The settings that concern the whole machine, as paths below `/proc/sys`.
const SETTINGS: [&str; 13] = [
    "net/ipv4/ip_forward",
    "net/ipv6/conf/all/forwarding",
    "net/ipv4/conf/all/arp_ignore",
    "net/ipv4/conf/all/arp_announce",
    "net/ipv4/conf/all/rp_filter",
    "net/ipv4/vs/conntrack",
    "net/ipv4/vs/conn_reuse_mode",
    "net/ipv4/vs/expire_nodest_conn",
    "net/ipv4/vs/expire_quiescent_template",
    "net/ipv4/vs/run_estimation",
    "net/ipv4/vs/sync_version",
    "net/netfilter/nf_conntrack_count",
    "net/netfilter/nf_conntrack_max",
];
/// Settings of each interface.
const INTERFACE_SETTINGS: [&str; 4] = ["forwarding", "arp_ignore", "arp_announce", "rp_filter"];

/// Reads the settings. What does not exist is left out.
pub(super) fn settings(interfaces: &[Interface]) -> BTreeMap<String, String> {
    let general = SETTINGS.iter().map(ToString::to_string);
    let special = interfaces.iter().flat_map(|interface| {
        INTERFACE_SETTINGS.map(|setting| format!("net/ipv4/conf/{}/{setting}", interface.name))
    });
    let read = |path: String| {
        let value = fs::read_to_string(format!("/proc/sys/{path}")).ok()?;
        Some((path, value))
    };
    general.chain(special).filter_map(read).collect()
}

/// Returns the first two numbers of the kernel's version.
pub(super) fn kernel() -> Option<(u32, u32)> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    let mut numbers = release.split(|character: char| !character.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Returns whether the kernel has a module, loaded or built in.
pub(super) fn has_module(name: &str) -> bool {
    fs::exists(format!("/sys/module/{name}")).unwrap_or(true)
}

/// Returns the ports that the helper for FTP watches, none if the kernel does not have it.
pub(super) fn ftp_ports() -> Vec<u16> {
    const DEFAULT: &str = "21";
    if !has_module("ip_vs_ftp") {
        return Vec::new();
    }
    let ports = fs::read_to_string("/sys/module/ip_vs_ftp/parameters/ports");
    let ports = ports.unwrap_or_else(|_| DEFAULT.into());
    ports.trim().split(',').flat_map(|port| port.parse::<u16>()).collect()
}

/// Returns the modules of packet filters that look at tracked connections and are used by rules, in whatever network
/// namespace. Those that are built into the kernel are not seen.
pub(super) fn tracking_rules() -> Vec<String> {
    const MODULES: [&str; 7] =
        ["nft_ct", "nft_masq", "nft_nat", "xt_MASQUERADE", "xt_conntrack", "xt_nat", "xt_state"];
    let modules = fs::read_to_string("/proc/modules").unwrap_or_default();
    let used = modules.lines().filter_map(|line| {
        // Name, size, and the number of users, which are rules.
        let mut fields = line.split(' ');
        let (name, users) = (fields.next()?, fields.nth(1)?);
        (MODULES.contains(&name) && users != "0" && users != "-").then(|| name.to_owned())
    });
    used.collect()
}

/// Opens the list of connections, which exists if IPVS does.
pub(super) fn open_connections() -> Result<Connections, Failure> {
    Connections::open().map_err(|error| match error {
        ProcError::Read(_, error) if error.kind() == io::ErrorKind::NotFound => {
            Error::NoIpvs("nothing is loaded for an examination".into()).into()
        }
        error => error.into(),
    })
}

/// Counts all connections. A line that is malformed is none, and anybody can send one.
pub(super) fn count_connections(connections: Connections) -> Result<ConnectionCounts, Failure> {
    let mut counts = ConnectionCounts::default();
    connections.for_each_line(|line| {
        counts.total += 1;
        let Ok(connection) = Connection::parse(line) else { return Ok(()) };
        let protocol = std::str::from_utf8(connection.protocol).ok().and_then(|name| name.parse().ok());
        // What binds a client has no port of the client.
        if let (Some(protocol), 1..) = (protocol, connection.client.port()) {
            let flow = Flow { protocol, service: connection.service, server: connection.destination };
            let client = connection.client.ip();
            let seconds = connection.expires;
            counts.flows.entry(flow).or_default().count(connection.state, seconds, client);
            let server = counts.servers.entry(connection.destination.ip()).or_default();
            server.count(connection.state, seconds, client);
        }
        Ok::<_, ProcError>(())
    })?;
    Ok(counts)
}

/// Reads the sockets that wait for requests. `None` if they cannot be read.
pub(super) fn listeners() -> Option<Vec<Listener>> {
    const TCP_LISTEN: &str = "0A";
    const UDP_UNCONNECTED: &str = "07";
    let mut listeners = Vec::new();
    let mut is_known = false;
    for (file, protocol, state) in [
        ("tcp", Protocol::TCP, TCP_LISTEN),
        ("tcp6", Protocol::TCP, TCP_LISTEN),
        ("udp", Protocol::UDP, UDP_UNCONNECTED),
        ("udp6", Protocol::UDP, UDP_UNCONNECTED),
    ] {
        let Ok(text) = fs::read_to_string(format!("/proc/thread-self/net/{file}")) else { continue };
        is_known = true;
        listeners.extend(text.lines().skip(1).filter_map(|line| {
            let mut words = line.split_whitespace().skip(1);
            let (own, _, found) = (words.next()?, words.next()?, words.next()?);
            (found == state).then_some(Listener { protocol, address: endpoint(own)? })
        }));
    }
    is_known.then_some(listeners)
}

/// Parses an address as the kernel prints it, in words of 32 bits in its own byte order: `0100007F:0050`.
fn endpoint(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let word = |index: usize| {
        let digits = address.get(8 * index..8 * index + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    let address = match address.len() {
        8 => IpAddr::from(word(0)?),
        32 => {
            let bytes: [u8; 16] = [word(0)?, word(1)?, word(2)?, word(3)?].concat().try_into().ok()?;
            IpAddr::from(bytes)
        }
        _ => return None,
    };
    Some(SocketAddr::new(address, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_sockets_are_read() {
        let native = |bytes: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(bytes));
        let text = format!("{}:0050", native([127, 0, 0, 1]));
        assert_eq!(endpoint(&text), "127.0.0.1:80".parse().ok());
        let zero = "00000000";
        let text = format!("{}{zero}{zero}{}:0035", native([0x20, 1, 0xd, 0xb8]), native([0, 0, 0, 1]));
        assert_eq!(endpoint(&text), "[2001:db8::1]:53".parse().ok());
        for text in ["", "0100007F", "0100007:0050", "0100007F:x", "010000ä7:0050"] {
            assert_eq!(endpoint(text), None, "{text}");
        }
    }
}
