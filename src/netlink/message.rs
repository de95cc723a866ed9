//! The family's messages as values.

use netlink_packet_core::{Emitable, ParseableParametrized};
use netlink_packet_generic::{GenlFamily, GenlHeader};

use super::attributes::*;
use super::decode::{Attribute, Attributes, DecodeError, Result};
use super::encode::Writer;
use super::{daemon, destination, service};
use crate::model::{
    Answer, Change, DestinationState, Family, Info, Query, ServiceId, ServiceState, Timeouts, Version,
};

/// A message of the family, to the kernel or from it.
///
/// The kernel answers a query with the command that would set the same thing. The bytes of
/// `IPVS_CMD_SET_CONFIG` and `IPVS_CMD_NEW_DAEMON` do not tell which way they go: decoded, they are
/// taken for answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "messages live on the stack, one at a time")]
pub enum IpvsMessage {
    /// Asks the kernel to change something.
    Change(Change),
    /// Asks the kernel to tell something.
    Query(Query),
    /// What the kernel tells.
    Answer(Answer),
}

impl From<Change> for IpvsMessage {
    fn from(change: Change) -> Self {
        Self::Change(change)
    }
}

impl From<Query> for IpvsMessage {
    fn from(query: Query) -> Self {
        Self::Query(query)
    }
}

impl IpvsMessage {
    /// Appends the attributes of the message.
    pub(crate) fn encode(&self, buffer: &mut Vec<u8>) {
        let writer = &mut Writer(buffer);
        match self {
            Self::Change(change) => match change {
                Change::AddService(service) | Change::SetService(service) => service::encode(writer, service),
                Change::DeleteService(id) | Change::Zero(Some(id)) => service::encode_id(writer, id),
                Change::AddDestination(id, destination) | Change::SetDestination(id, destination) => {
                    service::encode_id(writer, id);
                    destination::encode(writer, destination);
                }
                Change::DeleteDestination(id, destination) => {
                    service::encode_id(writer, id);
                    destination::encode_id(writer, destination);
                }
                Change::Zero(None) | Change::Flush => {}
                Change::SetTimeouts(timeouts) => encode_timeouts(writer, timeouts),
                Change::StartDaemon(daemon) => daemon::encode(writer, daemon),
                Change::StopDaemon(state) => daemon::encode_state(writer, *state),
            },
            Self::Query(Query::Service(id) | Query::Destinations(id)) => service::encode_id(writer, id),
            Self::Query(_) => {}
            Self::Answer(answer) => match answer {
                Answer::Service(state) => service::encode_state(writer, state),
                Answer::Destination(state) => destination::encode_state(writer, state),
                Answer::Daemon(daemon) => daemon::encode(writer, daemon),
                Answer::Timeouts(timeouts) => encode_timeouts(writer, timeouts),
                Answer::Info(info) => {
                    writer.u32(IPVS_INFO_ATTR_VERSION, info.version.0);
                    writer.u32(IPVS_INFO_ATTR_CONN_TAB_SIZE, info.connection_table_size);
                }
            },
        }
    }

