//! The whole virtual server table.

use super::{DestinationState, ServiceState};

/// A service and its destinations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableEntry {
    /// The service.
    pub service: ServiceState,
    /// Its destinations in the kernel's order: the one added last stands first.
    pub destinations: Vec<DestinationState>,
}

/// Every service of a network namespace, in the kernel's order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// The services.
    pub entries: Vec<TableEntry>,
}
