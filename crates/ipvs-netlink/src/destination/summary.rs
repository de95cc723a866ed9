//! The part of a destination that the plain listing shows.

use super::{DestinationId, DestinationState, Forwarding};

/// The part of a destination's settings and state that [`ProcTable`](crate::ProcTable) knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DestinationSummary {
    /// The identity of the destination.
    pub id: DestinationId,
    /// The method by which packets reach it.
    pub forwarding: Forwarding,
    /// Its share of new connections relative to the weights of others.
    pub weight: u32,
    /// Connections that carry traffic; see [`DestinationState::active_connections`].
    pub active_connections: u32,
    /// All other connections; see [`DestinationState::inactive_connections`].
    pub inactive_connections: u32,
}

impl From<DestinationState> for DestinationSummary {
    fn from(state: DestinationState) -> Self {
        Self {
            id: state.id(),
            forwarding: state.settings.forwarding,
            weight: state.settings.weight,
            active_connections: state.active_connections,
            inactive_connections: state.inactive_connections,
        }
    }
}
