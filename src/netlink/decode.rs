//! From attributes to values. Attributes that are not known are skipped; everything else that is not as
//! it should be is an error that names the attribute.

use netlink_packet_core::{NLA_HEADER_SIZE, NLA_TYPE_MASK};

/// Why bytes from the kernel cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// An attribute that has to be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// An attribute stands twice.
    #[error("{0} is repeated")]
    Repeated(&'static str),
    /// An attribute is shorter or longer than its type.
    #[error("{attribute} has {found} bytes instead of {expected}")]
    Length {
        /// The kernel's name of the attribute.
        attribute: &'static str,
        /// The size of its type in bytes.
        expected: usize,
        /// Its size in the message.
        found: usize,
    },
    /// A value that has no meaning.
    #[error("{0} has an impossible value")]
    Value(&'static str),
    /// The headers of the attributes do not fit the length of what holds them.
    #[error("malformed attributes inside {0}")]
    Malformed(&'static str),
    /// A message with a command that the family does not have.
    #[error("unknown command {0}")]
    Command(u8),
}

impl From<DecodeError> for netlink_packet_core::DecodeError {
    fn from(error: DecodeError) -> Self {
        error.to_string().into()
    }
}

pub(crate) type Result<T> = std::result::Result<T, DecodeError>;

/// The attributes that one place may hold, without gaps: they are indexed by number.
type Known = &'static [(u16, &'static str)];

/// An attribute of one place that has at most four bytes, or always eight.
#[derive(Clone, Copy)]
pub(crate) struct Field {
    kind: u16,
    length: usize,
    /// Whether it may be missing; then it is 0.
    optional: bool,
}

impl Field {
    pub const fn new(kind: u16, length: usize) -> Self {
        Self { kind, length, optional: false }
    }

    /// One that older kernels do not have.
    pub const fn or_zero(kind: u16, length: usize) -> Self {
        Self { kind, length, optional: true }
    }

    /// The header in front of it.
    fn header(self) -> u32 {
        let ([a, b], [c, d]) =
            (((NLA_HEADER_SIZE + self.length) as u16).to_ne_bytes(), self.kind.to_ne_bytes());
        u32::from_ne_bytes([a, b, c, d])
    }
}

/// The attributes of one place, each at most once, to be asked for in the order in which the kernel writes them:
/// then each is the next one. A table has hundreds of thousands of them. Those that stand elsewhere are searched.
#[derive(Clone, Copy)]
pub(crate) struct Attributes<'a> {
    all: &'a [u8],
    at: Position<'a>,
    known: Known,
    within: &'static str,
}

/// What changes when one is taken. Searching takes and returns it by value, so that it can be kept in registers.
#[derive(Clone, Copy)]
struct Position<'a> {
    /// What follows the one that was taken last.
    rest: &'a [u8],
    /// Whether some were passed over.
    skipped: bool,
}

impl<'a> Attributes<'a> {
    /// The attributes in `payload`; `within` names what holds it.
    #[inline(always)]
    pub fn new(payload: &'a [u8], known: Known, within: &'static str) -> Self {
        Self { all: payload, at: Position { rest: payload, skipped: false }, known, within }
    }

    /// The attributes inside of another one.
    #[inline(always)]
    pub fn of(holder: &Attribute<'a>, known: Known) -> Self {
        Self::new(holder.value, known, holder.name)
    }

    /// To be called when everything was asked for: what was not has to be well-formed as well.
    #[inline(always)]
    pub fn end(self) -> Result<()> {
        if self.at.skipped || !self.at.rest.is_empty() {
            check(self.all, self.known, self.within)
        } else {
            Ok(())
        }
    }

    /// The values of fields that stand one behind the other. Those that are shorter than `SIZE` are filled up.
    #[inline(always)]
    pub fn fields<const SIZE: usize, const N: usize>(
        &mut self,
        fields: [Field; N],
    ) -> Result<[[u8; SIZE]; N]> {
        if let Some(values) = self.next_fields(fields) {
            return Ok(values);
        }
        let values;
        (values, self.at) = self.search_fields(fields)?;
        Ok(values)
    }

