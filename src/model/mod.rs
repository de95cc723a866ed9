//! Plain types for everything IPVS has. They know nothing of bytes, sockets or text formats.
//!
//! Settings (what an administrator chooses) stand apart from state (what the kernel counts), so that
//! two tables can be compared by comparing their [`Service`]s and [`Destination`]s.

mod daemon;
mod destination;
mod flags;
mod info;
mod name;
mod netmask;
mod request;
mod service;
mod stats;
mod table;

pub use daemon::{DaemonState, SyncDaemon};
pub use destination::{Destination, DestinationId, DestinationState, Forwarding, Tunnel, TunnelFlags};
pub use flags::{SchedulerFlag, ServiceFlags};
pub use info::{Info, Timeouts, Version};
pub use name::{Interface, NameError, PersistenceEngine, Scheduler};
pub use netmask::{Netmask, NetmaskError, PrefixLength};
pub use request::{Answer, Change, Query};
pub use service::{Family, Protocol, Service, ServiceId, ServiceState};
pub use stats::{Rates, Stats};
pub use table::{Table, TableEntry};
