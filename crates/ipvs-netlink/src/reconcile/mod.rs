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

mod apply;
mod desired;
mod plan;
mod summary;
mod undo;

pub use apply::{ApplyError, RefusedStep, apply};
pub use desired::{Desired, DesiredError, Object};
pub use plan::{Plan, Step, Unlisted, plan};
pub use summary::{Counts, Summary};
