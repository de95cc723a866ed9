//! Captures the packets that a machine sees on the wire, without link-layer headers.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, RecvFlags, SocketType, eth, recv, socket};

use super::machine::Machine;

/// A capture of every packet that a machine receives or sends since the start.
pub struct Capture(OwnedFd);

impl Capture {
    /// Starts capturing on a machine.
    pub fn start(machine: &Machine) -> Self {
        Self(machine.run_inside(|| socket(AddressFamily::PACKET, SocketType::DGRAM, Some(eth::ALL)).unwrap()))
    }

    /// Returns the packets since the last call.
    pub fn packets(&self) -> impl Iterator<Item = Vec<u8>> {
        std::iter::from_fn(|| {
            let mut packet = vec![0; 2000];
            let (length, _) = recv(&self.0, &mut packet, RecvFlags::DONTWAIT).ok()?;
            packet.truncate(length);
            Some(packet)
        })
    }

    /// Returns the kinds of tunnel that packets went through, such as "gre csum".
    pub fn tunnel_kinds(&self) -> BTreeSet<String> {
        self.packets().filter_map(|packet| tunnel_kind(&packet)).collect()
    }

    /// Returns the hardware addresses that claimed this IPv4 address in ARP requests and replies.
    pub fn claimants(&self, address: &str) -> BTreeSet<String> {
        let address = address.parse::<Ipv4Addr>().unwrap().octets();
        let arp = |packet: &Vec<u8>| packet.starts_with(&[0, 1, 8, 0, 6, 4]) && packet[14..18] == address;
        let hardware = |byte: &u8| format!("{byte:02x}");
        let sender = |packet: Vec<u8>| packet[8..14].iter().map(hardware).collect::<Vec<_>>().join(":");
        self.packets().filter(arp).map(sender).collect()
    }
}

/// Returns the kind of tunnel that a packet goes through, if any.
fn tunnel_kind(packet: &[u8]) -> Option<String> {
    let (protocol, header_len) = match packet.first()? >> 4 {
        4 => (packet[9], usize::from(packet[0] & 15) * 4),
        6 => (packet[6], 40),
        _ => return None,
    };
    let inner = packet.get(header_len..)?;
    let u16_at = |offset: usize| u16::from_be_bytes([inner[offset], inner[offset + 1]]);
    match protocol {
        4 | 41 => Some("ipip".into()),
        47 if u16_at(0) & 0x8000 != 0 => Some("gre csum".into()),
        47 => Some("gre".into()),
        // GUE follows the UDP header. The last of its flags announces private flags, the first of which is
        // the remote checksum.
        17 => {
            let remote = u16_at(10) & 1 != 0 && u16_at(12) & 0x8000 != 0;
            let outer = if u16_at(6) != 0 { " csum" } else { "" };
            let inner = if remote { " remcsum" } else { "" };
            Some(format!("gue {}{outer}{inner}", u16_at(2)))
        }
        _ => None,
    }
}
