//! One file for each way to show things. Everything is text built in memory; nothing here talks to the
//! kernel.

mod address;
mod list;
mod save;
pub mod services;

pub use list::list;
pub use save::save;

use std::net::IpAddr;

use ipvs::{DestinationId, SchedulerFlag, Service, Table};

/// When this version was made.
const RELEASE_DATE: &str = "2026/11/22";

/// The answer to `-v`. Scripts look for `ipvsadm v` and a number at the start.
pub fn version() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("ipvsadm v{version} {RELEASE_DATE} (compiled with clap and IPVS v1.2.1)\n")
}

/// Sorts services as they are listed, and servers by address and port.
pub fn sort(table: &mut Table) {
    table.entries.sort_by_key(|entry| entry.service.service.id());
    for entry in &mut table.entries {
        entry.destinations.sort_by_key(|state| server_order(&state.destination.id));
    }
}

/// Servers of both families are ordered by their leading bytes, as the original does.
fn server_order(id: &DestinationId) -> ([u8; 16], IpAddr, u16) {
    let mut bytes = [0; 16];
    match id.address {
        IpAddr::V4(address) => bytes[..4].copy_from_slice(&address.octets()),
        IpAddr::V6(address) => bytes = address.octets(),
    }
    (bytes, id.address, id.port)
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
