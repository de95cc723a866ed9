//! Momentary weights: those that servers have because of their load, which are not the configured ones.

use std::collections::{BTreeMap, HashMap};

use ipvs_netlink::{Destination, DestinationId, DestinationState, ServiceId, Table, TableEntry};

/// The reasons of momentary weights, by server and weight. A server that has another weight was given it by somebody,
/// and that is the configured one.
#[derive(Debug, Default)]
pub(crate) struct MomentaryWeights {
    by_weight: HashMap<(ServiceId, DestinationId, u32), Momentary>,
    removed: HashMap<ServiceId, BTreeMap<DestinationId, Removed>>,
}

/// A server that was removed because of its load, unless the table has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Removed {
    /// The settings, with the configured weight.
    pub(crate) settings: Destination,
    /// The answer of the server's agent, as it came.
    pub(crate) answer: Option<String>,
}

/// The reason of a momentary weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Momentary {
    /// The configured weight.
    pub(crate) configured: u32,
    /// The answer of the server's agent, as it came.
    pub(crate) answer: Option<String>,
    /// The weight is 0 because the server is removed for the moment.
    pub(crate) is_removed: bool,
}

impl MomentaryWeights {
    pub(crate) fn insert(
        &mut self,
        service: ServiceId,
        server: DestinationId,
        weight: u32,
        momentary: Momentary,
    ) {
        self.by_weight.insert((service, server, weight), momentary);
    }

    pub(crate) fn insert_removed(&mut self, service: ServiceId, removed: Removed) {
        self.removed.entry(service).or_default().insert(removed.settings.id, removed);
    }

    fn is_empty(&self) -> bool {
        self.by_weight.is_empty() && self.removed.is_empty()
    }

    /// Returns what these and later notes know together.
    pub(crate) fn and(mut self, later: Self) -> Self {
        if self.is_empty() {
            return later;
        }
        self.by_weight.extend(later.by_weight);
        for (service, servers) in later.removed {
            self.removed.entry(service).or_default().extend(servers);
        }
        self
    }

    /// Returns the servers that are removed from a service for the moment.
    pub(crate) fn removed(&self, entry: &TableEntry) -> impl Iterator<Item = &Removed> {
        let servers = self.removed.get(&entry.service.id()).into_iter().flat_map(BTreeMap::values);
        servers.filter(|removed| entry.destinations.iter().all(|state| state.id() != removed.settings.id))
    }

    /// Adds the servers of a service that are removed for the moment, with the weight 0.
    pub(crate) fn show_removed(&self, entry: &mut TableEntry) {
        let removed: Vec<Destination> = self.removed(entry).map(|removed| removed.settings).collect();
        // The kernel's order begins with the one that was added last, and they will be added again.
        let states = removed.into_iter().map(|settings| DestinationState::new(settings.with_weight(0)));
        entry.destinations.splice(0..0, states);
    }

    /// Returns what is known of a server if its weight is a momentary one.
    pub(crate) fn get(&self, service: ServiceId, server: &Destination) -> Option<&Momentary> {
        if self.by_weight.is_empty() {
            return None;
        }
        self.by_weight.get(&(service, server.id, server.weight))
    }

    /// Returns the configured weight of a server.
    pub(crate) fn configured(&self, service: ServiceId, server: &Destination) -> u32 {
        self.get(service, server).map_or(server.weight, |momentary| momentary.configured)
    }

    /// Gives the servers in a table their configured weights, and adds those that are removed for the moment.
    pub(crate) fn configure(&self, table: &mut Table) {
        if self.is_empty() {
            return;
        }
        for entry in &mut table.entries {
            self.show_removed(entry);
            let service = entry.service.id();
            for state in &mut entry.destinations {
                state.settings.weight = self.configured(service, &state.settings);
            }
        }
    }
}
