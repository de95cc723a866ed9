//! The differences between two readings of the table.

use std::fmt;

use rustc_hash::FxHashMap;

use crate::destination::{Destination, DestinationState};
use crate::service::{Service, ServiceId, ServiceState};
use crate::snapshot::{Table, TableEntry};

/// A difference between two readings of the table.
///
/// Settings and counters are apart: a destination whose weight was changed and that got connections meanwhile differs
/// twice. `Display` writes one line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "most differences are those of counters, which are the large ones"
)]
#[non_exhaustive]
pub enum Difference {
    /// A service is new. Its destinations follow, as additions.
    ServiceAdded(ServiceState),
    /// A service is gone, with its destinations.
    ServiceRemoved(ServiceState),
    /// Settings of a service were changed.
    ServiceChanged {
        /// The settings before.
        before: Service,
        /// The settings now.
        after: Service,
    },
    /// The kernel has counted something for a service, or its counters were zeroed.
    ServiceCounted {
        /// The service before.
        before: ServiceState,
        /// The service now.
        after: ServiceState,
    },
    /// A destination is new.
    DestinationAdded(ServiceId, DestinationState),
    /// A destination is gone.
    DestinationRemoved(ServiceId, DestinationState),
    /// Settings of a destination were changed.
    DestinationChanged {
        /// The service of the destination.
        service: ServiceId,
        /// The settings before.
        before: Destination,
        /// The settings now.
        after: Destination,
    },
    /// The kernel has counted something for a destination, or its counters were zeroed.
    DestinationCounted {
        /// The service of the destination.
        service: ServiceId,
        /// The destination before.
        before: DestinationState,
        /// The destination now.
        after: DestinationState,
    },
}

impl Table {
    /// Compares the table with an earlier reading. The order of services and destinations makes no difference.
    ///
    /// The differences come in the order of this table, and services that are gone come last.
    #[must_use]
    pub fn differences_since(&self, earlier: &Table) -> Vec<Difference> {
        let mut differences = Vec::new();
        let mut gone: FxHashMap<_, _> =
            earlier.entries.iter().map(|entry| (entry.service.id(), entry)).collect();
        for entry in &self.entries {
            compare_entry(gone.remove(&entry.service.id()), entry, &mut differences);
        }
        let gone = earlier.entries.iter().filter(|entry| gone.contains_key(&entry.service.id()));
        differences.extend(gone.map(|entry| Difference::ServiceRemoved(entry.service)));
        differences
    }
}

