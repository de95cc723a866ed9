//! The client: one method for each thing that the kernel's IPVS can do.

mod batch;
mod outcome;
mod parts;

use std::fmt;

use nix::errno::Errno;

#[cfg(feature = "tokio")]
pub(crate) use batch::{FirstAttempt, MAX_ATTEMPTS};
pub use outcome::{BatchError, RefusedChange};
#[cfg(feature = "tokio")]
pub(crate) use parts::Parts;

use crate::constants::IPVS_GENL_NAME;
use crate::daemon::{DaemonState, SyncDaemon};
use crate::destination::{Destination, DestinationId, DestinationState};
use crate::error::{Error, Refused};
use crate::exchange::Exchange;
use crate::module;
use crate::proc::ProcTable;
use crate::reply::Reply;
use crate::request::{Change, Query};
use crate::service::{Service, ServiceId, ServiceState};
use crate::settings::{Info, Timeouts};
use crate::snapshot::{Reader, Snapshot, Table};
use crate::socket::{Socket, SocketError};
use crate::summary::ServiceSummary;

type Result<T> = std::result::Result<T, Error>;

/// Completes [`Error::NoIpvs`].
pub(crate) const NOT_ASKED_TO_LOAD: &str = "the library was not asked to load it";

/// A connection to the IPVS of the network namespace that the calling thread is in.
///
/// All methods need `CAP_NET_ADMIN` in the initial user namespace; without it the kernel refuses with
/// [`Reason::NotPermitted`](crate::Reason::NotPermitted).
pub struct Ipvs {
    socket: Socket,
    /// The id of the generic netlink family.
    family_id: u16,
    include_stats: bool,
}

/// Options for connecting to the kernel; see [`Ipvs::options`]. The client for tokio takes the same.
#[derive(Debug, Clone, Default)]
pub struct ConnectOptions {
    pub(crate) load_module: bool,
}

impl ConnectOptions {
    /// Runs the system's module loader (`/proc/sys/kernel/modprobe`) if the kernel has no IPVS. Kernels from 5.16 on
    /// run it by themselves. The default is `false`: no process is started.
    #[must_use]
    pub fn load_module(mut self, load_module: bool) -> Self {
        self.load_module = load_module;
        self
    }

    /// Connects the blocking client to the kernel.
    ///
    /// # Errors
    /// [`Error::NoIpvs`] if the kernel has no IPVS, [`Error::Connection`] if there is no netlink.
    pub fn connect(&self) -> Result<Ipvs> {
        let mut socket = Socket::open(Reader::MAX_DUMP_LEN).map_err(Error::Connection)?;
        let mut family_id = socket.family_id(IPVS_GENL_NAME);
        let mut outcome = NOT_ASKED_TO_LOAD.into();
        if self.load_module && family_id.as_ref().is_err_and(is_missing) {
            outcome = module::load();
            family_id = socket.family_id(IPVS_GENL_NAME);
        }
        match family_id {
            Ok(family_id) => Ok(Ipvs { socket, family_id, include_stats: true }),
            Err(error) if is_missing(&error) => Err(Error::NoIpvs(outcome)),
            Err(error) => Err(Error::Connection(error)),
        }
    }
}

/// Returns the settings of a destination of this service, among all that it has.
pub(crate) fn find_destination(
    destinations: &[DestinationState],
    service: ServiceId,
    id: DestinationId,
) -> Result<Destination> {
    destinations.iter().find(|state| state.id() == id).map(|state| state.settings).ok_or_else(|| {
        let change = Change::SetDestination(service, Destination::new(id));
        Refused::from_errno(change, Errno::ENOENT as i32, None).into()
    })
}

/// Returns whether the error says that there is no such generic netlink family.
pub(crate) fn is_missing(error: &SocketError) -> bool {
    matches!(error, SocketError::Refused { errno, .. } if *errno == Errno::ENOENT as i32)
}

impl Ipvs {
    /// Connects to the kernel and starts no process.
    ///
    /// # Errors
    /// [`Error::NoIpvs`] if the kernel has no IPVS, [`Error::Connection`] if there is no netlink.
    pub fn connect() -> Result<Self> {
        Self::options().connect()
    }

    /// Returns options for connecting that can be changed before [`ConnectOptions::connect`].
    #[must_use]
    pub fn options() -> ConnectOptions {
        ConnectOptions::default()
    }

    /// Sets whether services and destinations are read with their counters and rates. The default is `true`; otherwise
    /// all counters are 0, and lists are read faster.
    pub fn set_include_stats(&mut self, include_stats: bool) {
        self.include_stats = include_stats;
    }

