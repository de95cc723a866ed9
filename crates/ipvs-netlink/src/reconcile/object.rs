//! The objects of changes, and their names in sentences.

use std::fmt;

use crate::daemon::DaemonState;
use crate::destination::DestinationId;
use crate::request::Change;
use crate::service::ServiceId;

/// The object of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Object {
    /// A service.
    Service(ServiceId),
    /// A destination of a service.
    Destination(ServiceId, DestinationId),
    /// A sync daemon.
    Daemon(DaemonState),
    /// The timeouts.
    Timeouts,
    /// The whole table.
    Table,
}

impl From<&Change> for Object {
    fn from(change: &Change) -> Self {
        match change {
            Change::AddService(service) | Change::SetService(service) => Self::Service(service.id()),
            Change::DeleteService(id) | Change::Zero(Some(id)) => Self::Service(*id),
            Change::AddDestination(id, destination) | Change::SetDestination(id, destination) => {
                Self::Destination(*id, destination.id)
            }
            Change::DeleteDestination(id, destination) => Self::Destination(*id, *destination),
            Change::StartDaemon(daemon) => Self::Daemon(daemon.state),
            Change::StopDaemon(state) => Self::Daemon(*state),
            Change::SetTimeouts(_) => Self::Timeouts,
            Change::Zero(None) | Change::Flush => Self::Table,
        }
    }
}

impl fmt::Display for Object {
    /// Writes a name such as `server 10.0.0.1:80 of service TCP 192.0.2.1:80`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(id) => write!(f, "service {id}"),
            Self::Destination(id, destination) => write!(f, "server {destination} of service {id}"),
            Self::Daemon(state) => write!(f, "the {state} sync daemon"),
            Self::Timeouts => f.write_str("the timeouts"),
            Self::Table => f.write_str("the table"),
        }
    }
}
