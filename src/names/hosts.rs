//! Addresses of host names, and host names of addresses.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use ipvs_netlink::AddressFamily;

use super::getent;

/// The time that the look-up of one name may take: longer than resolvers themselves try by default.
const PATIENCE: Duration = Duration::from_secs(60);
/// Reverse look-ups fail when no answer at all has come for this time.
const SILENCE: Duration = Duration::from_secs(3);
/// Up to this number each address is a question of its own, so that an address without an answer does not
/// delay others. Beyond it some share a question, as starting a process takes longer than most answers.
const MAX_ALONE: usize = 16;
/// The number of addresses that share a question at most.
const MAX_TOGETHER: usize = 8;

/// Addresses of host names. Each name is looked up once: a saved table may have it on every line.
#[derive(Default)]
pub(crate) struct Hosts(HashMap<(String, AddressFamily), Option<IpAddr>>);

impl Hosts {
    /// Finds the first address of this family that a name has.
    ///
    /// # Errors
    /// Fails if `getent` cannot be run.
    pub(crate) fn address(&mut self, name: &str, family: AddressFamily) -> io::Result<Option<IpAddr>> {
        let key = (name.to_owned(), family);
        if let Some(&address) = self.0.get(&key) {
            return Ok(address);
        }
        let address = look_up(name, family)?;
        self.0.insert(key, address);
        Ok(address)
    }
}

fn look_up(name: &str, family: AddressFamily) -> io::Result<Option<IpAddr>> {
    let database = match family {
        AddressFamily::V4 => "ahostsv4",
        AddressFamily::V6 => "ahostsv6",
    };
    // An address counts even if this machine has none of its family. The name may begin with a dash.
    let words = ["--no-addrconfig", "--", database, name].map(String::from);
    let lines = getent::ask(vec![words.into()], PATIENCE, PATIENCE)?;
    let mut addresses =
        lines.iter().filter_map(|line| line.split_whitespace().next()?.parse::<IpAddr>().ok());
    // The database for IPv6 also has mapped IPv4 addresses.
    Ok(addresses
        .find(|address| AddressFamily::from(*address) == family && *address == address.to_canonical()))
}

/// Looks up the names of addresses side by side, and returns those that are found within the `limit`.
pub(super) fn names(addresses: &[IpAddr], limit: Duration) -> Vec<(IpAddr, String)> {
    let together = addresses.len().div_ceil(MAX_ALONE).min(MAX_TOGETHER);
    let questions = addresses.chunks(together).map(|addresses| {
        std::iter::once("hosts".into()).chain(addresses.iter().map(IpAddr::to_string)).collect()
    });
    // A resolver that cannot be run knows no names.
    let lines = getent::ask(questions.collect(), SILENCE, limit).unwrap_or_default();
    lines.iter().filter_map(|line| parse(line)).collect()
}

/// Reads the address and the first name of a line: `ADDRESS NAME ALIAS...`.
fn parse(line: &str) -> Option<(IpAddr, String)> {
    let (address, names) = line.split_once(char::is_whitespace)?;
    let name = names.split_whitespace().next().filter(|name| name.parse::<IpAddr>().is_err())?;
    Some((address.parse().ok()?, name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_a_line_counts() {
        let name = |line| parse(line).map(|(address, name)| (address.to_string(), name));
        assert_eq!(
            name("10.0.0.1        web.example.com web"),
            Some(("10.0.0.1".into(), "web.example.com".into()))
        );
        for line in ["", "10.0.0.1", "10.0.0.1 ", "10.0.0.1 10.0.0.1", "web 10.0.0.1"] {
            assert_eq!(name(line), None, "{line}");
        }
    }
}