    /// Reads version and table size (`IPVS_CMD_GET_INFO`).
    ///
    /// # Errors
    /// If the kernel refuses, or its reply cannot be understood; this holds for all methods that read.
    pub fn info(&mut self) -> Result<Info> {
        self.get(Query::Info, Reply::into_info)
    }

    /// Reads all services in the kernel's order, each once (`IPVS_CMD_GET_SERVICE`).
    ///
    /// The kernel takes no snapshot. A list that comes in several datagrams is read until it is the same twice, but
    /// while other writers keep changing the table a service may be missing.
    ///
    /// # Errors
    /// Like [`info`](Self::info).
    pub fn services(&mut self) -> Result<Vec<ServiceState>> {
        self.reader().services()
    }

    /// Reads all services once, which costs half of [`services`](Self::services) if they are many. While other writers
    /// change the table a service may be missing.
    ///
    /// # Errors
    /// Like [`info`](Self::info).
    pub fn services_in_one_pass(&mut self) -> Result<Vec<ServiceState>> {
        self.reader().services_in_one_pass()
    }

    /// Reads one service (`IPVS_CMD_GET_SERVICE`).
    ///
    /// # Errors
    /// [`Reason::NoSuchService`](crate::Reason::NoSuchService) if there is no such service; else like
    /// [`info`](Self::info).
    pub fn service(&mut self, id: ServiceId) -> Result<ServiceState> {
        self.get(Query::Service(id), Reply::into_service)
    }

    /// Reads the destinations of a service in the kernel's order, each once: the one added last comes first
    /// (`IPVS_CMD_GET_DEST`).
    ///
    /// # Errors
    /// [`Reason::NoSuchService`](crate::Reason::NoSuchService) if there is no such service; else like
    /// [`info`](Self::info).
    pub fn destinations(&mut self, id: ServiceId) -> Result<Vec<DestinationState>> {
        let destinations = self.reader().destinations(id)?;
        if destinations.is_empty() {
            // The kernel answers an empty list for a service that does not exist.
            self.service(id)?;
        }
        Ok(destinations)
    }

    /// Reads all services with their destinations, in the kernel's order, each once.
    ///
    /// A service that comes or goes while the table is read may be missing; see
    /// [`consistent_table`](Self::consistent_table).
    ///
    /// # Errors
    /// Like [`info`](Self::info).
    pub fn table(&mut self) -> Result<Table> {
        self.reader().table()
    }

    /// Reads all services with their destinations; returns `None` if a service came or went meanwhile.
    ///
    /// # Errors
    /// Like [`info`](Self::info).
    pub fn consistent_table(&mut self) -> Result<Option<Table>> {
        self.reader().consistent_table()
    }

    /// Reads all services with what the plain listing shows of their destinations, in the kernel's order, each once.
    ///
    /// If there are many services, `file` is called, usually [`ProcTable::read`]. It has to return the file of this
    /// client's network namespace. Whatever matches is taken from there, several times as fast as
    /// [`table`](Self::table) reads it, and everything else is read from the kernel.
    ///
    /// A service that comes or goes meanwhile may be missing.
    ///
    /// # Errors
    /// Like [`info`](Self::info).
    pub fn summary(&mut self, file: impl FnOnce() -> Option<ProcTable>) -> Result<Vec<ServiceSummary>> {
        let mut exchange = self.exchange();
        exchange.include_stats = false;
        Reader(exchange).summary(file)
    }

    /// Reads everything that a [plan](crate::reconcile) may change: the table, the timeouts and the sync daemons.
    ///
    /// # Errors
    /// Like [`info`](Self::info).
    pub fn snapshot(&mut self) -> Result<Snapshot> {
        let (timeouts, daemons) = (self.timeouts()?, self.daemons()?);
        // Other writers mostly change the table, so it is read last: the plan is made from what is newest.
        Ok(Snapshot { table: self.table()?, timeouts, daemons })
    }

    /// Reads the timeouts of idle connections (`IPVS_CMD_GET_CONFIG`).
    ///
    /// # Errors
    /// Like [`info`](Self::info).
    pub fn timeouts(&mut self) -> Result<Timeouts> {
        self.get(Query::Timeouts, Reply::into_timeouts)
    }

    /// Reads the running sync daemons (`IPVS_CMD_GET_DAEMON`).
    ///
    /// # Errors
    /// Like [`info`](Self::info).
    pub fn daemons(&mut self) -> Result<Vec<SyncDaemon>> {
        self.reader().daemons()
    }

    /// Adds a service.
    ///
    /// # Errors
    /// Like [`change`](Self::change).
    pub fn add_service(&mut self, service: Service) -> Result<()> {
        self.change(Change::AddService(service))
    }

