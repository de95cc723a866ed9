//! Addresses and ports as the value of an option.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4};

use ipvs_netlink::{AddressFamily, Protocol};

use super::arguments::{Result, bad_value};
use crate::cli::Opt;
use crate::names::{self, Hosts, PORTS};

/// Reads `HOST`, `HOST:PORT`, `[HOST]:PORT` or a bare IPv6 address.
///
/// A HOST is an address or a name that has one, preferably of the given family. A PORT is a number or a name
/// that `/etc/services` has for the protocol.
pub(super) fn read(
    hosts: &mut Hosts,
    option: Opt,
    text: &str,
    protocol: Option<Protocol>,
    family: Option<AddressFamily>,
) -> Result<(IpAddr, Option<u16>)> {
    // The usual form. What follows would read it the same.
    if let Ok(endpoint) = text.parse::<SocketAddrV4>() {
        return Ok(((*endpoint.ip()).into(), Some(endpoint.port())));
    }
    let (host, port, family) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = split_brackets(option, text, rest)?;
            (host, port, Some(AddressFamily::V6))
        }
        None => {
            let (host, port) = split_colon(option, text)?;
            (host.trim_end_matches(' '), port, family)
        }
    };
    if port.is_none() && !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad_value(option, text, "a number alone could be an address or a port"));
    }
    let port = port.map(|text| read_port(option, text, protocol)).transpose()?;
    Ok((read_host(hosts, option, host, family)?, port))
}

/// Reads an IPv4 netmask: dotted, or any other form of an address.
pub(super) fn read_mask(hosts: &mut Hosts, option: Opt, text: &str) -> Result<Ipv4Addr> {
    match read_host(hosts, option, text, Some(AddressFamily::V4)) {
        Ok(IpAddr::V4(mask)) => Ok(mask),
        _ => Err(bad_value(option, text, "it is a mask such as 255.255.255.0")),
    }
}

/// Splits `HOST]` or `HOST]:PORT`, the rest of a text after its bracket.
fn split_brackets<'a>(option: Opt, text: &str, rest: &'a str) -> Result<(&'a str, Option<&'a str>)> {
    match rest.split_once(']') {
        Some((host, "")) => Ok((host, None)),
        Some((host, rest)) => match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None => Err(bad_value(option, text, "only a colon and a port can follow the bracket")),
        },
        None => Err(bad_value(option, text, "the closing bracket is missing")),
    }
}

fn split_colon(option: Opt, text: &str) -> Result<(&str, Option<&str>)> {
    match text.split_once(':') {
        Some(_) if text.parse::<Ipv6Addr>().is_ok() => Ok((text, None)),
        Some((_, port)) if port.contains(':') => {
            Err(bad_value(option, text, "an IPv6 address with a port is written [ADDRESS]:PORT"))
        }
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((text, None)),
    }
}

fn read_port(option: Opt, text: &str, protocol: Option<Protocol>) -> Result<u16> {
    text.trim_start_matches(' ')
        .parse()
        .ok()
        .or_else(|| PORTS.port(text, protocol?))
        .ok_or_else(|| bad_value(option, text, "it is not a port, 0 to 65535 or a name in /etc/services"))
}

fn read_host(hosts: &mut Hosts, option: Opt, host: &str, family: Option<AddressFamily>) -> Result<IpAddr> {
    if let Some(address) = inet_aton(host) {
        return Ok(address.into());
    }
    if let Ok(address) = host.parse() {
        return Ok(address);
    }
    if host.is_empty() {
        return Err(bad_value(option, host, "the address is missing"));
    }
    if host.contains('%') {
        return Err(bad_value(option, host, "IPVS knows no address with a zone"));
    }
    if let Some(fault) = names::fault(host) {
        return Err(bad_value(option, host, fault));
    }
    hosts.address(host, family.unwrap_or(AddressFamily::V4)).map_err(|error| bad_value(option, host, error))
}

/// Reads the forms of `inet_aton(3)`: one to four numbers, decimal, octal (`0...`) or hexadecimal (`0x...`),
/// of which the last one fills all remaining bytes.
fn inet_aton(text: &str) -> Option<Ipv4Addr> {
    let numbers: Vec<u32> = text.split('.').map(c_number).collect::<Option<_>>()?;
    let (&last, leading) = numbers.split_last()?;
    if leading.len() > 3 || leading.iter().any(|&number| number > 255) {
        return None;
    }
    let free_bits = 32 - 8 * leading.len() as u32;
    if u64::from(last) >= 1 << free_bits {
        return None;
    }
    let leading = (0..).zip(leading).map(|(index, &number)| number << (24 - 8 * index)).sum::<u32>();
    Some(Ipv4Addr::from(leading | last))
}

/// Reads a number as C writes it, without a sign.
fn c_number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    let unsigned = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    u32::from_str_radix(digits, radix).ok().filter(|_| unsigned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_the_forms_of_inet_aton() {
        for (text, address) in [
            ("10.0.0.1", "10.0.0.1"),
            ("10.1", "10.0.0.1"),
            ("10.1.2", "10.1.0.2"),
            ("0x0a000001", "10.0.0.1"),
            ("167772161", "10.0.0.1"),
            ("010.0.0.1", "8.0.0.1"),
            ("255.255.255.255", "255.255.255.255"),
            ("0", "0.0.0.0"),
        ] {
            assert_eq!(inet_aton(text), Some(address.parse().unwrap()), "{text}");
        }
        for text in
            ["", "10.", ".1", "256.1", "1.2.3.256", "1.2.3.4.5", "08.1", "0x", "+1", "1.16777216", "a"]
        {
            assert_eq!(inet_aton(text), None, "{text}");
        }
    }

    #[test]
    fn endpoints_are_addresses_with_or_without_ports() {
        let mut hosts = Hosts::default();
        let mut read = |text| read(&mut hosts, Opt::TcpService, text, Some(Protocol::TCP), None);
        for (text, address, port) in [
            ("10.0.0.1", "10.0.0.1", None),
            ("10.0.0.1:80", "10.0.0.1", Some(80)),
            ("10.0.0.1:+80", "10.0.0.1", Some(80)),
            ("10.0.0.1 : 80", "10.0.0.1", Some(80)),
            ("0:80", "0.0.0.0", Some(80)),
            ("0x0a000001", "10.0.0.1", None),
            ("[10.0.0.1]:80", "10.0.0.1", Some(80)),
            ("10.1:65535", "10.0.0.1", Some(65535)),
            ("2001:db8::1", "2001:db8::1", None),
            ("[2001:db8::1]", "2001:db8::1", None),
            ("[2001:db8::1]:80", "2001:db8::1", Some(80)),
        ] {
            assert_eq!(read(text), Ok((address.parse().unwrap(), port)), "{text}");
        }
        for text in [
            "",
            ":80",
            "10.0.0.1:",
            "10.0.0.1:65536",
            "10.0.0.1:-1",
            "[::1",
            "[::1]80",
            "[]:80",
            "::1:x:80",
            "80",
            "[::1 ]:80",
            "[::1%lo]:80",
            "10.0.0.1:HTTP",
            "10.0.0.1:0x50",
            " 10.0.0.1:80",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
