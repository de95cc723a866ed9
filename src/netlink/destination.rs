//! `IPVS_CMD_ATTR_DEST`.

use super::attributes::*;
use super::decode::{Attribute, Known, Result, Slot, attributes};
use super::encode::Writer;
use super::service::{address_bytes, decode_family, family_number, ip_address};
use super::stats;
use crate::model::{Destination, DestinationId, DestinationState, Family, Forwarding, Tunnel, TunnelFlags};

/// What a message says of a destination: always which one; its settings and state if it has them.
pub(super) struct Decoded {
    pub id: DestinationId,
    pub settings: Option<Destination>,
    pub state: Option<DestinationState>,
}

/// Reads a destination. Kernels before 3.18 do not say of which family it is: then it is `service_family`,
/// if that is known.
pub(super) fn decode(holder: &Attribute<'_>, service_family: Option<Family>) -> Result<Decoded> {
    let known: Known = DESTINATION_ATTRIBUTES;
    let mut address = Slot::empty();
    let mut port = Slot::empty();
    let mut forwarding = Slot::empty();
    let mut weight = Slot::empty();
    let mut upper = Slot::empty();
    let mut lower = Slot::empty();
    let mut active = Slot::empty();
    let mut inactive = Slot::empty();
    let mut persistent = Slot::empty();
    let mut stats32 = Slot::empty();
    let mut family = Slot::empty();
    let mut stats64 = Slot::empty();
    let mut tunnel_kind = Slot::empty();
    let mut tunnel_port = Slot::empty();
    let mut tunnel_flags = Slot::empty();
    for attribute in attributes(holder.value, known, holder.name) {
        let attribute = &attribute?;
        match attribute.kind {
            IPVS_DEST_ATTR_ADDR => address.fill(attribute, attribute.bytes())?,
            IPVS_DEST_ATTR_PORT => port.fill(attribute, attribute.be16())?,
            IPVS_DEST_ATTR_FWD_METHOD => forwarding.fill(attribute, attribute.u32())?,
            IPVS_DEST_ATTR_WEIGHT => weight.fill(attribute, attribute.u32())?,
            IPVS_DEST_ATTR_U_THRESH => upper.fill(attribute, attribute.u32())?,
            IPVS_DEST_ATTR_L_THRESH => lower.fill(attribute, attribute.u32())?,
            IPVS_DEST_ATTR_ACTIVE_CONNS => active.fill(attribute, attribute.u32())?,
            IPVS_DEST_ATTR_INACT_CONNS => inactive.fill(attribute, attribute.u32())?,
            IPVS_DEST_ATTR_PERSIST_CONNS => persistent.fill(attribute, attribute.u32())?,
            IPVS_DEST_ATTR_STATS => stats32.fill(attribute, Ok(*attribute))?,
            IPVS_DEST_ATTR_ADDR_FAMILY => family.fill(attribute, decode_family(attribute))?,
            IPVS_DEST_ATTR_STATS64 => stats64.fill(attribute, Ok(*attribute))?,
            IPVS_DEST_ATTR_TUN_TYPE => tunnel_kind.fill(attribute, attribute.u8())?,
            IPVS_DEST_ATTR_TUN_PORT => tunnel_port.fill(attribute, attribute.be16())?,
            IPVS_DEST_ATTR_TUN_FLAGS => tunnel_flags.fill(attribute, attribute.u16())?,
            _ => {}
        }
    }

    let family = family.or(service_family).required(known, IPVS_DEST_ATTR_ADDR_FAMILY)?;
    let id = DestinationId {
        address: ip_address(family, address.required(known, IPVS_DEST_ATTR_ADDR)?),
        port: port.required(known, IPVS_DEST_ATTR_PORT)?,
    };
    let settings = match forwarding.optional() {
        None => None,
        Some(method) => Some(Destination {
            id,
            forwarding: Forwarding::from(method),
            weight: weight.required(known, IPVS_DEST_ATTR_WEIGHT)?,
            upper_threshold: upper.required(known, IPVS_DEST_ATTR_U_THRESH)?,
            lower_threshold: lower.required(known, IPVS_DEST_ATTR_L_THRESH)?,
            tunnel: Tunnel::from_parts(
                tunnel_kind.optional().unwrap_or(0),
                tunnel_port.optional().unwrap_or(0),
                TunnelFlags(tunnel_flags.optional().unwrap_or(0)),
            ),
        }),
    };
    let state = match (settings, stats::decode(stats32, stats64)?) {
        (Some(destination), Some(stats)) => Some(DestinationState {
            destination,
            active_connections: active.required(known, IPVS_DEST_ATTR_ACTIVE_CONNS)?,
            inactive_connections: inactive.required(known, IPVS_DEST_ATTR_INACT_CONNS)?,
            persistent_connections: persistent.required(known, IPVS_DEST_ATTR_PERSIST_CONNS)?,
            stats,
        }),
        _ => None,
    };
    Ok(Decoded { id, settings, state })
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
