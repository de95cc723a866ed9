//! The way back: reverting the accepted steps, and nothing that other writers have done.

use rustc_hash::FxHashMap;

use super::object::Object;
use crate::daemon::{DaemonState, SyncDaemon};
use crate::destination::{Destination, DestinationId};
use crate::request::Change;
use crate::same::{same_daemon, same_destination, same_service, same_timeouts};
use crate::service::{Service, ServiceId};
use crate::settings::Timeouts;
use crate::snapshot::{Snapshot, TableEntry};

/// The accepted steps, oldest first, with the table that each plan was made for.
#[derive(Debug, Default)]
pub(super) struct Journal {
    rounds: Vec<(Snapshot, Vec<Change>)>,
}

/// The changes that revert a journal.
#[derive(Debug, Default)]
pub(super) struct Reverted {
    pub(super) changes: Vec<Change>,
    /// Objects that cannot be reverted, because another writer has changed them since.
    pub(super) contested: Vec<Object>,
}

impl Journal {
    /// Begins a round of steps that are planned for this table.
    pub(super) fn start_round(&mut self, before: Snapshot) {
        self.rounds.push((before, Vec::new()));
    }

    /// Notes an accepted step of the present round.
    pub(super) fn note(&mut self, change: Change) {
        if let Some((_, changes)) = self.rounds.last_mut() {
            changes.push(change);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rounds.iter().all(|(_, changes)| changes.is_empty())
    }

    /// Returns the accepted steps, oldest first.
    pub(super) fn changes(&self) -> Vec<Change> {
        self.rounds.iter().flat_map(|(_, changes)| changes).copied().collect()
    }

    /// Finds the changes that revert the steps, newest first, each only if its object still is as the step left it.
    pub(super) fn revert(&self, present: &Snapshot) -> Reverted {
        let mut present = Present::from(present);
        let mut reverted = Reverted::default();
        for (before, changes) in self.rounds.iter().rev() {
            let before = Before::from(before);
            for change in changes.iter().rev() {
                match present.revert(change, &before) {
                    Ok(changes) => reverted.changes.extend(changes),
                    Err(object) => reverted.contested.push(object),
                }
            }
        }
        reverted
    }
}

/// The table before a round, indexed.
struct Before<'a> {
    snapshot: &'a Snapshot,
    entries: FxHashMap<ServiceId, &'a TableEntry>,
}

impl<'a> From<&'a Snapshot> for Before<'a> {
    fn from(snapshot: &'a Snapshot) -> Self {
        let entries = snapshot.table.entries.iter().map(|entry| (entry.service.id(), entry)).collect();
        Self { snapshot, entries }
    }
}

impl Before<'_> {
    fn service(&self, id: ServiceId) -> Option<Service> {
        self.entries.get(&id).map(|entry| entry.service.settings)
    }

    fn destination(&self, id: ServiceId, destination: DestinationId) -> Option<Destination> {
        let destinations = &self.entries.get(&id)?.destinations;
        destinations.iter().find(|state| state.id() == destination).map(|state| state.settings)
    }

    fn daemon(&self, state: DaemonState) -> Option<SyncDaemon> {
        self.snapshot.daemons.iter().find(|daemon| daemon.state == state).copied()
    }
}

/// The present table, on which the reverting changes are played.
struct Present {
    services: FxHashMap<ServiceId, (Service, FxHashMap<DestinationId, Destination>)>,
    timeouts: Timeouts,
    daemons: Vec<SyncDaemon>,
}

impl From<&Snapshot> for Present {
    fn from(snapshot: &Snapshot) -> Self {
        let services = snapshot.table.entries.iter().map(|entry| {
            let destinations = entry.destinations.iter().map(|state| (state.id(), state.settings));
            (entry.service.id(), (entry.service.settings, destinations.collect()))
        });
        Self { services: services.collect(), timeouts: snapshot.timeouts, daemons: snapshot.daemons.clone() }
    }
}

impl Present {
    /// Reverts a step. What is as before already needs nothing.
    ///
    /// # Errors
    /// The object, if another writer has changed it since.
    fn revert(&mut self, change: &Change, before: &Before<'_>) -> Result<Vec<Change>, Object> {
        let reverted = match *change {
            Change::AddService(added) => self.revert_added_service(added),
            Change::SetService(set) => self.revert_set_service(set, before),
            Change::DeleteService(id) => self.revert_deleted_service(id, before),
            Change::AddDestination(id, added) => self.revert_added_destination(id, added),
            Change::SetDestination(id, set) => self.revert_set_destination(id, set, before),
            Change::DeleteDestination(id, deleted) => self.revert_deleted_destination(id, deleted, before),
            Change::SetTimeouts(set) => self.revert_set_timeouts(set, before.snapshot.timeouts),
            Change::StartDaemon(started) => self.revert_started_daemon(started, before),
            Change::StopDaemon(state) => self.revert_stopped_daemon(state, before),
            // A plan has neither.
            Change::Zero(_) | Change::Flush => Some(Vec::new()),
        };
        reverted.ok_or_else(|| Object::from(change))
    }

    // Each of the following returns `None` if another writer has changed the object since.

