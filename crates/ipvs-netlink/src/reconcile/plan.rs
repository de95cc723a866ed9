//! The difference between two tables, found in time linear in their sizes.

use rustc_hash::FxHashMap;

use super::desired::{Desired, DesiredService};
use super::summary::Summary;
use crate::destination::{Destination, DestinationId};
use crate::request::Change;
use crate::same::{same_daemon, same_destination, same_service, same_timeouts};
use crate::service::ServiceId;
use crate::snapshot::{Snapshot, TableEntry};

/// The fate of services that the desired table does not list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlisted {
    /// They are deleted.
    Delete,
    /// They are left alone, because another program manages them.
    Keep,
}

/// One step of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step<O = ()> {
    /// The change.
    pub change: Change,
    /// The origin of the desired settings; deletions have none.
    pub origin: Option<O>,
}

/// The changes that lead from one table to another.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan<O = ()> {
    /// The steps in order: additions and edits first, then weights of 0, then deletions.
    pub steps: Vec<Step<O>>,
    /// The number of steps that are additions and edits.
    pub additions: usize,
    /// The number of steps after them that give destinations the weight 0 before they are deleted. Only
    /// [`plan_draining`] makes such steps.
    pub drains: usize,
    /// The number of objects that change, and of those that do not.
    pub summary: Summary,
}

/// Finds the smallest list of changes from `present` to `desired`.
pub fn plan<O: Copy>(present: &Snapshot, desired: &Desired<O>, unlisted: Unlisted) -> Plan<O> {
    Planner::new(false).compare(present, desired, unlisted)
}

/// Finds the same changes, and before the deletions those that give the destinations concerned the weight 0, so that
/// they get no new connections. All their other settings stay. [`drain`](super::drain) carries such a plan out as far
/// as the deletions.
pub fn plan_draining<O: Copy>(present: &Snapshot, desired: &Desired<O>, unlisted: Unlisted) -> Plan<O> {
    Planner::new(true).compare(present, desired, unlisted)
}

struct Planner<O> {
    draining: bool,
    additions: Vec<Step<O>>,
    drains: Vec<Step<O>>,
    deletions: Vec<Step<O>>,
    summary: Summary,
}

impl<O: Copy> Planner<O> {
    fn new(draining: bool) -> Self {
        let (additions, drains, deletions) = (Vec::new(), Vec::new(), Vec::new());
        Self { draining, additions, drains, deletions, summary: Summary::default() }
    }

    fn compare(mut self, present: &Snapshot, desired: &Desired<O>, unlisted: Unlisted) -> Plan<O> {
        let entries = &present.table.entries;
        let present_services: FxHashMap<ServiceId, &TableEntry> =
            entries.iter().map(|entry| (entry.service.id(), entry)).collect();
        for service in desired.services() {
            self.compare_service(present_services.get(&service.settings.id()).copied(), service);
        }
        for entry in entries {
            if desired.service(entry.service.id()).is_none() {
                self.unlisted_service(entry, unlisted);
            }
        }
        self.compare_settings(present, desired);
        self.finish()
    }

    fn add(&mut self, change: Change, origin: O) {
        self.additions.push(Step { change, origin: Some(origin) });
    }

    fn delete(&mut self, change: Change) {
        self.deletions.push(Step { change, origin: None });
    }

    /// Lets a destination that is going to be deleted get no new connections.
    fn drain(&mut self, id: ServiceId, destination: &Destination) {
        if self.draining && destination.weight != 0 {
            let change = Change::SetDestination(id, destination.with_weight(0));
            self.drains.push(Step { change, origin: None });
        }
    }

    /// Compares a desired service with the present one of the same id, if there is one.
    fn compare_service(&mut self, present: Option<&TableEntry>, desired: &DesiredService<O>) {
        let counts = &mut self.summary.services;
        match present.map(|entry| same_service(&entry.service.settings, &desired.settings)) {
            None => {
                counts.added += 1;
                self.add(Change::AddService(desired.settings), desired.origin);
            }
            Some(false) => {
                counts.changed += 1;
                self.add(Change::SetService(desired.settings), desired.origin);
            }
            Some(true) => counts.untouched += 1,
        }
        let id = desired.settings.id();
        let present = present.map_or(&[][..], |entry| &entry.destinations);
        let mut unlisted: FxHashMap<DestinationId, &Destination> =
            present.iter().map(|state| (state.id(), &state.settings)).collect();
        for &(destination, origin) in desired.destinations() {
            self.compare_destination(id, unlisted.remove(&destination.id), destination, origin);
        }
        if unlisted.is_empty() {
            return;
        }
        for state in present.iter().filter(|state| unlisted.contains_key(&state.id())) {
            self.summary.destinations.deleted += 1;
            self.drain(id, &state.settings);
            self.delete(Change::DeleteDestination(id, state.id()));
        }
    }

