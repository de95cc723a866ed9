//! What other machines have said.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipvs_netlink::SyncDaemon;

/// A machine that has answered for an address of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Holder {
    pub(crate) address: Ipv4Addr,
    /// The index of the interface that the answer came in by.
    pub(crate) interface: u32,
    pub(crate) hardware: [u8; 6],
}

const DEFAULT_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 81));
const DEFAULT_PORT: u16 = 8848;
/// Where daemons send and listen if nothing else was chosen.
pub(crate) const DEFAULT_GROUP: SocketAddr = SocketAddr::new(DEFAULT_ADDRESS, DEFAULT_PORT);

/// A message of another director.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SyncMessage {
    /// The multicast group and port that it was sent to.
    pub(crate) group: SocketAddr,
    pub(crate) sender: IpAddr,
    /// The sync id of its daemon.
    pub(crate) id: u8,
}

/// Returns the multicast group and port of a daemon.
pub(crate) fn group(daemon: &SyncDaemon) -> SocketAddr {
    let port = if daemon.port == 0 { DEFAULT_PORT } else { daemon.port };
    SocketAddr::new(daemon.group.unwrap_or(DEFAULT_ADDRESS), port)
}
