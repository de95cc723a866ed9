//!
//! [`IpvsMessage`] is the family's messages as values. It implements the traits of netlink-packet-core
//! and netlink-packet-generic, so any client that carries [`GenlMessage`](netlink_packet_generic::GenlMessage)s

pub mod attributes;
mod daemon;
mod decode;
mod destination;
mod encode;
mod message;
mod service;
pub(crate) mod socket;
mod stats;

pub use decode::DecodeError;
pub use message::IpvsMessage;
pub(crate) use message::{decode_dump_destination, decode_dump_service, decode_dump_service_id};
pub use socket::SocketError;
