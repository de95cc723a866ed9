//! Destinations: the real servers behind a virtual service.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;

use super::Stats;

/// What tells one destination of a service from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DestinationId {
    /// The real server's address. With tunnelling its family may differ from the service's.
    pub address: IpAddr,
    /// The real server's port in host byte order; 0 with firewall marks and services on all ports.
    pub port: u16,
}

impl fmt::Display for DestinationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.address, self.port).fmt(f)
    }
}

/// How packets reach a destination (`IPVS_DEST_ATTR_FWD_METHOD`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Forwarding {
    /// `IP_VS_CONN_F_MASQ`: network address translation.
    Masquerade,
    /// `IP_VS_CONN_F_LOCALNODE`: to the director itself. The kernel chooses it by the address.
    Local,
    /// `IP_VS_CONN_F_TUNNEL`: encapsulated, as [`Destination::tunnel`] says.
    Tunnel,
    /// `IP_VS_CONN_F_DROUTE`: only the link-layer address changes.
    DirectRoute,
    /// `IP_VS_CONN_F_BYPASS`: straight to the original destination.
    Bypass,
    /// A method that is not known here.
    Other(u32),
}

impl Forwarding {
    /// The kernel's number.
    pub fn number(self) -> u32 {
        match self {
            Self::Masquerade => 0,
            Self::Local => 1,
            Self::Tunnel => 2,
            Self::DirectRoute => 3,
            Self::Bypass => 4,
            Self::Other(number) => number,
        }
    }
}

impl From<u32> for Forwarding {
    fn from(number: u32) -> Self {
        match number {
            0 => Self::Masquerade,
            1 => Self::Local,
            2 => Self::Tunnel,
            3 => Self::DirectRoute,
            4 => Self::Bypass,
            other => Self::Other(other),
        }
    }
}

/// Options of an encapsulation (`IPVS_DEST_ATTR_TUN_FLAGS`). Bits that are not known here are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct TunnelFlags(pub u16);

impl TunnelFlags {
    /// `IP_VS_TUNNEL_ENCAP_FLAG_NOCSUM`: no checksum.
    pub const NO_CHECKSUM: Self = Self(0);
    /// `IP_VS_TUNNEL_ENCAP_FLAG_CSUM`: a checksum over the outer packet.
    pub const CHECKSUM: Self = Self(1);
    /// `IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM`: remote checksum offload, GUE only.
    pub const REMOTE_CHECKSUM: Self = Self(2);
}

/// The encapsulation of [`Forwarding::Tunnel`]. The kernel keeps it for every destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Tunnel {
    /// `IP_VS_CONN_F_TUNNEL_TYPE_IPIP`: IP in IP.
    #[default]
    Ipip,
    /// `IP_VS_CONN_F_TUNNEL_TYPE_GUE`: Generic UDP Encapsulation, which needs a port.
    Gue {
        /// The UDP port that the real server decapsulates on, in host byte order.
        port: NonZeroU16,
        /// How checksums are handled.
        flags: TunnelFlags,
    },
    /// `IP_VS_CONN_F_TUNNEL_TYPE_GRE`: Generic Routing Encapsulation.
    Gre {
        /// How checksums are handled.
        flags: TunnelFlags,
    },
    /// An encapsulation that is not known here, as the kernel gave it.
    Other {
        /// `IPVS_DEST_ATTR_TUN_TYPE`
        kind: u8,
        /// `IPVS_DEST_ATTR_TUN_PORT` in host byte order
        port: u16,
        /// `IPVS_DEST_ATTR_TUN_FLAGS`
        flags: TunnelFlags,
    },
}

impl Tunnel {
    /// The encapsulation that these attributes of the kernel stand for.
    pub fn from_parts(kind: u8, port: u16, flags: TunnelFlags) -> Self {
        match (kind, NonZeroU16::new(port)) {
            (0, None) if flags == TunnelFlags::default() => Self::Ipip,
            (1, Some(port)) => Self::Gue { port, flags },
            (2, None) => Self::Gre { flags },
            _ => Self::Other { kind, port, flags },
        }
    }

    /// `IPVS_DEST_ATTR_TUN_TYPE`
    pub fn kind(self) -> u8 {
        match self {
            Self::Ipip => 0,
            Self::Gue { .. } => 1,
            Self::Gre { .. } => 2,
            Self::Other { kind, .. } => kind,
        }
    }

    /// `IPVS_DEST_ATTR_TUN_PORT` in host byte order; 0 where there is none.
    pub fn port(self) -> u16 {
        match self {
            Self::Gue { port, .. } => port.get(),
            Self::Other { port, .. } => port,
            Self::Ipip | Self::Gre { .. } => 0,
        }
    }

    /// `IPVS_DEST_ATTR_TUN_FLAGS`
    pub fn flags(self) -> TunnelFlags {
        match self {
            Self::Ipip => TunnelFlags::default(),
            Self::Gue { flags, .. } | Self::Gre { flags } | Self::Other { flags, .. } => flags,
        }
    }
}

/// The settings of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Destination {
    /// What tells it from the others of its service.
    pub id: DestinationId,
    /// How packets reach it.
    pub forwarding: Forwarding,
    /// Its share of new connections relative to the others, at most 2147483647; 0 means no new ones.
    pub weight: u32,
    /// No new connections above this number (`IPVS_DEST_ATTR_U_THRESH`); 0 means no limit.
    pub upper_threshold: u32,
    /// New connections again below this number (`IPVS_DEST_ATTR_L_THRESH`); 0 means three quarters of
    /// the upper threshold.
    pub lower_threshold: u32,
    /// The encapsulation, if the forwarding is [`Forwarding::Tunnel`].
    pub tunnel: Tunnel,
}

impl Destination {
    /// A destination with `ipvsadm`'s defaults: direct routing, weight 1, no thresholds.
    pub fn new(id: DestinationId) -> Self {
        Self {
            id,
            forwarding: Forwarding::DirectRoute,
            weight: 1,
            upper_threshold: 0,
            lower_threshold: 0,
            tunnel: Tunnel::Ipip,
        }
    }
}

/// A destination as the kernel reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DestinationState {
    /// Its settings.
    pub destination: Destination,
    /// Connections that carry traffic, for TCP those that are established.
    pub active_connections: u32,
    /// Connections that are being set up or torn down, and all those of UDP.
    pub inactive_connections: u32,
    /// Persistence templates: clients that are bound to the destination.
    pub persistent_connections: u32,
    /// What was counted since it was added or last zeroed.
    pub stats: Stats,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tunnels_and_forwarding_survive_their_numbers_also_unknown_ones() {
        for (kind, port, flags) in [(0, 0, 0), (1, 9, 2), (2, 0, 1), (1, 0, 0), (0, 7, 0), (9, 1, 8)] {
            let tunnel = Tunnel::from_parts(kind, port, TunnelFlags(flags));
            assert_eq!((tunnel.kind(), tunnel.port(), tunnel.flags().0), (kind, port, flags));
        }
        for number in 0..9 {
            assert_eq!(Forwarding::from(number).number(), number);
        }
    }
}
