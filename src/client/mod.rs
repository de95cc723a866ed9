//! The kernel's IPVS: one method for each thing it can do.

use std::process::{Command, Stdio};

use netlink_packet_generic::GenlFamily;
use rustix::io::Errno;

use crate::error::{Error, Operation, Refused};
use crate::model::{
    Answer, Change, DaemonState, Destination, DestinationId, DestinationState, Info, Query, Service,
    ServiceId, ServiceState, SyncDaemon, Table, Timeouts,
};
use crate::netlink::attributes::{IPVS_GENL_NAME, IPVS_GENL_VERSION};
use crate::netlink::socket::{Refusal, Request, Socket};
use crate::netlink::{DecodeError, IpvsMessage, SocketError};

mod lists;

use lists::Lists;

type Result<T> = std::result::Result<T, Error>;

/// A connection to the IPVS of the network namespace that the calling thread is in.
///
/// All methods need `CAP_NET_ADMIN` in the initial user namespace.
pub struct Ipvs {
    socket: Socket,
    family: u16,
    stats: bool,
}

impl Ipvs {
    /// Connects to the kernel. If it has no IPVS, its module is asked for once.
    ///
    /// # Errors
    /// [`Error::NoIpvs`] if there is no such module, [`Error::Connection`] if there is no netlink.
    pub fn connect() -> Result<Self> {
        let mut socket = Socket::open(lists::LONG_RECEIVE).map_err(Error::Connection)?;
        let missing = |error: &SocketError| matches!(error, SocketError::Refused(Errno::NOENT, _));
        let family = match socket.family(IPVS_GENL_NAME) {
            Err(error) if missing(&error) => {
                let outcome = load_module();
                socket.family(IPVS_GENL_NAME).map_err(|error| match missing(&error) {
                    true => Error::NoIpvs(outcome),
                    false => Error::Connection(error),
                })?
            }
            family => family.map_err(Error::Connection)?,
        };
        Ok(Self { socket, family, stats: true })
    }

    /// Version and table size (`IPVS_CMD_GET_INFO`).
    pub fn info(&mut self) -> Result<Info> {
        self.get(Query::Info, |answer| match answer {
            Answer::Info(info) => Some(info),
            _ => None,
        })
    }

    /// Whether lists have counters and rates. At first they do; otherwise all of them are 0, and lists are
    /// read faster.
    pub fn read_stats(&mut self, wanted: bool) {
        self.stats = wanted;
    }

    /// All services in the kernel's order, each once (`IPVS_CMD_GET_SERVICE`).
    ///
    /// The kernel takes no snapshot. A list that comes in several pieces is read until it is the same
    /// twice, but while others keep changing the table a service may be missing.
    pub fn services(&mut self) -> Result<Vec<ServiceState>> {
        self.lists().services()
    }

    /// One service (`IPVS_CMD_GET_SERVICE`).
    pub fn service(&mut self, id: ServiceId) -> Result<ServiceState> {
        self.get(Query::Service(id), service_answer)
    }

    /// The destinations of a service in the kernel's order, each once: the one added last stands first
    /// (`IPVS_CMD_GET_DEST`).
    ///
    /// # Errors
    /// [`Reason::NoSuchService`](crate::Reason::NoSuchService) if there is no such service.
    pub fn destinations(&mut self, id: ServiceId) -> Result<Vec<DestinationState>> {
        let destinations = self.lists().destinations(id)?;
        if destinations.is_empty() {
            // The kernel answers an empty list for a service that does not exist.
            self.service(id)?;
        }
        Ok(destinations)
    }

    /// Everything: all services with their destinations, in the kernel's order, each once.
    pub fn table(&mut self) -> Result<Table> {
        self.lists().table()
    }

    /// Everything, or nothing if a service came or went while it was read.
    pub fn undisturbed_table(&mut self) -> Result<Option<Table>> {
        self.lists().undisturbed_table()
    }

