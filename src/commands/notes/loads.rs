//! Notes of the servers whose weights follow their load.

use std::collections::HashMap;
use std::time::SystemTime;

use ipvs_netlink::{Destination, DestinationId, ServiceId};
use serde::{Deserialize, Serialize};

use super::check_weight;
use super::fields::{text, time};

/// A server whose weight follows its load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::commands) struct LoadNote {
    #[serde(with = "text")]
    pub(in crate::commands) service: ServiceId,
    #[serde(with = "text")]
    pub(in crate::commands) server: DestinationId,
    /// The configured weight, which is not 0.
    pub(in crate::commands) weight: u32,
    /// The weight that was set last because of the load.
    pub(in crate::commands) set: u32,
    /// The weight before that, which the server still has if the program was killed in between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::commands) before: Option<u32>,
    #[serde(with = "time")]
    pub(in crate::commands) since: SystemTime,
    /// The answer of the server's agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::commands) reason: Option<String>,
    /// The settings of a server that is removed, with the configured weight. If the table has the server all the same, it
    /// was not removed yet, or somebody has added it since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::commands) removed: Option<Destination>,
}

impl LoadNote {
    /// Checks what types alone do not exclude.
    pub(super) fn check(&self) -> Result<(), String> {
        check_weight(self.weight)?;
        for set in [Some(self.set), self.before].into_iter().flatten() {
            check_weight(set.max(1))?;
        }
        match self.removed {
            Some(settings) if settings.id != self.server || settings.weight != self.weight => {
                Err("the settings are those of another server, or have another weight".into())
            }
            _ => Ok(()),
        }
    }

    /// Returns the configured weight of the server. A present weight that was not set because of the load was given by
    /// somebody since, and is the configured one itself.
    pub(in crate::commands) fn configured(&self, present: u32) -> u32 {
        if self.is_in_force(present) { self.weight } else { present }
    }

    /// Returns whether the present weight was set because of the load.
    pub(in crate::commands) fn is_in_force(&self, present: u32) -> bool {
        present == self.set || Some(present) == self.before
    }
}

/// Notes of many servers, found by their ids.
#[derive(Default)]
pub(super) struct Loads {
    notes: Vec<LoadNote>,
    places: HashMap<(ServiceId, DestinationId), usize>,
}

impl Loads {
    pub(super) fn all(&self) -> &[LoadNote] {
        &self.notes
    }

    pub(super) fn get(&self, service: ServiceId, server: DestinationId) -> Option<&LoadNote> {
        self.notes.get(*self.places.get(&(service, server))?)
    }

    /// Puts a note in place of the one of the same server, and returns whether that changes anything.
    pub(super) fn set(&mut self, note: LoadNote) -> bool {
        let place = *self.places.entry((note.service, note.server)).or_insert(self.notes.len());
        match self.notes.get_mut(place) {
            Some(present) if *present == note => return false,
            Some(present) => *present = note,
            None => self.notes.push(note),
        }
        true
    }

    /// Removes a note, and returns whether there was one.
    pub(super) fn remove(&mut self, service: ServiceId, server: DestinationId) -> bool {
        let Some(place) = self.places.remove(&(service, server)) else { return false };
        self.notes.swap_remove(place);
        if let Some(moved) = self.notes.get(place) {
            self.places.insert((moved.service, moved.server), place);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(host: u8, weight: u32) -> LoadNote {
        LoadNote {
            service: "TCP 192.0.2.1:80".parse().unwrap(),
            server: DestinationId::new([10, 0, 0, host], 80),
            weight,
            set: 25,
            before: None,
            since: SystemTime::UNIX_EPOCH,
            reason: None,
            removed: None,
        }
    }

    #[test]
    fn a_weight_that_somebody_else_has_set_is_the_configured_one() {
        assert_eq!(note(1, 100).configured(25), 100);
        assert_eq!(note(1, 100).configured(26), 26);
        assert_eq!(note(1, 100).configured(0), 0);
    }

    #[test]
    fn a_note_that_was_made_without_the_weight_is_in_force() {
        let interrupted = LoadNote { before: Some(50), ..note(1, 100) };
        assert_eq!([25, 50, 49].map(|present| interrupted.configured(present)), [100, 100, 49]);
    }

    #[test]
    fn notes_are_found_whatever_was_removed() {
        let mut loads = Loads::default();
        assert!((1..=4).all(|host| loads.set(note(host, 100))));
        assert!(!loads.set(note(2, 100)));
        assert!(loads.set(note(2, 50)));
        let (service, id) = (note(1, 1).service, |host| note(host, 1).server);
        assert!(loads.remove(service, id(1)) && loads.remove(service, id(3)));
        assert!(!loads.remove(service, id(3)));
        let weights: Vec<_> =
            (1..=4).map(|host| loads.get(service, id(host)).map(|note| note.weight)).collect();
        assert_eq!(weights, [None, Some(50), None, Some(100)]);
        assert_eq!(loads.all().len(), 2);
    }
}
