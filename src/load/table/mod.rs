//! All servers together: the table as it was read, what was heard, and the weights that have to change.

use std::collections::{HashMap, HashSet};

use ipvs_netlink::{Destination, DestinationId, ServiceId};

use super::Rules;
use super::change::{Event, Kind, Target, WeightChange};
use super::fight::Fight;
use super::server::{Heard, Rank, Server};
use super::service::{Candidate, keeper};

/// A server with its present weight.
pub(crate) type Present = (DestinationId, u32);

/// Tells the configured weight of a server that has this weight, which differs if the weight was set here before.
pub(crate) trait Configured: Fn(Target, u32) -> u32 {}
impl<F: Fn(Target, u32) -> u32> Configured for F {}

#[derive(Debug)]
struct Entry {
    id: DestinationId,
    /// The configured weight; 0 if somebody has drained the server, which is left alone then.
    configured: u32,
    present: u32,
    server: Server,
    fight: Fight,
    is_kept: bool,
    /// The settings of a server that was removed here, whose present weight is 0 then.
    removed: Option<Destination>,
    /// Somebody else has added the server after it was removed, and so it is not removed again before it has been well.
    must_stay: bool,
}

impl Entry {
    fn new(id: DestinationId, present: u32, configured: u32) -> Self {
        let server = Server::new(present, configured);
        let (fight, is_kept, removed, must_stay) = (Fight::default(), false, None, false);
        Self { id, configured, present, server, fight, is_kept, removed, must_stay }
    }

    fn removed(settings: Destination) -> Self {
        Self { removed: Some(settings), ..Self::new(settings.id, 0, settings.weight) }
    }

    /// Returns the way in which the weight has to become this one, if anything has to change.
    fn change(&self, to: u32, is_kept: bool, rules: &Rules) -> Option<Kind> {
        match self.removed {
            Some(settings) => (to > 0).then_some(Kind::Add(settings)),
            None if rules.remove && !is_kept && !self.must_stay && self.server.has_failed(rules) => {
                Some(Kind::Remove)
            }
            None => (to != self.present).then_some(Kind::Set),
        }
    }
}

/// The servers whose weights follow their load.
#[derive(Debug, Default)]
pub(crate) struct Load {
    services: HashMap<ServiceId, Vec<Entry>>,
    /// The number of readings so far.
    readings: u64,
    /// Servers whose weights are not those that were set here any more.
    strange: HashSet<Target>,
}

impl Load {
    /// Takes a reading of all services in.
    pub(crate) fn read_all(
        &mut self,
        table: impl IntoIterator<Item = (ServiceId, Vec<Present>)>,
        configured: impl Configured,
    ) -> Vec<Event> {
        self.readings += 1;
        let mut before = std::mem::take(&mut self.services);
        let mut events = Vec::new();
        for (service, servers) in table {
            if let Some(entries) = before.remove(&service) {
                self.services.insert(service, entries);
            }
            events.extend(self.read(service, servers, &configured));
        }
        for (service, entries) in before {
            self.strange.extend(entries.iter().map(|entry| (service, entry.id)));
        }
        events
    }

    /// Takes a reading of one service in. A weight other than the last one that is known was given by somebody else. A
    /// server that was removed here is still one of the service.
    pub(crate) fn read(
        &mut self,
        service: ServiceId,
        servers: Vec<Present>,
        configured: impl Configured,
    ) -> Vec<Event> {
        let entries = self.services.remove(&service).unwrap_or_default();
        let mut before: HashMap<_, _> = entries.into_iter().map(|entry| (entry.id, entry)).collect();
        let (mut events, mut now) = (Vec::new(), Vec::with_capacity(servers.len()));
        for (id, present) in servers {
            let target = (service, id);
            let Some(mut entry) = before.remove(&id) else {
                now.push(Entry::new(id, present, configured(target, present)));
                continue;
            };
            if entry.removed.take().is_some() {
                events.push(Event::AddedByOthers(target, present));
                if entry.fight.note(self.readings) {
                    events.push(Event::Fight(target));
                }
                self.strange.insert(target);
                (entry.present, entry.configured, entry.must_stay) = (present, present, true);
            } else if entry.present != present {
                events.push(Event::SetByOthers { target, from: entry.present, to: present });
                if entry.present != entry.configured && entry.fight.note(self.readings) {
                    events.push(Event::Fight(target));
                }
                self.strange.insert(target);
                (entry.present, entry.configured) = (present, present);
            }
            now.push(entry);
        }
        let (removed, gone): (Vec<Entry>, Vec<Entry>) =
            before.into_values().partition(|entry| entry.removed.is_some());
        self.strange.extend(gone.into_iter().map(|entry| (service, entry.id)));
        now.extend(removed);
        self.services.insert(service, now);
        events
    }

    /// Notes that an earlier run has removed a server with these settings, unless its service or the server itself says
    /// something else.
    pub(crate) fn take_up_removed(&mut self, service: ServiceId, settings: Destination) {
        if let Some(entries) = self.services.get_mut(&service) {
            if entries.iter().all(|entry| entry.id != settings.id) {
                entries.push(Entry::removed(settings));
            }
        }
    }

    /// Notes that a service is gone.
    pub(crate) fn forget_service(&mut self, service: ServiceId) {
        let entries = self.services.remove(&service).unwrap_or_default();
        self.strange.extend(entries.iter().map(|entry| (service, entry.id)));
    }