    /// The same, if they are the next ones: nothing is decided before all are read.
    #[inline(always)]
    pub fn next_fields<const SIZE: usize, const N: usize>(
        &mut self,
        fields: [Field; N],
    ) -> Option<[[u8; SIZE]; N]> {
        let each = NLA_HEADER_SIZE + SIZE;
        let (next, after) = self.at.rest.split_at_checked(N * each)?;
        let mut values = [[0; SIZE]; N];
        let mut different = 0;
        for ((field, bytes), value) in fields.iter().zip(next.chunks_exact(each)).zip(&mut values) {
            let (header, bytes) = bytes.split_first_chunk()?;
            different |= u32::from_ne_bytes(*header) ^ field.header();
            value.copy_from_slice(bytes);
        }
        if different != 0 {
            return None;
        }
        self.at.rest = after;
        Some(values)
    }

    #[cold]
    fn search_fields<const SIZE: usize, const N: usize>(
        mut self,
        fields: [Field; N],
    ) -> Result<([[u8; SIZE]; N], Position<'a>)> {
        let mut values = [[0; SIZE]; N];
        for (field, value) in fields.iter().zip(&mut values) {
            match self.optional(field.kind)? {
                Some(attribute) => value[..field.length].copy_from_slice(attribute.of_length(field.length)?),
                None if field.optional => {}
                None => return Err(self.missing(field.kind)),
            }
        }
        Ok((values, self.at))
    }

    /// An attribute that has to be there.
    #[inline(always)]
    pub fn get(&mut self, kind: u16) -> Result<Attribute<'a>> {
        self.optional(kind)?.ok_or_else(|| self.missing(kind))
    }

    /// An attribute, if it is there.
    #[inline(always)]
    pub fn optional(&mut self, kind: u16) -> Result<Option<Attribute<'a>>> {
        let value = match split_attribute(self.at.rest) {
            Some((found, value, after)) if found == kind => {
                self.at.rest = after;
                Some(value)
            }
            _ => {
                let value;
                (value, self.at) = self.search(kind)?;
                value
            }
        };
        Ok(value.map(|value| Attribute { name: self.name(kind), value }))
    }

    /// The value of an attribute of fixed size that has to be there.
    #[inline(always)]
    pub fn bytes<const N: usize>(&mut self, kind: u16) -> Result<[u8; N]> {
        self.optional_bytes(kind)?.ok_or_else(|| self.missing(kind))
    }

    /// The value of an attribute of fixed size, if it is there.
    #[inline(always)]
    pub fn optional_bytes<const N: usize>(&mut self, kind: u16) -> Result<Option<[u8; N]>> {
        if let Some(bytes) = self.next_bytes(kind) {
            return Ok(Some(bytes));
        }
        let bytes;
        (bytes, self.at) = self.search_bytes(kind)?;
        Ok(bytes)
    }

    /// The value of an attribute of fixed size, if it is the next one.
    #[inline(always)]
    pub fn next_bytes<const N: usize>(&mut self, kind: u16) -> Option<[u8; N]> {
        let length = NLA_HEADER_SIZE + N;
        let ([a, b], [c, d]) = ((length as u16).to_ne_bytes(), kind.to_ne_bytes());
        let (next, after) = self.at.rest.split_at_checked(length.next_multiple_of(4))?;
        let (header, value) = next.split_first_chunk()?;
        if *header != [a, b, c, d] {
            return None;
        }
        self.at.rest = after;
        value.first_chunk().copied()
    }

    /// The bits of an address of either family, as they go over the network.
    #[inline(always)]
    pub fn address(&mut self, kind: u16) -> Result<u128> {
        self.bytes(kind).map(u128::from_be_bytes)
    }

    #[inline(always)]
    pub fn be16(&mut self, kind: u16) -> Result<u16> {
        self.bytes(kind).map(u16::from_be_bytes)
    }

    #[inline(always)]
    pub fn u32(&mut self, kind: u16) -> Result<u32> {
        self.bytes(kind).map(u32::from_ne_bytes)
    }

    /// The value of an attribute that is not the next one, if it is there.
    #[cold]
    fn search(self, kind: u16) -> Result<(Option<&'a [u8]>, Position<'a>)> {
        if let Some((value, rest)) = self.find(self.at.rest, kind)? {
            return Ok((Some(value), Position { rest, skipped: true }));
        }
        let found = if self.at.skipped { self.find(self.all, kind)? } else { None };
        Ok((found.map(|(value, _)| value), self.at))
    }

    #[cold]
    fn search_bytes<const N: usize>(mut self, kind: u16) -> Result<(Option<[u8; N]>, Position<'a>)> {
        let bytes = self.optional(kind)?.map(|attribute| attribute.bytes()).transpose()?;
        Ok((bytes, self.at))
    }

    #[cold]
    pub fn missing(self, kind: u16) -> DecodeError {
        DecodeError::Missing(self.name(kind))
    }

    /// The kernel's name of an attribute.
    fn name(&self, kind: u16) -> &'static str {
        self.known.get(usize::from(kind) - 1).map_or(self.within, |&(_, name)| name)
    }

    /// The value of the first attribute of this kind, and what follows it.
    fn find(self, attributes: &'a [u8], kind: u16) -> Result<Option<(&'a [u8], &'a [u8])>> {
        let mut rest = attributes;
        while !rest.is_empty() {
            let (found, value, after) = split_attribute(rest).ok_or(DecodeError::Malformed(self.within))?;
            if found == kind {
                return Ok(Some((value, after)));
            }
            rest = after;
        }
        Ok(None)
    }
}

