//! Interfaces, addresses, neighbours and routes, as the kernel's routing netlink tells them to everyone. To ask for a
//! route sends no packet.

use std::collections::HashSet;
use std::net::IpAddr;

use netlink_packet_core::{Emitable, NLM_F_DUMP, NLM_F_REQUEST, NetlinkBuffer, NetlinkHeader};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};

use super::message::{self, ADDRESS_HEADER, LINK_HEADER, NEIGHBOUR_HEADER, ROUTE_HEADER};
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
        self.list(libc::RTM_GETLINK, LINK_HEADER, message::interface)
    }

    pub(super) fn addresses(&mut self) -> Vec<Address> {
        self.list(libc::RTM_GETADDR, ADDRESS_HEADER, message::address)
    }

    /// Returns the neighbours that did not answer, with the indexes of their interfaces.
    pub(super) fn failed_neighbours(&mut self) -> HashSet<(u32, IpAddr)> {
        self.list(libc::RTM_GETNEIGH, NEIGHBOUR_HEADER, message::failed_neighbour).into_iter().collect()
    }

    fn list<T>(&mut self, question: u16, header: usize, read: impl Fn(&[u8]) -> Option<T>) -> Vec<T> {
        let mut found = Vec::new();
        // A header of zeros asks for everything.
        self.ask(question, NLM_F_DUMP, &vec![0; header], |answer| found.extend(read(answer)));
        found
    }

    /// Asks which way packets to an address would take. `None` if the kernel does not say.
    pub(super) fn route(&mut self, address: IpAddr) -> Option<Route> {
        let (family, bytes) = match &address {
            IpAddr::V4(ip) => (libc::AF_INET, &ip.octets()[..]),
            IpAddr::V6(ip) => (libc::AF_INET6, &ip.octets()[..]),
        };
        let mut question = vec![0; ROUTE_HEADER];
        question[0] = family as u8;
        question[1] = 8 * bytes.len() as u8;
        question.extend((4 + bytes.len() as u16).to_ne_bytes());
        question.extend(libc::RTA_DST.to_ne_bytes());
        question.extend(bytes);
        let mut found = None;
        let refusal = self.ask(libc::RTM_GETROUTE, 0, &question, |answer| found = message::route(answer))?;
        match refusal {
            None => found,
            // Routes that throw packets away answer the last two.
            Some(Errno::ENETUNREACH | Errno::EHOSTUNREACH | Errno::EACCES | Errno::EINVAL) => {
                Some(Route::Missing)
            }
            Some(_) => None,
        }
    }

    /// Asks the kernel, hands the payloads of its answers to `handle`, and returns the error that it ends with, if any.
    /// `None` if there is no end.
    fn ask(
        &mut self,
        question: u16,
        flags: u16,
        payload: &[u8],
        mut handle: impl FnMut(&[u8]),
    ) -> Option<Refusal> {
        self.sequence += 1;
        let mut header = NetlinkHeader::default();
        header.message_type = question;
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut bytes = vec![0; header.buffer_len()];
        header.length = (bytes.len() + payload.len()) as u32;
        header.emit(&mut bytes);
        bytes.extend(payload);
        self.socket.send(&bytes, 0).ok()?;
        loop {
            let (bytes, _) = self.socket.recv_from_full().ok()?;
            let mut rest = &bytes[..];
            while let Ok(answer) = NetlinkBuffer::new_checked(rest) {
                rest = rest.get((answer.length() as usize).next_multiple_of(4)..).unwrap_or_default();
                if answer.sequence_number() != self.sequence {
                    continue;
                }
                match i32::from(answer.message_type()) {
                    libc::NLMSG_DONE => return Some(None),
                    libc::NLMSG_ERROR => {
                        let code = i32::from_ne_bytes(*answer.payload().first_chunk()?);
                        return Some(Some(Errno::from_raw(-code)));
                    }
                    _ => handle(answer.payload()),
                }
                if flags & NLM_F_DUMP == 0 {
                    return Some(None);
                }
            }
        }
    }
}
