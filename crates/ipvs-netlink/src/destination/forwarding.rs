//! Forwarding methods.

use std::fmt;
use std::str::FromStr;

use crate::constants::{
    IP_VS_CONN_F_BYPASS, IP_VS_CONN_F_DROUTE, IP_VS_CONN_F_LOCALNODE, IP_VS_CONN_F_MASQ, IP_VS_CONN_F_TUNNEL,
    UnknownNumber,
};
use crate::parse::ParseError;

/// The method by which packets reach a destination (`IPVS_DEST_ATTR_FWD_METHOD`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Forwarding {
    /// `IP_VS_CONN_F_MASQ`: network address translation.
    Masquerade,
    /// `IP_VS_CONN_F_LOCALNODE`: to the director itself. The kernel chooses it by the address.
    Local,
    /// `IP_VS_CONN_F_TUNNEL`: encapsulated as [`Destination::tunnel`](super::Destination::tunnel) says.
    Tunnel,
    /// `IP_VS_CONN_F_DROUTE`: direct routing; only the link-layer address changes.
    DirectRoute,
    /// `IP_VS_CONN_F_BYPASS`: straight to the original destination.
    Bypass,
    /// A method without a name, made by [`Forwarding::from_raw`].
    Other(UnknownNumber),
}

impl Forwarding {
    const NAMES: [(Self, &str); 5] = [
        (Self::Masquerade, "masquerade"),
        (Self::Local, "local"),
        (Self::Tunnel, "tunnel"),
        (Self::DirectRoute, "direct-route"),
        (Self::Bypass, "bypass"),
    ];

    /// Converts from the kernel's number.
    #[must_use]
    pub const fn from_raw(number: u32) -> Self {
        match number {
            IP_VS_CONN_F_MASQ => Self::Masquerade,
            IP_VS_CONN_F_LOCALNODE => Self::Local,
            IP_VS_CONN_F_TUNNEL => Self::Tunnel,
            IP_VS_CONN_F_DROUTE => Self::DirectRoute,
            IP_VS_CONN_F_BYPASS => Self::Bypass,
            number => Self::Other(UnknownNumber(number)),
        }
    }

    /// Converts to the kernel's number.
    #[must_use]
    pub const fn to_raw(self) -> u32 {
        match self {
            Self::Masquerade => IP_VS_CONN_F_MASQ,
            Self::Local => IP_VS_CONN_F_LOCALNODE,
            Self::Tunnel => IP_VS_CONN_F_TUNNEL,
            Self::DirectRoute => IP_VS_CONN_F_DROUTE,
            Self::Bypass => IP_VS_CONN_F_BYPASS,
            Self::Other(number) => number.to_raw(),
        }
    }
}

impl fmt::Display for Forwarding {
    /// Writes `masquerade`, `local`, `tunnel`, `direct-route`, `bypass`, or the number of another method.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.iter().find(|(method, _)| method == self) {
            Some((_, name)) => f.pad(name),
            None => self.to_raw().fmt(f),
        }
    }
}

impl FromStr for Forwarding {
    type Err = ParseError;

    /// Reads a method as `Display` writes it.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::NAMES
            .iter()
            .find(|&&(_, name)| name == text)
            .map(|&(method, _)| method)
            .or_else(|| text.parse().ok().map(Self::from_raw))
            .ok_or_else(|| ParseError::new(text, "a forwarding method"))
    }
}

#[cfg(feature = "serde")]
crate::serialize::as_text! {
    Forwarding: "a forwarding method",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_survive_their_numbers_and_names() {
        for number in 0..9 {
            let method = Forwarding::from_raw(number);
            assert_eq!(method.to_raw(), number);
            assert_eq!(method.to_string().parse(), Ok(method));
            assert_eq!(number.to_string().parse(), Ok(method));
            assert_eq!(matches!(method, Forwarding::Other(_)), number > IP_VS_CONN_F_BYPASS);
        }
        assert!("nat".parse::<Forwarding>().is_err());
    }
}
