//! Requests: everything that the kernel can be asked to change or to report.

use std::fmt;

use netlink_packet_core::{Emitable, ParseableParametrized};
use netlink_packet_generic::{GenlFamily, GenlHeader};

use crate::address::AddressFamily;
use crate::attribute::{Attributes, DecodeError, Result, Writer};
use crate::constants::{
    DAEMON_ATTRIBUTES, DESTINATION_ATTRIBUTES, IPVS_CMD_ATTR_DAEMON, IPVS_CMD_ATTR_DEST,
    IPVS_CMD_ATTR_SERVICE, IPVS_CMD_DEL_DAEMON, IPVS_CMD_DEL_DEST, IPVS_CMD_DEL_SERVICE, IPVS_CMD_FLUSH,
    IPVS_CMD_GET_CONFIG, IPVS_CMD_GET_DAEMON, IPVS_CMD_GET_DEST, IPVS_CMD_GET_INFO, IPVS_CMD_GET_SERVICE,
    IPVS_CMD_NEW_DAEMON, IPVS_CMD_NEW_DEST, IPVS_CMD_NEW_SERVICE, IPVS_CMD_SET_CONFIG, IPVS_CMD_SET_DEST,
    IPVS_CMD_SET_SERVICE, IPVS_CMD_ZERO, IPVS_GENL_NAME, IPVS_GENL_VERSION, SERVICE_ATTRIBUTES,
};
use crate::daemon::{DaemonState, SyncDaemon};
use crate::destination::{Destination, DestinationId};
use crate::service::{Service, ServiceId};
use crate::settings::Timeouts;

/// A change of the kernel's table or settings.
///
/// `Display` completes a sentence that begins with "cannot".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Adds a service (`IPVS_CMD_NEW_SERVICE`).
    AddService(Service),
    /// Replaces all settings of a service (`IPVS_CMD_SET_SERVICE`).
    SetService(Service),
    /// Deletes a service with its destinations (`IPVS_CMD_DEL_SERVICE`).
    DeleteService(ServiceId),
    /// Adds a destination to a service (`IPVS_CMD_NEW_DEST`).
    AddDestination(ServiceId, Destination),
    /// Replaces all settings of a destination (`IPVS_CMD_SET_DEST`).
    SetDestination(ServiceId, Destination),
    /// Deletes a destination (`IPVS_CMD_DEL_DEST`). The kernel drops the packets of its connections from then on. To
    /// let them end by themselves, give the destination weight 0 first and wait.
    DeleteDestination(ServiceId, DestinationId),
    /// Sets the counters of one service and its destinations, or of all services, to 0 (`IPVS_CMD_ZERO`).
    Zero(Option<ServiceId>),
    /// Deletes every service (`IPVS_CMD_FLUSH`).
    Flush,
    /// Sets the timeouts that are not 0 (`IPVS_CMD_SET_CONFIG`).
    SetTimeouts(Timeouts),
    /// Starts a sync daemon (`IPVS_CMD_NEW_DAEMON`).
    StartDaemon(SyncDaemon),
    /// Stops a sync daemon (`IPVS_CMD_DEL_DAEMON`).
    StopDaemon(DaemonState),
}

/// A question to the kernel.
///
/// `Display` completes a sentence that begins with "cannot".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Query {
    /// Asks for all services (`IPVS_CMD_GET_SERVICE` as a dump).
    Services,
    /// Asks for one service (`IPVS_CMD_GET_SERVICE`).
    Service(ServiceId),
    /// Asks for the destinations of a service (`IPVS_CMD_GET_DEST` as a dump).
    Destinations(ServiceId),
    /// Asks for the running sync daemons (`IPVS_CMD_GET_DAEMON` as a dump).
    Daemons,
    /// Asks for the timeouts (`IPVS_CMD_GET_CONFIG`).
    Timeouts,
    /// Asks for version and table size (`IPVS_CMD_GET_INFO`).
    Info,
}

/// A message to the kernel, for clients that carry
/// [`GenlMessage`](netlink_packet_generic::GenlMessage)s. The kernel answers with a [`Reply`](crate::Reply).
///
/// The queries for lists need `NLM_F_DUMP`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request {
    /// Asks the kernel to change something.
    Change(Change),
    /// Asks the kernel to report something.
    Query(Query),
}

impl Request {
    /// Appends the attributes.
    pub(crate) fn emit_attributes(&self, buffer: &mut Vec<u8>) {
        let writer = &mut Writer(buffer);
        match self {
            Self::Change(change) => match change {
                Change::AddService(service) | Change::SetService(service) => service.emit_nested(writer),
                Change::DeleteService(id) | Change::Zero(Some(id)) => id.emit_nested(writer),
                Change::AddDestination(id, destination) | Change::SetDestination(id, destination) => {
                    id.emit_nested(writer);
                    destination.emit_nested(writer);
                }
                Change::DeleteDestination(id, destination) => {
                    id.emit_nested(writer);
                    destination.emit_nested(writer);
                }
                Change::Zero(None) | Change::Flush => {}
                Change::SetTimeouts(timeouts) => timeouts.emit(writer),
                Change::StartDaemon(daemon) => daemon.emit_nested(writer),
                Change::StopDaemon(state) => state.emit_nested(writer),
            },
            Self::Query(query) => match query {
                Query::Service(id) | Query::Destinations(id) => id.emit_nested(writer),
                Query::Services | Query::Daemons | Query::Timeouts | Query::Info => {}
            },
        }
    }