    fn compare_destination(
        &mut self,
        id: ServiceId,
        present: Option<&Destination>,
        desired: Destination,
        origin: O,
    ) {
        let counts = &mut self.summary.destinations;
        match present.map(|present| same_destination(present, &desired)) {
            None => {
                counts.added += 1;
                self.add(Change::AddDestination(id, desired), origin);
            }
            Some(false) => {
                counts.changed += 1;
                self.add(Change::SetDestination(id, desired), origin);
            }
            Some(true) => counts.untouched += 1,
        }
    }

    fn unlisted_service(&mut self, entry: &TableEntry, unlisted: Unlisted) {
        let Summary { services, destinations, .. } = &mut self.summary;
        match unlisted {
            Unlisted::Keep => {
                services.untouched += 1;
                destinations.untouched += entry.destinations.len();
            }
            Unlisted::Delete => {
                services.deleted += 1;
                destinations.deleted += entry.destinations.len();
                let id = entry.service.id();
                entry.destinations.iter().for_each(|state| self.drain(id, &state.settings));
                self.delete(Change::DeleteService(id));
            }
        }
    }

    /// Compares timeouts and sync daemons. Those that the desired table does not name are left alone.
    fn compare_settings(&mut self, present: &Snapshot, desired: &Desired<O>) {
        if let Some((timeouts, origin)) = desired.timeouts() {
            if !same_timeouts(&present.timeouts, &timeouts) {
                self.summary.timeouts = true;
                self.add(Change::SetTimeouts(timeouts), origin);
            }
        }
        for &(daemon, origin) in desired.daemons() {
            let counts = &mut self.summary.daemons;
            match present.daemons.iter().find(|running| running.state == daemon.state) {
                Some(running) if same_daemon(running, &daemon) => counts.untouched += 1,
                Some(_) => {
                    counts.changed += 1;
                    self.add(Change::StopDaemon(daemon.state), origin);
                    self.add(Change::StartDaemon(daemon), origin);
                }
                None => {
                    counts.added += 1;
                    self.add(Change::StartDaemon(daemon), origin);
                }
            }
        }
    }

