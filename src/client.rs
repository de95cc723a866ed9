//! The kernel's IPVS: one method for each thing it can do.

use std::collections::HashSet;
use std::hash::Hash;
use std::process::{Command, Stdio};

use netlink_packet_generic::GenlFamily;
use rustix::io::Errno;

use crate::error::{Error, Operation, Refused};
use crate::model::{
    Answer, Change, DaemonState, Destination, DestinationId, DestinationState, Info, Query, Service,
    ServiceId, ServiceState, SyncDaemon, Table, TableEntry, Timeouts,
};
use crate::netlink::attributes::{IPVS_CMD_NEW_DEST, IPVS_GENL_NAME, IPVS_GENL_VERSION};
use crate::netlink::socket::{Dump, Refusal, Request, Socket};
use crate::netlink::{DecodeError, IpvsMessage, SocketError, decode_dump_destination};

type Result<T> = std::result::Result<T, Error>;

/// How often a list of several pieces is read at most.
const READS: usize = 8;
/// From this number of services on it pays to ask for their destinations on a socket of its own.
const MANY_SERVICES: usize = 100;
/// The kernel never fills a dump's datagram beyond 32 KiB; other answers are far smaller.
const LONG_RECEIVE: usize = 64 * 1024;
/// A list of no more may come in several pieces only because it is the first one on its socket.
const FEW_DESTINATIONS: usize = 24;
/// Enough for some thirty destinations.
const SHORT_RECEIVE: usize = 8 * 1024;

/// A connection to the IPVS of the network namespace that the calling thread is in.
///
/// All methods need `CAP_NET_ADMIN` in the initial user namespace.
pub struct Ipvs {
    socket: Socket,
    family: u16,
}

impl Ipvs {
    /// Connects to the kernel. If it has no IPVS, its module is asked for once.
    ///
    /// # Errors
    /// [`Error::NoIpvs`] if there is no such module, [`Error::Connection`] if there is no netlink.
    pub fn connect() -> Result<Self> {
        let mut socket = Socket::open(LONG_RECEIVE).map_err(Error::Connection)?;
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
        Ok(Self { socket, family })
    }

    /// Version and table size (`IPVS_CMD_GET_INFO`).
    pub fn info(&mut self) -> Result<Info> {
        self.get(Query::Info, |answer| match answer {
            Answer::Info(info) => Some(info),
            _ => None,
        })
    }

    /// All services in the kernel's order, each once (`IPVS_CMD_GET_SERVICE`).
    ///
    /// The kernel takes no snapshot. A list that comes in several pieces is read until it is the same
    /// twice, but while others keep changing the table a service may be missing.
    pub fn services(&mut self) -> Result<Vec<ServiceState>> {
        self.settled(read_services)
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
        let destinations = self.dump_destinations(id)?;
        if destinations.is_empty() {
            // The kernel answers an empty list for a service that does not exist.
            self.service(id)?;
        }
        Ok(destinations)
    }

    /// Everything: all services with their destinations, in the kernel's order, each once.
    pub fn table(&mut self) -> Result<Table> {
        let (services, pieces) = read_services(&mut self.socket, self.family)?;
        let table = self.with_destinations(services)?;
        // The second reading that a list of several pieces needs tells more the later it comes.
        if pieces.is_some() && !self.still_has_services_of(&table)? {
            let services = self.services()?;
            return self.with_destinations(services);
        }
        Ok(table)
    }

    /// Everything, or nothing if a service came or went while it was read.
    pub fn undisturbed_table(&mut self) -> Result<Option<Table>> {
        let (services, _) = read_services(&mut self.socket, self.family)?;
        let table = self.with_destinations(services)?;
        Ok(self.still_has_services_of(&table)?.then_some(table))
    }

    fn with_destinations(&mut self, services: Vec<ServiceState>) -> Result<Table> {
        if services.len() >= MANY_SERVICES {
            return Ok(Table { entries: read_entries(self.family, services)? });
        }
        let entries = services.into_iter().map(|service| {
            let destinations = self.dump_destinations(service.service.id())?;
            Ok(TableEntry { service, destinations })
        });
        Ok(Table { entries: entries.collect::<Result<_>>()? })
    }

