//! Sync daemons, the kernel threads that carry connections from one director to another, and
//! `IPVS_CMD_ATTR_DAEMON`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::attribute::{Attributes, Result, Writer};
use crate::constants::{
    IP_VS_STATE_BACKUP, IP_VS_STATE_MASTER, IPVS_CMD_ATTR_DAEMON, IPVS_DAEMON_ATTR_MCAST_GROUP,
    IPVS_DAEMON_ATTR_MCAST_GROUP6, IPVS_DAEMON_ATTR_MCAST_IFN, IPVS_DAEMON_ATTR_MCAST_PORT,
    IPVS_DAEMON_ATTR_MCAST_TTL, IPVS_DAEMON_ATTR_STATE, IPVS_DAEMON_ATTR_SYNC_ID,
    IPVS_DAEMON_ATTR_SYNC_MAXLEN, UnknownNumber,
};
use crate::name::Interface;
use crate::parse::ParseError;

/// The role of a sync daemon (`IPVS_DAEMON_ATTR_STATE`). A director can run one daemon of each role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DaemonState {
    /// `IP_VS_STATE_MASTER`: sends the director's connections.
    Master,
    /// `IP_VS_STATE_BACKUP`: receives the connections of a master.
    Backup,
    /// A role without a name, made by [`DaemonState::from_raw`].
    Other(UnknownNumber),
}

impl DaemonState {
    /// Converts from the kernel's number.
    #[must_use]
    pub const fn from_raw(number: u32) -> Self {
        match number {
            IP_VS_STATE_MASTER => Self::Master,
            IP_VS_STATE_BACKUP => Self::Backup,
            number => Self::Other(UnknownNumber(number)),
        }
    }

    /// Converts to the kernel's number.
    #[must_use]
    pub const fn to_raw(self) -> u32 {
        match self {
            Self::Master => IP_VS_STATE_MASTER,
            Self::Backup => IP_VS_STATE_BACKUP,
            Self::Other(number) => number.to_raw(),
        }
    }

    /// Reads the attribute inside `IPVS_CMD_ATTR_DAEMON` that identifies a daemon.
    pub(crate) fn parse(attributes: &mut Attributes<'_>) -> Result<Self> {
        attributes.u32(IPVS_DAEMON_ATTR_STATE).map(Self::from_raw)
    }

    /// Writes `IPVS_CMD_ATTR_DAEMON` with the role alone.
    pub(crate) fn emit_nested(self, writer: &mut Writer<'_>) {
        writer.nest(IPVS_CMD_ATTR_DAEMON, |writer| self.emit(writer));
    }

    fn emit(self, writer: &mut Writer<'_>) {
        writer.u32(IPVS_DAEMON_ATTR_STATE, self.to_raw());
    }
}

impl fmt::Display for DaemonState {
    /// Writes `master`, `backup`, or `unknown (3)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Master => f.pad("master"),
            Self::Backup => f.pad("backup"),
            Self::Other(number) => write!(f, "unknown ({number})"),
        }
    }
}

impl FromStr for DaemonState {
    type Err = ParseError;

    /// Reads `master` or `backup`.
    fn from_str(text: &str) -> std::result::Result<Self, ParseError> {
        match text {
            "master" => Ok(Self::Master),
            "backup" => Ok(Self::Backup),
            _ => Err(ParseError::new(text, "master or backup")),
        }
    }
}

#[cfg(feature = "serde")]
crate::serialize::as_text! {
    DaemonState: "master or backup",
}

/// The settings of a sync daemon. A field that is 0 or `None` leaves the choice to the kernel, which then reports what
/// it chose; the sync id alone is always what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct SyncDaemon {
    /// The role: master or backup.
    pub state: DaemonState,
    /// The interface for the multicast traffic.
    pub interface: Interface,
    /// The number that masters and their backups share (`IPVS_DAEMON_ATTR_SYNC_ID`), 0 to 255; a backup with number 0
    /// accepts all.
    #[cfg_attr(
        feature = "serde",
        serde(default, deserialize_with = "crate::serialize::number::<255, _, _>")
    )]
    pub sync_id: u32,
    /// The longest UDP payload in bytes (`IPVS_DAEMON_ATTR_SYNC_MAXLEN`); 0 fits the interface's MTU.
    #[cfg_attr(
        feature = "serde",
        serde(default, deserialize_with = "crate::serialize::number::<65507, _, _>")
    )]
    pub max_length: u16,
    /// The multicast group (`IPVS_DAEMON_ATTR_MCAST_GROUP`, `IPVS_DAEMON_ATTR_MCAST_GROUP6`); `None` is 224.0.0.81.
    #[cfg_attr(
        feature = "serde",
        serde(
            default,
            deserialize_with = "crate::serialize::given",
            skip_serializing_if = "Option::is_none"
        )
    )]
    pub group: Option<IpAddr>,
    /// The UDP port in host byte order (`IPVS_DAEMON_ATTR_MCAST_PORT`); 0 is 8848.
    #[cfg_attr(
        feature = "serde",
        serde(default, deserialize_with = "crate::serialize::number::<65535, _, _>")
    )]
    pub port: u16,
    /// The time to live of multicast packets, in hops (`IPVS_DAEMON_ATTR_MCAST_TTL`); 0 is 1.
    #[cfg_attr(
        feature = "serde",
        serde(default, deserialize_with = "crate::serialize::number::<255, _, _>")
    )]
    pub ttl: u8,
}

