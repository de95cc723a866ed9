//! The order of services and servers in listings, and in saved tables.

use std::net::IpAddr;

use ipvs_netlink::{DestinationState, ServiceId, Table};

pub(crate) fn sort_services(table: &mut Table) {
    // Entries are large, so each is moved once.
    table.entries.sort_by_cached_key(|entry| entry.service.id().sort_key());
}

/// Sorts the servers of a service by address family, address and port.
pub(crate) fn sorted_servers(servers: &[DestinationState]) -> Vec<&DestinationState> {
    // The kernel begins with the one that was added last.
    let mut sorted: Vec<_> = servers.iter().rev().collect();
    sorted.sort_by_key(|state| state.id());
    sorted
}

/// Returns all addresses of a table, so that their names can be looked up together.
pub(crate) fn addresses(table: &Table) -> impl Iterator<Item = IpAddr> {
    table.entries.iter().flat_map(|entry| {
        let service = match entry.service.id() {
            ServiceId::Address { address, .. } => Some(address),
            ServiceId::Fwmark { .. } => None,
        };
        service.into_iter().chain(entry.destinations.iter().map(|state| state.id().address))
    })
}
