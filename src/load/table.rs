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
pub(super) mod tests {
    use super::super::Answer;
    use super::*;

    pub(in crate::load) fn target(service: u16, host: u8) -> Target {
        (ServiceId::tcp(([192, 0, 2, 1], service)), DestinationId::new([10, 0, 0, host], 80))
    }

    pub(in crate::load) fn read(load: &mut Load, weights: &[u32]) -> Vec<Event> {
        let servers = (1..).zip(weights).map(|(host, weight)| (target(80, host).1, *weight)).collect();
        load.read_all([(target(80, 1).0, servers)], |_, present| present)
    }

    fn hear(load: &mut Load, host: u8, line: &str) -> Option<Event> {
        hear_by(load, host, line, &Rules { smooth: 0.0, ..Rules::default() })
    }

    pub(in crate::load) fn hear_by(load: &mut Load, host: u8, line: &str, rules: &Rules) -> Option<Event> {
        let heard = Heard::Answer(Answer::parse(line.as_bytes()).unwrap());
        load.hear(target(80, host), &heard, rules)
    }

    /// Makes all changes, and returns the new weights by the last number of the server's address.
    pub(in crate::load) fn make(load: &mut Load, rules: &Rules) -> Vec<(u8, u32)> {
        let (changes, _) = load.changes(rules);
        let settings = |change: &WeightChange| Destination::new(change.target.1).with_thresholds(9, 0);
        changes.iter().for_each(|change| load.made(change, &settings(change)));
        let host = |change: &WeightChange| match change.target.1.address {
            std::net::IpAddr::V4(address) => address.octets()[3],
            std::net::IpAddr::V6(_) => 0,
        };
        changes.iter().map(|change| (host(change), change.to)).collect()
    }

    #[test]
    fn a_weight_set_by_hand_is_the_new_base() {
        let (mut load, rules) = (Load::default(), Rules::default());
        read(&mut load, &[100, 100]);
        hear(&mut load, 1, "50%");
        assert_eq!(make(&mut load, &rules), [(1, 50)]);
        assert_eq!(make(&mut load, &rules), []);
        assert_eq!(read(&mut load, &[50, 100]), []);
        let events = read(&mut load, &[40, 100]);
        assert_eq!(events, [Event::SetByOthers { target: target(80, 1), from: 50, to: 40 }]);
        assert_eq!(load.take_strange().len(), 1);
        assert_eq!(make(&mut load, &rules), [(1, 20)]);
        assert_eq!(load.put_back()[0].to, 40);
    }

    #[test]
    fn a_drain_by_hand_stays_until_somebody_ends_it() {
        let (mut load, rules) = (Load::default(), Rules::default());
        read(&mut load, &[100, 100]);
        read(&mut load, &[0, 100]);
        for line in ["50%", "drain", "up", "100%"] {
            hear(&mut load, 1, line);
            assert_eq!(make(&mut load, &rules), []);
        }
        hear(&mut load, 1, "50%");
        read(&mut load, &[100, 100]);
        assert_eq!(make(&mut load, &rules), [(1, 50)]);
        // Also one of a server that has the weight 0 already.
        hear(&mut load, 1, "drain");
        assert_eq!(make(&mut load, &rules), [(1, 0)]);
        load.leave_drained(target(80, 1));
        hear(&mut load, 1, "up");
        assert_eq!((make(&mut load, &rules), load.put_back()), (vec![], vec![]));
    }

    #[test]
    fn the_last_server_goes_on_serving() {
        let (mut load, rules) = (Load::default(), Rules { fall: 1, rise: 1, ..Rules::default() });
        read(&mut load, &[10, 20, 0]);
        hear_by(&mut load, 1, "down", &rules);
        assert_eq!(make(&mut load, &rules), [(1, 0)]);
        hear_by(&mut load, 2, "drain", &rules);
        let (changes, events) = load.changes(&rules);
        assert_eq!((changes, events), (vec![], vec![Event::Kept(target(80, 2), "drain".into())]));
        assert_eq!(load.changes(&rules), (vec![], vec![]), "it is told once");
        let not_kept = Rules { keep_last: false, ..rules };
        assert_eq!(load.changes(&not_kept).0.len(), 1);
        // When the other is back it may go.
        hear_by(&mut load, 1, "up", &rules);
        assert_eq!(make(&mut load, &rules), [(1, 10), (2, 0)]);
        // If somebody deletes the last one that serves, another one has to.
        hear_by(&mut load, 1, "down", &rules);
        make(&mut load, &rules);
        let servers = vec![(target(80, 2).1, 0), (target(80, 3).1, 0)];
        load.read(target(80, 1).0, servers, |_, present| present);
        assert_eq!(make(&mut load, &rules), [(2, 20)]);
    }

