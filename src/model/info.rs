//! Settings and facts of IPVS as a whole.

use std::fmt;

/// How long idle connections are kept, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Timeouts {
    /// Established TCP connections (`IPVS_CMD_ATTR_TIMEOUT_TCP`).
    pub tcp: u32,
    /// TCP connections after a FIN (`IPVS_CMD_ATTR_TIMEOUT_TCP_FIN`).
    pub tcp_fin: u32,
    /// UDP (`IPVS_CMD_ATTR_TIMEOUT_UDP`).
    pub udp: u32,
}

/// The version of IPVS in the kernel (`IPVS_INFO_ATTR_VERSION`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u32);

impl fmt::Display for Version {
    /// `1.2.1`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [_, major, minor, patch] = self.0.to_be_bytes();
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// What the kernel says of IPVS itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Info {
    /// Its version.
    pub version: Version,
    /// The number of rows of the connection table. Kernels from 7.x report 0 before the first service
    /// and other numbers as the table grows.
    pub connection_table_size: u32,
}
