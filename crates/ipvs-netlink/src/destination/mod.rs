//! Destinations, the real servers behind a virtual service, and `IPVS_CMD_ATTR_DEST`, which carries them.

#[cfg(feature = "serde")]
mod fields;
mod forwarding;
mod summary;
mod tunnel;

pub use forwarding::Forwarding;
pub use summary::DestinationSummary;
pub use tunnel::{Tunnel, TunnelFlags, UnknownTunnel};

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use crate::address::{AddressFamily, address_bytes, from_address_bytes};
use crate::attribute::{Attributes, Result, Writer};
use crate::constants::{
    IPVS_CMD_ATTR_DEST, IPVS_DEST_ATTR_ACTIVE_CONNS, IPVS_DEST_ATTR_ADDR, IPVS_DEST_ATTR_ADDR_FAMILY,
    IPVS_DEST_ATTR_FWD_METHOD, IPVS_DEST_ATTR_INACT_CONNS, IPVS_DEST_ATTR_L_THRESH,
    IPVS_DEST_ATTR_PERSIST_CONNS, IPVS_DEST_ATTR_PORT, IPVS_DEST_ATTR_STATS, IPVS_DEST_ATTR_STATS64,
    IPVS_DEST_ATTR_U_THRESH, IPVS_DEST_ATTR_WEIGHT,
};
use crate::parse::ParseError;
use crate::stats::Stats;

/// The identity of a destination within its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
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

    /// Reads the attributes inside `IPVS_CMD_ATTR_DEST` that identify a destination. The address family of the
    /// service has to be known for kernels before 3.18.
    pub(crate) fn parse(
        attributes: &mut Attributes<'_>,
        service_family: Option<AddressFamily>,
    ) -> Result<Self> {
        let address = attributes.array(IPVS_DEST_ATTR_ADDR)?;
        let port = attributes.be16(IPVS_DEST_ATTR_PORT)?;
        let family = parse_family(attributes, service_family)?;
        Ok(Self { address: from_address_bytes(family, address), port })
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

/// Reads the address family. Kernels before 3.18 do not report it: it is the service's.
fn parse_family(
    attributes: &mut Attributes<'_>,
    service_family: Option<AddressFamily>,
) -> Result<AddressFamily> {
    match attributes.optional_array(IPVS_DEST_ATTR_ADDR_FAMILY)?.map(u16::from_ne_bytes) {
        Some(family) => {
            AddressFamily::from_raw(family).ok_or_else(|| attributes.impossible(IPVS_DEST_ATTR_ADDR_FAMILY))
        }
        None => service_family.ok_or_else(|| attributes.missing(IPVS_DEST_ATTR_ADDR_FAMILY)),
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "fields::DestinationFields", into = "fields::DestinationFields")
)]
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
    pub(crate) fn parse(
        attributes: &mut Attributes<'_>,
        service_family: Option<AddressFamily>,
    ) -> Result<Self> {
        let (mut destination, address) = Self::parse_settings(attributes)?;
        let family = parse_family(attributes, service_family)?;
        destination.id.address = from_address_bytes(family, address);
        Ok(destination)
    }

    /// Reads all settings, and the address as it is: its family comes later in what the kernel writes.
    fn parse_settings(attributes: &mut Attributes<'_>) -> Result<(Self, [u8; 16])> {
        let address = attributes.array(IPVS_DEST_ATTR_ADDR)?;
        let port = attributes.be16(IPVS_DEST_ATTR_PORT)?;
        let destination = Self {
            id: DestinationId { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), port },
            forwarding: Forwarding::from_raw(attributes.u32(IPVS_DEST_ATTR_FWD_METHOD)?),
            weight: attributes.u32(IPVS_DEST_ATTR_WEIGHT)?,
            tunnel: Tunnel::parse(attributes)?,
            upper_threshold: attributes.u32(IPVS_DEST_ATTR_U_THRESH)?,
            lower_threshold: attributes.u32(IPVS_DEST_ATTR_L_THRESH)?,
        };
        Ok((destination, address))
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
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DestinationState {
    /// The settings.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub settings: Destination,
    /// Connections that carry traffic (`IPVS_DEST_ATTR_ACTIVE_CONNS`); for TCP, established ones and those that are being
    /// set up.
    pub active_connections: u32,
    /// Connections that are being torn down, and all those of UDP (`IPVS_DEST_ATTR_INACT_CONNS`).
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
        attributes: &mut Attributes<'_>,
        service_family: Option<AddressFamily>,
        include_stats: bool,
    ) -> Result<Self> {
        let (mut settings, address) = Destination::parse_settings(attributes)?;
        let active_connections = attributes.u32(IPVS_DEST_ATTR_ACTIVE_CONNS)?;
        let inactive_connections = attributes.u32(IPVS_DEST_ATTR_INACT_CONNS)?;
        let persistent_connections = attributes.u32(IPVS_DEST_ATTR_PERSIST_CONNS)?;
        let family = parse_family(attributes, service_family)?;
        settings.id.address = from_address_bytes(family, address);
        let stats = Stats::parse(attributes, IPVS_DEST_ATTR_STATS, IPVS_DEST_ATTR_STATS64, include_stats)?;
        Ok(Self { settings, active_connections, inactive_connections, persistent_connections, stats })
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

    fn read<T>(bytes: &[u8], read: impl FnOnce(&mut Attributes<'_>) -> Result<T>) -> Result<T> {
        Attributes::read_message(0, bytes, |found| {
            found.nested(IPVS_CMD_ATTR_DEST, DESTINATION_ATTRIBUTES, read)
        })
    }

    #[test]
    fn destinations_survive_the_way_through_attributes() {
        for state in states() {
            let mut bytes = Vec::new();
            state.emit_nested(&mut Writer(&mut bytes));
            assert_eq!(read(&bytes, |found| DestinationState::parse(found, None, true)), Ok(state));
            assert_eq!(read(&bytes, |found| Destination::parse(found, None)), Ok(state.settings));
            assert_eq!(read(&bytes, |found| DestinationId::parse(found, None)), Ok(state.id()));
            let without = DestinationState { stats: Stats::default(), ..state };
            assert_eq!(read(&bytes, |found| DestinationState::parse(found, None, false)), Ok(without));
        }
    }

    #[test]
    fn the_address_family_of_old_kernels_is_the_one_of_the_service() {
        let id = DestinationId::new([192, 0, 2, 1], 80);
        let mut bytes = Vec::new();
        id.emit(&mut Writer(&mut bytes));
        let parse = |service_family| {
            Attributes::read(&bytes, DESTINATION_ATTRIBUTES, "a test", |found| {
                DestinationId::parse(found, service_family)
            })
        };
        assert_eq!(parse(Some(AddressFamily::V4)), Ok(id));
        assert!(parse(None).is_err());
    }
}
