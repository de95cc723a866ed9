//! Service ids: the address or firewall mark that tells one virtual service from all others.

use std::cmp::Ordering;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::str::FromStr;

use crate::address::{AddressFamily, address_bytes, from_address_bytes};
use crate::attribute::{Attributes, Result, Writer};
use crate::constants::{
    IPVS_CMD_ATTR_SERVICE, IPVS_SVC_ATTR_ADDR, IPVS_SVC_ATTR_AF, IPVS_SVC_ATTR_FWMARK, IPVS_SVC_ATTR_PORT,
    IPVS_SVC_ATTR_PROTOCOL,
};
use crate::parse::ParseError;

/// The transport protocol of a virtual service, by its IANA number (`IPPROTO_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protocol(u16);

impl Protocol {
    /// `IPPROTO_TCP`
    pub const TCP: Self = Self(6);
    /// `IPPROTO_UDP`
    pub const UDP: Self = Self(17);
    /// `IPPROTO_SCTP`
    pub const SCTP: Self = Self(132);

    /// Converts from the IANA number. The kernel accepts only the three constants.
    #[must_use]
    pub const fn from_raw(number: u16) -> Self {
        Self(number)
    }

    /// Converts to the IANA number.
    #[must_use]
    pub const fn to_raw(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Protocol {
    /// Writes `TCP`, `UDP`, `SCTP`, or the number of another protocol.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TCP => f.pad("TCP"),
            Self::UDP => f.pad("UDP"),
            Self::SCTP => f.pad("SCTP"),
            Self(number) => f.pad(&number.to_string()),
        }
    }
}

impl FromStr for Protocol {
    type Err = ParseError;

    /// Reads a name in any case, or a number.
    fn from_str(text: &str) -> std::result::Result<Self, ParseError> {
        [Self::TCP, Self::UDP, Self::SCTP]
            .into_iter()
            .find(|protocol| text.eq_ignore_ascii_case(&protocol.to_string()))
            .or_else(|| text.parse().ok().map(Self))
            .ok_or_else(|| ParseError::new(text, "a transport protocol"))
    }
}

#[cfg(feature = "serde")]
crate::serialize::as_text! {
    Protocol: "a transport protocol: TCP, UDP or SCTP",
}

/// The identity of a virtual service.
///
/// Ids are ordered as services are listed: services on addresses before those of firewall marks; within these by
/// address family, protocol, address and port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "super::fields::IdFields", into = "super::fields::IdFields"))]
pub enum ServiceId {
    /// A service on an address and a port.
    Address {
        /// The transport protocol (`IPVS_SVC_ATTR_PROTOCOL`).
        protocol: Protocol,
        /// The virtual address (`IPVS_SVC_ATTR_ADDR`).
        address: IpAddr,
        /// The virtual port in host byte order (`IPVS_SVC_ATTR_PORT`); 0 means every port, which needs persistence.
        port: u16,
    },
    /// A service for all packets with a firewall mark.
    Fwmark {
        /// The mark (`IPVS_SVC_ATTR_FWMARK`), as set by `iptables -j MARK` or `nft meta mark set`. 0 means no mark.
        mark: NonZeroU32,
        /// The address family of the packets and, except with tunnels, of the destinations.
        family: AddressFamily,
    },
}

impl ServiceId {
    /// Identifies a TCP service.
    pub fn tcp(address: impl Into<SocketAddr>) -> Self {
        Self::new(Protocol::TCP, address)
    }

    /// Identifies a UDP service.
    pub fn udp(address: impl Into<SocketAddr>) -> Self {
        Self::new(Protocol::UDP, address)
    }

    /// Identifies an SCTP service.
    pub fn sctp(address: impl Into<SocketAddr>) -> Self {
        Self::new(Protocol::SCTP, address)
    }

    /// Identifies a service on an address and a port; port 0 means every port.
    pub fn new(protocol: Protocol, address: impl Into<SocketAddr>) -> Self {
        let address = address.into();
        Self::Address { protocol, address: address.ip(), port: address.port() }
    }

    /// Identifies the service of a firewall mark for one address family.
    #[must_use]
    pub const fn fwmark(mark: NonZeroU32, family: AddressFamily) -> Self {
        Self::Fwmark { mark, family }
    }

    /// Returns the address family of the service.
    #[must_use]
    pub fn family(&self) -> AddressFamily {
        match *self {
            Self::Address { address, .. } => address.into(),
            Self::Fwmark { family, .. } => family,
        }
    }

    /// Returns the protocol; a firewall mark has none.
    #[must_use]
    pub fn protocol(&self) -> Option<Protocol> {
        match *self {
            Self::Address { protocol, .. } => Some(protocol),
            Self::Fwmark { .. } => None,
        }
    }

    /// Returns a key that sorts like the id. Long lists are sorted faster by cached keys than by the ids.
    #[must_use]
    pub fn sort_key(&self) -> impl Ord + use<> {
        let (mark, protocol, address, port) = match *self {
            Self::Address { protocol, address: IpAddr::V4(address), port } => {
                (0, protocol.0, u32::from(address).into(), port)
            }
            Self::Address { protocol, address: IpAddr::V6(address), port } => {
                (0, protocol.0, u128::from(address), port)
            }
            Self::Fwmark { mark, .. } => (mark.get(), 0, 0, 0),
        };
        // One number is compared faster than three.
        let kind = u64::from(mark) << 32 | u64::from(self.family().to_raw()) << 16 | u64::from(protocol);
        (kind, address, port)
    }

