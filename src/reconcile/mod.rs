//! From the table that is to the table that is wanted, by the smallest list of changes.
//!
//! What is equal is not touched, so its connections, counters and persistence templates live on. Servers
//! are added before others are removed, so a service that keeps a server never passes through having none.
//!
//! ```no_run
//! use ipvs::reconcile::{Others, Snapshot, Wanted, apply, plan};
//!
//! # fn wanted() -> Wanted { Wanted::default() }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut ipvs = ipvs::Ipvs::connect()?;
//! let before = Snapshot::take(&mut ipvs)?;
//! let plan = plan(&before, &wanted(), Others::Delete);
//! for step in &plan.steps {
//!     println!("will {}", step.change);
//! }
//! apply(&mut ipvs, &plan, &before)?;
//! # Ok(())
//! # }
//! ```

mod apply;
mod plan;
mod snapshot;

pub use apply::{ApplyError, apply};
pub use plan::{Counts, Others, Plan, Step, Summary, plan};
pub use snapshot::Snapshot;

use crate::model::{Destination, Service, SyncDaemon, Timeouts};

/// A table as it is wanted. Every part carries a number of the caller's, such as the line that it came
/// from, which steps of a plan give back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// The services with their destinations, each once. Destinations are added in this order, and the
    /// kernel lists the one that was added last first.
    pub services: Vec<WantedService>,
    /// The timeouts; one of 0 may be as it is.
    pub timeouts: Option<(Timeouts, usize)>,
    /// Sync daemons that are to run. Others are left alone.
    pub daemons: Vec<(SyncDaemon, usize)>,
}

/// A service as it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedService {
    /// Its settings.
    pub service: Service,
    /// The caller's number.
    pub origin: usize,
    /// Its destinations, each with the caller's number.
    pub destinations: Vec<(Destination, usize)>,
}
