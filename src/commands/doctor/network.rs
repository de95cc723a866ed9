//! Interfaces, addresses, neighbours and routes, as the kernel's routing netlink tells them to everyone. To ask for a
//! route sends no packet.

use std::collections::HashSet;
use std::net::IpAddr;

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkBuffer, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkInfo, LinkMessage};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteMessage, RouteType, RouteVia};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};

use crate::doctor::{Address, Interface, Route};

/// The kernel answers before `send` returns, so an answer that has not come by then is lost.
const TIMEOUT_SECONDS: i64 = 5;

/// A connection to the kernel's routing netlink.
pub(super) struct Network {
    socket: Socket,
    sequence: u32,
}

/// The end of an answer: what the kernel refused with, if it did.
type Refusal = Option<Errno>;

impl Network {
    pub(super) fn open() -> Option<Self> {
        let socket = Socket::new(NETLINK_ROUTE).ok()?;
        setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::seconds(TIMEOUT_SECONDS)).ok()?;
        socket.connect(&SocketAddr::new(0, 0)).ok()?;
        Some(Self { socket, sequence: 0 })
    }

    pub(super) fn interfaces(&mut self) -> Vec<Interface> {
        let mut interfaces = Vec::new();
        self.ask(RouteNetlinkMessage::GetLink(LinkMessage::default()), NLM_F_DUMP, |answer| {
            if let RouteNetlinkMessage::NewLink(link) = answer {
                interfaces.extend(interface(&link));
            }
        });
        interfaces
    }

    pub(super) fn addresses(&mut self) -> Vec<Address> {
        let mut addresses = Vec::new();
        self.ask(RouteNetlinkMessage::GetAddress(AddressMessage::default()), NLM_F_DUMP, |answer| {
            if let RouteNetlinkMessage::NewAddress(found) = answer {
                addresses.extend(address(&found));
            }
        });
        addresses
    }

    /// Returns the neighbours that did not answer, with the indexes of their interfaces.
    pub(super) fn failed_neighbours(&mut self) -> HashSet<(u32, IpAddr)> {
        let mut failed = HashSet::new();
        self.ask(RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default()), NLM_F_DUMP, |answer| {
            let RouteNetlinkMessage::NewNeighbour(neighbour) = answer else { return };
            if neighbour.header.state == NeighbourState::Failed {
                let address = neighbour.attributes.iter().find_map(|attribute| match attribute {
                    NeighbourAttribute::Destination(NeighbourAddress::Inet(ip)) => Some(IpAddr::V4(*ip)),
                    NeighbourAttribute::Destination(NeighbourAddress::Inet6(ip)) => Some(IpAddr::V6(*ip)),
                    _ => None,
                });
                failed.extend(address.map(|address| (neighbour.header.ifindex, address)));
            }
        });
        failed
    }

    /// Asks which way packets to an address would take. `None` if the kernel does not say.
    pub(super) fn route(&mut self, address: IpAddr) -> Option<Route> {
        let mut message = RouteMessage::default();
        (message.header.address_family, message.header.destination_prefix_length) = match address {
            IpAddr::V4(_) => (AddressFamily::Inet, 32),
            IpAddr::V6(_) => (AddressFamily::Inet6, 128),
        };
        message.attributes.push(RouteAttribute::Destination(address.into()));
        let mut found = None;
        let refusal = self.ask(RouteNetlinkMessage::GetRoute(message), 0, |answer| {
            if let RouteNetlinkMessage::NewRoute(answer) = answer {
                found = route(&answer);
            }
        })?;
        match refusal {
            None => found,
            // Routes that throw packets away answer the last two.
            Some(Errno::ENETUNREACH | Errno::EHOSTUNREACH | Errno::EACCES | Errno::EINVAL) => {
                Some(Route::Missing)
            }
            Some(_) => None,
        }
    }

    /// Asks the kernel, hands its answers to `handle`, and returns the error that it ends with, if any. `None` if there
    /// is no end. Answers that cannot be read are left out.
    fn ask(
        &mut self,
        question: RouteNetlinkMessage,
        flags: u16,
        mut handle: impl FnMut(RouteNetlinkMessage),
    ) -> Option<Refusal> {
        self.sequence += 1;
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(question));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.socket.send(&bytes, 0).ok()?;
        loop {
            let (bytes, _) = self.socket.recv_from_full().ok()?;
            let mut rest = &bytes[..];
            while let Ok(buffer) = NetlinkBuffer::new_checked(rest) {
                let length = buffer.length() as usize;
                let (sequence, this) = (buffer.sequence_number(), rest.get(..length)?);
                rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
                if sequence != self.sequence {
                    continue;
                }
                match NetlinkMessage::<RouteNetlinkMessage>::deserialize(this).map(|answer| answer.payload) {
                    Ok(NetlinkPayload::Done(_)) => return Some(None),
                    Ok(NetlinkPayload::Error(error)) => {
                        return Some(Some(Errno::from_raw(-error.raw_code())));
                    }
                    Ok(NetlinkPayload::InnerMessage(answer)) => handle(answer),
                    _ => {}
                }
                if flags & NLM_F_DUMP == 0 {
                    return Some(None);
                }
            }
        }
    }
}

