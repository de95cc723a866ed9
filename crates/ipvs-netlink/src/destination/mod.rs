//! Destinations, the real servers behind a virtual service, and `IPVS_CMD_ATTR_DEST`, which carries them.

mod forwarding;
mod tunnel;

pub use forwarding::Forwarding;
pub use tunnel::{Tunnel, TunnelFlags, UnknownTunnel};

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use crate::address::{AddressFamily, address_bytes, parse_address};
use crate::attribute::{Attributes, Result, Writer};
use crate::constants::{
    IPVS_CMD_ATTR_DEST, IPVS_DEST_ATTR_ACTIVE_CONNS, IPVS_DEST_ATTR_ADDR, IPVS_DEST_ATTR_ADDR_FAMILY,
    IPVS_DEST_ATTR_FWD_METHOD, IPVS_DEST_ATTR_INACT_CONNS, IPVS_DEST_ATTR_L_THRESH,
    IPVS_DEST_ATTR_PERSIST_CONNS, IPVS_DEST_ATTR_PORT, IPVS_DEST_ATTR_STATS, IPVS_DEST_ATTR_STATS64,
    IPVS_DEST_ATTR_U_THRESH, IPVS_DEST_ATTR_WEIGHT,
};
use crate::error::ParseError;
use crate::stats::Stats;

/// The identity of a destination within its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DestinationId {
    /// The real server's address (`IPVS_DEST_ATTR_ADDR`). With tunnels its address family may differ from the
    /// service's.
    pub address: IpAddr,
    /// The real server's port in host byte order (`IPVS_DEST_ATTR_PORT`); 0 with firewall marks and with services on
    /// all ports.
    pub port: u16,
}

impl DestinationId {
    /// Identifies a destination by its address and port.
    pub fn new(address: impl Into<IpAddr>, port: u16) -> Self {
        Self { address: address.into(), port }
    }

    /// Returns the address family of the destination.
    #[must_use]
    pub fn family(&self) -> AddressFamily {
        self.address.into()
    }

    /// Reads the attributes inside `IPVS_CMD_ATTR_DEST` that identify a destination. Kernels before 3.18 do not
    /// report the address family: it is the service's, which has to be known then.
    pub(crate) fn parse(attributes: &Attributes<'_>, service_family: Option<AddressFamily>) -> Result<Self> {
        let family = match attributes.optional(IPVS_DEST_ATTR_ADDR_FAMILY) {
            Some(family) => AddressFamily::parse(family)?,
            None => service_family.ok_or_else(|| attributes.missing(IPVS_DEST_ATTR_ADDR_FAMILY))?,
        };
        Ok(Self {
            address: parse_address(family, attributes.required(IPVS_DEST_ATTR_ADDR)?)?,
            port: attributes.be16(IPVS_DEST_ATTR_PORT)?,
        })
    }

    /// Writes `IPVS_CMD_ATTR_DEST` with the identity alone.
    pub(crate) fn emit_nested(&self, writer: &mut Writer<'_>) {
        writer.nest(IPVS_CMD_ATTR_DEST, |writer| {
            self.emit(writer);
            self.emit_family(writer);
        });
    }

    fn emit(&self, writer: &mut Writer<'_>) {
        writer.bytes(IPVS_DEST_ATTR_ADDR, &address_bytes(self.address));
        writer.be16(IPVS_DEST_ATTR_PORT, self.port);
    }

    fn emit_family(&self, writer: &mut Writer<'_>) {
        writer.u16(IPVS_DEST_ATTR_ADDR_FAMILY, self.family().to_raw());
    }
}

impl From<SocketAddr> for DestinationId {
    fn from(address: SocketAddr) -> Self {
        Self { address: address.ip(), port: address.port() }
    }
}

impl From<DestinationId> for SocketAddr {
    fn from(id: DestinationId) -> Self {
        Self::new(id.address, id.port)
    }
}

impl fmt::Display for DestinationId {
    /// Writes `192.0.2.1:80` or `[2001:db8::1]:80`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::from(*self).fmt(f)
    }
}

impl FromStr for DestinationId {
    type Err = ParseError;

    /// Reads an id as `Display` writes it.
    fn from_str(text: &str) -> std::result::Result<Self, ParseError> {
        let address = text.parse::<SocketAddr>();
        address
            .map(Self::from)
            .map_err(|_| ParseError::new(text, "an address and a port such as 10.0.0.1:80"))
    }
}