impl SyncDaemon {
    /// Makes a daemon with sync id 0 that leaves everything else to the kernel.
    #[must_use]
    pub const fn new(state: DaemonState, interface: Interface) -> Self {
        Self { state, interface, sync_id: 0, max_length: 0, group: None, port: 0, ttl: 0 }
    }

    /// Sets the number that masters and their backups share, 0 to 255.
    #[must_use]
    pub const fn with_sync_id(mut self, sync_id: u32) -> Self {
        self.sync_id = sync_id;
        self
    }

    /// Sets the longest UDP payload in bytes.
    #[must_use]
    pub const fn with_max_length(mut self, bytes: u16) -> Self {
        self.max_length = bytes;
        self
    }

    /// Sets the multicast group.
    #[must_use]
    pub const fn with_group(mut self, group: IpAddr) -> Self {
        self.group = Some(group);
        self
    }

    /// Sets the UDP port, in host byte order.
    #[must_use]
    pub const fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the time to live of multicast packets, in hops.
    #[must_use]
    pub const fn with_ttl(mut self, hops: u8) -> Self {
        self.ttl = hops;
        self
    }

    /// Reads the attributes inside `IPVS_CMD_ATTR_DAEMON`.
    pub(crate) fn parse(attributes: &mut Attributes<'_>) -> Result<Self> {
        let state = DaemonState::parse(attributes)?;
        let interface = attributes.required(IPVS_DAEMON_ATTR_MCAST_IFN)?.name(Interface::from_kernel)?;
        let sync_id = attributes.u32(IPVS_DAEMON_ATTR_SYNC_ID)?;
        let max_length =
            attributes.optional_array(IPVS_DAEMON_ATTR_SYNC_MAXLEN)?.map_or(0, u16::from_ne_bytes);
        let group4 = attributes.optional_array(IPVS_DAEMON_ATTR_MCAST_GROUP)?.map(Ipv4Addr::from);
        let group6 = attributes.optional_array::<16>(IPVS_DAEMON_ATTR_MCAST_GROUP6)?.map(Ipv6Addr::from);
        Ok(Self {
            state,
            interface: interface.ok_or_else(|| attributes.missing(IPVS_DAEMON_ATTR_MCAST_IFN))?,
            sync_id,
            max_length,
            group: group6.map(IpAddr::from).or(group4.map(IpAddr::from)),
            port: attributes.optional_array(IPVS_DAEMON_ATTR_MCAST_PORT)?.map_or(0, u16::from_ne_bytes),
            ttl: attributes.optional_array(IPVS_DAEMON_ATTR_MCAST_TTL)?.map_or(0, u8::from_ne_bytes),
        })
    }

    /// Writes `IPVS_CMD_ATTR_DAEMON`, without the attributes that are left to the kernel.
    pub(crate) fn emit_nested(&self, writer: &mut Writer<'_>) {
        writer.nest(IPVS_CMD_ATTR_DAEMON, |writer| {
            self.state.emit(writer);
            writer.string(IPVS_DAEMON_ATTR_MCAST_IFN, self.interface.as_bytes());
            writer.u32(IPVS_DAEMON_ATTR_SYNC_ID, self.sync_id);
            if self.max_length != 0 {
                writer.u16(IPVS_DAEMON_ATTR_SYNC_MAXLEN, self.max_length);
            }
            if self.port != 0 {
                // Unlike all other ports of the family, this one is in host byte order.
                writer.u16(IPVS_DAEMON_ATTR_MCAST_PORT, self.port);
            }
            if self.ttl != 0 {
                writer.u8(IPVS_DAEMON_ATTR_MCAST_TTL, self.ttl);
            }
            match self.group {
                Some(IpAddr::V4(group)) => writer.bytes(IPVS_DAEMON_ATTR_MCAST_GROUP, &group.octets()),
                Some(IpAddr::V6(group)) => writer.bytes(IPVS_DAEMON_ATTR_MCAST_GROUP6, &group.octets()),
                None => {}
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constants::DAEMON_ATTRIBUTES;

    fn read<T>(bytes: &[u8], read: impl FnOnce(&mut Attributes<'_>) -> Result<T>) -> Result<T> {
        Attributes::read_message(0, bytes, |found| {
            found.nested(IPVS_CMD_ATTR_DAEMON, DAEMON_ATTRIBUTES, read)
        })
    }

    #[test]
    fn daemons_survive_the_way_through_attributes() {
        let daemon = SyncDaemon::new(DaemonState::Master, "eth0".parse().unwrap());
        let full = daemon.with_sync_id(200).with_max_length(1000).with_port(9000).with_ttl(5);
        for daemon in [
            daemon,
            full.with_group([224, 0, 0, 99].into()),
            full.with_group("ff02::99".parse().unwrap()),
            SyncDaemon { state: DaemonState::from_raw(3), ..full },
        ] {
            let mut bytes = Vec::new();
            daemon.emit_nested(&mut Writer(&mut bytes));
            assert_eq!(read(&bytes, SyncDaemon::parse), Ok(daemon));
            assert_eq!(read(&bytes, DaemonState::parse), Ok(daemon.state));
        }
    }

    #[test]
    fn roles_survive_their_numbers_and_names() {
        for number in 0..4 {
            assert_eq!(DaemonState::from_raw(number).to_raw(), number);
        }
        for state in [DaemonState::Master, DaemonState::Backup] {
            assert_eq!(state.to_string().parse(), Ok(state));
        }
        assert!("unknown (3)".parse::<DaemonState>().is_err());
    }
}
