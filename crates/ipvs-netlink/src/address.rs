//! Addresses as attributes.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::constants::{AF_INET, AF_INET6};
use crate::parse::ParseError;

/// An address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressFamily {
    /// `AF_INET`
    V4,
    /// `AF_INET6`
    V6,
}

impl AddressFamily {
    /// Converts from the kernel's number: `AF_INET` or `AF_INET6`.
    #[must_use]
    pub const fn from_raw(number: u16) -> Option<Self> {
        match number {
            AF_INET => Some(Self::V4),
            AF_INET6 => Some(Self::V6),
            _ => None,
        }
    }

    /// Converts to the kernel's number.
    #[must_use]
    pub const fn to_raw(self) -> u16 {
        match self {
            Self::V4 => AF_INET,
            Self::V6 => AF_INET6,
        }
    }
}

impl From<IpAddr> for AddressFamily {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

impl fmt::Display for AddressFamily {
    /// Writes `IPv4` or `IPv6`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

impl FromStr for AddressFamily {
    type Err = ParseError;

    /// Reads `IPv4` or `IPv6`.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text {
            "IPv4" => Ok(Self::V4),
            "IPv6" => Ok(Self::V6),
            _ => Err(ParseError::new(text, "an address family: IPv4 or IPv6")),
        }
    }
}

#[cfg(feature = "serde")]
crate::serialize::as_text! {
    AddressFamily: "an address family: IPv4 or IPv6",
}

/// Returns the address in an address attribute, which has 16 bytes for either address family.
pub(crate) fn from_address_bytes(family: AddressFamily, bytes: [u8; 16]) -> IpAddr {
    match family {
        AddressFamily::V4 => Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]).into(),
        AddressFamily::V6 => Ipv6Addr::from(bytes).into(),
    }
}

/// Returns the 16 bytes of an address attribute: an IPv4 address takes the first four, the others are 0.
pub(crate) fn address_bytes(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V6(address) => address.octets(),
        IpAddr::V4(address) => {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&address.octets());
            bytes
        }
    }
}