    fn finish(self) -> Plan<O> {
        let (additions, drains) = (self.additions.len(), self.drains.len());
        let mut steps = self.additions;
        steps.extend(self.drains);
        steps.extend(self.deletions);
        Plan { steps, additions, drains, summary: self.summary }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::{DaemonState, SyncDaemon};
    use crate::destination::{DestinationState, Forwarding};
    use crate::service::{Netmask, Service, ServiceState};
    use crate::settings::Timeouts;
    use crate::snapshot::Table;
    use crate::stats::Stats;

    fn service(port: u16) -> Service {
        Service::new(ServiceId::tcp(([192, 0, 2, 1], port)))
    }

    fn server(host: u8) -> Destination {
        Destination::new(DestinationId::new([10, 0, 0, host], 80))
    }

    fn present(services: &[(Service, &[Destination])]) -> Snapshot {
        let entries = services.iter().map(|&(service, servers)| {
            let destinations = servers.iter().copied().map(DestinationState::new);
            TableEntry::new(ServiceState::new(service, Stats::default()), destinations.collect())
        });
        Snapshot {
            table: Table::new(entries.collect()),
            timeouts: Timeouts::new(900, 120, 300),
            daemons: Vec::new(),
        }
    }

    /// Makes a desired table with the origin 7 for services and 8 for destinations.
    fn desired(services: &[(Service, &[Destination])]) -> Desired<usize> {
        let mut desired = Desired::default();
        for (service, servers) in services {
            desired.follow(&Change::AddService(*service), 7).unwrap();
            for server in *servers {
                desired.follow(&Change::AddDestination(service.id(), *server), 8).unwrap();
            }
        }
        desired
    }

    fn changes(present: &Snapshot, desired: &Desired<usize>) -> Vec<Change> {
        plan(present, desired, Unlisted::Delete).steps.iter().map(|step| step.change).collect()
    }

    #[test]
    fn equal_settings_are_not_touched() {
        let table = [(service(80), &[server(1), server(2)][..]), (service(443), &[])];
        let plan = plan(&present(&table), &desired(&table), Unlisted::Delete);
        assert_eq!(plan.steps, []);
        assert_eq!(plan.summary.to_string(), "2 services untouched, 2 servers untouched");
    }

    #[test]
    fn additions_and_edits_come_before_deletions() {
        let (mut heavy, mut persistent) = (server(2), service(80));
        heavy.weight = 9;
        persistent.persistence = Some(60);
        let before = present(&[
            (service(80), &[server(1), server(2), server(3)]),
            (service(81), &[server(1)]),
            (service(82), &[server(1)]),
        ]);
        let after = desired(&[
            (persistent, &[heavy, server(3), server(4)]),
            (service(82), &[server(1)]),
            (service(90), &[server(5)]),
        ]);
        let id = service(80).id();
        assert_eq!(
            changes(&before, &after),
            [
                Change::SetService(persistent),
                Change::SetDestination(id, heavy),
                Change::AddDestination(id, server(4)),
                Change::AddService(service(90)),
                Change::AddDestination(service(90).id(), server(5)),
                Change::DeleteDestination(id, server(1).id),
                Change::DeleteService(service(81).id()),
            ]
        );
        let plan = plan(&before, &after, Unlisted::Keep);
        assert_eq!((plan.additions, plan.steps.len()), (5, 6));
        assert_eq!(plan.steps[0].origin, Some(7));
        assert_eq!(plan.steps[1].origin, Some(8));
        assert_eq!(
            plan.summary.to_string(),
            "1 service added, 1 changed, 2 untouched, 2 servers added, 1 changed, 1 deleted, 3 untouched"
        );
    }

    #[test]
    fn what_is_dropped_gets_weight_0_between_additions_and_deletions() {
        let tunnelled = server(2).with_forwarding(Forwarding::Tunnel).with_weight(7).with_thresholds(9, 3);
        let before = present(&[
            (service(80), &[server(1), tunnelled, server(3).with_weight(0)]),
            (service(81), &[server(1), server(2).with_weight(0)]),
            (service(82), &[]),
        ]);
        let after = desired(&[(service(80), &[server(1), server(4)])]);
        let (id, other) = (service(80).id(), service(81).id());
        let plan = plan_draining(&before, &after, Unlisted::Delete);
        let changes: Vec<Change> = plan.steps.iter().map(|step| step.change).collect();
        assert_eq!(
            changes,
            [
                Change::AddDestination(id, server(4)),
                Change::SetDestination(id, tunnelled.with_weight(0)),
                Change::SetDestination(other, server(1).with_weight(0)),
                Change::DeleteDestination(id, server(2).id),
                Change::DeleteDestination(id, server(3).id),
                Change::DeleteService(other),
                Change::DeleteService(service(82).id()),
            ]
        );
        assert_eq!((plan.additions, plan.drains), (1, 2));
        assert_eq!(plan.summary, super::plan(&before, &after, Unlisted::Delete).summary);
        let plan = plan_draining(&before, &after, Unlisted::Keep);
        assert_eq!((plan.additions, plan.drains, plan.steps.len()), (1, 1, 4));
    }

    #[test]
    fn settings_that_the_kernel_chose_or_ignores_make_no_difference() {
        let mut masked = service(80);
        masked.set_netmask(Netmask::V4([255, 255, 0, 0].into())).unwrap();
        let local = Destination { forwarding: Forwarding::Local, ..server(1) };
        let before = present(&[(masked, &[local])]);
        assert_eq!(changes(&before, &desired(&[(service(80), &[server(1)])])), []);
        let mut persistent = service(80);
        persistent.persistence = Some(1);
        let after = desired(&[(persistent, &[server(1)])]);
        assert_eq!(changes(&before, &after), [Change::SetService(persistent)]);
    }

    #[test]
    fn timeouts_and_daemons_change_only_if_they_are_named_and_differ() {
        let mut before = present(&[]);
        let interface = "eth0".parse().unwrap();
        let running = SyncDaemon {
            max_length: 1472,
            group: Some([224, 0, 0, 81].into()),
            port: 8848,
            ttl: 1,
            ..SyncDaemon::new(DaemonState::Master, interface)
        };
        before.daemons = vec![running];
        let mut after = desired(&[]);
        assert_eq!(changes(&before, &after), []);
        after.follow(&Change::SetTimeouts(Timeouts::new(0, 120, 300)), 1).unwrap();
        let master = SyncDaemon::new(DaemonState::Master, interface);
        after.follow(&Change::StartDaemon(master), 2).unwrap();
        assert_eq!(changes(&before, &after), []);
        let mut after = desired(&[]);
        let timeouts = Timeouts::new(0, 60, 0);
        let other = SyncDaemon { sync_id: 5, ..master };
        let backup = SyncDaemon::new(DaemonState::Backup, interface);
        for change in [Change::SetTimeouts(timeouts), Change::StartDaemon(other), Change::StartDaemon(backup)]
        {
            after.follow(&change, 1).unwrap();
        }
        assert_eq!(
            changes(&before, &after),
            [
                Change::SetTimeouts(timeouts),
                Change::StopDaemon(DaemonState::Master),
                Change::StartDaemon(other),
                Change::StartDaemon(backup),
            ]
        );
    }
}
