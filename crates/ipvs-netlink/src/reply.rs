//! Replies: everything that the kernel reports.

use netlink_packet_core::{Emitable, ParseableParametrized};
use netlink_packet_generic::{GenlFamily, GenlHeader};

use crate::address::AddressFamily;
use crate::attribute::{Attributes, DecodeError, Result, Writer};
use crate::constants::{
    DAEMON_ATTRIBUTES, DESTINATION_ATTRIBUTES, IPVS_CMD_ATTR_DAEMON, IPVS_CMD_ATTR_DEST,
    IPVS_CMD_ATTR_SERVICE, IPVS_CMD_NEW_DAEMON, IPVS_CMD_NEW_DEST, IPVS_CMD_NEW_SERVICE, IPVS_CMD_SET_CONFIG,
    IPVS_CMD_SET_INFO, IPVS_GENL_NAME, IPVS_GENL_VERSION, SERVICE_ATTRIBUTES,
};
use crate::daemon::SyncDaemon;
use crate::destination::DestinationState;
use crate::request::Query;
use crate::service::ServiceState;
use crate::settings::{Info, Timeouts};

/// A message from the kernel: the reply to a [`Query`](crate::Query), or one element of a list.
///
/// The kernel replies with the command that would set the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "replies live on the stack, one at a time")]
#[non_exhaustive]
pub enum Reply {
    /// A service with its counters (`IPVS_CMD_NEW_SERVICE`).
    Service(ServiceState),
    /// A destination with its counters (`IPVS_CMD_NEW_DEST`).
    Destination(DestinationState),
    /// A running sync daemon (`IPVS_CMD_NEW_DAEMON`).
    Daemon(SyncDaemon),
    /// The timeouts (`IPVS_CMD_SET_CONFIG`).
    Timeouts(Timeouts),
    /// Version and table size (`IPVS_CMD_SET_INFO`).
    Info(Info),
}

/// Facts that a reply does not contain, and the extent to which it is decoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context {
    /// The address family of the service whose destinations were asked for. Kernels before 3.18 do not repeat it.
    pub(crate) service_family: Option<AddressFamily>,
    /// Decodes counters and rates; otherwise all of them are 0, and decoding is faster.
    pub(crate) include_stats: bool,
}

impl Context {
    /// Returns the context of the replies to a query.
    pub(crate) fn for_query(query: Query, include_stats: bool) -> Self {
        let service_family = match query {
            Query::Destinations(id) => Some(id.family()),
            _ => None,
        };
        Self { service_family, include_stats }
    }
}

impl Reply {
    /// Reads the attributes of a reply with this command.
    pub(crate) fn parse(command: u8, payload: &[u8], context: Context) -> Result<Self> {
        // Its attributes are the only ones that count from 1 for something else.
        if command == IPVS_CMD_SET_INFO {
            return Info::parse(payload).map(Self::Info);
        }
        let Context { service_family, include_stats } = context;
        Attributes::read_message(command, payload, |attributes| match command {
            IPVS_CMD_NEW_SERVICE => attributes
                .nested(IPVS_CMD_ATTR_SERVICE, SERVICE_ATTRIBUTES, |service| {
                    ServiceState::parse(service, include_stats)
                })
                .map(Self::Service),
            IPVS_CMD_NEW_DEST => attributes
                .nested(IPVS_CMD_ATTR_DEST, DESTINATION_ATTRIBUTES, |destination| {
                    DestinationState::parse(destination, service_family, include_stats)
                })
                .map(Self::Destination),
            IPVS_CMD_NEW_DAEMON => attributes
                .nested(IPVS_CMD_ATTR_DAEMON, DAEMON_ATTRIBUTES, SyncDaemon::parse)
                .map(Self::Daemon),
            IPVS_CMD_SET_CONFIG => Timeouts::parse(attributes).map(Self::Timeouts),
            command => Err(DecodeError::Command(command)),
        })
    }

    /// Returns the service; another reply has none.
    pub(crate) fn into_service(self) -> Option<ServiceState> {
        match self {
            Self::Service(state) => Some(state),
            _ => None,
        }
    }

    /// Returns the destination; another reply has none.
    pub(crate) fn into_destination(self) -> Option<DestinationState> {
        match self {
            Self::Destination(state) => Some(state),
            _ => None,
        }
    }

    /// Returns the sync daemon; another reply has none.
    pub(crate) fn into_daemon(self) -> Option<SyncDaemon> {
        match self {
            Self::Daemon(daemon) => Some(daemon),
            _ => None,
        }
    }

    /// Returns the timeouts; another reply has none.
    pub(crate) fn into_timeouts(self) -> Option<Timeouts> {
        match self {
            Self::Timeouts(timeouts) => Some(timeouts),
            _ => None,
        }
    }

    /// Returns version and table size; another reply has none.
    pub(crate) fn into_info(self) -> Option<Info> {
        match self {
            Self::Info(info) => Some(info),
            _ => None,
        }
    }

    /// Appends the attributes as the kernel does.
    fn emit_attributes(&self, buffer: &mut Vec<u8>) {
        let writer = &mut Writer(buffer);
        match self {
            Self::Service(state) => state.emit_nested(writer),
            Self::Destination(state) => state.emit_nested(writer),
            Self::Daemon(daemon) => daemon.emit_nested(writer),
            Self::Timeouts(timeouts) => timeouts.emit(writer),
            Self::Info(info) => info.emit(writer),
        }
    }
}

impl GenlFamily for Reply {
    fn family_name() -> &'static str {
        IPVS_GENL_NAME
    }

    fn command(&self) -> u8 {
        match self {
            Self::Service(_) => IPVS_CMD_NEW_SERVICE,
            Self::Destination(_) => IPVS_CMD_NEW_DEST,
            Self::Daemon(_) => IPVS_CMD_NEW_DAEMON,
            Self::Timeouts(_) => IPVS_CMD_SET_CONFIG,
            Self::Info(_) => IPVS_CMD_SET_INFO,
        }
    }

    fn version(&self) -> u8 {
        IPVS_GENL_VERSION
    }
}

impl Emitable for Reply {
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

impl ParseableParametrized<[u8], GenlHeader> for Reply {
    /// Reads a reply with its counters. A destination has to name its address family, as kernels since 3.18 do.
    fn parse_with_param(
        payload: &[u8],
        header: GenlHeader,
    ) -> std::result::Result<Self, netlink_packet_core::DecodeError> {
        let context = Context { service_family: None, include_stats: true };
        Ok(Self::parse(header.cmd, payload, context)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::DaemonState;
    use crate::destination::{Destination, DestinationId};
    use crate::service::Service;
    use crate::stats::Stats;

    #[test]
    fn replies_survive_the_way_through_bytes() {
        let service = Service::new("UDP 192.0.2.1:53".parse().unwrap());
        let destination = Destination::new(DestinationId::new([192, 0, 2, 1], 8080));
        let daemon = SyncDaemon::new(DaemonState::Backup, "eth0".parse().unwrap());
        for reply in [
            Reply::Service(ServiceState::new(service, Stats::counting_from(1))),
            Reply::Destination(DestinationState::new(destination)),
            Reply::Daemon(daemon),
            Reply::Timeouts(Timeouts::new(1, 2, 3)),
        ] {
            let mut bytes = vec![0; reply.buffer_len()];
            reply.emit(&mut bytes);
            let header = GenlHeader { cmd: reply.command(), version: reply.version() };
            assert_eq!(Reply::parse_with_param(&bytes, header).unwrap(), reply);
        }
    }
}
