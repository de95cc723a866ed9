//! `IPVS_CMD_ATTR_DEST`.

use super::attributes::*;
use super::decode::{Attribute, Attributes, DecodeError, Field, Result};
use super::encode::Writer;
use super::service::{address_bytes, decode_family, family_number, ip_address};
use super::stats;
use crate::model::{Destination, DestinationId, DestinationState, Family, Forwarding, Tunnel, TunnelFlags};

/// Reads which destination it is. Kernels before 3.18 do not say of which family it is: then it is
/// `service_family`, if that is known.
pub(super) fn decode_id(holder: &Attribute<'_>, service_family: Option<Family>) -> Result<DestinationId> {
    let found = &mut Attributes::of(holder, &DESTINATION_ATTRIBUTES);
    let address = found.address(IPVS_DEST_ATTR_ADDR)?;
    let port = found.be16(IPVS_DEST_ATTR_PORT)?;
    let address = ip_address(take_family(found, service_family)?, address);
    found.end()?;
    Ok(DestinationId { address, port })
}

/// Reads a destination as in requests.
pub(super) fn decode(holder: &Attribute<'_>, service_family: Option<Family>) -> Result<Destination> {
    let found = &mut Attributes::of(holder, &DESTINATION_ATTRIBUTES);
    let (address, settings) = (found.address(IPVS_DEST_ATTR_ADDR)?, found.fields(SETTINGS)?);
    let destination = destination(take_family(found, service_family)?, address, settings);
    found.end()?;
    Ok(destination)
}

/// Reads a destination as in the kernel's answers. Without `stats` all counters and rates are 0.
#[inline(always)]
pub(super) fn decode_state(
    holder: &Attribute<'_>,
    service_family: Option<Family>,
    stats: bool,
) -> Result<DestinationState> {
    let found = &mut Attributes::of(holder, &DESTINATION_ATTRIBUTES);
    let (address, settings) = (found.address(IPVS_DEST_ATTR_ADDR)?, found.fields(SETTINGS)?);
    let [active, inactive, persistent] = found.fields(CONNECTIONS)?;
    let destination = destination(take_family(found, service_family)?, address, settings);
    let stats = stats::take(found, IPVS_DEST_ATTR_STATS, IPVS_DEST_ATTR_STATS64, stats)?;
    let stats = stats.ok_or_else(|| found.missing(IPVS_DEST_ATTR_STATS))?;
    found.end()?;
    Ok(DestinationState {
        destination,
        active_connections: u32::from_ne_bytes(active),
        inactive_connections: u32::from_ne_bytes(inactive),
        persistent_connections: u32::from_ne_bytes(persistent),
        stats,
    })
}

/// What stands between the address and the connections.
const SETTINGS: [Field; 8] = [
    Field::new(IPVS_DEST_ATTR_PORT, 2),
    Field::new(IPVS_DEST_ATTR_FWD_METHOD, 4),
    Field::new(IPVS_DEST_ATTR_WEIGHT, 4),
    Field::or_zero(IPVS_DEST_ATTR_TUN_TYPE, 1),
    Field::or_zero(IPVS_DEST_ATTR_TUN_PORT, 2),
    Field::or_zero(IPVS_DEST_ATTR_TUN_FLAGS, 2),
    Field::new(IPVS_DEST_ATTR_U_THRESH, 4),
    Field::new(IPVS_DEST_ATTR_L_THRESH, 4),
];

const CONNECTIONS: [Field; 3] = [
    Field::new(IPVS_DEST_ATTR_ACTIVE_CONNS, 4),
    Field::new(IPVS_DEST_ATTR_INACT_CONNS, 4),
    Field::new(IPVS_DEST_ATTR_PERSIST_CONNS, 4),
];

