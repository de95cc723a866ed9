//! Reading the values of options: addresses, ports, numbers, names.

use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::str::FromStr;

use ipvs::{Family, Protocol};

use super::options::Opt;
use crate::error::Usage;
use crate::output::{resolver, services};

type Result<T> = std::result::Result<T, Usage>;

/// An address and perhaps a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    pub address: IpAddr,
    pub port: Option<u16>,
}

/// A value that is not what it should be.
pub fn bad(option: Opt, value: &str, why: impl Display) -> Usage {
    Usage::BadValue { option, value: value.to_owned(), why: why.to_string() }
}

/// A decimal number within bounds. Blanks and a `+` before it do no harm.
pub fn decimal(text: &str, least: u32, most: u32) -> Option<u32> {
    text.trim_start().parse().ok().filter(|number| (least..=most).contains(number))
}

/// The decimal number that an option takes.
pub fn number(option: Opt, text: &str, least: u32, most: u32) -> Result<u32> {
    decimal(text, least, most)
        .ok_or_else(|| bad(option, text, format_args!("it is a number from {least} to {most}")))
}

/// A name that the kernel can keep.
pub fn name<N: FromStr<Err = ipvs::NameError>>(option: Opt, text: &str) -> Result<N> {
    text.parse().map_err(|error| bad(option, text, error))
}

/// An IPv4 netmask: dotted, or any other form of an address.
pub fn ipv4_mask(text: &str) -> Result<Ipv4Addr> {
    match address(Opt::Netmask, text, Some(Family::V4)) {
        Ok(IpAddr::V4(mask)) => Ok(mask),
        _ => Err(bad(Opt::Netmask, text, "it is a mask such as 255.255.255.0")),
    }
}

/// `HOST`, `HOST:PORT`, `[HOST]:PORT` or a bare IPv6 address. A HOST is an address or a name, a PORT a
/// number or a name that `/etc/services` has for the protocol.
pub fn endpoint(
    option: Opt,
    text: &str,
    protocol: Option<Protocol>,
    family: Option<Family>,
) -> Result<Endpoint> {
    // Nearly all are like this; what follows would find the same.
    if let Ok(end) = text.parse::<SocketAddrV4>() {
        return Ok(Endpoint { address: (*end.ip()).into(), port: Some(end.port()) });
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, "")) => (host, None),
            Some((host, rest)) => match rest.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None => return Err(bad(option, text, "only a colon and a port can follow the bracket")),
            },
            None => return Err(bad(option, text, "the closing bracket is missing")),
        },
        None if text.parse::<std::net::Ipv6Addr>().is_ok() => (text, None),
        None => match text.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err(bad(option, text, "an IPv6 address with a port is written [ADDRESS]:PORT"));
            }
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let bracketed = text.starts_with('[');
    let host = if bracketed { host } else { host.trim_end_matches(' ') };
    if port.is_none() && !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad(option, text, "a number alone could be an address or a port"));
    }
    let family = if bracketed { Some(Family::V6) } else { family };
    let port = port.map(|text| self::port(option, text, protocol)).transpose()?;
    Ok(Endpoint { address: address(option, host, family)?, port })
}

fn port(option: Opt, text: &str, protocol: Option<Protocol>) -> Result<u16> {
    text.trim_start_matches(' ')
        .parse()
        .ok()
        .or_else(|| services::port(text, protocol?))
        .ok_or_else(|| bad(option, text, "it is not a port, 0 to 65535 or a name in /etc/services"))
}

fn address(option: Opt, host: &str, family: Option<Family>) -> Result<IpAddr> {
    if let Some(address) = inet_aton(host) {
        return Ok(address.into());
    }
    if let Ok(address) = host.parse() {
        return Ok(address);
    }
    if host.is_empty() {
        return Err(bad(option, host, "the address is missing"));
    }
    if host.contains('%') {
        return Err(bad(option, host, "IPVS knows no address with a zone"));
    }
    let families = match family.unwrap_or(Family::V4) {
        Family::V4 => [Family::V4, Family::V6],
        Family::V6 => [Family::V6, Family::V4],
    };
    for family in families {
        let found = resolver::address(host, family);
        if let Some(address) = found.map_err(|error| {
            let why = "getent, which looks up names, cannot be run";
            bad(option, host, format_args!("{why}: {error}; give the address, or install getent"))
        })? {
            return Ok(address);
        }
    }
    Err(bad(option, host, "it is neither an address nor a name that has one"))
}

/// The forms that `inet_aton(3)` reads: one to four numbers, decimal, octal (`0...`) or hexadecimal
/// (`0x...`); the last one fills all remaining bytes.
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
    let leading = (0..).zip(leading).map(|(place, &number)| number << (24 - 8 * place)).sum::<u32>();
    Some(Ipv4Addr::from(leading | last))
}

/// A number as in C, without a sign.
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
    fn addresses_take_the_forms_of_inet_aton() {
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
    fn endpoints_are_addresses_with_and_without_ports() {
        let read = |text| endpoint(Opt::TcpService, text, Some(Protocol::TCP), None);
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
            let expected = Endpoint { address: address.parse().unwrap(), port };
            assert_eq!(read(text).unwrap(), expected, "{text}");
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
