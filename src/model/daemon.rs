//! Sync daemons: kernel threads that carry connections from one director to another.

use std::fmt;
use std::net::IpAddr;

use super::Interface;

/// Which of the two daemons of a director (`IPVS_DAEMON_ATTR_STATE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DaemonState {
    /// `IP_VS_STATE_MASTER`: sends its connections.
    Master,
    /// `IP_VS_STATE_BACKUP`: receives those of a master.
    Backup,
    /// A state that is not known here.
    Other(u32),
}

impl DaemonState {
    /// The kernel's number.
    pub fn number(self) -> u32 {
        match self {
            Self::Master => 1,
            Self::Backup => 2,
            Self::Other(number) => number,
        }
    }
}

impl From<u32> for DaemonState {
    fn from(number: u32) -> Self {
        match number {
            1 => Self::Master,
            2 => Self::Backup,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for DaemonState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Master => f.write_str("master"),
            Self::Backup => f.write_str("backup"),
            Self::Other(number) => write!(f, "unknown ({number})"),
        }
    }
}

/// A sync daemon. Where a field says so, 0 or `None` leaves the choice to the kernel, which then
/// reports what it chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SyncDaemon {
    /// Master or backup.
    pub state: DaemonState,
    /// The interface whose multicast traffic it sends or receives.
    pub interface: Interface,
    /// Masters reach the backups of the same number, 0 to 255; a backup of number 0 hears all.
    pub sync_id: u32,
    /// The longest UDP payload in bytes; 0 fits the interface's MTU.
    pub max_length: u16,
    /// The multicast group; `None` is 224.0.0.81.
    pub group: Option<IpAddr>,
    /// The UDP port in host byte order; 0 is 8848.
    pub port: u16,
    /// The time to live of what a master sends; 0 is 1.
    pub ttl: u8,
}

impl SyncDaemon {
    /// A daemon with the kernel's defaults and sync id 0.
    pub fn new(state: DaemonState, interface: Interface) -> Self {
        Self { state, interface, sync_id: 0, max_length: 0, group: None, port: 0, ttl: 0 }
    }
}
