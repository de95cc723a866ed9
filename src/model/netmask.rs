//! How much of a client's address persistence looks at.

use std::fmt;
use std::net::Ipv4Addr;
use std::num::NonZeroU8;

use super::Family;

/// How much of a client's address persistence looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Netmask {
    /// A mask over IPv4 addresses. The kernel takes any bits, also with gaps.
    V4(Ipv4Addr),
    /// The length of an IPv6 prefix: see [`Netmask::prefix`].
    V6(PrefixLength),
}

/// The length of an IPv6 prefix, 1 to 128.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrefixLength(NonZeroU8);

impl PrefixLength {
    /// The length in bits.
    pub fn get(self) -> u8 {
        self.0.get()
    }
}

/// Why a netmask cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetmaskError {
    /// An IPv6 prefix is 1 to 128 bits long.
    #[error("an IPv6 prefix length is 1 to 128, not {0}")]
    PrefixLength(u32),
    /// The mask is for the other address family.
    #[error("the netmask {0} is not for the address family of the service")]
    Family(Netmask),
}

impl Netmask {
    /// The mask of one whole address, the kernel's default.
    pub fn host(family: Family) -> Self {
        match family {
            Family::V4 => Self::V4(Ipv4Addr::BROADCAST),
            Family::V6 => Self::V6(PrefixLength(NonZeroU8::MIN.saturating_add(127))),
        }
    }

    /// An IPv6 prefix of this many bits.
    ///
    /// # Errors
    /// If the length is not 1 to 128, which the kernel refuses with `EINVAL`.
    pub fn prefix(length: u32) -> Result<Self, NetmaskError> {
        u8::try_from(length)
            .ok()
            .and_then(NonZeroU8::new)
            .filter(|length| length.get() <= 128)
            .map(|length| Self::V6(PrefixLength(length)))
            .ok_or(NetmaskError::PrefixLength(length))
    }

    /// The family whose addresses the mask is for.
    pub fn family(self) -> Family {
        match self {
            Self::V4(_) => Family::V4,
            Self::V6(_) => Family::V6,
        }
    }
}

impl fmt::Display for Netmask {
    /// `255.255.255.0` or, for IPv6, `64`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(mask) => mask.fmt(f),
            Self::V6(length) => length.get().fmt(f),
        }
    }
}
