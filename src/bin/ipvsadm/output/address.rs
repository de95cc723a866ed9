//! Addresses as text.

use std::fmt::{self, Display};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipvs::{DestinationId, ServiceId};

/// `10.0.0.1:80`, `[2001:db8::1]:80`
pub struct Endpoint(pub IpAddr, pub u16);

impl Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            IpAddr::V4(address) => format!("{address}:{}", self.1),
            IpAddr::V6(address) => format!("[{}]:{}", ipv6(address), self.1),
        };
        f.pad(&text)
    }
}

impl From<&DestinationId> for Endpoint {
    fn from(id: &DestinationId) -> Self {
        Self(id.address, id.port)
    }
}

/// What stands after the protocol in a listing: `10.0.0.1:80`, `7`, `7 IPv6`.
pub fn service(id: &ServiceId) -> String {
    match *id {
        ServiceId::Address { address, port, .. } => Endpoint(address, port).to_string(),
        ServiceId::Fwmark { mark, family: ipvs::Family::V4 } => mark.to_string(),
        ServiceId::Fwmark { mark, family: ipvs::Family::V6 } => format!("{mark} IPv6"),
    }
}

/// As `inet_ntop(3)` writes it, which unlike Rust shows an embedded IPv4 address also after `::`.
fn ipv6(address: Ipv6Addr) -> String {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => {
            format!("::{}", Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
        }
        _ => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_addresses_are_written_as_inet_ntop_does() {
        for (bytes, text) in [
            ("::1", "::1"),
            ("::", "::"),
            ("::10.0.0.1", "::10.0.0.1"),
            ("::ffff", "::ffff"),
            ("::ffff:10.0.0.1", "::ffff:10.0.0.1"),
            ("2001:db8:0:0:1::7", "2001:db8::1:0:0:7"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ] {
            assert_eq!(ipv6(bytes.parse().unwrap()), text);
        }
    }
}
