//! Sync daemons as options.

use std::net::IpAddr;

use ipvs_netlink::{DaemonState, SyncDaemon};

use super::arguments::{Arguments, Line, Result, bad_value, name};
use crate::cli::{Opt, Usage};

/// The interface of a sync daemon if none is given.
const DEFAULT_INTERFACE: &str = "eth0";
/// The longest payload of a UDP datagram over IPv4.
const MAX_DATAGRAM: u16 = 65507;

pub(super) fn read(arguments: &mut Arguments<'_, '_>) -> Result<SyncDaemon> {
    let state = read_state(arguments)?;
    let interface = match arguments.name(Opt::McastInterface)? {
        Some(interface) => interface,
        None => name(Opt::McastInterface, DEFAULT_INTERFACE)?,
    };
    let mut daemon = SyncDaemon::new(state, interface);
    daemon.sync_id = read_sync_id(arguments)?;
    daemon.max_length = arguments.number(Opt::SyncMaxlen, 1..=MAX_DATAGRAM)?.unwrap_or(0);
    daemon.port = arguments.number(Opt::McastPort, 1..=u16::MAX)?.unwrap_or(0);
    daemon.ttl = arguments.number(Opt::McastTtl, 1..=u8::MAX)?.unwrap_or(0);
    if let Some(group) = arguments.value(Opt::McastGroup) {
        let address = group.parse().ok().filter(IpAddr::is_multicast);
        let why = "it is a multicast address, such as 224.0.0.81 or ff02::81";
        daemon.group = Some(address.ok_or_else(|| bad_value(Opt::McastGroup, &group, why))?);
    }
    Ok(daemon)
}

/// Reads the state of the sync daemon to stop. A number is accepted, but each state has only one daemon.
pub(super) fn read_stop(arguments: &mut Arguments<'_, '_>) -> Result<DaemonState> {
    read_sync_id(arguments)?;
    read_state(arguments)
}

pub(super) fn read_sync_id(arguments: &mut Arguments<'_, '_>) -> Result<u32> {
    Ok(arguments.number(Opt::SyncId, 0..=255)?.unwrap_or(0))
}

pub(super) fn write(line: &mut Line<'_>, daemon: &SyncDaemon) {
    line.word(daemon.state);
    line.name(Opt::McastInterface, daemon.interface.as_bytes());
    line.number(Opt::SyncId, daemon.sync_id);
    if daemon.max_length != 0 {
        line.number(Opt::SyncMaxlen, daemon.max_length);
    }
    if let Some(group) = daemon.group {
        line.text(Opt::McastGroup, group);
    }
    if daemon.port != 0 {
        line.number(Opt::McastPort, daemon.port);
    }
    if daemon.ttl != 0 {
        line.number(Opt::McastTtl, daemon.ttl);
    }
}

fn read_state(arguments: &mut Arguments<'_, '_>) -> Result<DaemonState> {
    let word = arguments.value.take().unwrap_or_default();
    let states = [DaemonState::Master, DaemonState::Backup];
    let state = states.into_iter().find(|state| state.to_string() == *word);
    state.ok_or_else(|| Usage::DaemonState { verb: arguments.verb, state: word.into_owned() })
}
