//! IPVS, the layer-4 load balancer in the Linux kernel, from Rust.
//!
//! [`Ipvs`] is a connection to the kernel with one method for each thing that IPVS can do. The types it
//! takes and returns are plain values in [`model`]; the netlink messages behind them are in [`netlink`],
//! for programs that want to carry them by a client of their own.
//!
//! ```no_run
//! use ipvs::{Destination, DestinationId, Forwarding, Ipvs, Protocol, Service, ServiceId};
//!
//! # fn main() -> Result<(), ipvs::Error> {
//! let web = ServiceId::Address {
//!     protocol: Protocol::TCP,
//!     address: [192, 0, 2, 1].into(),
//!     port: 80,
//! };
//! let mut ipvs = Ipvs::connect()?;
//! ipvs.add_service(Service::new(web))?;
//! for host in [11, 12] {
//!     let server = DestinationId { address: [10, 0, 0, host].into(), port: 8080 };
//!     let server = Destination { forwarding: Forwarding::Masquerade, ..Destination::new(server) };
//!     ipvs.add_destination(web, server)?;
//! }
//! for entry in ipvs.table()?.entries {
//!     println!("{}: {} servers", entry.service.service.id(), entry.destinations.len());
//! }
//! # Ok(())
//! # }
//! ```

mod client;
mod error;
pub mod model;
pub mod netlink;
pub mod proc;
pub mod reconcile;

pub use client::{BatchError, Failure, Ipvs};
pub use error::{Error, Operation, Reason, Refused};
pub use model::*;
