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

/// The attributes that one place may hold.
pub(crate) type Known = &'static [(u16, &'static str)];

/// Iterates over the attributes of `known` in `payload`; `within` names what holds them. A table has
/// hundreds of thousands of them, so nothing here is general.
pub(crate) fn attributes<'a>(
    payload: &'a [u8],
    known: Known,
    within: &'static str,
) -> impl Iterator<Item = Result<Attribute<'a>>> {
    let mut rest = payload;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let Some((kind, value, after)) = split_attribute(rest) else {
                rest = &[];
                return Some(Err(DecodeError::Malformed(within)));
            };
            rest = after;
            if let Some(&(_, name)) = known.get(usize::from(kind).wrapping_sub(1)) {
                return Some(Ok(Attribute { kind, name, value }));
            }
        }
        None
    })
}

/// The kind of the first attribute, its value, and what follows it.
fn split_attribute(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let &[l0, l1, k0, k1, ..] = bytes else { return None };
    let length = usize::from(u16::from_ne_bytes([l0, l1]));
    let value = bytes.get(NLA_HEADER_SIZE..length)?;
    let after = bytes.get((length + 3) & !3..).unwrap_or_default();
    Some((u16::from_ne_bytes([k0, k1]) & NLA_TYPE_MASK, value, after))
}

/// The name of an attribute of the table. The tables have no gaps: they are indexed by number.
pub(crate) fn name_of(known: Known, kind: u16) -> &'static str {
    known[usize::from(kind) - 1].1
}

/// One attribute of a message.
#[derive(Clone, Copy)]
pub(crate) struct Attribute<'a> {
    pub kind: u16,
    pub name: &'static str,
    pub value: &'a [u8],
}

impl Attribute<'_> {
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N]> {
        self.value.try_into().map_err(|_| DecodeError::Length {
            attribute: self.name,
            expected: N,
            found: self.value.len(),
        })
    }

    pub fn u8(&self) -> Result<u8> {
        self.bytes().map(u8::from_ne_bytes)
    }

    pub fn u16(&self) -> Result<u16> {
        self.bytes().map(u16::from_ne_bytes)
    }

    pub fn be16(&self) -> Result<u16> {
        self.bytes().map(u16::from_be_bytes)
    }

    pub fn u32(&self) -> Result<u32> {
        self.bytes().map(u32::from_ne_bytes)
    }

    /// A 32-bit or a 64-bit number.
    pub fn u32_or_u64(&self) -> Result<u64> {
        match self.value.len() {
            4 => self.u32().map(u64::from),
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

/// What is found for one attribute: at most one value.
pub(crate) struct Slot<T>(Option<T>);

impl<T> Slot<T> {
    pub const fn empty() -> Self {
        Self(None)
    }

    pub fn fill(&mut self, attribute: &Attribute<'_>, value: Result<T>) -> Result<()> {
        match self.0.replace(value?) {
            None => Ok(()),
            Some(_) => Err(DecodeError::Repeated(attribute.name)),
        }
    }

    pub fn or(self, fallback: Option<T>) -> Self {
        Self(self.0.or(fallback))
    }

    pub fn optional(self) -> Option<T> {
        self.0
    }

    pub fn required(self, known: Known, kind: u16) -> Result<T> {
        self.0.ok_or(DecodeError::Missing(name_of(known, kind)))
    }
}
