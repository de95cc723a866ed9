//! Messages of the kernel's routing netlink: a header of a fixed size, then attributes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_core::{NLA_HEADER_SIZE, NlasIterator};
use nix::libc;

use crate::doctor::{Address, Interface, Route};

/// The sizes of `struct ifinfomsg`, `struct ndmsg`, `struct rtmsg` and `struct ifaddrmsg`.
pub(super) const LINK_HEADER: usize = 16;
pub(super) const NEIGHBOUR_HEADER: usize = 12;
pub(super) const ROUTE_HEADER: usize = 12;
pub(super) const ADDRESS_HEADER: usize = 8;

/// Reads an interface from the payload of `RTM_NEWLINK`.
pub(super) fn interface(payload: &[u8]) -> Option<Interface> {
    let (header, attributes) = payload.split_at_checked(LINK_HEADER)?;
    let flags = u32_at(header, 8)?;
    let is_set = |flag: libc::c_int| flags & flag as u32 != 0;
    let info = find(attributes, libc::IFLA_LINKINFO);
    let kind = info.and_then(|info| find(info, libc::IFLA_INFO_KIND)).map(text).unwrap_or_default();
    let wants_checksums =
        info.filter(|_| matches!(kind.as_str(), "gre" | "ip6gre")).and_then(wants_checksums);
    Some(Interface {
        index: u32_at(header, 4)?,
        name: text(find(attributes, libc::IFLA_IFNAME)?),
        is_up: is_set(libc::IFF_UP),
        is_running: is_set(libc::IFF_RUNNING),
        is_loopback: is_set(libc::IFF_LOOPBACK),
        has_no_arp: is_set(libc::IFF_NOARP),
        is_point_to_point: is_set(libc::IFF_POINTOPOINT),
        mtu: find(attributes, libc::IFLA_MTU).and_then(|mtu| u32_at(mtu, 0)).unwrap_or_default(),
        kind,
        wants_checksums,
    })
}

/// Returns whether a GRE tunnel accepts packets with checksums, or those without.
fn wants_checksums(info: &[u8]) -> Option<bool> {
    // These two are not in the C library.
    const IFLA_GRE_IFLAGS: u16 = 2;
    const GRE_CSUM: u16 = 0x8000;
    let flags = find(find(info, libc::IFLA_INFO_DATA)?, IFLA_GRE_IFLAGS)?;
    Some(u16::from_be_bytes(*flags.first_chunk()?) & GRE_CSUM != 0)
}

/// Reads an address from the payload of `RTM_NEWADDR`.
pub(super) fn address(payload: &[u8]) -> Option<Address> {
    let (header, attributes) = payload.split_at_checked(ADDRESS_HEADER)?;
    // On a line between two machines the other attribute has the other machine's.
    let own = find(attributes, libc::IFA_LOCAL).or_else(|| find(attributes, libc::IFA_ADDRESS))?;
    let more = find(attributes, libc::IFA_FLAGS).and_then(|flags| u32_at(flags, 0)).unwrap_or_default();
    Some(Address {
        ip: ip(own)?,
        prefix: header[1],
        interface: u32_at(header, 4)?,
        is_duplicate: (u32::from(header[2]) | more) & libc::IFA_F_DADFAILED != 0,
    })
}

/// Reads a neighbour that did not answer, and the index of its interface, from the payload of `RTM_NEWNEIGH`.
pub(super) fn failed_neighbour(payload: &[u8]) -> Option<(u32, IpAddr)> {
    let (header, attributes) = payload.split_at_checked(NEIGHBOUR_HEADER)?;
    let state = u16::from_ne_bytes(header[8..10].try_into().ok()?);
    let address = ip(find(attributes, libc::NDA_DST)?)?;
    (state == libc::NUD_FAILED).then_some((u32_at(header, 4)?, address))
}

/// Reads the way to an address from the payload of `RTM_NEWROUTE`.
pub(super) fn route(payload: &[u8]) -> Option<Route> {
    let (header, attributes) = payload.split_at_checked(ROUTE_HEADER)?;
    match header[7] {
        libc::RTN_LOCAL | libc::RTN_ANYCAST => return Some(Route::Local),
        libc::RTN_BLACKHOLE | libc::RTN_UNREACHABLE | libc::RTN_PROHIBIT => return Some(Route::Missing),
        libc::RTN_UNICAST => {}
        _ => return None,
    }
    // A next hop of the other address family comes with its family before it.
    let gateway = find(attributes, libc::RTA_GATEWAY)
        .or_else(|| find(attributes, libc::RTA_VIA).and_then(|via| via.get(2..)));
    Some(Route::Over {
        interface: u32_at(find(attributes, libc::RTA_OIF)?, 0)?,
        gateway: gateway.and_then(ip),
    })
}

