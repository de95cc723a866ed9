//! The fields by which destinations and tunnels are serialized.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Destination, DestinationId, Forwarding, Tunnel, TunnelFlags};
use crate::constants::{
    IP_VS_CONN_F_TUNNEL_TYPE_GRE, IP_VS_CONN_F_TUNNEL_TYPE_GUE, IP_VS_CONN_F_TUNNEL_TYPE_IPIP,
};
use crate::parse::ParseError;
use crate::serialize::{Flag, as_text, given_object, number};

/// The fields of a destination.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DestinationFields {
    address: IpAddr,
    #[serde(deserialize_with = "number::<65535, _, _>")]
    port: u16,
    #[serde(default = "direct_route")]
    forwarding: Forwarding,
    /// Left out if packets are not encapsulated, because the kernel ignores it then.
    #[serde(default, deserialize_with = "given_object", skip_serializing_if = "Option::is_none")]
    tunnel: Option<Tunnel>,
    #[serde(default = "one", deserialize_with = "number::<2147483647, _, _>")]
    weight: u32,
    #[serde(default, deserialize_with = "number::<2147483647, _, _>")]
    upper_threshold: u32,
    #[serde(default, deserialize_with = "number::<2147483647, _, _>")]
    lower_threshold: u32,
}

fn direct_route() -> Forwarding {
    Forwarding::DirectRoute
}

fn one() -> u32 {
    1
}

impl From<Destination> for DestinationFields {
    fn from(destination: Destination) -> Self {
        let Destination { id, forwarding, weight, upper_threshold, lower_threshold, tunnel } = destination;
        let tunnel = (forwarding == Forwarding::Tunnel).then_some(tunnel);
        let DestinationId { address, port } = id;
        Self { address, port, forwarding, tunnel, weight, upper_threshold, lower_threshold }
    }
}

impl TryFrom<DestinationFields> for Destination {
    type Error = &'static str;

    fn try_from(fields: DestinationFields) -> Result<Self, &'static str> {
        if fields.tunnel.is_some() && fields.forwarding != Forwarding::Tunnel {
            return Err("a tunnel goes only with \"forwarding\": \"tunnel\"");
        }
        Ok(Self {
            id: DestinationId::new(fields.address, fields.port),
            forwarding: fields.forwarding,
            weight: fields.weight,
            upper_threshold: fields.upper_threshold,
            lower_threshold: fields.lower_threshold,
            tunnel: fields.tunnel.unwrap_or_default(),
        })
    }
}

/// The fields of a tunnel.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TunnelFields {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default, deserialize_with = "number::<65535, _, _>", skip_serializing_if = "is_zero")]
    port: u16,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    flags: Vec<Flag>,
}

fn is_zero(port: &u16) -> bool {
    *port == 0
}

/// The names of the flags. That of no checksum has no bit.
const FLAGS: [(TunnelFlags, &str); 2] =
    [(TunnelFlags::CHECKSUM, "checksum"), (TunnelFlags::REMOTE_CHECKSUM, "remote-checksum")];

fn flag_names() -> impl Iterator<Item = (u32, &'static str)> + Clone {
    FLAGS.into_iter().map(|(flag, name)| (flag.to_raw().into(), name))
}

impl From<Tunnel> for TunnelFields {
    fn from(tunnel: Tunnel) -> Self {
        let flags = Flag::split(tunnel.flags().to_raw().into(), flag_names());
        Self { kind: Kind(tunnel.kind()), port: tunnel.port(), flags }
    }
}

impl TryFrom<TunnelFields> for Tunnel {
    type Error = String;

    fn try_from(fields: TunnelFields) -> Result<Self, String> {
        let flags = Flag::join(&fields.flags, flag_names(), "a tunnel")?;
        let flags = u16::try_from(flags).map_err(|_| "the flags of a tunnel have 16 bits")?;
        let tunnel = Self::from_raw(fields.kind.0, fields.port, TunnelFlags::from_raw(flags));
        if tunnel.lacks_port() { Err("a gue tunnel needs a port".into()) } else { Ok(tunnel) }
    }
}

/// The number of an encapsulation, which has a name or is shown as it is.
#[derive(Debug, Clone, Copy)]
struct Kind(u8);

impl Kind {
    const NAMES: [(u8, &str); 3] = [
        (IP_VS_CONN_F_TUNNEL_TYPE_IPIP, "ipip"),
        (IP_VS_CONN_F_TUNNEL_TYPE_GUE, "gue"),
        (IP_VS_CONN_F_TUNNEL_TYPE_GRE, "gre"),
    ];
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match Self::NAMES.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => f.write_str(name),
            None => self.0.fmt(f),
        }
    }
}

impl std::str::FromStr for Kind {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let named = Self::NAMES.iter().find(|(_, name)| *name == text).map(|(number, _)| *number);
        let number = named.or_else(|| text.parse().ok());
        number.map(Self).ok_or_else(|| ParseError::new(text, "a type of tunnel: ipip, gue or gre"))
    }
}

as_text! {
    Kind: "a type of tunnel: ipip, gue or gre",
}