    /// Replaces all settings of a service.
    ///
    /// # Errors
    /// Like [`change`](Self::change).
    pub fn set_service(&mut self, service: Service) -> Result<()> {
        self.change(Change::SetService(service))
    }

    /// Reads a service, lets `update` change some of its settings, and writes them all back.
    ///
    /// Between the two another writer may change the service; its change is lost then.
    ///
    /// # Errors
    /// Like [`service`](Self::service) and [`change`](Self::change).
    pub fn update_service(&mut self, id: ServiceId, update: impl FnOnce(&mut Service)) -> Result<()> {
        let mut service = self.service(id)?.settings;
        update(&mut service);
        self.set_service(service)
    }

    /// Deletes a service with its destinations.
    ///
    /// # Errors
    /// Like [`change`](Self::change).
    pub fn delete_service(&mut self, id: ServiceId) -> Result<()> {
        self.change(Change::DeleteService(id))
    }

    /// Adds a destination to a service, at the head of its list.
    ///
    /// # Errors
    /// Like [`change`](Self::change).
    pub fn add_destination(&mut self, id: ServiceId, destination: Destination) -> Result<()> {
        self.change(Change::AddDestination(id, destination))
    }

    /// Replaces all settings of a destination.
    ///
    /// # Errors
    /// Like [`change`](Self::change).
    pub fn set_destination(&mut self, id: ServiceId, destination: Destination) -> Result<()> {
        self.change(Change::SetDestination(id, destination))
    }

    /// Reads a destination, lets `update` change some of its settings, and writes them all back.
    ///
    /// Between the two another writer may change the destination; its change is lost then.
    ///
    /// # Errors
    /// [`Reason::NoSuchDestination`](crate::Reason::NoSuchDestination) if the service has no such destination; else
    /// like [`destinations`](Self::destinations) and [`change`](Self::change).
    pub fn update_destination(
        &mut self,
        id: ServiceId,
        destination: DestinationId,
        update: impl FnOnce(&mut Destination),
    ) -> Result<()> {
        let destinations = self.destinations(id)?;
        let mut settings = find_destination(&destinations, id, destination)?;
        update(&mut settings);
        settings.id = destination;
        self.set_destination(id, settings)
    }

    /// Deletes a destination; see [`Change::DeleteDestination`] for its connections.
    ///
    /// # Errors
    /// Like [`change`](Self::change).
    pub fn delete_destination(&mut self, id: ServiceId, destination: DestinationId) -> Result<()> {
        self.change(Change::DeleteDestination(id, destination))
    }

    /// Sets the counters of one service and its destinations, or of all services, to 0.
    ///
    /// # Errors
    /// Like [`change`](Self::change).
    pub fn zero(&mut self, id: Option<ServiceId>) -> Result<()> {
        self.change(Change::Zero(id))
    }

    /// Deletes every service.
    ///
    /// # Errors
    /// Like [`change`](Self::change).
    pub fn flush(&mut self) -> Result<()> {
        self.change(Change::Flush)
    }

    /// Sets the timeouts that are not 0.
    ///
    /// # Errors
    /// Like [`change`](Self::change).
    pub fn set_timeouts(&mut self, timeouts: Timeouts) -> Result<()> {
        self.change(Change::SetTimeouts(timeouts))
    }

    /// Starts a sync daemon.
    ///
    /// # Errors
    /// Like [`change`](Self::change).
    pub fn start_daemon(&mut self, daemon: SyncDaemon) -> Result<()> {
        self.change(Change::StartDaemon(daemon))
    }

    /// Stops a sync daemon.
    ///
    /// # Errors
    /// Like [`change`](Self::change).
    pub fn stop_daemon(&mut self, state: DaemonState) -> Result<()> {
        self.change(Change::StopDaemon(state))
    }

    /// Makes one change.
    ///
    /// # Errors
    /// [`Error::Refused`] if the kernel refuses it, [`Error::Exchange`] if the outcome is unknown.
    pub fn change(&mut self, change: Change) -> Result<()> {
        let mut refused = self.apply(&[change]).map_err(|error| error.error)?;
        match refused.pop() {
            None => Ok(()),
            Some(change) => Err(change.refused.into()),
        }
    }

    fn reader(&mut self) -> Reader<'_> {
        Reader(self.exchange())
    }

    fn get<A>(&mut self, query: Query, pick: impl Fn(Reply) -> Option<A>) -> Result<A> {
        self.exchange().get(query, pick)
    }

    fn exchange(&mut self) -> Exchange<'_> {
        let Self { socket, family_id, include_stats } = self;
        Exchange { socket, family_id: *family_id, include_stats: *include_stats }
    }
}

impl fmt::Debug for Ipvs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ipvs").field("include_stats", &self.include_stats).finish_non_exhaustive()
    }
}