    fn revert_added_service(&mut self, added: Service) -> Option<Vec<Change>> {
        let Some((present, destinations)) = self.services.get(&added.id()) else { return Some(Vec::new()) };
        if !same_service(present, &added) || !destinations.is_empty() {
            return None;
        }
        self.services.remove(&added.id());
        Some(vec![Change::DeleteService(added.id())])
    }

    fn revert_set_service(&mut self, set: Service, before: &Before<'_>) -> Option<Vec<Change>> {
        let (present, _) = self.services.get_mut(&set.id())?;
        let before = before.service(set.id())?;
        if same_service(present, &before) {
            return Some(Vec::new());
        }
        same_service(present, &set).then(|| {
            *present = before;
            vec![Change::SetService(before)]
        })
    }

    fn revert_deleted_service(&mut self, id: ServiceId, before: &Before<'_>) -> Option<Vec<Change>> {
        let entry = before.entries.get(&id)?;
        if self.services.contains_key(&id) {
            return self.has_entry(entry).then(Vec::new);
        }
        Some(self.add_entry(entry))
    }

    fn revert_added_destination(&mut self, id: ServiceId, added: Destination) -> Option<Vec<Change>> {
        let Some((_, destinations)) = self.services.get_mut(&id) else { return Some(Vec::new()) };
        let Some(present) = destinations.get(&added.id) else { return Some(Vec::new()) };
        if !same_destination(present, &added) {
            return None;
        }
        destinations.remove(&added.id);
        Some(vec![Change::DeleteDestination(id, added.id)])
    }

    fn revert_set_destination(
        &mut self,
        id: ServiceId,
        set: Destination,
        before: &Before<'_>,
    ) -> Option<Vec<Change>> {
        let (_, destinations) = self.services.get_mut(&id)?;
        let present = destinations.get_mut(&set.id)?;
        let before = before.destination(id, set.id)?;
        if same_destination(present, &before) {
            return Some(Vec::new());
        }
        same_destination(present, &set).then(|| {
            *present = before;
            vec![Change::SetDestination(id, before)]
        })
    }

    fn revert_deleted_destination(
        &mut self,
        id: ServiceId,
        deleted: DestinationId,
        before: &Before<'_>,
    ) -> Option<Vec<Change>> {
        let (_, destinations) = self.services.get_mut(&id)?;
        let before = before.destination(id, deleted)?;
        if let Some(present) = destinations.get(&deleted) {
            return same_destination(present, &before).then(Vec::new);
        }
        destinations.insert(deleted, before);
        Some(vec![Change::AddDestination(id, before)])
    }

    fn revert_set_timeouts(&mut self, set: Timeouts, before: Timeouts) -> Option<Vec<Change>> {
        if self.timeouts == before {
            return Some(Vec::new());
        }
        same_timeouts(&self.timeouts, &set).then(|| {
            self.timeouts = before;
            vec![Change::SetTimeouts(before)]
        })
    }

    fn revert_started_daemon(&mut self, started: SyncDaemon, before: &Before<'_>) -> Option<Vec<Change>> {
        let Some(index) = self.daemons.iter().position(|daemon| daemon.state == started.state) else {
            return Some(Vec::new());
        };
        if before.daemon(started.state) == Some(self.daemons[index]) {
            return Some(Vec::new());
        }
        same_daemon(&self.daemons[index], &started).then(|| {
            self.daemons.remove(index);
            vec![Change::StopDaemon(started.state)]
        })
    }

    fn revert_stopped_daemon(&mut self, state: DaemonState, before: &Before<'_>) -> Option<Vec<Change>> {
        let before = before.daemon(state)?;
        if let Some(present) = self.daemons.iter().find(|daemon| daemon.state == state) {
            return (*present == before).then(Vec::new);
        }
        self.daemons.push(before);
        Some(vec![Change::StartDaemon(before)])
    }

    /// Adds a deleted service with its destinations in the kernel's order: new ones go to the head of the list.
    fn add_entry(&mut self, entry: &TableEntry) -> Vec<Change> {
        let id = entry.service.id();
        let destinations = entry.destinations.iter().rev().map(|state| state.settings);
        let index = destinations.clone().map(|destination| (destination.id, destination)).collect();
        self.services.insert(id, (entry.service.settings, index));
        let additions = destinations.map(|destination| Change::AddDestination(id, destination));
        std::iter::once(Change::AddService(entry.service.settings)).chain(additions).collect()
    }

