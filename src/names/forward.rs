//! Addresses of host names.
//!
//! An answer of `getent` lists the addresses of all names without the names. So numeric addresses, which
//! nobody can guess, are asked for between the names and mark where the addresses of each begin.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ipvs_netlink::AddressFamily;

use super::getent::{self, Inquiry, Question, Unusable};
use super::split_keys;

/// The number of names that share a question at most: an answer comes after the slowest of them.
const MAX_TOGETHER: usize = 64;

/// A name and the family of the addresses that it is looked up for.
pub(super) type Key = (String, AddressFamily);

/// Looks up names side by side. Returns the addresses of each name that was answered in time, and the reason
/// if names cannot be looked up.
pub(super) fn addresses(
    names: Vec<Key>,
    silence: Duration,
    limit: &mut Duration,
) -> (HashMap<Key, Vec<IpAddr>>, Option<Unusable>) {
    let random = RandomState::new().build_hasher().finish();
    let mut questions = Vec::new();
    for (family, database) in [(AddressFamily::V4, "ahostsv4"), (AddressFamily::V6, "ahostsv6")] {
        let keys: Vec<String> =
            names.iter().filter(|(_, other)| *other == family).map(|(name, _)| name.clone()).collect();
        for names in split_keys(&keys, MAX_TOGETHER) {
            questions.push(Question { database, keys: names.to_vec() });
        }
    }
    let words = |question: &Question| with_markers(question, random);
    // All names are needed, so that none has to be kept apart from others.
    let inquiry = Inquiry { questions, max_waiting: 0, words: &words, silence, limit };
    let mut found = HashMap::new();
    let outcome = getent::ask(inquiry, |answer| {
        let Question { database, keys } = answer.question;
        let family = family(database);
        let blocks = read(&with_markers(answer.question, random), answer.text);
        // Without even the first marker there are no addresses of this family at all.
        let answered = if blocks.is_empty() { keys.len() } else { blocks.len() };
        for (name, addresses) in
            keys.iter().take(answered).zip(blocks.into_iter().chain(std::iter::repeat(Vec::new())))
        {
            let addresses = addresses.into_iter().filter(|address| AddressFamily::from(*address) == family);
            found.insert((name.clone(), family), addresses.collect());
        }
        let keys = keys.get(answered..).filter(|keys| !keys.is_empty())?;
        Some(Question { database, keys: keys.to_vec() })
    });
    (found, outcome.err())
}

fn family(database: &str) -> AddressFamily {
    if database == "ahostsv4" { AddressFamily::V4 } else { AddressFamily::V6 }
}

/// Puts a marker before each name and after the last one.
fn with_markers(question: &Question, random: u64) -> Vec<String> {
    let marker = |index: usize| marker(family(question.database), random, index).to_string();
    let mut keys = vec![marker(0)];
    for (name, index) in question.keys.iter().zip(1..) {
        keys.extend([name.clone(), marker(index)]);
    }
    keys
}

/// Returns an address that no host has: of 0.0.0.0/8 (this network) or 100::/64 (discarded).
fn marker(family: AddressFamily, random: u64, index: usize) -> IpAddr {
    // Only neighbours have to differ, which a few bits are enough for.
    let number = (random & !0x7f) | (index & 0x7f) as u64;
    match family {
        AddressFamily::V4 => Ipv4Addr::from(number as u32 & 0x00ff_ffff).into(),
        AddressFamily::V6 => Ipv6Addr::from(0x0100 << 112 | u128::from(number)).into(),
    }
}

/// Returns the addresses after each marker but the last. An answer that ended early has fewer markers.
fn read(keys: &[String], text: &str) -> Vec<Vec<IpAddr>> {
    let markers: Vec<Option<IpAddr>> = keys.iter().step_by(2).map(|marker| marker.parse().ok()).collect();
    let is_marker = |index: usize, address| markers.get(index) == Some(&Some(address));
    let mut blocks: Vec<Vec<IpAddr>> = Vec::new();
    for word in text.lines().filter_map(|line| line.split_whitespace().next()) {
        // The database for IPv6 also has IPv4 addresses, in the form of IPv6.
        let Some(address) = word.parse().ok().map(|address: IpAddr| address.to_canonical()) else { continue };
        if is_marker(blocks.len(), address) {
            blocks.push(Vec::new());
        } else if let Some(index) = blocks.len().checked_sub(1) {
            // Each address is listed once for each type of socket, and so is each marker.
            if is_marker(index, address) {
                blocks[index].clear();
            } else if !blocks[index].contains(&address) {
                blocks[index].push(address);
            }
        }
    }
    blocks.truncate(markers.len() - 1);
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(names: &[&str], family: AddressFamily) -> Vec<String> {
        let database = if family == AddressFamily::V4 { "ahostsv4" } else { "ahostsv6" };
        let keys = names.iter().map(|&name| name.into()).collect();
        with_markers(&Question { database, keys }, 0x1234_5678_9abc_de80)
    }

    fn addresses(text: &[&str]) -> Vec<IpAddr> {
        text.iter().map(|address| address.parse().unwrap()).collect()
    }

    #[test]
    fn neighbouring_markers_differ_and_are_not_addresses_of_hosts() {
        let v4 = keys(&["a", "b"], AddressFamily::V4);
        assert_eq!(v4, ["0.188.222.128", "a", "0.188.222.129", "b", "0.188.222.130"]);
        let v6 = keys(&["a"], AddressFamily::V6);
        assert_eq!(v6, ["100::1234:5678:9abc:de80", "a", "100::1234:5678:9abc:de81"]);
        let many: Vec<String> = keys(&["a"; 300], AddressFamily::V4).into_iter().step_by(2).collect();
        assert!(many.windows(2).all(|neighbours| neighbours[0] != neighbours[1]));
    }

    #[test]
    fn addresses_belong_to_the_name_between_their_markers() {
        let keys = keys(&["a", "unknown", "c"], AddressFamily::V4);
        let text = "0.188.222.128 STREAM 0.188.222.128\n0.188.222.128 DGRAM\n\
                    10.0.0.2 STREAM other.example\n10.0.0.2 DGRAM\n10.0.0.1 STREAM\n\
                    0.188.222.129 STREAM\n0.188.222.129 DGRAM\n\
                    0.188.222.130 STREAM\n10.0.0.3 STREAM c\n0.188.222.131 STREAM\n0.188.222.131 DGRAM\n";
        let all = [addresses(&["10.0.0.2", "10.0.0.1"]), addresses(&[]), addresses(&["10.0.0.3"])];
        assert_eq!(read(&keys, text), all);
        // An answer that stopped at the unknown name.
        let stopped = &text[..text.find("0.188.222.130").unwrap()];
        assert_eq!(read(&keys, stopped), all[..2]);
        assert!(read(&keys, "").is_empty());
        assert!(read(&keys, "garbage\n10.0.0.1\n").is_empty());
    }

    #[test]
    fn mapped_addresses_are_ipv4_addresses() {
        let keys = keys(&["a"], AddressFamily::V6);
        let text = "100::1234:5678:9abc:de80\n::ffff:10.0.0.1 STREAM a\n100::1234:5678:9abc:de81\n";
        assert_eq!(read(&keys, text), [addresses(&["10.0.0.1"])]);
    }
}
