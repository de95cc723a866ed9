//! The order of services and servers in listings, and in saved tables.

use std::net::IpAddr;

use ipvs_netlink::{
    DestinationId, DestinationState, DestinationSummary, ProcService, ServiceId, ServiceSummary, TableEntry,
};

/// A service with its servers, however much is known of them.
pub(crate) trait Entry {
    type Server: Server;

    fn id(&self) -> ServiceId;
    fn servers(&self) -> &[Self::Server];
}

/// A server, however much is known of it.
pub(crate) trait Server {
    fn id(&self) -> DestinationId;
}

impl Entry for TableEntry {
    type Server = DestinationState;

    fn id(&self) -> ServiceId {
        self.service.id()
    }

    fn servers(&self) -> &[DestinationState] {
        &self.destinations
    }
}

impl Entry for ServiceSummary {
    type Server = DestinationSummary;

    fn id(&self) -> ServiceId {
        self.service.id()
    }

    fn servers(&self) -> &[DestinationSummary] {
        &self.destinations
    }
}

impl Entry for ProcService {
    type Server = DestinationSummary;

    fn id(&self) -> ServiceId {
        self.id
    }

    fn servers(&self) -> &[DestinationSummary] {
        &self.destinations
    }
}

impl Server for DestinationState {
    fn id(&self) -> DestinationId {
        self.id()
    }
}

impl Server for DestinationSummary {
    fn id(&self) -> DestinationId {
        self.id
    }
}

pub(crate) fn sort_services<E: Entry>(entries: &mut [E]) {
    // Entries are large, so each is moved once.
    entries.sort_by_cached_key(|entry| entry.id().sort_key());
}

/// Returns the servers of a service in the order of [`sort_servers`].
pub(crate) fn sorted_servers<S: Server>(servers: &[S]) -> Vec<&S> {
    let mut sorted: Vec<_> = servers.iter().collect();
    sort_servers(&mut sorted);
    sorted
}

/// Sorts the servers of a service by address family, address and port.
pub(crate) fn sort_servers<S: Server>(servers: &mut [&S]) {
    // The kernel begins with the one that was added last.
    servers.reverse();
    servers.sort_by_key(|server| server.id());
}

/// Returns all addresses of a table, so that their names can be looked up together.
pub(crate) fn addresses<E: Entry>(entries: &[E]) -> impl Iterator<Item = IpAddr> {
    entries.iter().flat_map(|entry| {
        let service = match entry.id() {
            ServiceId::Address { address, .. } => Some(address),
            ServiceId::Fwmark { .. } => None,
        };
        service.into_iter().chain(entry.servers().iter().map(|server| server.id().address))
    })
}