    /// Returns whether a deleted service is back as it was.
    fn has_entry(&self, entry: &TableEntry) -> bool {
        let Some((service, destinations)) = self.services.get(&entry.service.id()) else { return false };
        let has = |settings: &Destination| {
            destinations.get(&settings.id).is_some_and(|present| same_destination(present, settings))
        };
        same_service(service, &entry.service.settings)
            && destinations.len() == entry.destinations.len()
            && entry.destinations.iter().all(|state| has(&state.settings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::DestinationState;
    use crate::service::ServiceState;
    use crate::snapshot::Table;
    use crate::stats::Stats;

    fn service(port: u16) -> Service {
        Service::new(ServiceId::tcp(([192, 0, 2, 1], port)))
    }

    fn server(host: u8, weight: u32) -> Destination {
        Destination::new(DestinationId::new([10, 0, 0, host], 80)).with_weight(weight)
    }

    fn snapshot(services: &[(Service, &[Destination])]) -> Snapshot {
        let entries = services.iter().map(|&(service, servers)| {
            let destinations = servers.iter().copied().map(DestinationState::new);
            TableEntry::new(ServiceState::new(service, Stats::default()), destinations.collect())
        });
        let (table, timeouts) = (Table::new(entries.collect()), Timeouts::new(900, 120, 300));
        Snapshot { table, timeouts, daemons: Vec::new() }
    }

    /// Reverts steps that were planned for the table `before`.
    fn revert(before: Snapshot, steps: &[Change], present: &Snapshot) -> (Vec<Change>, Vec<Object>) {
        let mut journal = Journal::default();
        journal.start_round(before);
        steps.iter().for_each(|&step| journal.note(step));
        let Reverted { changes, contested } = journal.revert(present);
        (changes, contested)
    }

    #[test]
    fn steps_are_reverted_newest_first() {
        let (web, tls) = (service(80), service(443));
        let persistent = web.with_persistence(60);
        let before = snapshot(&[(web, &[server(1, 1), server(2, 1)]), (tls, &[server(4, 1), server(3, 1)])]);
        let after = snapshot(&[(persistent, &[server(1, 5)]), (service(90), &[server(9, 1)])]);
        let steps = [
            Change::SetService(persistent),
            Change::SetDestination(web.id(), server(1, 5)),
            Change::AddService(service(90)),
            Change::AddDestination(service(90).id(), server(9, 1)),
            Change::DeleteDestination(web.id(), server(2, 1).id),
            Change::DeleteService(tls.id()),
        ];
        let (changes, contested) = revert(before.clone(), &steps, &after);
        assert_eq!(
            changes,
            [
                Change::AddService(tls),
                Change::AddDestination(tls.id(), server(3, 1)),
                Change::AddDestination(tls.id(), server(4, 1)),
                Change::AddDestination(web.id(), server(2, 1)),
                Change::DeleteDestination(service(90).id(), server(9, 1).id),
                Change::DeleteService(service(90).id()),
                Change::SetDestination(web.id(), server(1, 1)),
                Change::SetService(web),
            ]
        );
        assert_eq!(contested, []);
        assert_eq!(revert(before.clone(), &steps, &before), (vec![], vec![]));
    }

    #[test]
    fn objects_that_another_writer_changed_since_are_left_and_named() {
        let (web, other) = (service(80), service(443));
        let before = snapshot(&[(web, &[server(1, 1), server(2, 1)])]);
        let steps = [
            Change::AddService(other),
            Change::SetDestination(web.id(), server(1, 5)),
            Change::AddDestination(web.id(), server(3, 1)),
            Change::DeleteDestination(web.id(), server(2, 1).id),
        ];
        let after = snapshot(&[
            (web, &[server(1, 0), server(2, 7), server(3, 9), server(8, 1)]),
            (other, &[server(8, 1)]),
        ]);
        let (changes, contested) = revert(before, &steps, &after);
        assert_eq!(changes, []);
        assert_eq!(
            contested,
            [
                Object::Destination(web.id(), server(2, 1).id),
                Object::Destination(web.id(), server(3, 1).id),
                Object::Destination(web.id(), server(1, 1).id),
                Object::Service(other.id()),
            ]
        );
    }

    #[test]
    fn additions_that_are_gone_need_no_reverting() {
        let steps = [Change::AddService(service(80)), Change::AddDestination(service(80).id(), server(1, 1))];
        assert_eq!(revert(snapshot(&[]), &steps, &snapshot(&[])), (vec![], vec![]));
    }

    #[test]
    fn timeouts_and_daemons_are_reverted_only_if_nobody_changed_them_since() {
        let interface = "eth0".parse().unwrap();
        let old = SyncDaemon::new(DaemonState::Master, interface).with_sync_id(1);
        let new = old.with_sync_id(2);
        let mut before = snapshot(&[]);
        before.daemons = vec![old];
        let steps = [
            Change::SetTimeouts(Timeouts::new(1, 0, 0)),
            Change::StopDaemon(DaemonState::Master),
            Change::StartDaemon(new),
        ];
        let mut after = before.clone();
        (after.daemons, after.timeouts) = (vec![new], Timeouts::new(1, 120, 300));
        let back = [
            Change::StopDaemon(DaemonState::Master),
            Change::StartDaemon(old),
            Change::SetTimeouts(before.timeouts),
        ];
        assert_eq!(revert(before.clone(), &steps, &after), (back.to_vec(), vec![]));
        (after.daemons, after.timeouts) = (vec![old.with_sync_id(3)], Timeouts::new(7, 120, 300));
        let (changes, contested) = revert(before, &steps, &after);
        assert_eq!(changes, []);
        assert!(contested.contains(&Object::Daemon(DaemonState::Master)));
        assert!(contested.contains(&Object::Timeouts));
    }
}
