//! Netmasks for persistence.

use std::fmt;
use std::net::Ipv4Addr;
use std::num::NonZeroU8;
use std::str::FromStr;

use crate::address::AddressFamily;
use crate::attribute::{Attributes, Result, Writer};
use crate::constants::IPVS_SVC_ATTR_NETMASK;
use crate::parse::ParseError;

/// The part of a client's address that persistence looks at (`IPVS_SVC_ATTR_NETMASK`): clients that differ only in
/// the other bits go to the same destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Netmask {
    /// A mask for IPv4 addresses. The kernel takes any bits, even with gaps.
    V4(Ipv4Addr),
    /// The length of an IPv6 prefix; see [`Netmask::prefix`].
    V6(PrefixLength),
}

/// The length of an IPv6 prefix, 1 to 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrefixLength(NonZeroU8);

impl PrefixLength {
    /// Returns the length in bits.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0.get()
    }
}

/// The fault of a netmask that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetmaskError {
    /// The length of the IPv6 prefix is not 1 to 128.
    #[error("an IPv6 prefix length is 1 to 128, not {0}")]
    PrefixLength(u32),
    /// The mask is for the other address family.
    #[error("the netmask {0} is not for the address family of the service")]
    Family(Netmask),
}

impl Netmask {
    /// Returns the mask that keeps the whole address, which is the kernel's default.
    #[must_use]
    pub fn host(family: AddressFamily) -> Self {
        match family {
            AddressFamily::V4 => Self::V4(Ipv4Addr::BROADCAST),
            AddressFamily::V6 => Self::V6(PrefixLength(NonZeroU8::MIN.saturating_add(127))),
        }
    }

    /// Makes the mask for an IPv6 prefix of `length` bits.
    ///
    /// # Errors
    /// If the length is not 1 to 128; the kernel refuses others with `EINVAL`.
    pub fn prefix(length: u32) -> std::result::Result<Self, NetmaskError> {
        u8::try_from(length)
            .ok()
            .and_then(NonZeroU8::new)
            .filter(|length| length.get() <= 128)
            .map(|length| Self::V6(PrefixLength(length)))
            .ok_or(NetmaskError::PrefixLength(length))
    }

    /// Returns the address family that the mask is for.
    #[must_use]
    pub fn family(self) -> AddressFamily {
        match self {
            Self::V4(_) => AddressFamily::V4,
            Self::V6(_) => AddressFamily::V6,
        }
    }

    /// Reads `IPVS_SVC_ATTR_NETMASK`: four bytes of a mask, or a prefix length in host byte order.
    pub(super) fn parse(attributes: &mut Attributes<'_>, family: AddressFamily) -> Result<Self> {
        let bytes: [u8; 4] = attributes.array(IPVS_SVC_ATTR_NETMASK)?;
        match family {
            AddressFamily::V4 => Ok(Self::V4(bytes.into())),
            AddressFamily::V6 => Self::prefix(u32::from_ne_bytes(bytes))
                .map_err(|_| attributes.impossible(IPVS_SVC_ATTR_NETMASK)),
        }
    }

    /// Writes `IPVS_SVC_ATTR_NETMASK`.
    pub(super) fn emit(self, writer: &mut Writer<'_>) {
        match self {
            Self::V4(mask) => writer.bytes(IPVS_SVC_ATTR_NETMASK, &mask.octets()),
            Self::V6(length) => writer.u32(IPVS_SVC_ATTR_NETMASK, length.get().into()),
        }
    }
}

impl fmt::Display for Netmask {
    /// Writes `255.255.255.0` or, for IPv6, `64`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(mask) => mask.fmt(f),
            Self::V6(length) => length.get().fmt(f),
        }
    }
}

impl FromStr for Netmask {
    type Err = ParseError;

    /// Reads a mask as `Display` writes it: a dotted one is for IPv4, a number for IPv6.
    fn from_str(text: &str) -> std::result::Result<Self, ParseError> {
        let prefix = || Self::prefix(text.parse().ok()?).ok();
        text.parse()
            .ok()
            .map(Self::V4)
            .or_else(prefix)
            .ok_or_else(|| ParseError::new(text, "a netmask such as 255.255.255.0, or an IPv6 prefix length"))
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Netmask {
    /// Writes a text such as `255.255.255.0` or, for IPv6, a number.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::V4(mask) => mask.serialize(serializer),
            Self::V6(length) => serializer.serialize_u8(length.get()),
        }
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Netmask {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = Netmask;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a netmask such as \"255.255.255.0\", or the length of an IPv6 prefix")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<Netmask, E> {
                let mask = text.parse().map(Netmask::V4);
                mask.map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }

            fn visit_u64<E: serde::de::Error>(self, length: u64) -> std::result::Result<Netmask, E> {
                Netmask::prefix(u32::try_from(length).unwrap_or(u32::MAX)).map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_have_1_to_128_bits() {
        for length in [1, 64, 128] {
            assert_eq!(Netmask::prefix(length).unwrap().to_string(), length.to_string());
        }
        for length in [0, 129, 200, u32::MAX] {
            assert_eq!(Netmask::prefix(length), Err(NetmaskError::PrefixLength(length)));
        }
    }

    #[test]
    fn netmasks_are_read_as_they_are_written() {
        for text in ["255.255.0.0", "0.0.0.0", "64", "128"] {
            assert_eq!(text.parse::<Netmask>().unwrap().to_string(), text);
        }
        for text in ["", "0", "129", "255.255", "x"] {
            assert!(text.parse::<Netmask>().is_err(), "{text}");
        }
    }
}