    /// Takes in what was heard of a server.
    pub(crate) fn hear(&mut self, target: Target, heard: &Heard, rules: &Rules) -> Option<Event> {
        let entries = self.services.get_mut(&target.0)?;
        let entry = entries.iter_mut().find(|entry| entry.id == target.1)?;
        let was_silent = entry.server.is_silent();
        entry.server.hear(heard, rules);
        entry.must_stay &= entry.server.rank(rules) == Rank::Down;
        match (was_silent, entry.server.is_silent()) {
            (false, true) => Some(Event::Silent(target, entry.server.why())),
            (true, false) => Some(Event::Answers(target, entry.server.why())),
            _ => None,
        }
    }

    /// Notes that somebody wants a server to have the weight 0 that it has.
    pub(crate) fn leave_drained(&mut self, target: Target) {
        if let Some(entry) = self.find(target) {
            (entry.configured, entry.present) = (0, 0);
        }
    }

    /// Notes that somebody wants servers to have the very weights as their configured ones that their load has given them,
    /// or to be gone if they were removed.
    pub(crate) fn confirm(&mut self, is_wanted: impl Fn(Target) -> bool) {
        for (&service, entries) in &mut self.services {
            entries.retain(|entry| entry.removed.is_none() || !is_wanted((service, entry.id)));
            for entry in entries.iter_mut().filter(|entry| is_wanted((service, entry.id))) {
                entry.configured = entry.present;
            }
        }
    }

    /// Returns the weights that have to change: first those of servers that serve then, so that no service is without one
    /// in between.
    pub(crate) fn changes(&mut self, rules: &Rules) -> (Vec<WeightChange>, Vec<Event>) {
        let (mut changes, mut events) = (Vec::new(), Vec::new());
        for (&service, entries) in &mut self.services {
            // A weight of 0 that somebody has given is respected.
            let mut entries: Vec<&mut Entry> =
                entries.iter_mut().filter(|entry| entry.configured > 0).collect();
            let candidate = |entry: &&mut Entry| Candidate {
                present: entry.present,
                wanted: entry.server.weight(entry.configured, rules),
                rank: entry.server.rank(rules),
                configured: entry.configured,
            };
            let candidates: Vec<Candidate> = entries.iter().map(candidate).collect();
            let keeper = if rules.keep_last { keeper(&candidates) } else { None };
            for (place, (entry, candidate)) in entries.iter_mut().zip(candidates).enumerate() {
                let (target, why) = ((service, entry.id), || entry.server.why());
                let is_kept = keeper == Some(place);
                let to = match (is_kept, entry.present) {
                    (false, _) => candidate.wanted,
                    (true, 0) => entry.server.serving_weight(entry.configured, rules),
                    (true, present) => present,
                };
                if is_kept && !entry.is_kept {
                    events.push(Event::Kept(target, why()));
                }
                if let Some(kind) = entry.change(to, is_kept, rules) {
                    let (configured, from) = (entry.configured, entry.present);
                    changes.push(WeightChange { target, kind, configured, from, to, why: why() });
                }
                entry.is_kept = is_kept;
            }
        }
        changes.sort_by_key(|change| (change.to == 0, change.target.0.sort_key(), change.target.1));
        (changes, events)
    }

    /// Notes that a weight was changed of a server with these settings.
    pub(crate) fn made(&mut self, change: &WeightChange, settings: &Destination) {
        self.strange.remove(&change.target);
        if let Some(entry) = self.find(change.target) {
            entry.present = change.to;
            entry.removed = (change.kind == Kind::Remove).then(|| settings.with_weight(change.configured));
        }
    }

    /// Returns the changes that give all servers their configured weights back.
    pub(crate) fn put_back(&self) -> Vec<WeightChange> {
        let mut changes: Vec<WeightChange> = self
            .entries()
            .filter(|(_, entry)| entry.present != entry.configured)
            .map(|(target, entry)| WeightChange {
                target,
                kind: entry.removed.map_or(Kind::Set, Kind::Add),
                configured: entry.configured,
                from: entry.present,
                to: entry.configured,
                why: "the end of following".into(),
            })
            .collect();
        changes.sort_by_key(|change| (change.target.0.sort_key(), change.target.1));
        changes
    }

    /// Returns the servers whose weights were changed by others, and so the notes of which are wrong. Each is returned
    /// once.
    pub(crate) fn take_strange(&mut self) -> HashSet<Target> {
        std::mem::take(&mut self.strange)
    }

    /// Returns whether there are servers that [`take_strange`](Self::take_strange) would return.
    pub(crate) fn has_strange(&self) -> bool {
        !self.strange.is_empty()
    }

    /// Returns all servers.
    pub(crate) fn targets(&self) -> impl Iterator<Item = Target> {
        self.entries().map(|(target, _)| target)
    }

    /// Returns the numbers of services, of servers, and of servers that do not answer.
    pub(crate) fn count(&self) -> (usize, usize, usize) {
        let silent = self.entries().filter(|(_, entry)| entry.server.is_silent()).count();
        (self.services.len(), self.entries().count(), silent)
    }

    fn entries(&self) -> impl Iterator<Item = (Target, &Entry)> {
        self.services
            .iter()
            .flat_map(|(&service, entries)| entries.iter().map(move |entry| ((service, entry.id), entry)))
    }

    fn find(&mut self, (service, id): Target) -> Option<&mut Entry> {
        self.services.get_mut(&service)?.iter_mut().find(|entry| entry.id == id)
    }
}

#[cfg(test)]
pub(super) mod tests;