/// Adds the differences of a service and its destinations.
fn compare_entry(earlier: Option<&TableEntry>, entry: &TableEntry, differences: &mut Vec<Difference>) {
    let after = entry.service;
    match earlier.map(|earlier| earlier.service) {
        None => differences.push(Difference::ServiceAdded(after)),
        Some(before) => {
            if before.settings != after.settings {
                let (before, after) = (before.settings, after.settings);
                differences.push(Difference::ServiceChanged { before, after });
            }
            if before.stats != after.stats {
                differences.push(Difference::ServiceCounted { before, after });
            }
        }
    }
    let earlier = earlier.map(|earlier| &earlier.destinations[..]).unwrap_or_default();
    let mut gone: FxHashMap<_, _> = earlier.iter().map(|state| (state.id(), state)).collect();
    let service = after.id();
    for &after in &entry.destinations {
        let Some(&before) = gone.remove(&after.id()) else {
            differences.push(Difference::DestinationAdded(service, after));
            continue;
        };
        if before.settings != after.settings {
            let (before, after) = (before.settings, after.settings);
            differences.push(Difference::DestinationChanged { service, before, after });
        }
        // Whatever is no setting was counted.
        if (DestinationState { settings: before.settings, ..after }) != before {
            differences.push(Difference::DestinationCounted { service, before, after });
        }
    }
    let gone = earlier.iter().filter(|state| gone.contains_key(&state.id()));
    differences.extend(gone.map(|&state| Difference::DestinationRemoved(service, state)));
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServiceAdded(state) => write!(f, "{}: added", state.id()),
            Self::ServiceRemoved(state) => write!(f, "{}: removed", state.id()),
            Self::ServiceChanged { before, after } if before.scheduler != after.scheduler => {
                write!(f, "{}: scheduler {} instead of {}", after.id(), after.scheduler, before.scheduler)
            }
            Self::ServiceChanged { after, .. } => write!(f, "{}: settings changed", after.id()),
            Self::ServiceCounted { after, .. } => {
                write!(f, "{}: {} connections so far", after.id(), after.stats.connections)
            }
            Self::DestinationAdded(service, state) => {
                write!(f, "{service}: {} added, weight {}", state.id(), state.settings.weight)
            }
            Self::DestinationRemoved(service, state) => write!(f, "{service}: {} removed", state.id()),
            Self::DestinationChanged { service, before, after } if before.weight != after.weight => {
                write!(f, "{service}: {} weight {} instead of {}", after.id, after.weight, before.weight)
            }
            Self::DestinationChanged { service, after, .. } => {
                write!(f, "{service}: {} settings changed", after.id)
            }
            Self::DestinationCounted { service, after, .. } => {
                let (active, inactive) = (after.active_connections, after.inactive_connections);
                write!(f, "{service}: {} {active} active, {inactive} inactive connections", after.id())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::DestinationId;
    use crate::name::Scheduler;

    fn entry(port: u16, hosts: &[u8]) -> TableEntry {
        let service = Service::new(ServiceId::tcp(([192, 0, 2, 1], port)));
        let server =
            |&host| DestinationState::new(Destination::new(DestinationId::new([10, 0, 0, host], 80)));
        TableEntry::new(ServiceState::new(service, Default::default()), hosts.iter().map(server).collect())
    }

    fn lines(earlier: &Table, later: &Table) -> Vec<String> {
        later.differences_since(earlier).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_table_does_not_differ_from_itself_in_another_order() {
        let table = Table::new(vec![entry(80, &[1, 2]), entry(443, &[])]);
        assert_eq!(table.differences_since(&table), []);
        assert_eq!(Table::new(vec![entry(443, &[]), entry(80, &[2, 1])]).differences_since(&table), []);
    }

    #[test]
    fn what_comes_and_goes_is_found() {
        let table = Table::new(vec![entry(80, &[1, 2]), entry(443, &[3])]);
        assert_eq!(
            lines(&Table::default(), &table),
            [
                "TCP 192.0.2.1:80: added",
                "TCP 192.0.2.1:80: 10.0.0.1:80 added, weight 1",
                "TCP 192.0.2.1:80: 10.0.0.2:80 added, weight 1",
                "TCP 192.0.2.1:443: added",
                "TCP 192.0.2.1:443: 10.0.0.3:80 added, weight 1",
            ]
        );
        assert_eq!(
            lines(&table, &Table::new(vec![entry(81, &[]), entry(80, &[4, 2])])),
            [
                "TCP 192.0.2.1:81: added",
                "TCP 192.0.2.1:80: 10.0.0.4:80 added, weight 1",
                "TCP 192.0.2.1:80: 10.0.0.1:80 removed",
                "TCP 192.0.2.1:443: removed",
            ]
        );
    }

    #[test]
    fn settings_and_counters_differ_apart() {
        let earlier = Table::new(vec![entry(80, &[1])]);
        let mut later = earlier.clone();
        later.entries[0].service.settings.scheduler = Scheduler::SED;
        later.entries[0].service.stats.connections = 7;
        let server = &mut later.entries[0].destinations[0];
        server.settings.weight = 0;
        server.active_connections = 3;
        assert_eq!(
            lines(&earlier, &later),
            [
                "TCP 192.0.2.1:80: scheduler sed instead of wlc",
                "TCP 192.0.2.1:80: 7 connections so far",
                "TCP 192.0.2.1:80: 10.0.0.1:80 weight 0 instead of 1",
                "TCP 192.0.2.1:80: 10.0.0.1:80 3 active, 0 inactive connections",
            ]
        );
        later.entries[0].destinations[0].settings.weight = 1;
        later.entries[0].destinations[0].active_connections = 0;
        later.entries[0].destinations[0].settings.upper_threshold = 5;
        let [_, _, Difference::DestinationChanged { after, .. }] = later.differences_since(&earlier)[..]
        else {
            panic!("{later:?}")
        };
        assert_eq!(after.upper_threshold, 5);
    }
}
