//! Addresses of the host names in input.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ipvs_netlink::AddressFamily;

use super::PATIENCE;
use super::forward::{self, Key};
use super::getent::Unusable;

/// The reason why a name has no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HostError {
    #[error("no such name: it is neither an address nor a name that has one")]
    Unknown,
    #[error(
        "no answer in time: all names together may take {} seconds; give the address",
        PATIENCE.as_secs()
    )]
    Late,
    #[error("names cannot be looked up here: {0}")]
    Unusable(#[from] Unusable),
}

/// Addresses of host names.
///
/// Names are asked for together: input is read once to collect them, and again after each look-up, until no
/// name is missing. All of them share one time limit.
#[derive(Default)]
pub(crate) struct Hosts {
    answers: HashMap<Key, Result<Option<IpAddr>, HostError>>,
    missing: HashSet<Key>,
    /// The time that is left, if anything was looked up.
    patience: Option<Duration>,
}

impl Hosts {
    /// Returns an address of a name, preferably of this family.
    ///
    /// If the name has not been looked up yet, the address is a placeholder, and [`Self::look_up`] has to be
    /// called before the input is read again.
    ///
    /// # Errors
    /// Fails if the name has no address, or none that was found in time.
    pub(crate) fn address(&mut self, name: &str, preferred: AddressFamily) -> Result<IpAddr, HostError> {
        let families = match preferred {
            AddressFamily::V4 => [AddressFamily::V4, AddressFamily::V6],
            AddressFamily::V6 => [AddressFamily::V6, AddressFamily::V4],
        };
        for family in families {
            let key = (name.to_owned(), family);
            match self.answers.get(&key) {
                Some(Ok(Some(address))) => return Ok(*address),
                Some(Ok(None)) => {}
                Some(Err(error)) => return Err(error.clone()),
                None => {
                    self.missing.insert(key);
                    return Ok(placeholder(family));
                }
            }
        }
        Err(HostError::Unknown)
    }

    /// Returns whether there are names that have not been looked up yet.
    pub(crate) fn misses_any(&self) -> bool {
        !self.missing.is_empty()
    }

    /// Looks up the names that were missing, and returns whether there were any.
    pub(crate) fn look_up(&mut self) -> bool {
        let missing: Vec<Key> = self.missing.drain().collect();
        if missing.is_empty() {
            return false;
        }
        let patience = self.patience.get_or_insert(PATIENCE);
        let (found, unusable) = forward::addresses(missing.clone(), *patience, patience);
        let otherwise = unusable.map_or(HostError::Late, HostError::Unusable);
        for key in missing {
            let address = found.get(&key).map(|addresses| addresses.first().copied());
            self.answers.insert(key, address.ok_or_else(|| otherwise.clone()));
        }
        true
    }
}

/// Returns an address that makes the rest of a command line readable.
fn placeholder(family: AddressFamily) -> IpAddr {
    match family {
        AddressFamily::V4 => Ipv4Addr::UNSPECIFIED.into(),
        AddressFamily::V6 => Ipv6Addr::UNSPECIFIED.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_missing_once_for_each_family_that_is_asked_for() {
        let mut hosts = Hosts::default();
        assert!(!hosts.look_up());
        for _ in 0..2 {
            assert_eq!(hosts.address("a", AddressFamily::V4), Ok(Ipv4Addr::UNSPECIFIED.into()));
            assert_eq!(hosts.address("b", AddressFamily::V6), Ok(Ipv6Addr::UNSPECIFIED.into()));
        }
        assert_eq!(hosts.missing.len(), 2);
    }

    #[test]
    fn the_other_family_is_asked_for_only_if_the_preferred_one_has_no_address() {
        let mut hosts = Hosts::default();
        let [v4, v6] = ["10.0.0.1", "2001:db8::1"].map(|address| address.parse::<IpAddr>().unwrap());
        let mut insert = |name: &str, family, address| hosts.answers.insert((name.into(), family), address);
        insert("both", AddressFamily::V4, Ok(Some(v4)));
        insert("both", AddressFamily::V6, Ok(Some(v6)));
        insert("v6", AddressFamily::V4, Ok(None));
        insert("v6", AddressFamily::V6, Ok(Some(v6)));
        insert("none", AddressFamily::V4, Ok(None));
        insert("none", AddressFamily::V6, Ok(None));
        insert("late", AddressFamily::V4, Err(HostError::Late));
        for (name, preferred, expected) in [
            ("both", AddressFamily::V4, Ok(v4)),
            ("both", AddressFamily::V6, Ok(v6)),
            ("v6", AddressFamily::V4, Ok(v6)),
            ("none", AddressFamily::V4, Err(HostError::Unknown)),
            ("none", AddressFamily::V6, Err(HostError::Unknown)),
            ("late", AddressFamily::V4, Err(HostError::Late)),
        ] {
            assert_eq!(hosts.address(name, preferred), expected, "{name}");
        }
        assert!(hosts.missing.is_empty());
    }

    #[test]
    fn nothing_is_asked_after_the_time_has_passed() {
        let mut hosts = Hosts { patience: Some(Duration::ZERO), ..Hosts::default() };
        assert!(hosts.address("localhost", AddressFamily::V4).is_ok());
        assert!(hosts.look_up());
        assert_eq!(hosts.address("localhost", AddressFamily::V4), Err(HostError::Late));
    }
}
