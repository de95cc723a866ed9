//! Netlink attributes: the one reader and the one writer.

use netlink_packet_core::{NLA_ALIGNTO, NLA_F_NESTED, NLA_HEADER_SIZE, NLA_TYPE_MASK};

use crate::constants::{COMMAND_ATTRIBUTES, COMMANDS, Names};

/// Why bytes from the kernel cannot be understood.
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

/// The highest kind of all groups: `IPVS_DEST_ATTR_TUN_FLAGS`.
const MAX_KIND: usize = 15;

/// The attributes of one container, indexed by kind like the kernel's `nla_parse` does.
///
/// Attributes with unknown kinds are skipped: newer kernels have more of them.
pub(crate) struct Attributes<'a> {
    values: [Option<&'a [u8]>; MAX_KIND + 1],
    names: Names<u16>,
    container: &'static str,
}

impl<'a> Attributes<'a> {
    /// Indexes the attributes in `payload`. Errors name them by `names`, and what holds them by `container`.
    pub(crate) fn parse(payload: &'a [u8], names: Names<u16>, container: &'static str) -> Result<Self> {
        let mut attributes = Self { values: [None; MAX_KIND + 1], names, container };
        let mut rest = payload;
        while !rest.is_empty() {
            let (kind, value, next) = split_attribute(rest).ok_or(DecodeError::Malformed(container))?;
            rest = next;
            // Kinds count from 1 without gaps.
            if (1..=names.len()).contains(&kind.into())
                && attributes.values[usize::from(kind)].replace(value).is_some()
            {
                return Err(DecodeError::Repeated(attributes.name(kind)));
            }
        }
        Ok(attributes)
    }

    /// Indexes the attributes at the top level of a message.
    pub(crate) fn parse_message(command: u8, payload: &'a [u8]) -> Result<Self> {
        let name =
            COMMANDS.iter().find(|&&(number, _)| number == command).map_or("a message", |&(_, name)| name);
        Self::parse(payload, COMMAND_ATTRIBUTES, name)
    }

    /// Returns an attribute that may be missing.
    pub(crate) fn optional(&self, kind: u16) -> Option<Attribute<'a>> {
        let value = self.values[usize::from(kind)]?;
        Some(Attribute { name: self.name(kind), value })
    }

    /// Returns an attribute that has to be present.
    pub(crate) fn required(&self, kind: u16) -> Result<Attribute<'a>> {
        self.optional(kind).ok_or_else(|| self.missing(kind))
    }

    /// Indexes the attributes nested inside another one, which has to be present.
    pub(crate) fn nested(&self, kind: u16, names: Names<u16>) -> Result<Self> {
        self.required(kind)?.nested(names)
    }

    /// Returns a number in network byte order.
    pub(crate) fn be16(&self, kind: u16) -> Result<u16> {
        self.required(kind)?.be16()
    }

    /// Returns a number in host byte order.
    pub(crate) fn u32(&self, kind: u16) -> Result<u32> {
        self.required(kind)?.u32()
    }

    /// Makes the error for a missing attribute.
    pub(crate) fn missing(&self, kind: u16) -> DecodeError {
        DecodeError::Missing(self.name(kind))
    }

    fn name(&self, kind: u16) -> &'static str {
        self.names.get(usize::from(kind).wrapping_sub(1)).map_or(self.container, |&(_, name)| name)
    }
}

/// Splits the first attribute off and returns its kind, its value and the rest.
#[inline]
fn split_attribute(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let [a, b, c, d] = *bytes.first_chunk()?;
    let length = usize::from(u16::from_ne_bytes([a, b]));
    let value = bytes.get(NLA_HEADER_SIZE..length)?;
    // The last attribute may lack its padding.
    let rest = bytes.get(length.next_multiple_of(NLA_ALIGNTO)..).unwrap_or_default();
    Some((u16::from_ne_bytes([c, d]) & NLA_TYPE_MASK, value, rest))
}

/// An attribute and its name.
#[derive(Clone, Copy)]
pub(crate) struct Attribute<'a> {
    name: &'static str,
    value: &'a [u8],
}

impl<'a> Attribute<'a> {
    /// Indexes the attributes nested inside this one.
    pub(crate) fn nested(self, names: Names<u16>) -> Result<Attributes<'a>> {
        Attributes::parse(self.value, names, self.name)
    }

    /// Returns a value of fixed size.
    pub(crate) fn array<const N: usize>(self) -> Result<[u8; N]> {
        self.value.try_into().map_err(|_| DecodeError::Length {
            attribute: self.name,
            expected: N,
            found: self.value.len(),
        })
    }

    pub(crate) fn u8(self) -> Result<u8> {
        self.array().map(u8::from_ne_bytes)
    }

    /// Returns a number in host byte order.
    pub(crate) fn u16(self) -> Result<u16> {
        self.array().map(u16::from_ne_bytes)
    }

    /// Returns a number in network byte order.
    pub(crate) fn be16(self) -> Result<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// Returns a number in host byte order.
    pub(crate) fn u32(self) -> Result<u32> {
        self.array().map(u32::from_ne_bytes)
    }

    /// Returns a number of 32 or of 64 bits, in host byte order.
    pub(crate) fn u32_or_u64(self) -> Result<u64> {
        match self.value.len() {
            4 => self.u32().map(u64::from),
            _ => self.array().map(u64::from_ne_bytes),
        }
    }

    /// Returns a name, which ends at the first NUL; an empty one is none.
    pub(crate) fn name<N>(self, from_kernel: impl FnOnce(&[u8]) -> Option<N>) -> Result<Option<N>> {
        match self.value.split(|&byte| byte == 0).next() {
            None | Some([]) => Ok(None),
            Some(name) => from_kernel(name).map(Some).ok_or_else(|| self.impossible()),
        }
    }

    /// Makes the error for a value without a meaning.
    pub(crate) fn impossible(self) -> DecodeError {
        DecodeError::Value(self.name)
    }
}

