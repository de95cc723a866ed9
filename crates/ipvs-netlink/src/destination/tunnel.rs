//! The encapsulation of tunnels.

use std::num::NonZeroU16;

use crate::attribute::{Attributes, Result, Writer};
use crate::constants::{
    IP_VS_CONN_F_TUNNEL_TYPE_GRE, IP_VS_CONN_F_TUNNEL_TYPE_GUE, IP_VS_CONN_F_TUNNEL_TYPE_IPIP,
    IP_VS_TUNNEL_ENCAP_FLAG_CSUM, IP_VS_TUNNEL_ENCAP_FLAG_NOCSUM, IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM,
    IPVS_DEST_ATTR_TUN_FLAGS, IPVS_DEST_ATTR_TUN_PORT, IPVS_DEST_ATTR_TUN_TYPE,
};

/// Options of an encapsulation (`IPVS_DEST_ATTR_TUN_FLAGS`). Unknown bits are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct TunnelFlags(u16);

impl TunnelFlags {
    /// `IP_VS_TUNNEL_ENCAP_FLAG_NOCSUM`: no checksum.
    pub const NO_CHECKSUM: Self = Self(IP_VS_TUNNEL_ENCAP_FLAG_NOCSUM);
    /// `IP_VS_TUNNEL_ENCAP_FLAG_CSUM`: a checksum over the outer packet.
    pub const CHECKSUM: Self = Self(IP_VS_TUNNEL_ENCAP_FLAG_CSUM);
    /// `IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM`: remote checksum offload, only for GUE.
    pub const REMOTE_CHECKSUM: Self = Self(IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM);

    /// Converts from the kernel's bits.
    #[must_use]
    pub const fn from_raw(bits: u16) -> Self {
        Self(bits)
    }

    /// Converts to the kernel's bits.
    #[must_use]
    pub const fn to_raw(self) -> u16 {
        self.0
    }
}

/// The encapsulation for [`Forwarding::Tunnel`](super::Forwarding::Tunnel). The kernel keeps one for every
/// destination, whatever its forwarding method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "super::fields::TunnelFields", into = "super::fields::TunnelFields")
)]
#[non_exhaustive]
pub enum Tunnel {
    /// `IP_VS_CONN_F_TUNNEL_TYPE_IPIP`: IP in IP.
    #[default]
    Ipip,
    /// `IP_VS_CONN_F_TUNNEL_TYPE_GUE`: Generic UDP Encapsulation, which needs a port.
    Gue {
        /// The UDP port at which the real server decapsulates, in host byte order.
        port: NonZeroU16,
        /// The handling of checksums.
        flags: TunnelFlags,
    },
    /// `IP_VS_CONN_F_TUNNEL_TYPE_GRE`: Generic Routing Encapsulation.
    Gre {
        /// The handling of checksums.
        flags: TunnelFlags,
    },
    /// Another combination of attributes, made by [`Tunnel::from_raw`].
    Other(UnknownTunnel),
}

/// A combination of type, port and flags that is none of the named encapsulations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UnknownTunnel {
    kind: u8,
    port: u16,
    flags: TunnelFlags,
}

impl Tunnel {
    /// Converts from the kernel's attributes: `IPVS_DEST_ATTR_TUN_TYPE`, the port in host byte order (0 if there is
    /// none), and the flags.
    #[must_use]
    pub fn from_raw(kind: u8, port: u16, flags: TunnelFlags) -> Self {
        match (kind, NonZeroU16::new(port)) {
            (IP_VS_CONN_F_TUNNEL_TYPE_IPIP, None) if flags == TunnelFlags::NO_CHECKSUM => Self::Ipip,
            (IP_VS_CONN_F_TUNNEL_TYPE_GUE, Some(port)) => Self::Gue { port, flags },
            (IP_VS_CONN_F_TUNNEL_TYPE_GRE, None) => Self::Gre { flags },
            _ => Self::Other(UnknownTunnel { kind, port, flags }),
        }
    }

    /// Returns the kernel's number of the encapsulation (`IPVS_DEST_ATTR_TUN_TYPE`).
    #[must_use]
    pub const fn kind(self) -> u8 {
        match self {
            Self::Ipip => IP_VS_CONN_F_TUNNEL_TYPE_IPIP,
            Self::Gue { .. } => IP_VS_CONN_F_TUNNEL_TYPE_GUE,
            Self::Gre { .. } => IP_VS_CONN_F_TUNNEL_TYPE_GRE,
            Self::Other(other) => other.kind,
        }
    }

    /// Returns the port in host byte order (`IPVS_DEST_ATTR_TUN_PORT`); 0 if there is none.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Gue { port, .. } => port.get(),
            Self::Other(other) => other.port,
            Self::Ipip | Self::Gre { .. } => 0,
        }
    }

    /// Returns the flags (`IPVS_DEST_ATTR_TUN_FLAGS`).
    #[must_use]
    pub const fn flags(self) -> TunnelFlags {
        match self {
            Self::Ipip => TunnelFlags::NO_CHECKSUM,
            Self::Gue { flags, .. } | Self::Gre { flags } => flags,
            Self::Other(other) => other.flags,
        }
    }

    /// Returns whether the encapsulation needs a port and has none.
    pub(crate) fn lacks_port(self) -> bool {
        self.kind() == IP_VS_CONN_F_TUNNEL_TYPE_GUE && self.port() == 0
    }

    /// Reads the three attributes inside `IPVS_CMD_ATTR_DEST`. Kernels before 5.3 have none of them.
    pub(super) fn parse(attributes: &mut Attributes<'_>) -> Result<Self> {
        let kind = attributes.optional_array(IPVS_DEST_ATTR_TUN_TYPE)?.map_or(0, u8::from_ne_bytes);
        let port = attributes.optional_array(IPVS_DEST_ATTR_TUN_PORT)?.map_or(0, u16::from_be_bytes);
        let flags = attributes.optional_array(IPVS_DEST_ATTR_TUN_FLAGS)?.map_or(0, u16::from_ne_bytes);
        Ok(Self::from_raw(kind, port, TunnelFlags(flags)))
    }

    /// Writes the three attributes inside `IPVS_CMD_ATTR_DEST`.
    pub(super) fn emit(self, writer: &mut Writer<'_>) {
        writer.u8(IPVS_DEST_ATTR_TUN_TYPE, self.kind());
        writer.be16(IPVS_DEST_ATTR_TUN_PORT, self.port());
        writer.u16(IPVS_DEST_ATTR_TUN_FLAGS, self.flags().0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_combinations_survive_their_numbers() {
        for (kind, port, flags) in [(0, 0, 0), (1, 9, 2), (2, 0, 1), (1, 0, 0), (0, 7, 0), (9, 1, 8)] {
            let tunnel = Tunnel::from_raw(kind, port, TunnelFlags(flags));
            assert_eq!((tunnel.kind(), tunnel.port(), tunnel.flags().to_raw()), (kind, port, flags));
        }
    }
}
