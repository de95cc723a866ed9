//! Networks as the value of an option: `192.0.2.0/24`, `2001:db8::/32`, or a single address.

use std::net::IpAddr;

use super::arguments::{Result, bad_value};
use super::endpoint;
use crate::cli::Opt;
use crate::names::Hosts;

/// Addresses with a common prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    /// The length of the prefix in bits.
    prefix: u8,
}

impl Network {
    /// Returns the network of an address, whose other bits are set to 0.
    fn around(address: IpAddr, prefix: u8) -> Self {
        let address = match address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                IpAddr::V4((u32::from(address) & mask).into())
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                IpAddr::V6((u128::from(address) & mask).into())
            }
        };
        Self { address, prefix }
    }

    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && Self::around(address, self.prefix) == *self
    }
}

/// Reads `ADDRESS/LENGTH`, or an address or a host name for this address alone.
///
/// A network is written in full and without bits behind its prefix: what is a slip must not mean more, or something
/// else, than was meant.
pub(super) fn read(hosts: &mut Hosts, option: Opt, text: &str) -> Result<Network> {
    let Some((address, length)) = text.split_once('/') else {
        let (address, port) = match text.parse() {
            Ok(address) => (address, None),
            Err(_) => endpoint::read(hosts, option, text, None, None)?,
        };
        if port.is_some() {
            return Err(bad_value(option, text, "it is an address or a network, which have no port"));
        }
        return Ok(Network { address, prefix: bits(address) });
    };
    let fault = "it is an address, or a network such as 192.0.2.0/24 or 2001:db8::/32";
    let address: IpAddr = address.parse().map_err(|_| bad_value(option, text, fault))?;
    let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    let prefix = length.parse().ok().filter(|&prefix| is_number && prefix <= bits(address));
    let Some(prefix) = prefix else {
        let why = format!("the length of its prefix is a number from 0 to {}", bits(address));
        return Err(bad_value(option, text, why));
    };
    let network = Network::around(address, prefix);
    if network.address != address {
        let why = format!(
            "it has bits behind the prefix: the network is {}/{prefix}, the address alone {address}",
            network.address
        );
        return Err(bad_value(option, text, why));
    }
    Ok(network)
}

/// Returns the number of bits of an address.
fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Result<Network> {
        read(&mut Hosts::default(), Opt::Client, text)
    }

    #[test]
    fn a_network_contains_the_addresses_with_its_prefix() {
        for (text, inside, outside) in [
            ("0.0.0.0/0", "255.255.255.255", "::"),
            ("::/0", "ffff::ffff", "0.0.0.0"),
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("192.0.2.128/25", "192.0.2.128", "192.0.2.127"),
            ("192.0.2.7/32", "192.0.2.7", "192.0.2.6"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("10.1", "10.0.0.1", "10.1.0.0"),
            ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"),
            ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
            ("[2001:db8::1]", "2001:db8::1", "2001:db8::2"),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1"),
        ] {
            let network = network(text).unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{text}");
            assert!(!network.contains(outside.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_may_be_a_slip_is_no_network() {
        for (text, why) in [
            ("10.0.0.1/8", "the network is 10.0.0.0/8, the address alone 10.0.0.1"),
            ("2001:db8::1/64", "the network is 2001:db8::/64, the address alone 2001:db8::1"),
            ("10/8", "it is an address, or a network such as"),
            ("/8", "it is an address, or a network such as"),
            ("10.0.0.0/", "a number from 0 to 32"),
            ("10.0.0.0/33", "a number from 0 to 32"),
            ("10.0.0.0/+8", "a number from 0 to 32"),
            ("10.0.0.0/255.0.0.0", "a number from 0 to 32"),
            ("2001:db8::/129", "a number from 0 to 128"),
            ("192.0.2.1:80", "have no port"),
            ("10", "a number alone"),
            ("", "missing"),
        ] {
            let mistake = network(text).unwrap_err().to_string();
            assert!(mistake.contains(why), "{text}: {mistake}");
        }
    }
}
