//! What a machine sees on the wire, behind the headers of the links.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, RecvFlags, SocketType, eth, recv, socket};

use super::machine::Machine;

/// Takes down every packet that the machine receives or sends, from the start on.
pub struct Capture(OwnedFd);

impl Capture {
    pub fn start(machine: &Machine) -> Self {
        Self(machine.within(|| socket(AddressFamily::PACKET, SocketType::DGRAM, Some(eth::ALL)).unwrap()))
    }

    /// The packets since the last time.
    pub fn packets(&self) -> impl Iterator<Item = Vec<u8>> {
        std::iter::from_fn(|| {
            let mut packet = vec![0; 2000];
            let (length, _) = recv(&self.0, &mut packet, RecvFlags::DONTWAIT).ok()?;
            packet.truncate(length);
            Some(packet)
        })
    }

    /// The kinds of tunnel that packets have come through, such as "gre csum".
    pub fn tunnels(&self) -> BTreeSet<String> {
        self.packets().filter_map(|packet| tunnel(&packet)).collect()
    }

    /// The hardware addresses that ARP said this IPv4 address has, in requests and in replies.
    pub fn claimants(&self, address: &str) -> BTreeSet<String> {
        let address = address.parse::<Ipv4Addr>().unwrap().octets();
        let arp = |packet: &Vec<u8>| packet.starts_with(&[0, 1, 8, 0, 6, 4]) && packet[14..18] == address;
        let hardware = |byte: &u8| format!("{byte:02x}");
        let sender = |packet: Vec<u8>| packet[8..14].iter().map(hardware).collect::<Vec<_>>().join(":");
        self.packets().filter(arp).map(sender).collect()
    }
}

/// The kind of tunnel that a packet goes through, if it does.
fn tunnel(packet: &[u8]) -> Option<String> {
    let (protocol, header) = match packet.first()? >> 4 {
        4 => (packet[9], usize::from(packet[0] & 15) * 4),
        6 => (packet[6], 40),
        _ => return None,
    };
    let inner = packet.get(header..)?;
    let two = |at: usize| u16::from_be_bytes([inner[at], inner[at + 1]]);
    match protocol {
        4 | 41 => Some("ipip".into()),
        47 if two(0) & 0x8000 != 0 => Some("gre csum".into()),
        47 => Some("gre".into()),
        // GUE is behind the UDP header: of its flags, the last tells of private ones, of which the first
        // is the remote checksum.
        17 => {
            let remote = two(10) & 1 != 0 && two(12) & 0x8000 != 0;
            let outer = if two(6) != 0 { " csum" } else { "" };
            let inner = if remote { " remcsum" } else { "" };
            Some(format!("gue {}{outer}{inner}", two(2)))
        }
        _ => None,
    }
}
