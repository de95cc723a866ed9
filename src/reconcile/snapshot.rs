//! The table that is.

use super::{Wanted, WantedService};
use crate::client::Ipvs;
use crate::error::Error;
use crate::model::{SyncDaemon, Table, Timeouts};

/// Everything that a plan may change, at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Services and destinations.
    pub table: Table,
    /// The timeouts.
    pub timeouts: Timeouts,
    /// The running sync daemons.
    pub daemons: Vec<SyncDaemon>,
}

impl Snapshot {
    /// Reads everything.
    ///
    /// # Errors
    /// If the kernel refuses or cannot be understood.
    pub fn take(ipvs: &mut Ipvs) -> Result<Self, Error> {
        Ok(Self { table: ipvs.table()?, timeouts: ipvs.timeouts()?, daemons: ipvs.daemons()? })
    }

    /// The same table as something to go back to.
    pub fn as_wanted(&self) -> Wanted {
        let services = self.table.entries.iter().map(|entry| WantedService {
            service: entry.service.service,
            origin: 0,
            // The kernel puts new ones at the head of its list.
            destinations: entry.destinations.iter().rev().map(|state| (state.destination, 0)).collect(),
        });
        Wanted {
            services: services.collect(),
            timeouts: Some((self.timeouts, 0)),
            daemons: self.daemons.iter().map(|&daemon| (daemon, 0)).collect(),
        }
    }
}
