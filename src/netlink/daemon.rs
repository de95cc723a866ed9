//! `IPVS_CMD_ATTR_DAEMON`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::attributes::*;
use super::decode::{Attribute, Attributes, Result};
use super::encode::Writer;
use crate::model::{DaemonState, Interface, SyncDaemon};

/// What a message says of a sync daemon: always which one; its settings if it has them.
pub(super) struct Decoded {
    pub state: DaemonState,
    pub settings: Option<SyncDaemon>,
}

pub(super) fn decode(holder: &Attribute<'_>) -> Result<Decoded> {
    let found = Attributes::read(holder.value, &DAEMON_ATTRIBUTES, holder.name)?;
    let state = found.optional(IPVS_DAEMON_ATTR_STATE, Attribute::u32)?;
    let interface = |name: &Attribute<'_>| name.name_or_none(Interface::from_kernel);
    let interface = found.optional(IPVS_DAEMON_ATTR_MCAST_IFN, interface)?;
    let sync_id = found.optional(IPVS_DAEMON_ATTR_SYNC_ID, Attribute::u32)?;
    let max_length = found.optional(IPVS_DAEMON_ATTR_SYNC_MAXLEN, Attribute::u16)?;
    let group4 = found.optional(IPVS_DAEMON_ATTR_MCAST_GROUP, Attribute::bytes::<4>)?;
    let group6 = found.optional(IPVS_DAEMON_ATTR_MCAST_GROUP6, Attribute::bytes::<16>)?;
    let port = found.optional(IPVS_DAEMON_ATTR_MCAST_PORT, Attribute::u16)?;
    let ttl = found.optional(IPVS_DAEMON_ATTR_MCAST_TTL, Attribute::u8)?;

    let state = DaemonState::from(found.required(IPVS_DAEMON_ATTR_STATE, state)?);
    let settings = match interface.flatten() {
        None => None,
        Some(interface) => {
            let group6 = group6.map(|bytes| IpAddr::from(Ipv6Addr::from(bytes)));
            let group4 = group4.map(|bytes| IpAddr::from(Ipv4Addr::from(bytes)));
            Some(SyncDaemon {
                state,
                interface,
                sync_id: found.required(IPVS_DAEMON_ATTR_SYNC_ID, sync_id)?,
                max_length: max_length.unwrap_or(0),
                group: group6.or(group4),
                port: port.unwrap_or(0),
                ttl: ttl.unwrap_or(0),
            })
        }
    };
    Ok(Decoded { state, settings })
}

/// Which daemon, and nothing else of it.
pub(super) fn encode_state(writer: &mut Writer<'_>, state: DaemonState) {
    writer.nest(IPVS_CMD_ATTR_DAEMON, |writer| writer.u32(IPVS_DAEMON_ATTR_STATE, state.number()));
}

/// A daemon with its settings. What the kernel is to choose is left out.
pub(super) fn encode(writer: &mut Writer<'_>, daemon: &SyncDaemon) {
    writer.nest(IPVS_CMD_ATTR_DAEMON, |writer| {
        writer.u32(IPVS_DAEMON_ATTR_STATE, daemon.state.number());
        writer.string(IPVS_DAEMON_ATTR_MCAST_IFN, daemon.interface.as_bytes());
        writer.u32(IPVS_DAEMON_ATTR_SYNC_ID, daemon.sync_id);
        if daemon.max_length != 0 {
            writer.u16(IPVS_DAEMON_ATTR_SYNC_MAXLEN, daemon.max_length);
        }
        if daemon.port != 0 {
            writer.u16(IPVS_DAEMON_ATTR_MCAST_PORT, daemon.port);
        }
        if daemon.ttl != 0 {
            writer.u8(IPVS_DAEMON_ATTR_MCAST_TTL, daemon.ttl);
        }
        match daemon.group {
            Some(IpAddr::V4(group)) => writer.put(IPVS_DAEMON_ATTR_MCAST_GROUP, &group.octets()),
            Some(IpAddr::V6(group)) => writer.put(IPVS_DAEMON_ATTR_MCAST_GROUP6, &group.octets()),
            None => {}
        }
    });
}
