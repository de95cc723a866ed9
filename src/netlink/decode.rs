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
type Known<const N: usize> = [(u16, &'static str); N];

/// The attributes of one place, each at most once. A table has hundreds of thousands of them, so they are
/// sorted by number first and looked at afterwards.
pub(crate) struct Attributes<'a, const N: usize> {
    values: [Option<&'a [u8]>; N],
    known: &'static Known<N>,
}

impl<'a, const N: usize> Attributes<'a, N> {
    /// Splits `payload`; `within` names what holds it.
    pub fn read(payload: &'a [u8], known: &'static Known<N>, within: &'static str) -> Result<Self> {
        let mut values = [None; N];
        let mut rest = payload;
        while !rest.is_empty() {
            let (kind, value, after) = split_attribute(rest).ok_or(DecodeError::Malformed(within))?;
            rest = after;
            let index = usize::from(kind).wrapping_sub(1);
            if let Some(slot) = values.get_mut(index) {
                if slot.replace(value).is_some() {
                    return Err(DecodeError::Repeated(known[index].1));
                }
            }
        }
        Ok(Self { values, known })
    }

    pub fn get(&self, kind: u16) -> Option<Attribute<'a>> {
        let index = usize::from(kind) - 1;
        self.values[index].map(|value| Attribute { name: self.known[index].1, value })
    }

    /// What `read` makes of an attribute, if it is there.
    pub fn optional<T>(
        &self,
        kind: u16,
        read: impl FnOnce(&Attribute<'a>) -> Result<T>,
    ) -> Result<Option<T>> {
        self.get(kind).map(|attribute| read(&attribute)).transpose()
    }

    /// A value that was [`optional`](Self::optional) as long as it was not known what it is for.
    pub fn required<T>(&self, kind: u16, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| DecodeError::Missing(self.known[usize::from(kind) - 1].1))
    }
}

/// The kind of the first attribute, its value, and what follows it.
fn split_attribute(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = usize::from(u16::from_ne_bytes(*bytes.first_chunk()?));
    let kind = u16::from_ne_bytes(*bytes.get(2..)?.first_chunk()?);
    let value = bytes.get(NLA_HEADER_SIZE..length)?;
    let after = bytes.get((length + 3) & !3..).unwrap_or_default();
    Some((kind & NLA_TYPE_MASK, value, after))
}

/// One attribute of a message.
#[derive(Clone, Copy)]
pub(crate) struct Attribute<'a> {
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