    /// Reads the attributes of a request with this command.
    fn parse(command: u8, payload: &[u8]) -> Result<Self> {
        Attributes::read_message(command, payload, |attributes| {
            Ok(match command {
                IPVS_CMD_NEW_SERVICE => Change::AddService(parse_service(attributes)?).into(),
                IPVS_CMD_SET_SERVICE => Change::SetService(parse_service(attributes)?).into(),
                IPVS_CMD_DEL_SERVICE => Change::DeleteService(parse_id(attributes)?).into(),
                IPVS_CMD_GET_SERVICE => {
                    parse_optional_id(attributes)?.map_or(Query::Services, Query::Service).into()
                }
                IPVS_CMD_NEW_DEST => {
                    let (id, destination) = parse_destination(attributes, Destination::parse)?;
                    Change::AddDestination(id, destination).into()
                }
                IPVS_CMD_SET_DEST => {
                    let (id, destination) = parse_destination(attributes, Destination::parse)?;
                    Change::SetDestination(id, destination).into()
                }
                IPVS_CMD_DEL_DEST => {
                    let (id, destination) = parse_destination(attributes, DestinationId::parse)?;
                    Change::DeleteDestination(id, destination).into()
                }
                IPVS_CMD_GET_DEST => Query::Destinations(parse_id(attributes)?).into(),
                IPVS_CMD_NEW_DAEMON => {
                    Change::StartDaemon(parse_daemon(attributes, SyncDaemon::parse)?).into()
                }
                IPVS_CMD_DEL_DAEMON => {
                    Change::StopDaemon(parse_daemon(attributes, DaemonState::parse)?).into()
                }
                IPVS_CMD_GET_DAEMON => Query::Daemons.into(),
                IPVS_CMD_SET_CONFIG => Change::SetTimeouts(Timeouts::parse(attributes)?).into(),
                IPVS_CMD_GET_CONFIG => Query::Timeouts.into(),
                IPVS_CMD_GET_INFO => Query::Info.into(),
                IPVS_CMD_ZERO => Change::Zero(parse_optional_id(attributes)?).into(),
                IPVS_CMD_FLUSH => Change::Flush.into(),
                command => return Err(DecodeError::Command(command)),
            })
        })
    }
}

fn parse_service(attributes: &mut Attributes<'_>) -> Result<Service> {
    attributes.nested(IPVS_CMD_ATTR_SERVICE, SERVICE_ATTRIBUTES, Service::parse)
}

fn parse_id(attributes: &mut Attributes<'_>) -> Result<ServiceId> {
    attributes.nested(IPVS_CMD_ATTR_SERVICE, SERVICE_ATTRIBUTES, ServiceId::parse)
}

fn parse_optional_id(attributes: &mut Attributes<'_>) -> Result<Option<ServiceId>> {
    let service = attributes.optional(IPVS_CMD_ATTR_SERVICE)?;
    service.map(|service| service.nested(SERVICE_ATTRIBUTES, ServiceId::parse)).transpose()
}

