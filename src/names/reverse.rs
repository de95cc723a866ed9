//! Host names of addresses.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

use ipvs_netlink::AddressFamily;

use super::getent::{self, Answer, Inquiry, Question};
use super::{MAX_ALONE, SILENCE, forward, split_keys, syntax};

/// The number of addresses that share a question at most.
const MAX_TOGETHER: usize = 8;

/// Looks up the names of addresses side by side, and returns those that are found within the `limit`,
/// which gets shorter.
pub(super) fn names(addresses: &[IpAddr], limit: &mut Duration) -> Vec<(IpAddr, String)> {
    let keys: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    let questions =
        split_keys(&keys, MAX_TOGETHER).map(|keys| Question { database: "hosts", keys: keys.to_vec() });
    let inquiry = Inquiry {
        questions: questions.collect(),
        max_waiting: MAX_ALONE,
        words: &|question| question.keys.clone(),
        silence: SILENCE,
        limit,
    };
    let mut names = Vec::new();
    // A resolver that cannot be used knows no names.
    let _ = getent::ask(inquiry, |answer| {
        names.extend(answer.text.lines().filter_map(parse));
        remaining(answer)
    });
    names
}

/// Keeps the names that lead back to their address and to no other, and that no other address has. Some IPv4
/// addresses may have no name that also has an IPv6 address.
pub(super) fn retain_reversible(
    names: &mut Vec<(IpAddr, String)>,
    read_as_ipv6: &HashSet<IpAddr>,
    limit: &mut Duration,
) {
    let mut addresses: HashMap<String, HashSet<IpAddr>> = HashMap::new();
    for (address, name) in &*names {
        addresses.entry(name.to_ascii_lowercase()).or_default().insert(*address);
    }
    names.retain(|(_, name)| {
        syntax::fault(name).is_none() && addresses[&name.to_ascii_lowercase()].len() == 1
    });
    let key = |address: &IpAddr, name: &String| (name.clone(), AddressFamily::from(*address));
    let ipv6_key = |address: &IpAddr, name: &String| {
        read_as_ipv6.contains(address).then(|| (name.clone(), AddressFamily::V6))
    };
    let keys = names
        .iter()
        .flat_map(|(address, name)| std::iter::once(key(address, name)).chain(ipv6_key(address, name)));
    // What is not known for certain stays a number.
    let (found, _) = forward::addresses(keys.collect(), SILENCE, limit);
    let has = |key, expected: &[IpAddr]| found.get(&key).is_some_and(|addresses| addresses[..] == *expected);
    names.retain(|(address, name)| {
        has(key(address, name), &[*address]) && ipv6_key(address, name).is_none_or(|key| has(key, &[]))
    });
}

/// Returns the question for the addresses after the first one that was not found, if the answer ended there.
fn remaining(answer: &Answer<'_>) -> Option<Question> {
    let Question { database, keys } = answer.question;
    let is_found = |key: &String| {
        answer.text.lines().any(|line| line.split_whitespace().next().is_some_and(|address| address == key))
    };
    let missing = keys.iter().rposition(is_found).map_or(0, |index| index + 1);
    let keys = keys.get(missing + 1..).filter(|keys| answer.stopped && !keys.is_empty())?;
    Some(Question { database, keys: keys.to_vec() })
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

    #[test]
    fn addresses_after_an_unknown_one_are_asked_for_again_if_the_answer_stopped() {
        let keys = |keys: &[&str]| keys.iter().map(|&key| key.into()).collect::<Vec<String>>();
        let question = Question { database: "hosts", keys: keys(&["10.0.0.1", "10.0.0.2", "10.0.0.3"]) };
        for (text, stopped, expected) in [
            ("", true, Some(keys(&["10.0.0.2", "10.0.0.3"]))),
            ("10.0.0.1 a\n", true, Some(keys(&["10.0.0.3"]))),
            ("10.0.0.1 a\n10.0.0.2 b\n", true, None),
            ("10.0.0.1 a\n", false, None),
        ] {
            let answer = Answer { question: &question, text, stopped };
            assert_eq!(remaining(&answer).map(|question| question.keys), expected, "{text}");
        }
    }
}