/// The settings of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Destination {
    /// The identity within the service.
    pub id: DestinationId,
    /// The forwarding method.
    pub forwarding: Forwarding,
    /// The share of new connections relative to other destinations (`IPVS_DEST_ATTR_WEIGHT`), at most 2147483647; 0
    /// means no new connections.
    pub weight: u32,
    /// The number of connections above which no new ones are accepted (`IPVS_DEST_ATTR_U_THRESH`); 0 means no limit.
    pub upper_threshold: u32,
    /// The number of connections below which new ones are accepted again (`IPVS_DEST_ATTR_L_THRESH`); 0 means three
    /// quarters of the upper threshold.
    pub lower_threshold: u32,
    /// The encapsulation, used if the forwarding method is [`Forwarding::Tunnel`].
    pub tunnel: Tunnel,
}

impl Destination {
    /// Makes a destination with the defaults of `ipvsadm`: direct routing, weight 1, no thresholds.
    pub fn new(id: impl Into<DestinationId>) -> Self {
        Self {
            id: id.into(),
            forwarding: Forwarding::DirectRoute,
            weight: 1,
            upper_threshold: 0,
            lower_threshold: 0,
            tunnel: Tunnel::Ipip,
        }
    }

    /// Sets the forwarding method.
    #[must_use]
    pub fn with_forwarding(mut self, forwarding: Forwarding) -> Self {
        self.forwarding = forwarding;
        self
    }

    /// Sets the weight.
    #[must_use]
    pub fn with_weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// Sets both thresholds, in connections; see the fields for the meaning of 0.
    #[must_use]
    pub fn with_thresholds(mut self, upper: u32, lower: u32) -> Self {
        (self.upper_threshold, self.lower_threshold) = (upper, lower);
        self
    }

    /// Sets the encapsulation. The forwarding method is left as it is.
    #[must_use]
    pub fn with_tunnel(mut self, tunnel: Tunnel) -> Self {
        self.tunnel = tunnel;
        self
    }

    /// Reads the attributes inside `IPVS_CMD_ATTR_DEST`; see [`DestinationId::parse`] for the address family.
    pub(crate) fn parse(attributes: &Attributes<'_>, service_family: Option<AddressFamily>) -> Result<Self> {
        Ok(Self {
            id: DestinationId::parse(attributes, service_family)?,
            forwarding: Forwarding::from_raw(attributes.u32(IPVS_DEST_ATTR_FWD_METHOD)?),
            weight: attributes.u32(IPVS_DEST_ATTR_WEIGHT)?,
            upper_threshold: attributes.u32(IPVS_DEST_ATTR_U_THRESH)?,
            lower_threshold: attributes.u32(IPVS_DEST_ATTR_L_THRESH)?,
            tunnel: Tunnel::parse(attributes)?,
        })
    }

    /// Writes `IPVS_CMD_ATTR_DEST` for a request.
    pub(crate) fn emit_nested(&self, writer: &mut Writer<'_>) {
        writer.nest(IPVS_CMD_ATTR_DEST, |writer| {
            self.emit(writer);
            self.id.emit_family(writer);
        });
    }

    /// Writes all settings: a request resets those that it lacks.
    fn emit(&self, writer: &mut Writer<'_>) {
        self.id.emit(writer);
        writer.u32(IPVS_DEST_ATTR_FWD_METHOD, self.forwarding.to_raw());
        writer.u32(IPVS_DEST_ATTR_WEIGHT, self.weight);
        self.tunnel.emit(writer);
        writer.u32(IPVS_DEST_ATTR_U_THRESH, self.upper_threshold);
        writer.u32(IPVS_DEST_ATTR_L_THRESH, self.lower_threshold);
    }
}

/// A destination as the kernel reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DestinationState {
    /// The settings.
    pub settings: Destination,
    /// Connections that carry traffic (`IPVS_DEST_ATTR_ACTIVE_CONNS`); for TCP, established ones.
    pub active_connections: u32,
    /// Connections that are being set up or torn down, and all those of UDP (`IPVS_DEST_ATTR_INACT_CONNS`).
    pub inactive_connections: u32,
    /// Persistence templates (`IPVS_DEST_ATTR_PERSIST_CONNS`): clients that are bound to the destination.
    pub persistent_connections: u32,
    /// The counters and rates.
    pub stats: Stats,
}

