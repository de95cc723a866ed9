//! Reads attributes.

use netlink_packet_core::{NLA_HEADER_SIZE, NLA_TYPE_MASK};

use super::{DecodeError, Result, align};
use crate::constants::{COMMAND_ATTRIBUTES, COMMANDS, Names};

/// The attributes of one container, each at most once.
///
/// They are asked for by name. Asking in the order in which the kernel writes them is fast, because each is then the
/// next one; any other order works as well. Attributes with unknown kinds are skipped: newer kernels have more of them.
pub(crate) struct Attributes<'a> {
    payload: &'a [u8],
    /// The part of the payload after the attribute that was taken last.
    rest: &'a [u8],
    /// Set as long as every attribute was the next one.
    in_order: bool,
    names: Names<u16>,
    container: &'static str,
}

impl<'a> Attributes<'a> {
    /// Reads the attributes in `payload`. Errors name them by `names`, and what holds them by `container`.
    pub(crate) fn read<T>(
        payload: &'a [u8],
        names: Names<u16>,
        container: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let mut attributes = Self { payload, rest: payload, in_order: true, names, container };
        let value = read(&mut attributes)?;
        attributes.check_rest()?;
        Ok(value)
    }

    /// Reads the attributes at the top level of a message.
    pub(crate) fn read_message<T>(
        command: u8,
        payload: &'a [u8],
        read: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        // Commands count from 1 without gaps.
        let name = COMMANDS.get(usize::from(command).wrapping_sub(1)).map_or("a message", |&(_, name)| name);
        Self::read(payload, COMMAND_ATTRIBUTES, name, read)
    }

    /// Reads the attributes nested inside another one, which has to be present.
    pub(crate) fn nested<T>(
        &mut self,
        kind: u16,
        names: Names<u16>,
        read: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        self.required(kind)?.nested(names, read)
    }

    /// Returns an attribute that may be missing.
    #[inline]
    pub(crate) fn optional(&mut self, kind: u16) -> Result<Option<Attribute<'a>>> {
        match split_attribute(self.rest) {
            Some((found, value, rest)) if found == kind => {
                self.rest = rest;
                Ok(Some(Attribute { name: self.name(kind), value }))
            }
            // All attributes were taken.
            _ if self.in_order && self.rest.is_empty() => Ok(None),
            _ => self.search(kind),
        }
    }

    /// Returns an attribute that has to be present.
    #[inline]
    pub(crate) fn required(&mut self, kind: u16) -> Result<Attribute<'a>> {
        self.optional(kind)?.ok_or_else(|| self.missing(kind))
    }

    /// Returns a value of fixed size that may be missing.
    #[inline]
    pub(crate) fn optional_array<const N: usize>(&mut self, kind: u16) -> Result<Option<[u8; N]>> {
        // Most attributes are as expected: the next one, and of this size.
        if let Some((value, rest)) = split_array(self.rest, kind) {
            self.rest = rest;
            return Ok(Some(value));
        }
        self.search_array(kind)
    }

    /// Returns a value of fixed size that has to be present.
    #[inline]
    pub(crate) fn array<const N: usize>(&mut self, kind: u16) -> Result<[u8; N]> {
        self.optional_array(kind)?.ok_or_else(|| self.missing(kind))
    }

    /// Returns a number in host byte order.
    pub(crate) fn u16(&mut self, kind: u16) -> Result<u16> {
        self.array(kind).map(u16::from_ne_bytes)
    }

    /// Returns a number in network byte order.
    #[inline]
    pub(crate) fn be16(&mut self, kind: u16) -> Result<u16> {
        self.array(kind).map(u16::from_be_bytes)
    }

    /// Returns a number in host byte order.
    #[inline]
    pub(crate) fn u32(&mut self, kind: u16) -> Result<u32> {
        self.array(kind).map(u32::from_ne_bytes)
    }

    /// Returns a number of 64 or of 32 bits, in host byte order, that may be missing.
    #[inline]
    pub(crate) fn optional_u64_or_u32(&mut self, kind: u16) -> Result<Option<u64>> {
        if let Some((value, rest)) = split_array(self.rest, kind) {
            self.rest = rest;
            return Ok(Some(u64::from_ne_bytes(value)));
        }
        self.search_u64_or_u32(kind)
    }

    /// Makes the error for a value without a meaning.
    pub(crate) fn impossible(&self, kind: u16) -> DecodeError {
        DecodeError::Value(self.name(kind))
    }

    /// Makes the error for a missing attribute.
    pub(crate) fn missing(&self, kind: u16) -> DecodeError {
        DecodeError::Missing(self.name(kind))
    }

    /// Finds a value of fixed size in another place, or says what is wrong with it.
    #[cold]
    fn search_array<const N: usize>(&mut self, kind: u16) -> Result<Option<[u8; N]>> {
        self.optional(kind)?.map(Attribute::array).transpose()
    }

    #[cold]
    fn search_u64_or_u32(&mut self, kind: u16) -> Result<Option<u64>> {
        self.optional(kind)?.map(Attribute::u64_or_u32).transpose()
    }

    /// Finds an attribute that is not the next one.
    #[cold]
    fn search(&mut self, kind: u16) -> Result<Option<Attribute<'a>>> {
        self.in_order = false;
        let mut rest = self.payload;
        while !rest.is_empty() {
            let (found, value, next) = self.split(rest)?;
            if found == kind {
                self.rest = next;
                return Ok(Some(Attribute { name: self.name(kind), value }));
            }
            rest = next;
        }
        Ok(None)
    }

    /// Checks that the attributes that nobody asked for are well-formed, and that none is repeated.
    fn check_rest(&self) -> Result<()> {
        if self.in_order && self.rest.is_empty() {
            return Ok(());
        }
        let mut seen = 0_u32;
        let mut rest = self.payload;
        while !rest.is_empty() {
            let (kind, _, next) = self.split(rest)?;
            rest = next;
            // Kinds count from 1 without gaps. Unknown ones, such as padding, may be repeated.
            if (1..=self.names.len()).contains(&kind.into()) {
                if seen & 1 << kind != 0 {
                    return Err(DecodeError::Repeated(self.name(kind)));
                }
                seen |= 1 << kind;
            }
        }
        Ok(())
    }

    fn split(&self, attributes: &'a [u8]) -> Result<(u16, &'a [u8], &'a [u8])> {
        split_attribute(attributes).ok_or(DecodeError::Malformed(self.container))
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
    let rest = bytes.get(align(length)..).unwrap_or_default();
    Some((u16::from_ne_bytes([c, d]) & NLA_TYPE_MASK, value, rest))
}

