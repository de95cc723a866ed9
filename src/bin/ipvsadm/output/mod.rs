//! One file for each way to show things. Everything is text built in memory; nothing here talks to the
//! kernel.

mod address;
mod connections;
mod list;
mod names;
pub mod resolver;
mod save;
pub mod services;
mod text;

pub use connections::{connection, connections_header};
pub use list::list;
pub use names::Names;
pub use save::{command, save, save_daemons, save_timeouts};
pub use text::Text;

use std::net::IpAddr;

use ipvs::{DestinationState, SchedulerFlag, Service, ServiceId, SyncDaemon, Table, Timeouts};

/// When this version was made.
const RELEASE_DATE: &str = "2026/11/22";

/// The answer to `-v`. Scripts look for `ipvsadm v` and a number at the start.
pub fn version() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("ipvsadm v{version} {RELEASE_DATE} (compiled with clap and IPVS v1.2.1)\n")
}

/// The answer to `-L --timeout`.
pub fn timeouts(timeouts: Timeouts) -> String {
    let Timeouts { tcp, tcp_fin, udp } = timeouts;
    format!("Timeout (tcp tcpfin udp): {tcp} {tcp_fin} {udp}\n")
}

/// The answer to `-L --daemon`: a line for each sync daemon that runs.
pub fn daemons(daemons: &[SyncDaemon]) -> String {
    let line = |daemon: &SyncDaemon| {
        let SyncDaemon { state, interface, sync_id, max_length, port, ttl, .. } = daemon;
        let mut group = Text::default();
        if let Some(address) = daemon.group {
            group.push(", group=");
            address::push(&mut group, address);
        }
        format!(
            "{state} sync daemon (mcast={interface}, syncid={sync_id}, maxlen={max_length}{group}, port={port}, \
             ttl={ttl})\n"
        )
    };
    daemons.iter().map(line).collect()
}

/// All addresses of a table.
pub fn addresses(table: &Table) -> impl Iterator<Item = IpAddr> {
    table.entries.iter().flat_map(|entry| {
        let service = match entry.service.service.id() {
            ServiceId::Address { address, .. } => Some(address),
            ServiceId::Fwmark { .. } => None,
        };
        service.into_iter().chain(entry.destinations.iter().map(|state| state.destination.id.address))
    })
}

/// Sorts services as they are listed.
fn sort_services(table: &mut Table) {
    // Entries are long: they are moved once.
    table.entries.sort_by_cached_key(|entry| entry.service.service.id().sort_key());
}

/// The servers of a service by family, address and port.
fn sorted_servers(servers: &[DestinationState]) -> Vec<&DestinationState> {
    // The kernel has the one added last first.
    let mut sorted: Vec<_> = servers.iter().rev().collect();
    sorted.sort_by_key(|state| state.destination.id);
    sorted
}

/// The flags of a service's scheduler, as `-b` takes them; empty if there are none.
fn scheduler_flags(service: &Service) -> String {
    let names = match service.scheduler.as_bytes() {
        b"sh" => ["sh-fallback", "sh-port", "flag-3"],
        b"mh" => ["mh-fallback", "mh-port", "flag-3"],
        _ => ["flag-1", "flag-2", "flag-3"],
    };
    let flags = [SchedulerFlag::One, SchedulerFlag::Two, SchedulerFlag::Three];
    let set = flags.into_iter().zip(names).filter(|&(flag, _)| service.flags.contains(flag));
    set.map(|(_, name)| name).collect::<Vec<_>>().join(",")
}
