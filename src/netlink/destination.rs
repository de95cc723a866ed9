//! `IPVS_CMD_ATTR_DEST`.

use super::attributes::*;
use super::decode::{Attribute, Attributes, Result};
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
    let found = Attributes::read(holder.value, &DESTINATION_ATTRIBUTES, holder.name)?;
    let address = found.optional(IPVS_DEST_ATTR_ADDR, Attribute::bytes)?;
    let port = found.optional(IPVS_DEST_ATTR_PORT, Attribute::be16)?;
    let forwarding = found.optional(IPVS_DEST_ATTR_FWD_METHOD, Attribute::u32)?;
    let weight = found.optional(IPVS_DEST_ATTR_WEIGHT, Attribute::u32)?;
    let upper = found.optional(IPVS_DEST_ATTR_U_THRESH, Attribute::u32)?;
    let lower = found.optional(IPVS_DEST_ATTR_L_THRESH, Attribute::u32)?;
    let active = found.optional(IPVS_DEST_ATTR_ACTIVE_CONNS, Attribute::u32)?;
    let inactive = found.optional(IPVS_DEST_ATTR_INACT_CONNS, Attribute::u32)?;
    let persistent = found.optional(IPVS_DEST_ATTR_PERSIST_CONNS, Attribute::u32)?;
    let family = found.optional(IPVS_DEST_ATTR_ADDR_FAMILY, decode_family)?;
    let tunnel_kind = found.optional(IPVS_DEST_ATTR_TUN_TYPE, Attribute::u8)?;
    let tunnel_port = found.optional(IPVS_DEST_ATTR_TUN_PORT, Attribute::be16)?;
    let tunnel_flags = found.optional(IPVS_DEST_ATTR_TUN_FLAGS, Attribute::u16)?;

    let family = found.required(IPVS_DEST_ATTR_ADDR_FAMILY, family.or(service_family))?;
    let id = DestinationId {
        address: ip_address(family, found.required(IPVS_DEST_ATTR_ADDR, address)?),
        port: found.required(IPVS_DEST_ATTR_PORT, port)?,
    };
    let settings = match forwarding {
        None => None,
        Some(method) => Some(Destination {
            id,
            forwarding: Forwarding::from(method),
            weight: found.required(IPVS_DEST_ATTR_WEIGHT, weight)?,
            upper_threshold: found.required(IPVS_DEST_ATTR_U_THRESH, upper)?,
            lower_threshold: found.required(IPVS_DEST_ATTR_L_THRESH, lower)?,
            tunnel: Tunnel::from_parts(
                tunnel_kind.unwrap_or(0),
                tunnel_port.unwrap_or(0),
                TunnelFlags(tunnel_flags.unwrap_or(0)),
            ),
        }),
    };
    let stats = stats::decode(found.get(IPVS_DEST_ATTR_STATS), found.get(IPVS_DEST_ATTR_STATS64))?;
    let state = match (settings, stats) {
        (Some(destination), Some(stats)) => Some(DestinationState {
            destination,
            active_connections: found.required(IPVS_DEST_ATTR_ACTIVE_CONNS, active)?,
            inactive_connections: found.required(IPVS_DEST_ATTR_INACT_CONNS, inactive)?,
            persistent_connections: found.required(IPVS_DEST_ATTR_PERSIST_CONNS, persistent)?,
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
