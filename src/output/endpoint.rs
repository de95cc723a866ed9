//! Addresses and ports, as numbers or names.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipvs_netlink::{AddressFamily, DestinationId, Protocol, ServiceId};

use super::Output;
use super::ipv4::Ipv4Column;
use crate::terminal::{escape, is_printable};

impl Output {
    /// Appends a service as it follows its protocol, and blanks up to a width: `10.0.0.1:80`, `7`, `7 IPv6`.
    pub(crate) fn service(&mut self, width: usize, id: &ServiceId) {
        match *id {
            ServiceId::Address { protocol, address, port } => {
                self.endpoint(width, address, port, Some(protocol));
            }
            ServiceId::Fwmark { mark, family } => self.left(width, |output| {
                output.number(mark.get());
                output.push(if family == AddressFamily::V6 { " IPv6" } else { "" });
            }),
        }
    }

    /// Appends a server of a service, and blanks up to a width. With a firewall mark there is no protocol to name
    /// its port by.
    pub(crate) fn server(&mut self, width: usize, service: &ServiceId, id: DestinationId) {
        self.endpoint(width, id.address, id.port, service.protocol());
    }

    /// Appends `10.0.0.1:80`, `web.example.com:http` or `[host6]:domain`, and blanks up to a width of 32 at most.
    /// Without a protocol the port stays a number.
    pub(crate) fn endpoint(&mut self, width: usize, address: IpAddr, port: u16, protocol: Option<Protocol>) {
        match address {
            IpAddr::V4(address) if self.names.is_numeric() => {
                let mut column = Ipv4Column::new(address);
                column.push_port(port);
                self.push_first(column.length.max(width), column.bytes);
            }
            _ => self.left(width, |output| output.named_endpoint(address, port, protocol)),
        }
    }

    fn named_endpoint(&mut self, address: IpAddr, port: u16, protocol: Option<Protocol>) {
        let (before, after) = if address.is_ipv4() { ("", ":") } else { ("[", "]:") };
        self.push(before);
        self.host(address);
        self.push(after);
        match self.names.port(port, protocol).filter(|name| is_port_name(name)) {
            Some(name) => self.bytes.extend_from_slice(name.as_bytes()),
            None => self.number(port),
        }
    }

    /// Appends the name of an address, or the address if it has none.
    pub(crate) fn host(&mut self, address: IpAddr) {
        match self.names.host(address) {
            Some(name) => self.bytes.extend_from_slice(&escape(name.as_bytes())),
            None => self.address(address),
        }
    }

    /// Appends an address as `inet_ntop(3)` writes it.
    pub(crate) fn address(&mut self, address: IpAddr) {
        match address {
            IpAddr::V4(address) => self.ipv4(address),
            IpAddr::V6(address) => self.ipv6(address),
        }
    }

    fn ipv4(&mut self, address: Ipv4Addr) {
        let column = Ipv4Column::new(address);
        self.push_first(column.length, column.bytes);
    }

    /// Unlike Rust, `inet_ntop(3)` also writes an embedded IPv4 address after `::`.
    fn ipv6(&mut self, address: Ipv6Addr) {
        match address.segments() {
            [0, 0, 0, 0, 0, 0, high, low] if high != 0 => {
                self.push("::");
                let [[a, b], [c, d]] = [high, low].map(u16::to_be_bytes);
                self.ipv4(Ipv4Addr::new(a, b, c, d));
            }
            // Writing to memory cannot fail.
            _ => drop(write!(self, "{address}")),
        }
    }
}

/// Returns whether the name of a port can be shown. It is not escaped, because a saved name has to be readable again:
/// a port whose name is not printable, or not UTF-8, is shown as a number.
fn is_port_name(name: &str) -> bool {
    is_printable(name) && !name.contains(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    #[test]
    fn addresses_are_written_as_inet_ntop_writes_them() {
        for (address, expected) in [
            ("192.0.2.255", "192.0.2.255"),
            ("::1", "::1"),
            ("::", "::"),
            ("::10.0.0.1", "::10.0.0.1"),
            ("::ffff", "::ffff"),
            ("::ffff:10.0.0.1", "::ffff:10.0.0.1"),
            ("2001:db8:0:0:1::7", "2001:db8::1:0:0:7"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ] {
            let mut output = Output::default();
            output.address(address.parse().unwrap());
            assert_eq!(output.to_string(), expected);
        }
    }

    #[test]
    fn endpoints_are_written_as_the_standard_library_writes_them() {
        for address in ["0.0.0.0", "255.255.255.255", "10.0.99.100", "192.0.2.9", "2001:db8::1"] {
            for port in [0, 7, 10, 99, 100, 999, 1000, 1001, 1010, 8080, 9999, 10_000, 65_535] {
                let address: IpAddr = address.parse().unwrap();
                let mut output = Output::default();
                output.endpoint(0, address, port, Some(Protocol::TCP));
                let expected = SocketAddr::new(address, port).to_string();
                assert_eq!(output.to_string(), expected);
                output.endpoint(30, address, port, None);
                assert_eq!(output.to_string(), format!("{expected}{expected:<30}"));
            }
        }
    }
}