/// Splits the first attribute off, if it has this kind and size.
#[inline]
fn split_array<const N: usize>(bytes: &[u8], kind: u16) -> Option<([u8; N], &[u8])> {
    let (attribute, rest) = bytes.split_at_checked(align(NLA_HEADER_SIZE + N))?;
    let (&[a, b, c, d], value) = attribute.split_first_chunk()?;
    let length = u16::from_ne_bytes([a, b]);
    let expected = usize::from(length) == NLA_HEADER_SIZE + N && u16::from_ne_bytes([c, d]) == kind;
    Some((*value.first_chunk().filter(|_| expected)?, rest))
}

/// An attribute and its name.
#[derive(Clone, Copy)]
pub(crate) struct Attribute<'a> {
    name: &'static str,
    value: &'a [u8],
}

impl<'a> Attribute<'a> {
    /// Reads the attributes nested inside this one.
    pub(crate) fn nested<T>(
        self,
        names: Names<u16>,
        read: impl FnOnce(&mut Attributes<'a>) -> Result<T>,
    ) -> Result<T> {
        Attributes::read(self.value, names, self.name, read)
    }

    /// Returns a value of fixed size.
    fn array<const N: usize>(self) -> Result<[u8; N]> {
        self.value.try_into().map_err(|_| DecodeError::Length {
            attribute: self.name,
            expected: N,
            found: self.value.len(),
        })
    }

    /// Returns a number of 64 or of 32 bits, in host byte order.
    fn u64_or_u32(self) -> Result<u64> {
        match self.value.len() {
            4 => self.array().map(u32::from_ne_bytes).map(u64::from),
            _ => self.array().map(u64::from_ne_bytes),
        }
    }

    /// Returns a name, which ends at the first NUL; an empty one is none.
    pub(crate) fn name<N>(self, from_kernel: impl FnOnce(&[u8]) -> Option<N>) -> Result<Option<N>> {
        match self.value.split(|&byte| byte == 0).next() {
            None | Some([]) => Ok(None),
            Some(name) => from_kernel(name).map(Some).ok_or(DecodeError::Value(self.name)),
        }
    }
}
