//! `IPVS_CMD_ATTR_DAEMON`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::attributes::*;
use super::decode::{Attribute, Attributes, Result};
use super::encode::Writer;
use crate::model::{DaemonState, Interface, SyncDaemon};

/// Reads which daemon it is.
pub(super) fn decode_state(holder: &Attribute<'_>) -> Result<DaemonState> {
    let found = &mut Attributes::of(holder, &DAEMON_ATTRIBUTES);
    let state = take_state(found)?;
    found.end()?;
    Ok(state)
}

/// Reads a daemon with its settings.
pub(super) fn decode(holder: &Attribute<'_>) -> Result<SyncDaemon> {
    let found = &mut Attributes::of(holder, &DAEMON_ATTRIBUTES);
    let state = take_state(found)?;
    let interface = found.get(IPVS_DAEMON_ATTR_MCAST_IFN)?.name_or_none(Interface::from_kernel)?;
    let sync_id = found.u32(IPVS_DAEMON_ATTR_SYNC_ID)?;
    let max_length = found.optional_bytes(IPVS_DAEMON_ATTR_SYNC_MAXLEN)?;
    let group4 = found.optional_bytes(IPVS_DAEMON_ATTR_MCAST_GROUP)?.map(Ipv4Addr::from);
    let group6 = found.optional_bytes::<16>(IPVS_DAEMON_ATTR_MCAST_GROUP6)?.map(Ipv6Addr::from);
    let port = found.optional_bytes(IPVS_DAEMON_ATTR_MCAST_PORT)?;
    let ttl = found.optional_bytes(IPVS_DAEMON_ATTR_MCAST_TTL)?;
    found.end()?;
    Ok(SyncDaemon {
        state,
        interface: interface.ok_or_else(|| found.missing(IPVS_DAEMON_ATTR_MCAST_IFN))?,
        sync_id,
        max_length: max_length.map_or(0, u16::from_ne_bytes),
        group: group6.map(IpAddr::from).or(group4.map(IpAddr::from)),
        port: port.map_or(0, u16::from_ne_bytes),
        ttl: ttl.map_or(0, u8::from_ne_bytes),
    })
}

fn take_state(found: &mut Attributes<'_>) -> Result<DaemonState> {
    found.u32(IPVS_DAEMON_ATTR_STATE).map(DaemonState::from)
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