impl DestinationState {
    /// Makes the state of a destination that has just been added: no connections, all counters 0.
    #[must_use]
    pub fn new(settings: Destination) -> Self {
        Self {
            settings,
            active_connections: 0,
            inactive_connections: 0,
            persistent_connections: 0,
            stats: Stats::default(),
        }
    }

    /// Returns the identity of the destination.
    #[must_use]
    pub fn id(&self) -> DestinationId {
        self.settings.id
    }

    /// Reads the attributes inside `IPVS_CMD_ATTR_DEST`; see [`DestinationId::parse`] for the address family. Without
    /// `include_stats` all counters are 0.
    pub(crate) fn parse(
        attributes: &Attributes<'_>,
        service_family: Option<AddressFamily>,
        include_stats: bool,
    ) -> Result<Self> {
        Ok(Self {
            settings: Destination::parse(attributes, service_family)?,
            active_connections: attributes.u32(IPVS_DEST_ATTR_ACTIVE_CONNS)?,
            inactive_connections: attributes.u32(IPVS_DEST_ATTR_INACT_CONNS)?,
            persistent_connections: attributes.u32(IPVS_DEST_ATTR_PERSIST_CONNS)?,
            stats: Stats::parse(attributes, IPVS_DEST_ATTR_STATS, IPVS_DEST_ATTR_STATS64, include_stats)?,
        })
    }

    /// Writes `IPVS_CMD_ATTR_DEST` as the kernel does.
    pub(crate) fn emit_nested(&self, writer: &mut Writer<'_>) {
        writer.nest(IPVS_CMD_ATTR_DEST, |writer| {
            self.settings.emit(writer);
            writer.u32(IPVS_DEST_ATTR_ACTIVE_CONNS, self.active_connections);
            writer.u32(IPVS_DEST_ATTR_INACT_CONNS, self.inactive_connections);
            writer.u32(IPVS_DEST_ATTR_PERSIST_CONNS, self.persistent_connections);
            self.settings.id.emit_family(writer);
            self.stats.emit(writer, IPVS_DEST_ATTR_STATS, IPVS_DEST_ATTR_STATS64);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constants::DESTINATION_ATTRIBUTES;

    fn states() -> impl Iterator<Item = DestinationState> {
        let tunnels = [(0, 0, 0), (1, 6080, 1), (2, 0, 1), (9, 7, 8)];
        tunnels.into_iter().flat_map(|(kind, port, flags)| {
            ["192.0.2.1:80", "[2001:db8::1]:0"].map(|id| {
                let settings = Destination::new(id.parse::<DestinationId>().unwrap())
                    .with_forwarding(Forwarding::from_raw(kind.into()))
                    .with_weight(u32::MAX)
                    .with_thresholds(20, 10)
                    .with_tunnel(Tunnel::from_raw(kind, port, TunnelFlags::from_raw(flags)));
                DestinationState {
                    active_connections: 1,
                    inactive_connections: 2,
                    persistent_connections: 3,
                    stats: Stats::counting_from(4),
                    ..DestinationState::new(settings)
                }
            })
        })
    }

    #[test]
    fn destinations_survive_the_way_through_attributes() {
        for state in states() {
            let mut bytes = Vec::new();
            state.emit_nested(&mut Writer(&mut bytes));
            let attributes = Attributes::parse_message(0, &bytes).unwrap();
            let attributes = attributes.nested(IPVS_CMD_ATTR_DEST, DESTINATION_ATTRIBUTES).unwrap();
            assert_eq!(DestinationState::parse(&attributes, None, true), Ok(state));
            assert_eq!(Destination::parse(&attributes, None), Ok(state.settings));
            assert_eq!(DestinationId::parse(&attributes, None), Ok(state.id()));
            let without = DestinationState { stats: Stats::default(), ..state };
            assert_eq!(DestinationState::parse(&attributes, None, false), Ok(without));
        }
    }

    #[test]
    fn the_address_family_of_old_kernels_is_the_one_of_the_service() {
        let id = DestinationId::new([192, 0, 2, 1], 80);
        let mut bytes = Vec::new();
        id.emit(&mut Writer(&mut bytes));
        let attributes = Attributes::parse(&bytes, DESTINATION_ATTRIBUTES, "a test").unwrap();
        assert_eq!(DestinationId::parse(&attributes, Some(AddressFamily::V4)), Ok(id));
        assert!(DestinationId::parse(&attributes, None).is_err());
    }
}