/// Checks that attributes are well-formed and that none that is known stands twice.
#[inline(never)]
fn check(all: &[u8], known: Known, within: &'static str) -> Result<()> {
    let mut seen = 0_u32;
    let mut rest = all;
    while !rest.is_empty() {
        let (kind, _, after) = split_attribute(rest).ok_or(DecodeError::Malformed(within))?;
        rest = after;
        if (1..=known.len()).contains(&kind.into()) {
            if seen & 1 << kind != 0 {
                return Err(DecodeError::Repeated(known[usize::from(kind) - 1].1));
            }
            seen |= 1 << kind;
        }
    }
    Ok(())
}

/// The kind of the first attribute, its value, and what follows it.
fn split_attribute(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let [a, b, c, d] = *bytes.first_chunk()?;
    let length = usize::from(u16::from_ne_bytes([a, b]));
    let value = bytes.get(NLA_HEADER_SIZE..length)?;
    let after = bytes.get((length + 3) & !3..).unwrap_or_default();
    Some((u16::from_ne_bytes([c, d]) & NLA_TYPE_MASK, value, after))
}

/// One attribute of a message.
#[derive(Clone, Copy)]
pub(crate) struct Attribute<'a> {
    pub name: &'static str,
    pub value: &'a [u8],
}

impl Attribute<'_> {
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N]> {
        self.value.try_into().map_err(|_| self.wrong_length(N))
    }

    fn of_length(&self, expected: usize) -> Result<&[u8]> {
        if self.value.len() == expected { Ok(self.value) } else { Err(self.wrong_length(expected)) }
    }

    fn wrong_length(&self, expected: usize) -> DecodeError {
        DecodeError::Length { attribute: self.name, expected, found: self.value.len() }
    }

    /// A number of 32 or of 64 bits.
    pub fn u32_or_u64(&self) -> Result<u64> {
        match self.value.len() {
            4 => self.bytes().map(u32::from_ne_bytes).map(u64::from),
            _ => self.bytes().map(u64::from_ne_bytes),
        }
    }

    /// A name; an empty one stands for none.
    pub fn name_or_none<N>(&self, name: impl FnOnce(&[u8]) -> Option<N>) -> Result<Option<N>> {
        match self.value.split(|&byte| byte == 0).next() {
            None | Some([]) => Ok(None),
            Some(text) => name(text).map(Some).ok_or(DecodeError::Value(self.name)),
        }
    }
}