    /// Reads the attributes inside `IPVS_CMD_ATTR_SERVICE` that identify a service.
    pub(crate) fn parse(attributes: &mut Attributes<'_>) -> Result<Self> {
        let family = AddressFamily::from_raw(attributes.u16(IPVS_SVC_ATTR_AF)?)
            .ok_or_else(|| attributes.impossible(IPVS_SVC_ATTR_AF))?;
        // The kernel reports either a mark or a protocol, never both.
        if let Some(protocol) = attributes.optional_array(IPVS_SVC_ATTR_PROTOCOL)? {
            return Ok(Self::Address {
                protocol: Protocol(u16::from_ne_bytes(protocol)),
                address: from_address_bytes(family, attributes.array(IPVS_SVC_ATTR_ADDR)?),
                port: attributes.be16(IPVS_SVC_ATTR_PORT)?,
            });
        }
        let mark = attributes.optional_array(IPVS_SVC_ATTR_FWMARK)?.map(u32::from_ne_bytes);
        match mark.and_then(NonZeroU32::new) {
            Some(mark) => Ok(Self::Fwmark { mark, family }),
            None => Err(attributes.missing(IPVS_SVC_ATTR_PROTOCOL)),
        }
    }

    /// Writes the attributes inside `IPVS_CMD_ATTR_SERVICE` that identify a service.
    pub(super) fn emit(&self, writer: &mut Writer<'_>) {
        writer.u16(IPVS_SVC_ATTR_AF, self.family().to_raw());
        match *self {
            Self::Fwmark { mark, .. } => writer.u32(IPVS_SVC_ATTR_FWMARK, mark.get()),
            Self::Address { protocol, address, port } => {
                writer.u16(IPVS_SVC_ATTR_PROTOCOL, protocol.0);
                writer.bytes(IPVS_SVC_ATTR_ADDR, &address_bytes(address));
                writer.be16(IPVS_SVC_ATTR_PORT, port);
            }
        }
    }

    /// Writes `IPVS_CMD_ATTR_SERVICE` with the identity alone.
    pub(crate) fn emit_nested(&self, writer: &mut Writer<'_>) {
        writer.nest(IPVS_CMD_ATTR_SERVICE, |writer| self.emit(writer));
    }
}

impl Ord for ServiceId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sort_key().cmp(&other.sort_key())
    }
}

impl PartialOrd for ServiceId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for ServiceId {
    /// Writes the id as listings do: `TCP 192.0.2.1:80`, `UDP [2001:db8::1]:53`, `FWM 7`, `FWM 7 IPv6`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Address { protocol, address, port } => {
                write!(f, "{protocol} {}", SocketAddr::new(address, port))
            }
            Self::Fwmark { mark, family: AddressFamily::V4 } => write!(f, "FWM {mark}"),
            Self::Fwmark { mark, family: AddressFamily::V6 } => write!(f, "FWM {mark} IPv6"),
        }
    }
}

impl FromStr for ServiceId {
    type Err = ParseError;

    /// Reads an id as `Display` writes it.
    fn from_str(text: &str) -> std::result::Result<Self, ParseError> {
        let read = || {
            let (kind, rest) = text.split_once(' ')?;
            if kind != "FWM" {
                return Some(Self::new(kind.parse().ok()?, rest.parse::<SocketAddr>().ok()?));
            }
            let (mark, family) = match rest.strip_suffix(" IPv6") {
                Some(mark) => (mark, AddressFamily::V6),
                None => (rest, AddressFamily::V4),
            };
            Some(Self::fwmark(mark.parse().ok()?, family))
        };
        read().ok_or_else(|| ParseError::new(text, "a service such as \"TCP 192.0.2.1:80\" or \"FWM 7\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ServiceId {
        text.parse().unwrap()
    }

    #[test]
    fn services_sort_by_family_protocol_address_and_port_before_firewall_marks() {
        let sorted = [
            "TCP 1.0.0.1:80",
            "TCP 1.0.0.1:443",
            "TCP 200.0.0.1:1",
            "UDP 1.0.0.1:1",
            "TCP [::1]:1",
            "FWM 1",
            "FWM 1 IPv6",
            "FWM 2147483648",
        ]
        .map(id);
        let mut shuffled = sorted;
        shuffled.reverse();
        shuffled.sort();
        assert_eq!(shuffled, sorted);
    }

    #[test]
    fn ids_are_read_as_they_are_written() {
        for text in
            ["TCP 192.0.2.1:80", "UDP [2001:db8::1]:53", "SCTP 192.0.2.1:0", "99 192.0.2.1:1", "FWM 7"]
        {
            assert_eq!(id(text).to_string(), text);
        }
        assert_eq!(id("tcp 192.0.2.1:80"), ServiceId::tcp(([192, 0, 2, 1], 80)));
        for text in ["", "TCP", "TCP 192.0.2.1", "FWM 0", "FWM x", "FWM 1 IPv4", "ICMP 192.0.2.1:80"] {
            assert!(text.parse::<ServiceId>().is_err(), "{text}");
        }
    }
}
