//! Netlink attributes: the one reader and the one writer.

mod reader;
mod writer;

use netlink_packet_core::NLA_ALIGNTO;

pub(crate) use reader::{Attribute, Attributes};
pub(crate) use writer::Writer;

/// The fault of bytes from the kernel that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A required attribute is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// An attribute occurs twice.
    #[error("{0} is repeated")]
    Repeated(&'static str),
    /// An attribute is shorter or longer than its type.
    #[error("{attribute} has {found} bytes instead of {expected}")]
    Length {
        /// The kernel's name of the attribute.
        attribute: &'static str,
        /// The size of its type in bytes.
        expected: usize,
        /// Its size in the message in bytes.
        found: usize,
    },
    /// A value has no meaning.
    #[error("{0} has an impossible value")]
    Value(&'static str),
    /// The headers of the attributes do not fit the length of their container.
    #[error("malformed attributes inside {0}")]
    Malformed(&'static str),
    /// The command is not one of the family, or not one that goes in this direction.
    #[error("unknown command {0}")]
    Command(u8),
}

impl From<DecodeError> for netlink_packet_core::DecodeError {
    fn from(error: DecodeError) -> Self {
        error.to_string().into()
    }
}

pub(crate) type Result<T> = std::result::Result<T, DecodeError>;

/// Rounds a length up to the alignment of attributes.
const fn align(length: usize) -> usize {
    (length + NLA_ALIGNTO - 1) & !(NLA_ALIGNTO - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constants::{
        INFO_ATTRIBUTES, IPVS_INFO_ATTR_CONN_TAB_SIZE as SIZE, IPVS_INFO_ATTR_VERSION as VERSION,
    };

    fn read<T>(bytes: &[u8], read: impl FnOnce(&mut Attributes<'_>) -> Result<T>) -> Result<T> {
        Attributes::read(bytes, INFO_ATTRIBUTES, "a test", read)
    }

    #[test]
    fn attributes_are_found_in_any_order_and_unknown_ones_are_skipped() {
        let mut bytes = Vec::new();
        let writer = &mut Writer(&mut bytes);
        writer.u64(77, 1);
        writer.u32(SIZE, 4096);
        writer.u8(0, 1);
        writer.u8(0, 2);
        writer.u32(VERSION, 5);
        assert_eq!(read(&bytes, |found| Ok((found.u32(VERSION)?, found.u32(SIZE)?))), Ok((5, 4096)));
        assert_eq!(read(&bytes, |found| Ok((found.u32(SIZE)?, found.u32(VERSION)?))), Ok((4096, 5)));
        assert_eq!(read(&bytes, |found| found.u32(SIZE)), Ok(4096));
    }

    #[test]
    fn every_group_of_names_counts_from_1_without_gaps() {
        use crate::constants::*;
        for group in [
            COMMAND_ATTRIBUTES,
            SERVICE_ATTRIBUTES,
            DESTINATION_ATTRIBUTES,
            DAEMON_ATTRIBUTES,
            STATS_ATTRIBUTES,
            INFO_ATTRIBUTES,
        ] {
            assert!(group.iter().map(|&(kind, _)| usize::from(kind)).eq(1..=group.len()));
        }
        assert!(COMMANDS.iter().map(|&(command, _)| usize::from(command)).eq(1..=COMMANDS.len()));
    }

    #[test]
    fn missing_repeated_and_malformed_attributes_are_named() {
        let version = [8, 0, 1, 0, 1, 2, 3, 4];
        let missing = Err(DecodeError::Missing("IPVS_INFO_ATTR_VERSION"));
        assert_eq!(read(&[], |found| found.u32(VERSION)), missing);
        let twice = [version, version].concat();
        let repeated = Err(DecodeError::Repeated("IPVS_INFO_ATTR_VERSION"));
        assert_eq!(read(&twice, |found| found.u32(VERSION)), repeated);
        for tail in [&[3, 0, 1, 0][..], &[9, 0, 1, 0], &[8, 0, 1]] {
            let malformed = Err(DecodeError::Malformed("a test"));
            assert_eq!(read(tail, |found| found.u32(VERSION)), malformed);
            assert_eq!(read(&[&version, tail].concat(), |found| found.u32(VERSION)), malformed);
        }
    }
}
