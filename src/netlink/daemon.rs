//! `IPVS_CMD_ATTR_DAEMON`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::attributes::*;
use super::decode::{Attribute, Known, Result, Slot, attributes};
use super::encode::Writer;
use crate::model::{DaemonState, Interface, SyncDaemon};

/// What a message says of a sync daemon: always which one; its settings if it has them.
pub(super) struct Decoded {
    pub state: DaemonState,
    pub settings: Option<SyncDaemon>,
}

pub(super) fn decode(holder: &Attribute<'_>) -> Result<Decoded> {
    let known: Known = DAEMON_ATTRIBUTES;
    let mut state = Slot::empty();
    let mut interface = Slot::empty();
    let mut sync_id = Slot::empty();
    let mut max_length = Slot::empty();
    let mut group4 = Slot::empty();
    let mut group6 = Slot::empty();
    let mut port = Slot::empty();
    let mut ttl = Slot::empty();
    for attribute in attributes(holder.value, known, holder.name) {
        let attribute = &attribute?;
        match attribute.kind {
            IPVS_DAEMON_ATTR_STATE => state.fill(attribute, attribute.u32())?,
            IPVS_DAEMON_ATTR_MCAST_IFN => {
                interface.fill(attribute, attribute.name_or_none(Interface::from_kernel))?
            }
            IPVS_DAEMON_ATTR_SYNC_ID => sync_id.fill(attribute, attribute.u32())?,
            IPVS_DAEMON_ATTR_SYNC_MAXLEN => max_length.fill(attribute, attribute.u16())?,
            IPVS_DAEMON_ATTR_MCAST_GROUP => group4.fill(attribute, attribute.bytes::<4>())?,
            IPVS_DAEMON_ATTR_MCAST_GROUP6 => group6.fill(attribute, attribute.bytes::<16>())?,
            IPVS_DAEMON_ATTR_MCAST_PORT => port.fill(attribute, attribute.u16())?,
            IPVS_DAEMON_ATTR_MCAST_TTL => ttl.fill(attribute, attribute.u8())?,
            _ => {}
        }
    }

    let state = DaemonState::from(state.required(known, IPVS_DAEMON_ATTR_STATE)?);
    let settings = match interface.optional().flatten() {
        None => None,
        Some(interface) => {
            let group6 = group6.optional().map(|bytes| IpAddr::from(Ipv6Addr::from(bytes)));
            let group4 = group4.optional().map(|bytes| IpAddr::from(Ipv4Addr::from(bytes)));
            Some(SyncDaemon {
                state,
                interface,
                sync_id: sync_id.required(known, IPVS_DAEMON_ATTR_SYNC_ID)?,
                max_length: max_length.optional().unwrap_or(0),
                group: group6.or(group4),
                port: port.optional().unwrap_or(0),
                ttl: ttl.optional().unwrap_or(0),
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