/// Reads the id of a service and something about one of its destinations.
fn parse_destination<T>(
    attributes: &mut Attributes<'_>,
    parse: impl FnOnce(&mut Attributes<'_>, Option<AddressFamily>) -> Result<T>,
) -> Result<(ServiceId, T)> {
    let id = parse_id(attributes)?;
    let destination = attributes.nested(IPVS_CMD_ATTR_DEST, DESTINATION_ATTRIBUTES, |destination| {
        parse(destination, Some(id.family()))
    })?;
    Ok((id, destination))
}

fn parse_daemon<T>(
    attributes: &mut Attributes<'_>,
    parse: impl FnOnce(&mut Attributes<'_>) -> Result<T>,
) -> Result<T> {
    attributes.nested(IPVS_CMD_ATTR_DAEMON, DAEMON_ATTRIBUTES, parse)
}

impl From<Change> for Request {
    fn from(change: Change) -> Self {
        Self::Change(change)
    }
}

impl From<Query> for Request {
    fn from(query: Query) -> Self {
        Self::Query(query)
    }
}

impl GenlFamily for Request {
    fn family_name() -> &'static str {
        IPVS_GENL_NAME
    }

    fn command(&self) -> u8 {
        match self {
            Self::Change(change) => match change {
                Change::AddService(_) => IPVS_CMD_NEW_SERVICE,
                Change::SetService(_) => IPVS_CMD_SET_SERVICE,
                Change::DeleteService(_) => IPVS_CMD_DEL_SERVICE,
                Change::AddDestination(..) => IPVS_CMD_NEW_DEST,
                Change::SetDestination(..) => IPVS_CMD_SET_DEST,
                Change::DeleteDestination(..) => IPVS_CMD_DEL_DEST,
                Change::Zero(_) => IPVS_CMD_ZERO,
                Change::Flush => IPVS_CMD_FLUSH,
                Change::SetTimeouts(_) => IPVS_CMD_SET_CONFIG,
                Change::StartDaemon(_) => IPVS_CMD_NEW_DAEMON,
                Change::StopDaemon(_) => IPVS_CMD_DEL_DAEMON,
            },
            Self::Query(query) => match query {
                Query::Services | Query::Service(_) => IPVS_CMD_GET_SERVICE,
                Query::Destinations(_) => IPVS_CMD_GET_DEST,
                Query::Daemons => IPVS_CMD_GET_DAEMON,
                Query::Timeouts => IPVS_CMD_GET_CONFIG,
                Query::Info => IPVS_CMD_GET_INFO,
            },
        }
    }

    fn version(&self) -> u8 {
        IPVS_GENL_VERSION
    }
}

impl Emitable for Request {
    fn buffer_len(&self) -> usize {
        let mut buffer = Vec::new();
        self.emit_attributes(&mut buffer);
        buffer.len()
    }

    fn emit(&self, buffer: &mut [u8]) {
        let mut bytes = Vec::with_capacity(buffer.len());
        self.emit_attributes(&mut bytes);
        buffer[..bytes.len()].copy_from_slice(&bytes);
    }
}

impl ParseableParametrized<[u8], GenlHeader> for Request {
    fn parse_with_param(
        payload: &[u8],
        header: GenlHeader,
    ) -> std::result::Result<Self, netlink_packet_core::DecodeError> {
        Ok(Self::parse(header.cmd, payload)?)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddService(service) => write!(f, "add service {}", service.id()),
            Self::SetService(service) => write!(f, "edit service {}", service.id()),
            Self::DeleteService(id) => write!(f, "delete service {id}"),
            Self::AddDestination(id, destination) => {
                write!(f, "add server {} to service {id}", destination.id)
            }
            Self::SetDestination(id, destination) => {
                write!(f, "edit server {} of service {id}", destination.id)
            }
            Self::DeleteDestination(id, destination) => {
                write!(f, "delete server {destination} of service {id}")
            }
            Self::Zero(Some(id)) => write!(f, "zero the counters of service {id}"),
            Self::Zero(None) => f.write_str("zero the counters"),
            Self::Flush => f.write_str("clear the table"),
            Self::SetTimeouts(_) => f.write_str("set the timeouts"),
            Self::StartDaemon(daemon) => {
                write!(f, "start the {} sync daemon on {}", daemon.state, daemon.interface)
            }
            Self::StopDaemon(state) => write!(f, "stop the {state} sync daemon"),
        }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Services => f.write_str("list the services"),
            Self::Service(id) => write!(f, "show service {id}"),
            Self::Destinations(id) => write!(f, "list the servers of service {id}"),
            Self::Daemons => f.write_str("list the sync daemons"),
            Self::Timeouts => f.write_str("show the timeouts"),
            Self::Info => f.write_str("ask for the version of IPVS"),
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Change(change) => change.fmt(f),
            Self::Query(query) => query.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_survive_the_way_through_bytes() {
        let id: ServiceId = "TCP [2001:db8::1]:80".parse().unwrap();
        let service = Service::new(id).with_persistence(60);
        let destination = Destination::new(DestinationId::new([192, 0, 2, 1], 8080)).with_weight(7);
        let daemon = SyncDaemon::new(DaemonState::Backup, "eth0".parse().unwrap()).with_port(9000);
        for request in [
            Change::AddService(service).into(),
            Change::SetService(service).into(),
            Change::DeleteService(id).into(),
            Change::AddDestination(id, destination).into(),
            Change::SetDestination(id, destination).into(),
            Change::DeleteDestination(id, destination.id).into(),
            Change::Zero(Some(id)).into(),
            Change::Zero(None).into(),
            Change::Flush.into(),
            Change::SetTimeouts(Timeouts::new(1, 2, 3)).into(),
            Change::StartDaemon(daemon).into(),
            Change::StopDaemon(DaemonState::Master).into(),
            Query::Services.into(),
            Query::Service(id).into(),
            Query::Destinations(id).into(),
            Query::Daemons.into(),
            Query::Timeouts.into(),
            Query::Info.into(),
        ] as [Request; 18]
        {
            let mut bytes = vec![0; request.buffer_len()];
            request.emit(&mut bytes);
            assert_eq!(Request::parse(request.command(), &bytes), Ok(request));
        }
    }
}