/// Returns the value of the first attribute of this kind.
fn find(attributes: &[u8], kind: u16) -> Option<&[u8]> {
    let found = NlasIterator::new(attributes).map_while(Result::ok).find(|found| found.kind() == kind)?;
    let value = NLA_HEADER_SIZE..usize::from(found.length());
    found.into_inner().get(value)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(Ipv4Addr::from(*bytes.first_chunk::<4>()?).into()),
        16 => Some(Ipv6Addr::from(*bytes.first_chunk::<16>()?).into()),
        _ => None,
    }
}

/// Reads a text that ends with a byte of 0.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Appends an attribute.
    fn push(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
        message.extend((value.len() as u16 + 4).to_ne_bytes());
        message.extend(kind.to_ne_bytes());
        message.extend(value);
        message.resize(message.len().next_multiple_of(4), 0);
    }

    fn link() -> Vec<u8> {
        let mut message = vec![0; LINK_HEADER];
        message[4..8].copy_from_slice(&7_u32.to_ne_bytes());
        message[8..12].copy_from_slice(&(libc::IFF_UP as u32 | libc::IFF_NOARP as u32).to_ne_bytes());
        push(&mut message, libc::IFLA_IFNAME, b"tunl0\0");
        push(&mut message, libc::IFLA_MTU, &1480_u32.to_ne_bytes());
        let mut info = Vec::new();
        push(&mut info, libc::IFLA_INFO_KIND, b"ipip");
        push(&mut message, libc::IFLA_LINKINFO | 0x8000, &info);
        message
    }

    #[test]
    fn an_interface_is_read() {
        let read = interface(&link()).unwrap();
        assert_eq!(
            (read.index, read.name.as_str(), read.mtu, read.kind.as_str()),
            (7, "tunl0", 1480, "ipip")
        );
        assert!(read.is_up && read.has_no_arp && !read.is_running && !read.is_loopback);
    }

    #[test]
    fn tunnels_tell_which_packets_they_accept() {
        for (kind, flags, expected) in [
            ("gre", [0x80, 0], Some(true)),
            ("ip6gre", [0x20, 0], Some(false)),
            // The attribute of another kind means something else.
            ("vti", [0x80, 0], None),
        ] {
            let (mut data, mut info, mut message) = (Vec::new(), Vec::new(), vec![0; LINK_HEADER]);
            push(&mut data, 2, &flags);
            push(&mut info, libc::IFLA_INFO_KIND, kind.as_bytes());
            push(&mut info, libc::IFLA_INFO_DATA, &data);
            push(&mut message, libc::IFLA_IFNAME, b"tunnel\0");
            push(&mut message, libc::IFLA_LINKINFO, &info);
            assert_eq!(interface(&message).unwrap().wants_checksums, expected, "{kind}");
        }
    }

    #[test]
    fn the_next_hop_may_be_of_the_other_family() {
        let next_hop: Ipv6Addr = "fe80::1".parse().unwrap();
        let mut message = vec![0; ROUTE_HEADER];
        message[7] = libc::RTN_UNICAST;
        push(&mut message, libc::RTA_VIA, &[&[10, 0][..], &next_hop.octets()].concat());
        push(&mut message, libc::RTA_OIF, &2_u32.to_ne_bytes());
        let expected = Route::Over { interface: 2, gateway: Some(next_hop.into()) };
        assert_eq!(route(&message), Some(expected));
        message[7] = libc::RTN_PROHIBIT;
        assert_eq!(route(&message), Some(Route::Missing));
    }

    #[test]
    fn damaged_messages_are_harmless() {
        let link = link();
        for end in 0..link.len() {
            let part = &link[..end];
            let read = interface(part);
            assert!(read.is_none_or(|read| read.index == 7 && read.name == "tunl0"), "{end}");
            let _ = (address(part), failed_neighbour(part), route(part));
        }
        for at in 0..link.len() {
            for byte in [0, 1, 4, 255] {
                let mut damaged = link.clone();
                damaged[at] = byte;
                let _ = (interface(&damaged), address(&damaged), failed_neighbour(&damaged), route(&damaged));
            }
        }
    }
}