    fn lists(&mut self) -> Lists<'_> {
        Lists { socket: &mut self.socket, family: self.family, stats: self.stats }
    }

    /// Adds a service (`IPVS_CMD_NEW_SERVICE`).
    pub fn add_service(&mut self, service: Service) -> Result<()> {
        self.change(Change::AddService(service))
    }

    /// Replaces all settings of a service (`IPVS_CMD_SET_SERVICE`).
    pub fn set_service(&mut self, service: Service) -> Result<()> {
        self.change(Change::SetService(service))
    }

    /// Deletes a service with its destinations (`IPVS_CMD_DEL_SERVICE`).
    pub fn delete_service(&mut self, id: ServiceId) -> Result<()> {
        self.change(Change::DeleteService(id))
    }

    /// Adds a destination to a service, at the head of its list (`IPVS_CMD_NEW_DEST`).
    pub fn add_destination(&mut self, id: ServiceId, destination: Destination) -> Result<()> {
        self.change(Change::AddDestination(id, destination))
    }

    /// Replaces all settings of a destination (`IPVS_CMD_SET_DEST`).
    pub fn set_destination(&mut self, id: ServiceId, destination: Destination) -> Result<()> {
        self.change(Change::SetDestination(id, destination))
    }

    /// Deletes a destination (`IPVS_CMD_DEL_DEST`).
    pub fn delete_destination(&mut self, id: ServiceId, destination: DestinationId) -> Result<()> {
        self.change(Change::DeleteDestination(id, destination))
    }

    /// Sets the counters of one service and its destinations, or of all, to 0 (`IPVS_CMD_ZERO`).
    pub fn zero(&mut self, id: Option<ServiceId>) -> Result<()> {
        self.change(Change::Zero(id))
    }

    /// Deletes every service (`IPVS_CMD_FLUSH`).
    pub fn flush(&mut self) -> Result<()> {
        self.change(Change::Flush)
    }

    /// The timeouts of idle connections (`IPVS_CMD_GET_CONFIG`).
    pub fn timeouts(&mut self) -> Result<Timeouts> {
        self.get(Query::Timeouts, |answer| match answer {
            Answer::Timeouts(timeouts) => Some(timeouts),
            _ => None,
        })
    }

    /// Sets the timeouts that are not 0 (`IPVS_CMD_SET_CONFIG`).
    pub fn set_timeouts(&mut self, timeouts: Timeouts) -> Result<()> {
        self.change(Change::SetTimeouts(timeouts))
    }

    /// The running sync daemons (`IPVS_CMD_GET_DAEMON`).
    pub fn daemons(&mut self) -> Result<Vec<SyncDaemon>> {
        self.lists().daemons()
    }

    /// Starts a sync daemon (`IPVS_CMD_NEW_DAEMON`).
    pub fn start_daemon(&mut self, daemon: SyncDaemon) -> Result<()> {
        self.change(Change::StartDaemon(daemon))
    }

    /// Stops a sync daemon (`IPVS_CMD_DEL_DAEMON`).
    pub fn stop_daemon(&mut self, state: DaemonState) -> Result<()> {
        self.change(Change::StopDaemon(state))
    }

    /// Makes one change.
    pub fn change(&mut self, change: Change) -> Result<()> {
        let mut failures = self.apply(&[change]).map_err(|error| error.source)?;
        match failures.pop() {
            None => Ok(()),
            Some(failure) => Err(failure.refused.into()),
        }
    }

    /// Makes many changes in order, with few system calls, and returns those that the kernel refused;
    /// the others are made all the same.
    ///
    /// # Errors
    /// If the connection breaks or answers are lost; the error says what is known of each change.
    pub fn apply(&mut self, changes: &[Change]) -> std::result::Result<Vec<Failure>, BatchError> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let family = self.family;
        let outcome = self.socket.batch(
            changes,
            |&change| request(family, &change.into()),
            |&change, buffer| IpvsMessage::from(change).encode(buffer),
        );
        let failures = |refusals: Vec<Refusal>| {
            let failure = |refusal: Refusal| Failure {
                index: refusal.index,
                refused: Refused::new(changes[refusal.index], refusal.errno, refusal.text),
            };
            refusals.into_iter().map(failure).collect()
        };
        match outcome {
            Ok(refusals) => Ok(failures(refusals)),
            Err((error, refusals, certain)) => Err(BatchError {
                source: Error::Exchange(Box::new(changes[certain].into()), error),
                failures: failures(refusals),
                certain,
            }),
        }
    }

    fn get<A>(&mut self, query: Query, pick: impl FnOnce(Answer) -> Option<A>) -> Result<A> {
        let message = IpvsMessage::from(query);
        self.socket
            .get(
                request(self.family, &message),
                |buffer| message.encode(buffer),
                |command, payload| decode(command, payload, pick),
            )
            .map_err(|error: Fault| error.of(query))
    }
}

/// A change of a batch that the kernel refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its place among the changes.
    pub index: usize,
    /// What was refused, and why.
    pub refused: Refused,
}

/// A batch whose end is not fully known.
#[derive(Debug, thiserror::Error)]
#[error("{source} (the changes before number {} are known to be done)", .certain + 1)]
pub struct BatchError {
    /// What happened.
    pub source: Error,
    /// The refusals that are known.
    pub failures: Vec<Failure>,
    /// How many changes, counted from the first, were certainly tried. Later ones may have been made.
    pub certain: usize,
}

/// What goes wrong below, before it is known in which operation.
enum Fault {
    Socket(SocketError),
    Decode(DecodeError),
}

impl From<SocketError> for Fault {
    fn from(error: SocketError) -> Self {
        Self::Socket(error)
    }
}

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl Fault {
    fn of(self, query: Query) -> Error {
        let operation = Operation::from(query);
        match self {
            Self::Socket(SocketError::Refused(errno, text)) => Refused::new(operation, errno, text).into(),
            Self::Socket(error) => Error::Exchange(Box::new(operation), error),
            Self::Decode(error) => Error::Answer(Box::new(operation), error),
        }
    }
}

fn request(family: u16, message: &IpvsMessage) -> Request {
    Request { family, command: message.command(), version: IPVS_GENL_VERSION }
}

fn decode<A>(
    command: u8,
    payload: &[u8],
    pick: impl FnOnce(Answer) -> Option<A>,
) -> std::result::Result<A, Fault> {
    match IpvsMessage::decode(command, payload)? {
        IpvsMessage::Answer(answer) => pick(answer).ok_or(DecodeError::Command(command).into()),
        _ => Err(DecodeError::Command(command).into()),
    }
}

fn service_answer(answer: Answer) -> Option<ServiceState> {
    match answer {
        Answer::Service(state) => Some(state),
        _ => None,
    }
}

/// Asks the system's module loader for IPVS and says how that went. Kernels before 5.16 do not load it
/// by themselves.
fn load_module() -> String {
    let loader = std::fs::read_to_string("/proc/sys/kernel/modprobe").unwrap_or_default();
    let loader = match loader.trim() {
        "" => "/sbin/modprobe",
        loader => loader,
    };
    let outcome = Command::new(loader)
        .args(["-q", "--", "ip_vs"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match outcome {
        Ok(status) if status.success() => "loading it did not help".into(),
        Ok(status) => format!("{loader} could not load it ({status})"),
        Err(error) => format!("{loader} could not be run ({error})"),
    }
}
