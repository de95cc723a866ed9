//! Settings and facts that concern IPVS as a whole.

use std::fmt;

use crate::attribute::{Attributes, Result, Writer};
use crate::constants::{
    INFO_ATTRIBUTES, IPVS_CMD_ATTR_TIMEOUT_TCP, IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, IPVS_CMD_ATTR_TIMEOUT_UDP,
    IPVS_INFO_ATTR_CONN_TAB_SIZE, IPVS_INFO_ATTR_VERSION,
};

/// The times in seconds after which idle connections are forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct Timeouts {
    /// For established TCP connections (`IPVS_CMD_ATTR_TIMEOUT_TCP`).
    #[cfg_attr(
        feature = "serde",
        serde(default, deserialize_with = "crate::serialize::number::<4294967295, _, _>")
    )]
    pub tcp: u32,
    /// For TCP connections after a FIN (`IPVS_CMD_ATTR_TIMEOUT_TCP_FIN`).
    #[cfg_attr(
        feature = "serde",
        serde(default, deserialize_with = "crate::serialize::number::<4294967295, _, _>")
    )]
    pub tcp_fin: u32,
    /// For UDP (`IPVS_CMD_ATTR_TIMEOUT_UDP`).
    #[cfg_attr(
        feature = "serde",
        serde(default, deserialize_with = "crate::serialize::number::<4294967295, _, _>")
    )]
    pub udp: u32,
}

impl Timeouts {
    /// Names the three times in seconds. When timeouts are set, 0 leaves one as it is.
    #[must_use]
    pub const fn new(tcp: u32, tcp_fin: u32, udp: u32) -> Self {
        Self { tcp, tcp_fin, udp }
    }

    /// Reads the attributes at the top level of `IPVS_CMD_SET_CONFIG`. One that is missing is 0.
    pub(crate) fn parse(attributes: &mut Attributes<'_>) -> Result<Self> {
        let mut seconds = |kind| Ok(attributes.optional_array(kind)?.map_or(0, u32::from_ne_bytes));
        Ok(Self {
            tcp: seconds(IPVS_CMD_ATTR_TIMEOUT_TCP)?,
            tcp_fin: seconds(IPVS_CMD_ATTR_TIMEOUT_TCP_FIN)?,
            udp: seconds(IPVS_CMD_ATTR_TIMEOUT_UDP)?,
        })
    }

    /// Writes the attributes at the top level of `IPVS_CMD_SET_CONFIG`.
    pub(crate) fn emit(&self, writer: &mut Writer<'_>) {
        writer.u32(IPVS_CMD_ATTR_TIMEOUT_TCP, self.tcp);
        writer.u32(IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, self.tcp_fin);
        writer.u32(IPVS_CMD_ATTR_TIMEOUT_UDP, self.udp);
    }
}

/// The version of IPVS in the kernel (`IPVS_INFO_ATTR_VERSION`), not that of the kernel itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u32);

impl Version {
    /// Converts from the kernel's number, which has a byte for each of major, minor and patch.
    #[must_use]
    pub const fn from_raw(number: u32) -> Self {
        Self(number)
    }

    /// Converts to the kernel's number.
    #[must_use]
    pub const fn to_raw(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Version {
    /// Writes a version such as `1.2.1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [_, major, minor, patch] = self.0.to_be_bytes();
        write!(f, "{major}.{minor}.{patch}")
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Facts about IPVS in this network namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Info {
    /// The version of IPVS.
    pub version: Version,
    /// The number of rows of the connection table (`IPVS_INFO_ATTR_CONN_TAB_SIZE`). Kernels from 7.x report 0 before
    /// the first service, and more as the table grows.
    pub connection_table_size: u32,
}

impl Info {
    /// Puts version and table size together.
    #[must_use]
    pub const fn new(version: Version, connection_table_size: u32) -> Self {
        Self { version, connection_table_size }
    }

    /// Reads the attributes of `IPVS_CMD_SET_INFO`.
    pub(crate) fn parse(payload: &[u8]) -> Result<Self> {
        Attributes::read(payload, INFO_ATTRIBUTES, "IPVS_CMD_SET_INFO", |attributes| {
            Ok(Self {
                version: Version(attributes.u32(IPVS_INFO_ATTR_VERSION)?),
                connection_table_size: attributes.u32(IPVS_INFO_ATTR_CONN_TAB_SIZE)?,
            })
        })
    }

    /// Writes the attributes of `IPVS_CMD_SET_INFO`.
    pub(crate) fn emit(&self, writer: &mut Writer<'_>) {
        writer.u32(IPVS_INFO_ATTR_VERSION, self.version.0);
        writer.u32(IPVS_INFO_ATTR_CONN_TAB_SIZE, self.connection_table_size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_and_info_survive_the_way_through_attributes() {
        let mut bytes = Vec::new();
        let timeouts = Timeouts::new(900, 120, 300);
        timeouts.emit(&mut Writer(&mut bytes));
        assert_eq!(Attributes::read_message(0, &bytes, Timeouts::parse), Ok(timeouts));
        bytes.clear();
        let info = Info { version: Version(0x01_02_01), connection_table_size: 4096 };
        info.emit(&mut Writer(&mut bytes));
        assert_eq!(Info::parse(&bytes), Ok(info));
        assert_eq!(info.version.to_string(), "1.2.1");
    }
}