    /// Reads the attributes of a message with this command.
    ///
    /// # Errors
    /// If an attribute is malformed, repeated or missing, or if the family has no such command.
    pub fn decode(command: u8, payload: &[u8]) -> Result<Self> {
        if command == IPVS_CMD_SET_INFO {
            return Ok(Self::Answer(Answer::Info(decode_info(payload)?)));
        }
        let message = Parts::read(command, payload)?;
        let service_id = || service::decode_id(message.service()?);
        let destination = || destination::decode(message.destination()?, None);
        let change = match command {
            IPVS_CMD_NEW_SERVICE => match service::decode(message.service()?, true)? {
                (service, Some(stats)) => {
                    return Ok(Self::Answer(Answer::Service(ServiceState { service, stats })));
                }
                (service, None) => Change::AddService(service),
            },
            IPVS_CMD_SET_SERVICE => Change::SetService(service::decode(message.service()?, false)?.0),
            IPVS_CMD_DEL_SERVICE => Change::DeleteService(service_id()?),
            IPVS_CMD_NEW_DEST if message.service.is_none() => {
                let state = destination::decode_state(message.destination()?, None, true)?;
                return Ok(Self::Answer(Answer::Destination(state)));
            }
            IPVS_CMD_NEW_DEST => Change::AddDestination(service_id()?, destination()?),
            IPVS_CMD_SET_DEST => Change::SetDestination(service_id()?, destination()?),
            IPVS_CMD_DEL_DEST => {
                let id = destination::decode_id(message.destination()?, None)?;
                Change::DeleteDestination(service_id()?, id)
            }
            IPVS_CMD_DEL_DAEMON => Change::StopDaemon(daemon::decode_state(message.daemon()?)?),
            IPVS_CMD_ZERO => Change::Zero(message.service.map(|_| service_id()).transpose()?),
            IPVS_CMD_FLUSH => Change::Flush,
            IPVS_CMD_GET_SERVICE => {
                return Ok(Self::Query(match message.service {
                    Some(_) => Query::Service(service_id()?),
                    None => Query::Services,
                }));
            }
            IPVS_CMD_GET_DEST => return Ok(Self::Query(Query::Destinations(service_id()?))),
            IPVS_CMD_GET_DAEMON => return Ok(Self::Query(Query::Daemons)),
            IPVS_CMD_GET_CONFIG => return Ok(Self::Query(Query::Timeouts)),
            IPVS_CMD_GET_INFO => return Ok(Self::Query(Query::Info)),
            IPVS_CMD_NEW_DAEMON => {
                return Ok(Self::Answer(Answer::Daemon(daemon::decode(message.daemon()?)?)));
            }
            IPVS_CMD_SET_CONFIG => return Ok(Self::Answer(Answer::Timeouts(message.timeouts))),
            command => return Err(DecodeError::Command(command)),
        };
        Ok(Self::Change(change))
    }
}

/// Reads one service of a dump. Without `stats` all counters and rates are 0.
pub(crate) fn decode_dump_service(payload: &[u8], stats: bool) -> Result<ServiceState> {
    let holder = only(payload, IPVS_CMD_ATTR_SERVICE, "IPVS_CMD_NEW_SERVICE")?;
    let (service, stats) = service::decode(&holder, stats)?;
    Ok(ServiceState { service, stats: stats.ok_or(DecodeError::Missing("IPVS_SVC_ATTR_STATS"))? })
}

/// Reads which service one of a dump is.
pub(crate) fn decode_dump_service_id(payload: &[u8]) -> Result<ServiceId> {
    service::decode_only_id(&only(payload, IPVS_CMD_ATTR_SERVICE, "IPVS_CMD_NEW_SERVICE")?)
}

/// Reads one destination of a dump for a service of this family. Without `stats` all counters and rates are 0.
#[inline(always)]
pub(crate) fn decode_dump_destination(
    payload: &[u8],
    service_family: Family,
    stats: bool,
) -> Result<DestinationState> {
    let holder = only(payload, IPVS_CMD_ATTR_DEST, "IPVS_CMD_NEW_DEST")?;
    destination::decode_state(&holder, Some(service_family), stats)
}

/// The attribute that a message of a dump is made of.
#[inline(always)]
fn only<'a>(payload: &'a [u8], kind: u16, message: &'static str) -> Result<Attribute<'a>> {
    let found = &mut Attributes::new(payload, &COMMAND_ATTRIBUTES, message);
    let attribute = found.get(kind)?;
    found.end()?;
    Ok(attribute)
}

/// The attributes that every command but `IPVS_CMD_SET_INFO` draws from.
struct Parts<'a> {
    service: Option<Attribute<'a>>,
    destination: Option<Attribute<'a>>,
    daemon: Option<Attribute<'a>>,
    timeouts: Timeouts,
}

impl<'a> Parts<'a> {
    fn service(&self) -> Result<&Attribute<'a>> {
        self.service.as_ref().ok_or(DecodeError::Missing("IPVS_CMD_ATTR_SERVICE"))
    }

    fn destination(&self) -> Result<&Attribute<'a>> {
        self.destination.as_ref().ok_or(DecodeError::Missing("IPVS_CMD_ATTR_DEST"))
    }

    fn daemon(&self) -> Result<&Attribute<'a>> {
        self.daemon.as_ref().ok_or(DecodeError::Missing("IPVS_CMD_ATTR_DAEMON"))
    }

    fn read(command: u8, payload: &'a [u8]) -> Result<Self> {
        let found = &mut Attributes::new(payload, &COMMAND_ATTRIBUTES, command_name(command));
        let timeout =
            |found: &mut Attributes<'_>, kind| Ok(found.optional_bytes(kind)?.map_or(0, u32::from_ne_bytes));
        let parts = Self {
            service: found.optional(IPVS_CMD_ATTR_SERVICE)?,
            destination: found.optional(IPVS_CMD_ATTR_DEST)?,
            daemon: found.optional(IPVS_CMD_ATTR_DAEMON)?,
            timeouts: Timeouts {
                tcp: timeout(found, IPVS_CMD_ATTR_TIMEOUT_TCP)?,
                tcp_fin: timeout(found, IPVS_CMD_ATTR_TIMEOUT_TCP_FIN)?,
                udp: timeout(found, IPVS_CMD_ATTR_TIMEOUT_UDP)?,
            },
        };
        found.end()?;
        Ok(parts)
    }
}

