//! Asking the network whether another machine answers for a virtual address, as a machine does before it takes one
//! (RFC 5227): the question has no sender's address, so nobody who hears it learns anything.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{LinkAddr, MsgFlags, SockaddrStorage, recvfrom, sendto};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketFlags, SocketType, eth, socket_with};

use crate::doctor::Holder;

/// The number of times that each question is put, and the time for answers after each.
const TRIES: usize = 2;
const PATIENCE: Duration = Duration::from_millis(500);
/// The number of questions in a row, before others get a turn on the network.
const BURST: usize = 64;
const PAUSE: Duration = Duration::from_millis(10);

const ETHERNET: u16 = 1;
const HEADER: [u8; 8] = [0, 1, 8, 0, 6, 4, 0, 1];
/// The length of an Ethernet header and a question or answer.
const LENGTH: usize = 42;

type Hardware = [u8; 6];

/// Asks who has these addresses, each on the interface with this index. `None` if that is not possible.
pub(super) fn ask(questions: &BTreeSet<(Ipv4Addr, u32)>) -> Option<BTreeSet<Holder>> {
    if questions.is_empty() {
        return Some(BTreeSet::new());
    }
    let links = links()?;
    let own: BTreeSet<Hardware> = links.values().map(|link| link.own).collect();
    let protocol = Some(eth::ARP);
    let socket = socket_with(AddressFamily::PACKET, SocketType::RAW, SocketFlags::CLOEXEC, protocol).ok()?;
    let mut found = BTreeSet::new();
    for _ in 0..TRIES {
        for (number, (address, interface)) in questions.iter().enumerate() {
            let Some(link) = links.get(interface) else { continue };
            // An interface may go down at any time.
            let _ =
                sendto(socket.as_raw_fd(), &question(link.own, *address), &link.everybody, MsgFlags::empty());
            if number % BURST == BURST - 1 {
                sleep(PAUSE);
            }
        }
        receive(&socket, |interface, frame| {
            let Some((hardware, address)) = sender(frame) else { return };
            if questions.contains(&(address, interface)) && !own.contains(&hardware) {
                found.insert(Holder { address, interface, hardware });
            }
        });
    }
    Some(found)
}

/// An Ethernet interface.
struct Link {
    own: Hardware,
    /// The address of everybody on it.
    everybody: LinkAddr,
}

/// Returns the Ethernet interfaces by their indexes.
fn links() -> Option<BTreeMap<u32, Link>> {
    let link = |address: Option<SockaddrStorage>| {
        let address = *address?.as_link_addr()?;
        (address.hatype() == ETHERNET && address.halen() == 6).then_some(address)
    };
    let links = getifaddrs().ok()?.filter_map(|interface| {
        let (own, everybody) = (link(interface.address)?, link(interface.broadcast)?);
        Some((u32::try_from(own.ifindex()).ok()?, Link { own: own.addr()?, everybody }))
    });
    Some(links.collect())
}

/// Makes the question who has an address.
fn question(own: Hardware, address: Ipv4Addr) -> Vec<u8> {
    let (everybody, nobody, unspecified) = ([0xFF; 6], [0; 6], [0; 4]);
    let ethertype = [8, 6];
    [&everybody[..], &own, &ethertype, &HEADER, &own, &unspecified, &nobody, &address.octets()].concat()
}

/// Returns who has sent an answer, or another question.
fn sender(frame: &[u8]) -> Option<(Hardware, Ipv4Addr)> {
    let frame: &[u8; LENGTH] = frame.first_chunk()?;
    // All but the last byte, which tells questions from answers.
    if frame[14..21] != HEADER[..7] {
        return None;
    }
    Some((*frame[22..].first_chunk()?, Ipv4Addr::from(*frame[28..].first_chunk::<4>()?)))
}

/// Hands what comes before the time is over to `handle`, with the index of the interface.
fn receive(socket: &OwnedFd, mut handle: impl FnMut(u32, &[u8])) {
    let end = Instant::now() + PATIENCE;
    loop {
        let rest = end.saturating_duration_since(Instant::now());
        if rest.is_zero() || set_socket_timeout(socket, Timeout::Recv, Some(rest)).is_err() {
            return;
        }
        let mut frame = [0; 64];
        // Whatever the error is, the time tells when to stop.
        let Ok((length, from)) = recvfrom::<LinkAddr>(socket.as_raw_fd(), &mut frame) else { continue };
        if let Some(interface) = from.and_then(|from| u32::try_from(from.ifindex()).ok()) {
            handle(interface, &frame[..length.min(frame.len())]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_have_no_sender_and_answers_have_one() {
        let (own, address) = ([2, 0, 0, 0, 0, 1], Ipv4Addr::new(192, 0, 2, 1));
        let mut frame = question(own, address);
        assert_eq!(frame.len(), LENGTH);
        assert_eq!(sender(&frame), Some((own, Ipv4Addr::UNSPECIFIED)));
        assert_eq!(frame[38..], address.octets());
        let other = [2, 0, 0, 0, 0, 2];
        frame[21] = 2;
        frame[22..28].copy_from_slice(&other);
        frame[28..32].copy_from_slice(&address.octets());
        // Short frames are filled up.
        frame.extend([0; 18]);
        assert_eq!(sender(&frame), Some((other, address)));
        for end in 0..LENGTH {
            assert_eq!(sender(&frame[..end]), None, "{end}");
        }
        frame[18] = 8;
        assert_eq!(sender(&frame), None);
    }
}
