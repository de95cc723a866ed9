//! The family's messages as values.

use netlink_packet_core::{Emitable, ParseableParametrized};
use netlink_packet_generic::{GenlFamily, GenlHeader};

use super::attributes::*;
use super::decode::{Attribute, Attributes, DecodeError, Result};
use super::encode::Writer;
use super::{daemon, destination, service};
use crate::model::{
    Answer, Change, Destination, DestinationState, Family, Info, Query, Service, ServiceId, ServiceState,
    Timeouts, Version,
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
        let message = Parts::decode(command, payload, None)?;
        let change = match command {
            IPVS_CMD_NEW_SERVICE => match message.service {
                Some(service::Decoded { settings: Some(service), stats: Some(stats), .. }) => {
                    return Ok(Self::Answer(Answer::Service(ServiceState { service, stats })));
                }
                _ => Change::AddService(message.service_settings()?),
            },
            IPVS_CMD_SET_SERVICE => Change::SetService(message.service_settings()?),
            IPVS_CMD_DEL_SERVICE => Change::DeleteService(message.service_id()?),
            IPVS_CMD_NEW_DEST if message.service.is_none() => {
                return Ok(Self::Answer(Answer::Destination(message.destination_state()?)));
            }
            IPVS_CMD_NEW_DEST => {
                Change::AddDestination(message.service_id()?, message.destination_settings()?)
            }
            IPVS_CMD_SET_DEST => {
                Change::SetDestination(message.service_id()?, message.destination_settings()?)
            }
            IPVS_CMD_DEL_DEST => Change::DeleteDestination(message.service_id()?, message.destination()?.id),
            IPVS_CMD_DEL_DAEMON => Change::StopDaemon(message.daemon()?.state),
            IPVS_CMD_ZERO => Change::Zero(message.service.map(|service| service.id)),
            IPVS_CMD_FLUSH => Change::Flush,
            IPVS_CMD_GET_SERVICE => {
                return Ok(Self::Query(match message.service {
                    Some(service) => Query::Service(service.id),
                    None => Query::Services,
                }));
            }
            IPVS_CMD_GET_DEST => return Ok(Self::Query(Query::Destinations(message.service_id()?))),
            IPVS_CMD_GET_DAEMON => return Ok(Self::Query(Query::Daemons)),
            IPVS_CMD_GET_CONFIG => return Ok(Self::Query(Query::Timeouts)),
            IPVS_CMD_GET_INFO => return Ok(Self::Query(Query::Info)),
            IPVS_CMD_NEW_DAEMON => {
                let daemon = message.daemon()?.settings;
                let daemon = daemon.ok_or(DecodeError::Missing("IPVS_DAEMON_ATTR_MCAST_IFN"))?;
                return Ok(Self::Answer(Answer::Daemon(daemon)));
            }
            IPVS_CMD_SET_CONFIG => return Ok(Self::Answer(Answer::Timeouts(message.timeouts))),
            command => return Err(DecodeError::Command(command)),
        };
        Ok(Self::Change(change))
    }
}

/// Reads one destination of a dump for a service of this family.
pub(crate) fn decode_dump_destination(payload: &[u8], service_family: Family) -> Result<DestinationState> {
    let found = Attributes::read(payload, &COMMAND_ATTRIBUTES, command_name(IPVS_CMD_NEW_DEST))?;
    let decode = |holder: &Attribute<'_>| destination::decode(holder, Some(service_family));
    let destination = found.optional(IPVS_CMD_ATTR_DEST, decode)?;
    let destination = found.required(IPVS_CMD_ATTR_DEST, destination)?;
    destination.state.ok_or(DecodeError::Missing("IPVS_DEST_ATTR_STATS"))
}

/// The attributes that every command but `IPVS_CMD_SET_INFO` draws from.
struct Parts {
    service: Option<service::Decoded>,
    destination: Option<destination::Decoded>,
    daemon: Option<daemon::Decoded>,
    timeouts: Timeouts,
}

impl Parts {
    fn service_id(&self) -> Result<ServiceId> {
        self.service.as_ref().map(|service| service.id).ok_or(missing(IPVS_CMD_ATTR_SERVICE))
    }

    fn service_settings(&self) -> Result<Service> {
        let service = self.service.as_ref().ok_or(missing(IPVS_CMD_ATTR_SERVICE))?;
        service.settings.ok_or(DecodeError::Missing("IPVS_SVC_ATTR_SCHED_NAME"))
    }

    fn destination(&self) -> Result<&destination::Decoded> {
        self.destination.as_ref().ok_or(missing(IPVS_CMD_ATTR_DEST))
    }

    fn destination_settings(&self) -> Result<Destination> {
        self.destination()?.settings.ok_or(DecodeError::Missing("IPVS_DEST_ATTR_FWD_METHOD"))
    }

    fn destination_state(&self) -> Result<DestinationState> {
        self.destination()?.state.ok_or(DecodeError::Missing("IPVS_DEST_ATTR_STATS"))
    }

    fn daemon(&self) -> Result<&daemon::Decoded> {
        self.daemon.as_ref().ok_or(missing(IPVS_CMD_ATTR_DAEMON))
    }

    fn decode(command: u8, payload: &[u8], service_family: Option<Family>) -> Result<Self> {
        let found = Attributes::read(payload, &COMMAND_ATTRIBUTES, command_name(command))?;
        let destination = |holder: &Attribute<'_>| destination::decode(holder, service_family);
        Ok(Self {
            service: found.optional(IPVS_CMD_ATTR_SERVICE, service::decode)?,
            destination: found.optional(IPVS_CMD_ATTR_DEST, destination)?,
            daemon: found.optional(IPVS_CMD_ATTR_DAEMON, daemon::decode)?,
            timeouts: Timeouts {
                tcp: found.optional(IPVS_CMD_ATTR_TIMEOUT_TCP, Attribute::u32)?.unwrap_or(0),
                tcp_fin: found.optional(IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, Attribute::u32)?.unwrap_or(0),
                udp: found.optional(IPVS_CMD_ATTR_TIMEOUT_UDP, Attribute::u32)?.unwrap_or(0),
            },
        })
    }
}

fn missing(kind: u16) -> DecodeError {
    DecodeError::Missing(COMMAND_ATTRIBUTES[usize::from(kind) - 1].1)
}

fn encode_timeouts(writer: &mut Writer<'_>, timeouts: &Timeouts) {
    writer.u32(IPVS_CMD_ATTR_TIMEOUT_TCP, timeouts.tcp);
    writer.u32(IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, timeouts.tcp_fin);
    writer.u32(IPVS_CMD_ATTR_TIMEOUT_UDP, timeouts.udp);
}

fn decode_info(payload: &[u8]) -> Result<Info> {
    let found = Attributes::read(payload, &INFO_ATTRIBUTES, "IPVS_CMD_SET_INFO")?;
    let version = found.optional(IPVS_INFO_ATTR_VERSION, Attribute::u32)?;
    let size = found.optional(IPVS_INFO_ATTR_CONN_TAB_SIZE, Attribute::u32)?;
    Ok(Info {
        version: Version(found.required(IPVS_INFO_ATTR_VERSION, version)?),
        connection_table_size: found.required(IPVS_INFO_ATTR_CONN_TAB_SIZE, size)?,
    })
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