fn interface(link: &LinkMessage) -> Option<Interface> {
    let flags = link.header.flags;
    let mut interface = Interface {
        index: link.header.index,
        is_up: flags.contains(LinkFlags::Up),
        is_running: flags.contains(LinkFlags::Running),
        is_loopback: flags.contains(LinkFlags::Loopback),
        has_no_arp: flags.contains(LinkFlags::Noarp),
        ..Interface::default()
    };
    for attribute in &link.attributes {
        match attribute {
            LinkAttribute::IfName(name) => interface.name.clone_from(name),
            LinkAttribute::Mtu(mtu) => interface.mtu = *mtu,
            LinkAttribute::LinkInfo(infos) => {
                let kind = infos.iter().find_map(|info| match info {
                    LinkInfo::Kind(kind) => Some(kind.to_string()),
                    _ => None,
                });
                interface.kind = kind.unwrap_or_default();
            }
            _ => {}
        }
    }
    (!interface.name.is_empty()).then_some(interface)
}

fn address(message: &AddressMessage) -> Option<Address> {
    let (mut own, mut peer, mut flags) = (None, None, AddressFlags::empty());
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(ip) => own = Some(*ip),
            AddressAttribute::Address(ip) => peer = Some(*ip),
            AddressAttribute::Flags(more) => flags |= *more,
            _ => {}
        }
    }
    // On a line between two machines the other attribute has the other machine's.
    Some(Address {
        ip: own.or(peer)?,
        prefix: message.header.prefix_len,
        interface: message.header.index,
        is_duplicate: flags.contains(AddressFlags::Dadfailed)
            || message.header.flags.contains(AddressHeaderFlags::Dadfailed),
    })
}

fn route(message: &RouteMessage) -> Option<Route> {
    match message.header.kind {
        RouteType::Local | RouteType::Anycast => return Some(Route::Local),
        RouteType::BlackHole | RouteType::Unreachable | RouteType::Prohibit => return Some(Route::Missing),
        RouteType::Unicast => {}
        _ => return None,
    }
    let (mut interface, mut gateway) = (None, None);
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Oif(index) => interface = Some(*index),
            RouteAttribute::Gateway(RouteAddress::Inet(ip)) => gateway = Some(IpAddr::V4(*ip)),
            RouteAttribute::Gateway(RouteAddress::Inet6(ip)) => gateway = Some(IpAddr::V6(*ip)),
            RouteAttribute::Via(RouteVia::Inet(ip)) => gateway = Some(IpAddr::V4(*ip)),
            RouteAttribute::Via(RouteVia::Inet6(ip)) => gateway = Some(IpAddr::V6(*ip)),
            _ => {}
        }
    }
    Some(Route::Over { interface: interface?, gateway })
}