/// The destination with these [`SETTINGS`].
#[inline(always)]
fn destination(family: Family, address: u128, settings: [[u8; 4]; 8]) -> Destination {
    let [port, method, weight, kind, tunnel_port, flags, upper, lower] = settings;
    let two = |[a, b, ..]: [u8; 4]| [a, b];
    let id = DestinationId { address: ip_address(family, address), port: u16::from_be_bytes(two(port)) };
    let flags = TunnelFlags(u16::from_ne_bytes(two(flags)));
    Destination {
        id,
        forwarding: Forwarding::from(u32::from_ne_bytes(method)),
        weight: u32::from_ne_bytes(weight),
        upper_threshold: u32::from_ne_bytes(upper),
        lower_threshold: u32::from_ne_bytes(lower),
        tunnel: Tunnel::from_parts(kind[0], u16::from_be_bytes(two(tunnel_port)), flags),
    }
}

#[inline(always)]
fn take_family(found: &mut Attributes<'_>, service_family: Option<Family>) -> Result<Family> {
    match found.optional_bytes(IPVS_DEST_ATTR_ADDR_FAMILY)? {
        Some(number) => decode_family(number).ok_or(DecodeError::Value("IPVS_DEST_ATTR_ADDR_FAMILY")),
        None => service_family.ok_or_else(|| found.missing(IPVS_DEST_ATTR_ADDR_FAMILY)),
    }
}

/// Which destination, and nothing else of it.
pub(super) fn encode_id(writer: &mut Writer<'_>, id: &DestinationId) {
    writer.nest(IPVS_CMD_ATTR_DEST, |writer| {
        put_id(writer, id);
        put_family(writer, id);
    });
}

/// A destination as in requests.
pub(super) fn encode(writer: &mut Writer<'_>, destination: &Destination) {
    writer.nest(IPVS_CMD_ATTR_DEST, |writer| {
        put_settings(writer, destination);
        put_family(writer, &destination.id);
    });
}

/// A destination as in the kernel's answers.
pub(super) fn encode_state(writer: &mut Writer<'_>, state: &DestinationState) {
    writer.nest(IPVS_CMD_ATTR_DEST, |writer| {
        put_settings(writer, &state.destination);
        writer.u32(IPVS_DEST_ATTR_ACTIVE_CONNS, state.active_connections);
        writer.u32(IPVS_DEST_ATTR_INACT_CONNS, state.inactive_connections);
        writer.u32(IPVS_DEST_ATTR_PERSIST_CONNS, state.persistent_connections);
        put_family(writer, &state.destination.id);
        stats::encode(writer, &state.stats, IPVS_DEST_ATTR_STATS, IPVS_DEST_ATTR_STATS64);
    });
}

fn put_id(writer: &mut Writer<'_>, id: &DestinationId) {
    writer.put(IPVS_DEST_ATTR_ADDR, &address_bytes(id.address));
    writer.be16(IPVS_DEST_ATTR_PORT, id.port);
}

fn put_family(writer: &mut Writer<'_>, id: &DestinationId) {
    writer.u16(IPVS_DEST_ATTR_ADDR_FAMILY, family_number(id.address.into()));
}

/// Everything that an edit would otherwise reset.
fn put_settings(writer: &mut Writer<'_>, destination: &Destination) {
    put_id(writer, &destination.id);
    writer.u32(IPVS_DEST_ATTR_FWD_METHOD, destination.forwarding.number());
    writer.u32(IPVS_DEST_ATTR_WEIGHT, destination.weight);
    writer.u8(IPVS_DEST_ATTR_TUN_TYPE, destination.tunnel.kind());
    writer.be16(IPVS_DEST_ATTR_TUN_PORT, destination.tunnel.port());
    writer.u16(IPVS_DEST_ATTR_TUN_FLAGS, destination.tunnel.flags().0);
    writer.u32(IPVS_DEST_ATTR_U_THRESH, destination.upper_threshold);
    writer.u32(IPVS_DEST_ATTR_L_THRESH, destination.lower_threshold);
}