/// Appends attributes to a buffer.
pub(crate) struct Writer<'a>(pub(crate) &'a mut Vec<u8>);

impl Writer<'_> {
    /// Appends an attribute with these bytes.
    pub(crate) fn bytes(&mut self, kind: u16, value: &[u8]) {
        self.attribute(kind, |writer| writer.0.extend_from_slice(value));
    }

    pub(crate) fn u8(&mut self, kind: u16, value: u8) {
        self.bytes(kind, &[value]);
    }

    /// Appends a number in host byte order.
    pub(crate) fn u16(&mut self, kind: u16, value: u16) {
        self.bytes(kind, &value.to_ne_bytes());
    }

    /// Appends a number in network byte order.
    pub(crate) fn be16(&mut self, kind: u16, value: u16) {
        self.bytes(kind, &value.to_be_bytes());
    }

    /// Appends a number in host byte order.
    pub(crate) fn u32(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_ne_bytes());
    }

    /// Appends a number in host byte order.
    pub(crate) fn u64(&mut self, kind: u16, value: u64) {
        self.bytes(kind, &value.to_ne_bytes());
    }

    /// Appends a string with the NUL that the kernel expects.
    pub(crate) fn string(&mut self, kind: u16, value: &[u8]) {
        self.attribute(kind, |writer| {
            writer.0.extend_from_slice(value);
            writer.0.push(0);
        });
    }

    /// Appends a nested attribute with `NLA_F_NESTED`: the kernel insists on the flag in requests, though its own
    /// replies lack it.
    pub(crate) fn nest(&mut self, kind: u16, content: impl FnOnce(&mut Self)) {
        self.attribute(kind | NLA_F_NESTED, content);
    }

    fn attribute(&mut self, kind: u16, content: impl FnOnce(&mut Self)) {
        let start = self.0.len();
        self.0.extend_from_slice(&[0; NLA_HEADER_SIZE]);
        content(self);
        let end = self.0.len();
        // Nothing in IPVS comes near 64 KiB.
        self.0[start..start + 2].copy_from_slice(&((end - start) as u16).to_ne_bytes());
        self.0[start + 2..start + 4].copy_from_slice(&kind.to_ne_bytes());
        self.0.resize(end.next_multiple_of(NLA_ALIGNTO), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constants::{INFO_ATTRIBUTES, IPVS_INFO_ATTR_CONN_TAB_SIZE, IPVS_INFO_ATTR_VERSION};

    fn parse(bytes: &[u8]) -> Result<Attributes<'_>> {
        Attributes::parse(bytes, INFO_ATTRIBUTES, "a test")
    }

    #[test]
    fn attributes_are_found_in_any_order_and_unknown_ones_are_skipped() {
        let mut bytes = Vec::new();
        let writer = &mut Writer(&mut bytes);
        writer.u64(77, 1);
        writer.u32(IPVS_INFO_ATTR_CONN_TAB_SIZE, 4096);
        writer.u8(0, 1);
        writer.u8(0, 2);
        writer.u32(IPVS_INFO_ATTR_VERSION, 5);
        let attributes = parse(&bytes).unwrap();
        assert_eq!(attributes.u32(IPVS_INFO_ATTR_VERSION), Ok(5));
        assert_eq!(attributes.u32(IPVS_INFO_ATTR_CONN_TAB_SIZE), Ok(4096));
    }

    #[test]
    fn every_group_of_names_fits_the_index_and_has_no_gap() {
        use crate::constants::*;
        for group in [
            COMMAND_ATTRIBUTES,
            SERVICE_ATTRIBUTES,
            DESTINATION_ATTRIBUTES,
            DAEMON_ATTRIBUTES,
            STATS_ATTRIBUTES,
            INFO_ATTRIBUTES,
        ] {
            assert!(group.len() <= MAX_KIND);
            assert!(group.iter().map(|&(kind, _)| usize::from(kind)).eq(1..=group.len()));
        }
    }

    #[test]
    fn missing_repeated_and_malformed_attributes_are_named() {
        let version = [8, 0, 1, 0, 1, 2, 3, 4];
        assert_eq!(parse(&[]).unwrap().u32(1), Err(DecodeError::Missing("IPVS_INFO_ATTR_VERSION")));
        let twice = [version, version].concat();
        assert_eq!(parse(&twice).err(), Some(DecodeError::Repeated("IPVS_INFO_ATTR_VERSION")));
        for bytes in [&[3, 0, 1, 0][..], &[9, 0, 1, 0], &[8, 0, 1]] {
            assert_eq!(parse(bytes).err(), Some(DecodeError::Malformed("a test")));
        }
    }
}
