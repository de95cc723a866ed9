//! The client for programs on [tokio](https://docs.rs/tokio), carried by [genetlink](https://docs.rs/genetlink).
//!
//! [`Ipvs`] has the calls, types and errors of the blocking [`crate::Ipvs`], but they are asynchronous, take `&self`, and
//! can be made side by side; a clone is another handle of the same connection.
//!
//! ```no_run
//! use futures_util::future::try_join_all;
//! use ipvs_netlink::tokio::Ipvs;
//!
//! # async fn drain() -> Result<(), ipvs_netlink::Error> {
//! let ipvs = Ipvs::connect().await?;
//! for entry in ipvs.table().await?.entries {
//!     let web = entry.service.id();
//!     let drain = |server| ipvs.update_destination(web, server, |server| server.weight = 0);
//!     try_join_all(entry.destinations.iter().map(|state| drain(state.id()))).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Which client to use
//!
//! This one in a program that runs on tokio anyway: nothing blocks a thread, and the differences between readings are a
//! stream ([`Ipvs::watch`]). The blocking one everywhere else, and for tables that have to be read or changed fast:
//! the kernel carries a request out before the system call that sends it returns, so there is nothing to wait for, and
//! many requests in flight make nothing faster. In millions of instructions of kernel and program, on Linux 6.1
//! (`scripts/bench --clients` in the repository):
//!
//! | | blocking | tokio |
//! |---|--:|--:|
//! | 11,000 changes ([`apply`](Ipvs::apply)) | 359 | 576 |
//! | a table of 1,000 services with 10 servers each | 110 | 191 |
//! | a list of 1,000 services, which is read twice | 10.7 | 15.6 |
//! | the same in one pass, here as a stream | 5.3 | 8.1 |
//! | 1,000 single queries, one by one | 19.4 | 36.4 |
//! | 1,000 single queries in flight | 19.4 | 35.4 |
//!
//! In a program on tokio it can be used within
//! [`spawn_blocking`](::tokio::task::spawn_blocking); [`reconcile::apply`](crate::reconcile::apply) and the plain
//! listing ([`summary`](crate::Ipvs::summary)) are only there.
//!
//! # Dropping futures
//!
//! Whoever drops a future or stream leaves nothing half done. A request that has not been sent is not sent; one that has
//! is carried out as a whole, and the reply is thrown away. [`apply`](Ipvs::apply) may have made the first changes of
//! its list then, in order, and none of the later ones; `update_service` and `update_destination` have written all
//! settings or none.
//!
//! # Limits
//!
//! They come from genetlink 0.3 and netlink-proto 0.13.
//!
//! - A datagram is one request: netlink-proto can put several into one (`request_batch`), but genetlink keeps that handle
//!   to itself. The next request is sent when the task of the connection is woken, which the reply does; and
//!   netlink-proto remembers a request for ever that gets none. So every change needs an acknowledgement, and three
//!   system calls instead of two for two hundred. On the other hand there is never more than one reply in the receive
//!   buffer, so even a small one loses none.
//! - Lists are received as a whole, however slowly a stream is read: the channels are unbounded. So at most 256
//!   requests are handed to genetlink at the same time; more wait in their futures. A stream that has been polled takes
//!   one of these places until it ends or is dropped.
//! - That the kernel does not answer is noticed after 10 to 20 seconds, as one timer watches over all requests.
//! - After a system call fails for another reason than a full receive buffer, the connection is over: every call
//!   returns the error. Connect again. The blocking client tries again for a quarter of a second.
//! - netlink-proto reports an overflow of the receive buffer to nobody who waits, and datagrams and the causes of failures
//!   to nobody at all. All three are noted by a socket of this library below it, which also asks for the kernel's own
//!   words (`NETLINK_EXT_ACK`) and short errors (`NETLINK_CAP_ACK`).
//! - Sequence numbers count to 4,294,967,295 for each connection and do not wrap around.

mod batch;
mod carrier;
mod change;
mod connection;
mod exchange;
mod list;
mod message;
mod read;
#[cfg(test)]
mod tests;
mod watch;

use std::fmt;
use std::sync::Arc;

pub use list::List;
pub use watch::Watch;

use crate::client::{ConnectOptions, NOT_ASKED_TO_LOAD, is_missing};
use crate::error::Error;
use crate::module;
use connection::Connection;
use netlink_sys::TokioSocket;

type Result<T> = std::result::Result<T, Error>;

/// A connection to the IPVS of the network namespace that the calling thread was in when it was made.
///
/// All methods need `CAP_NET_ADMIN` in the initial user namespace; without it the kernel refuses with
/// [`Reason::NotPermitted`](crate::Reason::NotPermitted).
///
/// A task carries the messages. It belongs to the runtime on which the connection was made, and ends when all clones of
/// the client are dropped. If the runtime ends before, all calls fail with
/// [`SocketError::Closed`](crate::SocketError::Closed).
#[derive(Clone)]
pub struct Ipvs {
    connection: Arc<Connection>,
    include_stats: bool,
}

impl Ipvs {
    /// Connects to the kernel, starts no process, and spawns the task that carries the messages.
    ///
    /// # Errors
    /// Like [`connect_with`](Self::connect_with).
    ///
    /// # Panics
    /// Like [`connect_with`](Self::connect_with).
    pub async fn connect() -> Result<Self> {
        Self::connect_with(&ConnectOptions::default()).await
    }

    /// Connects to the kernel with options, and spawns the task that carries the messages.
    ///
    /// # Errors
    /// [`Error::NoIpvs`] if the kernel has no IPVS, [`Error::Connection`] if there is no netlink or no tokio.
    ///
    /// # Panics
    /// If the runtime has no I/O or no time (`enable_all`).
    pub async fn connect_with(options: &ConnectOptions) -> Result<Self> {
        let mut connection = Connection::open::<TokioSocket>().await;
        let mut outcome = NOT_ASKED_TO_LOAD.into();
        if options.load_module && connection.as_ref().is_err_and(is_missing) {
            let loaded = ::tokio::task::spawn_blocking(module::load).await;
            outcome = loaded.unwrap_or_else(|error| format!("its loader was not run ({error})"));
            connection = Connection::open::<TokioSocket>().await;
        }
        match connection {
            Ok(connection) => Ok(Self { connection: Arc::new(connection), include_stats: true }),
            Err(error) if is_missing(&error) => Err(Error::NoIpvs(outcome)),
            Err(error) => Err(Error::Connection(error)),
        }
    }

    /// Sets whether this handle reads services and destinations with their counters and rates. The default is `true`;
    /// otherwise all counters are 0, and lists are read faster.
    pub fn set_include_stats(&mut self, include_stats: bool) {
        self.include_stats = include_stats;
    }
}

impl fmt::Debug for Ipvs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ipvs").field("include_stats", &self.include_stats).finish_non_exhaustive()
    }
}
