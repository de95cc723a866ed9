//! Listening to the messages of sync daemons on other directors, beside the daemons of this one.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use ipvs_netlink::SyncDaemon;
use rustix::net::sockopt::{set_ip_add_membership_with_ifindex, set_socket_reuseaddr};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, ipproto, socket_with};

use crate::doctor::{DEFAULT_GROUP, Interface, SyncMessage, group};

/// A daemon holds its messages back for up to two seconds.
const PATIENCE: Duration = Duration::from_secs(4);
/// Messages of more kinds than that are not sent by a few directors.
const MAX_KINDS: usize = 64;
/// The length of a message without connections. The second byte is the id, in both versions.
const HEADER: usize = 4;

/// Listens where the daemons do, and where daemons do that were started without a group and a port. `None` if that is not
/// possible.
pub(super) fn listen(daemons: &[SyncDaemon], interfaces: &[Interface]) -> Option<BTreeSet<SyncMessage>> {
    let places: BTreeSet<(SocketAddr, u32)> = daemons
        .iter()
        .filter_map(|daemon| {
            let is_its = |interface: &&Interface| interface.name.as_bytes() == daemon.interface.as_bytes();
            let index = interfaces.iter().find(is_its)?.index;
            Some([group(daemon), DEFAULT_GROUP].map(|group| (group, index)))
        })
        .flatten()
        .collect();
    if places.is_empty() {
        return Some(BTreeSet::new());
    }
    let sockets: io::Result<Vec<_>> =
        places.into_iter().map(|(group, index)| Ok((group, join(group, index)?))).collect();
    let end = Instant::now() + PATIENCE;
    thread::scope(|scope| {
        let threads = sockets.ok()?.into_iter().map(|(group, socket)| {
            thread::Builder::new().spawn_scoped(scope, move || receive(&socket, group, end)).ok()
        });
        let threads = threads.collect::<Option<Vec<_>>>()?;
        Some(threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect())
    })
}

/// Opens a socket that receives what is sent to a group on an interface, as others may, too.
fn join(group: SocketAddr, interface: u32) -> io::Result<UdpSocket> {
    let family = if group.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, SocketType::DGRAM, SocketFlags::CLOEXEC, Some(ipproto::UDP))?;
    set_socket_reuseaddr(&socket, true)?;
    let mut own = group;
    if let SocketAddr::V6(own) = &mut own {
        // Groups of one network have the same address in each.
        own.set_scope_id(interface);
    }
    bind(&socket, &own)?;
    let socket = UdpSocket::from(socket);
    match group.ip() {
        IpAddr::V4(ip) => {
            set_ip_add_membership_with_ifindex(&socket, &ip, &Ipv4Addr::UNSPECIFIED, interface)?;
        }
        IpAddr::V6(ip) => socket.join_multicast_v6(&ip, interface)?,
    }
    Ok(socket)
}

/// Returns the messages that come before the end, each kind once.
fn receive(socket: &UdpSocket, group: SocketAddr, end: Instant) -> BTreeSet<SyncMessage> {
    let mut messages = BTreeSet::new();
    loop {
        let rest = end.saturating_duration_since(Instant::now());
        if rest.is_zero() || messages.len() >= MAX_KINDS || socket.set_read_timeout(Some(rest)).is_err() {
            return messages;
        }
        let mut bytes = [0; HEADER];
        // The rest of a message is thrown away. Whatever an error is, the time tells when to stop.
        if let Ok((HEADER, sender)) = socket.recv_from(&mut bytes) {
            messages.insert(SyncMessage { group, sender: sender.ip(), id: bytes[1] });
        }
    }
}
