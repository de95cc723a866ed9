//! Momentary weights: those that servers have because of their load, which are not the configured ones.

use std::collections::HashMap;

use ipvs_netlink::{Destination, DestinationId, ServiceId, Table};

/// The reasons of momentary weights, by server and weight. A server that has another weight was given it by somebody,
/// and that is the configured one.
#[derive(Debug, Default)]
pub(crate) struct MomentaryWeights {
    by_weight: HashMap<(ServiceId, DestinationId, u32), Momentary>,
}

/// The reason of a momentary weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Momentary {
    /// The configured weight.
    pub(crate) configured: u32,
    /// The answer of the server's agent, as it came.
    pub(crate) answer: Option<String>,
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

    /// Returns what these and later notes know together.
    pub(crate) fn and(mut self, later: Self) -> Self {
        if self.by_weight.is_empty() {
            return later;
        }
        self.by_weight.extend(later.by_weight);
        self
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

    /// Gives the servers in a table their configured weights.
    pub(crate) fn configure(&self, table: &mut Table) {
        for entry in &mut table.entries {
            let service = entry.service.id();
            for state in &mut entry.destinations {
                state.settings.weight = self.configured(service, &state.settings);
            }
        }
    }
}