fn encode_timeouts(writer: &mut Writer<'_>, timeouts: &Timeouts) {
    writer.u32(IPVS_CMD_ATTR_TIMEOUT_TCP, timeouts.tcp);
    writer.u32(IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, timeouts.tcp_fin);
    writer.u32(IPVS_CMD_ATTR_TIMEOUT_UDP, timeouts.udp);
}

fn decode_info(payload: &[u8]) -> Result<Info> {
    let found = &mut Attributes::new(payload, &INFO_ATTRIBUTES, "IPVS_CMD_SET_INFO");
    let version = Version(found.u32(IPVS_INFO_ATTR_VERSION)?);
    let connection_table_size = found.u32(IPVS_INFO_ATTR_CONN_TAB_SIZE)?;
    found.end()?;
    Ok(Info { version, connection_table_size })
}

fn command_name(command: u8) -> &'static str {
    COMMANDS.get(usize::from(command).wrapping_sub(1)).map_or("a message", |&(_, name)| name)
}

impl GenlFamily for IpvsMessage {
    fn family_name() -> &'static str {
        IPVS_GENL_NAME
    }

    fn command(&self) -> u8 {
        match self {
            Self::Change(Change::AddService(_)) | Self::Answer(Answer::Service(_)) => IPVS_CMD_NEW_SERVICE,
            Self::Change(Change::SetService(_)) => IPVS_CMD_SET_SERVICE,
            Self::Change(Change::DeleteService(_)) => IPVS_CMD_DEL_SERVICE,
            Self::Query(Query::Services | Query::Service(_)) => IPVS_CMD_GET_SERVICE,
            Self::Change(Change::AddDestination(..)) | Self::Answer(Answer::Destination(_)) => {
                IPVS_CMD_NEW_DEST
            }
            Self::Change(Change::SetDestination(..)) => IPVS_CMD_SET_DEST,
            Self::Change(Change::DeleteDestination(..)) => IPVS_CMD_DEL_DEST,
            Self::Query(Query::Destinations(_)) => IPVS_CMD_GET_DEST,
            Self::Change(Change::StartDaemon(_)) | Self::Answer(Answer::Daemon(_)) => IPVS_CMD_NEW_DAEMON,
            Self::Change(Change::StopDaemon(_)) => IPVS_CMD_DEL_DAEMON,
            Self::Query(Query::Daemons) => IPVS_CMD_GET_DAEMON,
            Self::Change(Change::SetTimeouts(_)) | Self::Answer(Answer::Timeouts(_)) => IPVS_CMD_SET_CONFIG,
            Self::Query(Query::Timeouts) => IPVS_CMD_GET_CONFIG,
            Self::Answer(Answer::Info(_)) => IPVS_CMD_SET_INFO,
            Self::Query(Query::Info) => IPVS_CMD_GET_INFO,
            Self::Change(Change::Zero(_)) => IPVS_CMD_ZERO,
            Self::Change(Change::Flush) => IPVS_CMD_FLUSH,
        }
    }

    fn version(&self) -> u8 {
        IPVS_GENL_VERSION
    }
}

impl Emitable for IpvsMessage {
    fn buffer_len(&self) -> usize {
        let mut buffer = Vec::new();
        self.encode(&mut buffer);
        buffer.len()
    }

    fn emit(&self, buffer: &mut [u8]) {
        let mut bytes = Vec::with_capacity(buffer.len());
        self.encode(&mut bytes);
        buffer[..bytes.len()].copy_from_slice(&bytes);
    }
}

impl ParseableParametrized<[u8], GenlHeader> for IpvsMessage {
    fn parse_with_param(
        payload: &[u8],
        header: GenlHeader,
    ) -> std::result::Result<Self, netlink_packet_core::DecodeError> {
        Ok(Self::decode(header.cmd, payload)?)
    }
}