    #[test]
    fn the_next_server_serves_before_the_last_one_stops() {
        let (mut load, rules) = (Load::default(), Rules { fall: 1, rise: 1, ..Rules::default() });
        read(&mut load, &[10, 20]);
        hear_by(&mut load, 2, "down", &rules);
        assert_eq!(make(&mut load, &rules), [(2, 0)]);
        hear_by(&mut load, 1, "drain", &rules);
        hear_by(&mut load, 2, "up", &rules);
        assert_eq!(make(&mut load, &rules), [(2, 20), (1, 0)]);
    }

    #[test]
    fn a_weight_of_the_moment_can_become_the_configured_one() {
        let (mut load, rules) = (Load::default(), Rules::default());
        read(&mut load, &[100, 80]);
        hear(&mut load, 1, "50%");
        hear(&mut load, 2, "50%");
        make(&mut load, &rules);
        load.confirm(|target| target.1 == id(1));
        let back: Vec<u32> = load.put_back().iter().map(|change| change.to).collect();
        assert_eq!(back, [80]);
        assert_eq!(make(&mut load, &rules), [(1, 25)]);
    }

    #[test]
    fn services_and_servers_come_and_go() {
        let (mut load, rules) = (Load::default(), Rules::default());
        read(&mut load, &[100, 100]);
        hear(&mut load, 1, "50%");
        make(&mut load, &rules);
        assert!(read(&mut load, &[50, 100, 7]).is_empty());
        assert_eq!(load.count(), (1, 3, 0));
        load.read_all([], |_, present| present);
        assert_eq!((load.count(), load.take_strange().len()), ((0, 0, 0), 3));
        assert_eq!(hear(&mut load, 1, "50%"), None);
        // It has come back, and nobody remembers.
        read(&mut load, &[50, 100]);
        assert_eq!(load.put_back(), []);
    }

    #[test]
    fn the_configured_weights_of_an_earlier_run_are_known() {
        let mut load = Load::default();
        let servers = vec![(target(80, 1).1, 25), (target(80, 2).1, 0), (target(80, 3).1, 0)];
        let noted = |target: Target, present| if target.1 == id(3) { present } else { 100 };
        load.read_all([(target(80, 1).0, servers)], noted);
        // Nothing changes before there are answers.
        assert_eq!(make(&mut load, &Rules::default()), []);
        let back: Vec<u32> = load.put_back().iter().map(|change| change.to).collect();
        assert_eq!(back, [100, 100]);
    }

    pub(in crate::load) fn id(host: u8) -> DestinationId {
        target(80, host).1
    }

    #[test]
    fn a_fight_is_noticed() {
        let (mut load, rules) = (Load::default(), Rules::default());
        read(&mut load, &[100, 100]);
        hear(&mut load, 1, "50%");
        let mut fights = 0;
        for _ in 0..10 {
            make(&mut load, &rules);
            fights += read(&mut load, &[100, 100]).contains(&Event::Fight(target(80, 1))) as usize;
        }
        assert_eq!(fights, 1);
    }

    #[test]
    fn silence_is_told_once() {
        let (mut load, rules) = (Load::default(), Rules::default());
        read(&mut load, &[100]);
        let mut silence = || load.hear(target(80, 1), &Heard::Silence("refused".into()), &rules);
        assert_eq!([silence(), silence()], [None, None]);
        assert_eq!(silence(), Some(Event::Silent(target(80, 1), "no answer 3 times: refused".into())));
        assert_eq!(silence(), None);
        assert_eq!(hear(&mut load, 1, "9%"), None);
        assert_eq!(hear(&mut load, 1, "9%"), Some(Event::Answers(target(80, 1), "9%".into())));
    }
}
