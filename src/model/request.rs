//! What the kernel can be asked to change and to tell.

use std::fmt;

use super::{
    DaemonState, Destination, DestinationId, DestinationState, Info, Service, ServiceId, ServiceState,
    SyncDaemon, Timeouts,
};

/// One change of the kernel's table or settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Add a service.
    AddService(Service),
    /// Replace all settings of a service; what is not given goes back to its default.
    SetService(Service),
    /// Delete a service with its destinations.
    DeleteService(ServiceId),
    /// Add a destination to a service.
    AddDestination(ServiceId, Destination),
    /// Replace all settings of a destination.
    SetDestination(ServiceId, Destination),
    /// Delete a destination. Connections to it live on until they end.
    DeleteDestination(ServiceId, DestinationId),
    /// Set the counters of one service and its destinations, or of all, to 0.
    Zero(Option<ServiceId>),
    /// Delete every service.
    Flush,
    /// Set the timeouts; one of 0 seconds stays as it is.
    SetTimeouts(Timeouts),
    /// Start a sync daemon.
    StartDaemon(SyncDaemon),
    /// Stop a sync daemon.
    StopDaemon(DaemonState),
}

/// One question to the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Query {
    /// All services.
    Services,
    /// One service.
    Service(ServiceId),
    /// The destinations of a service.
    Destinations(ServiceId),
    /// The running sync daemons.
    Daemons,
    /// The timeouts.
    Timeouts,
    /// Version and table size.
    Info,
}

/// What the kernel answers to a [`Query`]; where several things are asked for, one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "answers live on the stack, one at a time")]
pub enum Answer {
    /// A service with its counters.
    Service(ServiceState),
    /// A destination with its counters.
    Destination(DestinationState),
    /// A running sync daemon.
    Daemon(SyncDaemon),
    /// The timeouts.
    Timeouts(Timeouts),
    /// Version and table size.
    Info(Info),
}

impl fmt::Display for Change {
    /// Completes the sentence "cannot ...".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddService(service) => write!(f, "add service {}", service.id()),
            Self::SetService(service) => write!(f, "edit service {}", service.id()),
            Self::DeleteService(id) => write!(f, "delete service {id}"),
            Self::AddDestination(id, destination) => {
                write!(f, "add server {} to service {id}", destination.id)
            }
            Self::SetDestination(id, destination) => {
                write!(f, "edit server {} of service {id}", destination.id)
            }
            Self::DeleteDestination(id, destination) => {
                write!(f, "delete server {destination} of service {id}")
            }
            Self::Zero(Some(id)) => write!(f, "zero the counters of service {id}"),
            Self::Zero(None) => f.write_str("zero the counters"),
            Self::Flush => f.write_str("clear the table"),
            Self::SetTimeouts(_) => f.write_str("set the timeouts"),
            Self::StartDaemon(daemon) => {
                write!(f, "start the {} sync daemon on {}", daemon.state, daemon.interface)
            }
            Self::StopDaemon(state) => write!(f, "stop the {state} sync daemon"),
        }
    }
}

impl fmt::Display for Query {
    /// Completes the sentence "cannot ...".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Services => f.write_str("list the services"),
            Self::Service(id) => write!(f, "show service {id}"),
            Self::Destinations(id) => write!(f, "list the servers of service {id}"),
            Self::Daemons => f.write_str("list the sync daemons"),
            Self::Timeouts => f.write_str("show the timeouts"),
            Self::Info => f.write_str("ask for the version of IPVS"),
        }
    }
}
