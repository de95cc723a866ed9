//! IPVS, the layer-4 load balancer in the Linux kernel, from Rust.
//!
//! [`Ipvs`] is a connection to the kernel with one method for each thing that IPVS can do. The types that it takes and
//! returns are plain values. Settings, which an administrator chooses ([`Service`], [`Destination`]), are apart from
//! state, which the kernel counts ([`ServiceState`], [`DestinationState`]).
//!
//! ```no_run
//! use ipvs_netlink::{Destination, DestinationId, Forwarding, Ipvs, Service, ServiceId};
//!
//! # fn main() -> Result<(), ipvs_netlink::Error> {
//! let web = ServiceId::tcp(([192, 0, 2, 1], 80));
//! let mut ipvs = Ipvs::connect()?;
//! ipvs.add_service(Service::new(web))?;
//! for host in [11, 12] {
//!     let server = DestinationId::new([10, 0, 0, host], 8080);
//!     ipvs.add_destination(web, Destination::new(server).with_forwarding(Forwarding::Masquerade))?;
//! }
//! for entry in ipvs.table()?.entries {
//!     println!("{}: {} servers", entry.service.id(), entry.destinations.len());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`reconcile`] leads from the present table to a desired one by the smallest list of changes. [`Connections`] reads
//! the connections, which the kernel reports only as a file.
//!
//! [`Table::differences_since`] compares two readings of the table, because the kernel reports no events.
//!
//! # Blocking or asynchronous
//!
//! [`Ipvs`] blocks, but hardly: the kernel carries a request out before the system call returns. It needs two system
//! calls for two hundred changes. With the feature `tokio` there is also a client for programs that run on tokio, in
//! the module `tokio`: the same calls, types and errors, many requests at the same time, lists and differences as
//! streams. It is carried by the crate genetlink, and needs three system calls for each change.
//!
//! # Serialization
//!
//! With the feature `serde` the settings implement `Serialize` and `Deserialize`, and the state that the kernel counts
//! implements `Serialize`: the fields are flat, so that a destination is `{"address": "10.0.0.11", "port": 80,
//! "forwarding": "masquerade", "weight": 1, ...}`. What is not set is left out, and unknown fields are refused. It is
//! the format of `ipvsadm -L --json`.
//!
//! # Messages
//!
//! Programs with a netlink client of their own can carry the messages by it: [`Request`] and [`Reply`] implement the
//! traits of netlink-packet-core and netlink-packet-generic, and [`constants`] has the numbers.
//!
//! ```
//! use ipvs_netlink::{Query, Request};
//! use netlink_packet_core::{Emitable, NLM_F_DUMP, NLM_F_REQUEST, NetlinkMessage};
//! use netlink_packet_generic::GenlMessage;
//!
//! let mut message = NetlinkMessage::from(GenlMessage::from_payload(Request::from(Query::Services)));
//! message.header.flags = NLM_F_REQUEST | NLM_F_DUMP;
//! message.finalize();
//! assert_eq!(message.buffer_len(), 20);
//! ```

// On docs.rs, items say which feature they need.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod address;
mod attribute;
mod client;
pub mod constants;
mod daemon;
mod destination;
mod difference;
mod error;
mod exchange;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
mod module;
mod name;
mod parse;
mod proc;
pub mod reconcile;
mod reply;
mod request;
mod same;
#[cfg(feature = "serde")]
mod serialize;
mod service;
mod settings;
mod snapshot;
mod socket;
mod stats;
mod summary;
#[cfg(feature = "tokio")]
pub mod tokio;

pub use address::AddressFamily;
pub use attribute::DecodeError;
pub use client::{BatchError, ConnectOptions, Ipvs, RefusedChange};
pub use daemon::{DaemonState, SyncDaemon};
pub use destination::{
    Destination, DestinationId, DestinationState, DestinationSummary, Forwarding, Tunnel, TunnelFlags,
    UnknownTunnel,
};
pub use difference::Difference;
pub use error::{Error, Reason, Refused};
pub use name::{Interface, NameError, PersistenceEngine, Scheduler};
pub use parse::ParseError;
pub use proc::{Connection, Connections, Origin, ProcError, ProcPersistence, ProcService, ProcTable};
pub use reply::Reply;
pub use request::{Change, Query, Request};
pub use service::{
    Netmask, NetmaskError, PrefixLength, Protocol, Service, ServiceFlags, ServiceId, ServiceState,
};
pub use settings::{Info, Timeouts, Version};
pub use snapshot::{Snapshot, Table, TableEntry};
pub use socket::SocketError;
pub use stats::{Rates, Stats};
pub use summary::ServiceSummary;

/// Compiles the examples of the README, one of which needs tokio.
#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../README.md")]
struct Readme;
