//! From the present table to the desired one by the smallest list of changes.
//!
//! Services and destinations that are equal are not touched, so their connections, counters and persistence templates
//! live on. Destinations are added before others are deleted, so a service that keeps a destination always has one.
//!
//! ```no_run
//! use ipvs_netlink::reconcile::{Desired, Unlisted, apply, plan};
//! use ipvs_netlink::{Destination, DestinationId, Ipvs, Service, ServiceId};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let web = ServiceId::tcp(([192, 0, 2, 1], 80));
//! let mut desired = Desired::new();
//! desired.add_service(Service::new(web))?;
//! desired.add_destination(web, Destination::new(DestinationId::new([10, 0, 0, 11], 80)))?;
//!
//! let mut ipvs = Ipvs::connect()?;
//! for step in plan(&ipvs.snapshot()?, &desired, Unlisted::Keep).steps {
//!     println!("will {}", step.change);
//! }
//! let summary = apply(&mut ipvs, &desired, Unlisted::Keep)?;
//! println!("{summary}");
//! # Ok(())
//! # }
//! ```
//!
//! A destination that is deleted loses its connections. [`drain`] gives what the desired table drops the weight 0 instead,
//! and returns it as [`Leaving`], to be deleted when the connections have ended:
//!
//! ```no_run
//! # use std::{thread::sleep, time::{Duration, Instant}};
//! # use ipvs_netlink::reconcile::{Desired, Unlisted, drain};
//! # use ipvs_netlink::Ipvs;
//! # fn replace(ipvs: &mut Ipvs, desired: &Desired) -> Result<(), Box<dyn std::error::Error>> {
//! let deadline = Instant::now() + Duration::from_secs(600);
//! let (_, mut leaving) = drain(ipvs, desired, Unlisted::Delete)?;
//! while !leaving.is_empty() {
//!     let is_over = Instant::now() >= deadline;
//!     let deleted = leaving.delete(ipvs, |_, server| {
//!         is_over || (server.active_connections == 0 && server.inactive_connections == 0)
//!     })?;
//!     for object in deleted.changed {
//!         println!("{object} stays: another program has changed it");
//!     }
//!     sleep(Duration::from_secs(1));
//! }
//! # Ok(())
//! # }
//! ```

mod apply;
mod desired;
mod leaving;
mod object;
mod plan;
mod summary;
mod undo;

pub use apply::{ApplyError, RefusedStep, apply, drain};
pub use desired::{Desired, DesiredError};
pub use leaving::{Deleted, Leaving};
pub use object::Object;
pub use plan::{Plan, Step, Unlisted, plan, plan_draining};
pub use summary::{Counts, Summary};