    fn still_has_services_of(&mut self, table: &Table) -> Result<bool> {
        let (services, _) = read_services(&mut self.socket, self.family)?;
        let ids: HashSet<_> = services.iter().map(|state| state.service.id()).collect();
        let entries = &table.entries;
        Ok(entries.len() == ids.len()
            && entries.iter().all(|entry| ids.contains(&entry.service.service.id())))
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
        let daemon = |answer| match answer {
            Answer::Daemon(daemon) => Some(daemon),
            _ => None,
        };
        let decode = |command, payload: &[u8]| decode(command, payload, daemon);
        self.settled(|socket, family| {
            read_list(socket, family, Query::Daemons, decode, |daemon| daemon.state)
        })
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

    fn dump_destinations(&mut self, id: ServiceId) -> Result<Vec<DestinationState>> {
        self.settled(|socket, family| read_destinations(socket, family, id))
    }

    /// Reads a list. Dumps walk by index: with a writer beside them, or a table that the kernel enlarges,
    /// an element of a later piece can be missed or come twice. A list of several pieces is believed when
    /// it is the same twice.
    fn settled<A, K: Eq + Hash>(
        &mut self,
        read: impl Fn(&mut Socket, u16) -> Result<(Vec<A>, Keys<K>)>,
    ) -> Result<Vec<A>> {
        let (mut elements, mut keys) = read(&mut self.socket, self.family)?;
        for _ in 1..READS {
            if keys.is_none() {
                break;
            }
            let previous = keys;
            (elements, keys) = read(&mut self.socket, self.family)?;
            if keys == previous {
                break;
            }
        }
        Ok(elements)
    }
}

/// The keys of the elements of a list that came in several pieces.
type Keys<K> = Option<HashSet<K>>;

/// Reads a list once, each element once.
fn read_list<A, K: Eq + Hash>(
    socket: &mut Socket,
    family: u16,
    query: Query,
    decode: impl Fn(u8, &[u8]) -> std::result::Result<A, Fault>,
    key: impl Fn(&A) -> K,
) -> Result<(Vec<A>, Keys<K>)> {
    let message = IpvsMessage::from(query);
    let dump = socket.dump(request(family, &message), |buffer| message.encode(buffer), decode);
    let Dump { mut elements, at_once } = dump.map_err(|error: Fault| error.of(query))?;
    if at_once {
        return Ok((elements, None));
    }
    let mut keys = HashSet::with_capacity(elements.len());
    elements.retain(|element| keys.insert(key(element)));
    Ok((elements, Some(keys)))
}

/// Reads the destinations of many services.
///
/// Most services have few. For each answer the kernel clears as much memory as the socket ever offered
/// room for: answers come faster if that is little.
fn read_entries(family: u16, services: Vec<ServiceState>) -> Result<Vec<TableEntry>> {
    let mut short = Some(Socket::open(SHORT_RECEIVE).map_err(Error::Connection)?);
    let mut long = Ipvs { socket: Socket::open(LONG_RECEIVE).map_err(Error::Connection)?, family };
    let mut entries = Vec::with_capacity(services.len());
    for service in services {
        let id = service.service.id();
        let list = short.as_mut().map(|socket| read_destinations(socket, family, id)).transpose()?;
        let destinations = match list {
            Some((destinations, None)) => destinations,
            list => {
                if list.is_some_and(|(destinations, _)| destinations.len() > FEW_DESTINATIONS) {
                    short = None;
                }
                long.dump_destinations(id)?
            }
        };
        entries.push(TableEntry { service, destinations });
    }
    Ok(entries)
}

fn read_services(socket: &mut Socket, family: u16) -> Result<(Vec<ServiceState>, Keys<ServiceId>)> {
    let service = |command, payload: &[u8]| decode(command, payload, service_answer);
    read_list(socket, family, Query::Services, service, |state| state.service.id())
}

fn read_destinations(
    socket: &mut Socket,
    family: u16,
    id: ServiceId,
) -> Result<(Vec<DestinationState>, Keys<DestinationId>)> {
    let destination = |command, payload: &[u8]| match command {
        IPVS_CMD_NEW_DEST => Ok(decode_dump_destination(payload, id.family())?),
        command => Err(DecodeError::Command(command).into()),
    };
    read_list(socket, family, Query::Destinations(id), destination, |state| state.destination.id)
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
