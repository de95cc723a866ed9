//! The difference between two tables, in time linear in their sizes.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::{Snapshot, Wanted};
use crate::model::{
    Change, Destination, DestinationId, DestinationState, Forwarding, Service, ServiceId, SyncDaemon,
    TableEntry, Timeouts,
};

/// What becomes of services that are not wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// They are deleted.
    Delete,
    /// They are left alone: something else manages them.
    Keep,
}

/// One step of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What is changed.
    pub change: Change,
    /// The caller's number of the part of the wanted table that asks for it; deletions have none.
    pub origin: Option<usize>,
}

/// What leads from one table to another.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The steps in order: additions and edits first, then deletions.
    pub steps: Vec<Step>,
    /// How many steps are additions and edits.
    pub gentle: usize,
    /// How much is changed and how much is not.
    pub summary: Summary,
}

/// How many of one kind are changed in which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// New ones.
    pub added: usize,
    /// Ones whose settings change.
    pub changed: usize,
    /// Ones that go.
    pub deleted: usize,
    /// Ones that are as wanted, or none of our business.
    pub untouched: usize,
}

/// How much a plan changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Virtual services.
    pub services: Counts,
    /// Real servers.
    pub servers: Counts,
    /// Sync daemons that are started, or stopped and started with other settings.
    pub daemons: Counts,
    /// Whether the timeouts change.
    pub timeouts: bool,
}

impl fmt::Display for Summary {
    /// `2 services added, 1 changed, 14 servers untouched`; what is 0 is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        for (kind, counts) in
            [("service", self.services), ("server", self.servers), ("sync daemon", self.daemons)]
        {
            let Counts { added, changed, deleted, untouched } = counts;
            let mut named = false;
            for (count, what) in
                [(added, "added"), (changed, "changed"), (deleted, "deleted"), (untouched, "untouched")]
            {
                if count == 0 {
                    continue;
                }
                let plural = if count == 1 { "" } else { "s" };
                parts.push(match named {
                    true => format!("{count} {what}"),
                    false => format!("{count} {kind}{plural} {what}"),
                });
                named = true;
            }
        }
        if self.timeouts {
            parts.push("timeouts changed".into());
        }
        match parts.is_empty() {
            true => f.write_str("nothing there, nothing to do"),
            false => f.write_str(&parts.join(", ")),
        }
    }
}

/// The smallest list of changes from `present` to `wanted`.
pub fn plan(present: &Snapshot, wanted: &Wanted, others: Others) -> Plan {
    let mut gentle = Vec::new();
    let mut deletions = Vec::new();
    let mut summary = Summary::default();
    let there: HashMap<ServiceId, &TableEntry> =
        present.table.entries.iter().map(|entry| (entry.service.service.id(), entry)).collect();

    for wanted in &wanted.services {
        let id = wanted.service.id();
        let entry = there.get(&id);
        let origin = Some(wanted.origin);
        match entry.map(|entry| same_service(&entry.service.service, &wanted.service)) {
            None => {
                summary.services.added += 1;
                gentle.push(Step { change: Change::AddService(wanted.service), origin });
            }
            Some(false) => {
                summary.services.changed += 1;
                gentle.push(Step { change: Change::SetService(wanted.service), origin });
            }
            Some(true) => summary.services.untouched += 1,
        }

        let servers: HashMap<DestinationId, &DestinationState> = entry
            .into_iter()
            .flat_map(|entry| &entry.destinations)
            .map(|state| (state.destination.id, state))
            .collect();
        for &(destination, origin) in &wanted.destinations {
            let state = servers.get(&destination.id);
            let origin = Some(origin);
            match state.map(|state| same_destination(&state.destination, &destination)) {
                None => {
                    summary.servers.added += 1;
                    gentle.push(Step { change: Change::AddDestination(id, destination), origin });
                }
                Some(false) => {
                    summary.servers.changed += 1;
                    gentle.push(Step { change: Change::SetDestination(id, destination), origin });
                }
                Some(true) => summary.servers.untouched += 1,
            }
        }
        let kept: HashSet<DestinationId> =
            wanted.destinations.iter().map(|(destination, _)| destination.id).collect();
        for state in entry.into_iter().flat_map(|entry| &entry.destinations) {
            let server = state.destination.id;
            if !kept.contains(&server) {
                summary.servers.deleted += 1;
                deletions.push(Step { change: Change::DeleteDestination(id, server), origin: None });
            }
        }
    }

    let kept: HashSet<ServiceId> = wanted.services.iter().map(|wanted| wanted.service.id()).collect();
    for entry in &present.table.entries {
        let id = entry.service.service.id();
        if kept.contains(&id) {
            continue;
        }
        match others {
            Others::Keep => {
                summary.services.untouched += 1;
                summary.servers.untouched += entry.destinations.len();
            }
            Others::Delete => {
                summary.services.deleted += 1;
                summary.servers.deleted += entry.destinations.len();
                deletions.push(Step { change: Change::DeleteService(id), origin: None });
            }
        }
    }

    if let Some((timeouts, origin)) = wanted.timeouts {
        if !same_timeouts(&present.timeouts, &timeouts) {
            summary.timeouts = true;
            gentle.push(Step { change: Change::SetTimeouts(timeouts), origin: Some(origin) });
        }
    }
    for &(daemon, origin) in &wanted.daemons {
        let origin = Some(origin);
        match present.daemons.iter().find(|running| running.state == daemon.state) {
            Some(running) if same_daemon(running, &daemon) => summary.daemons.untouched += 1,
            Some(_) => {
                summary.daemons.changed += 1;
                gentle.push(Step { change: Change::StopDaemon(daemon.state), origin });
                gentle.push(Step { change: Change::StartDaemon(daemon), origin });
            }
            None => {
                summary.daemons.added += 1;
                gentle.push(Step { change: Change::StartDaemon(daemon), origin });
            }
        }
    }

    let count = gentle.len();
    gentle.extend(deletions);
    Plan { steps: gentle, gentle: count, summary }
}

/// Without persistence its netmask means nothing.
fn same_service(present: &Service, wanted: &Service) -> bool {
    let mut present = *present;
    if present.persistence.is_none() && wanted.persistence.is_none() {
        // The families are the same, as the ids are.
        let _ = present.set_netmask(wanted.netmask());
    }
    present == *wanted
}

/// The kernel itself makes a server local; without tunnelling its encapsulation means nothing.
fn same_destination(present: &Destination, wanted: &Destination) -> bool {
    let mut present = *present;
    if present.forwarding == Forwarding::Local {
        present.forwarding = wanted.forwarding;
    }
    if wanted.forwarding != Forwarding::Tunnel {
        present.tunnel = wanted.tunnel;
    }
    present == *wanted
}

fn same_timeouts(present: &Timeouts, wanted: &Timeouts) -> bool {
    let same = |present, wanted| wanted == 0 || present == wanted;
    same(present.tcp, wanted.tcp) && same(present.tcp_fin, wanted.tcp_fin) && same(present.udp, wanted.udp)
}

/// What is left to the kernel may be as the kernel chose.
fn same_daemon(running: &SyncDaemon, wanted: &SyncDaemon) -> bool {
    let &SyncDaemon { max_length, group, port, ttl, .. } = running;
    let either = |wanted, running| if wanted == 0 { running } else { wanted };
    let wanted = SyncDaemon {
        max_length: either(wanted.max_length, max_length),
        port: either(wanted.port, port),
        ttl: if wanted.ttl == 0 { ttl } else { wanted.ttl },
        group: wanted.group.or(group),
        ..*wanted
    };
    *running == wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DaemonState, Netmask, Protocol, ServiceState, Stats, Table};
    use crate::reconcile::WantedService;

    fn service(port: u16) -> Service {
        Service::new(ServiceId::Address { protocol: Protocol::TCP, address: [192, 0, 2, 1].into(), port })
    }

    fn server(host: u8) -> Destination {
        Destination::new(DestinationId { address: [10, 0, 0, host].into(), port: 80 })
    }

    fn state(destination: Destination) -> DestinationState {
        DestinationState {
            destination,
            active_connections: 0,
            inactive_connections: 0,
            persistent_connections: 0,
            stats: Stats::default(),
        }
    }

    fn present(services: &[(Service, &[Destination])]) -> Snapshot {
        let entries = services.iter().map(|(service, servers)| TableEntry {
            service: ServiceState { service: *service, stats: Stats::default() },
            destinations: servers.iter().copied().map(state).collect(),
        });
        Snapshot {
            table: Table { entries: entries.collect() },
            timeouts: Timeouts { tcp: 900, tcp_fin: 120, udp: 300 },
            daemons: Vec::new(),
        }
    }

    fn wanted(services: &[(Service, &[Destination])]) -> Wanted {
        let services = services.iter().map(|(service, servers)| WantedService {
            service: *service,
            origin: 7,
            destinations: servers.iter().map(|&server| (server, 8)).collect(),
        });
        Wanted { services: services.collect(), ..Wanted::default() }
    }

    fn changes(present: &Snapshot, wanted: &Wanted, others: Others) -> Vec<Change> {
        plan(present, wanted, others).steps.iter().map(|step| step.change).collect()
    }

    #[test]
    fn what_is_equal_is_not_touched() {
        let table = [(service(80), &[server(1), server(2)][..]), (service(443), &[])];
        let plan = plan(&present(&table), &wanted(&table), Others::Delete);
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
        let after = wanted(&[
            (persistent, &[heavy, server(3), server(4)]),
            (service(82), &[server(1)]),
            (service(90), &[server(5)]),
        ]);
        let id = service(80).id();
        assert_eq!(
            changes(&before, &after, Others::Delete),
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
        let plan = plan(&before, &after, Others::Keep);
        assert_eq!((plan.gentle, plan.steps.len()), (5, 6));
        assert_eq!(plan.steps[0].origin, Some(7));
        assert_eq!(plan.steps[1].origin, Some(8));
        assert_eq!(
            plan.summary.to_string(),
            "1 service added, 1 changed, 2 untouched, 2 servers added, 1 changed, 1 deleted, 3 untouched"
        );
    }

    #[test]
    fn what_the_kernel_chose_or_ignores_is_no_difference() {
        let mut masked = service(80);
        masked.set_netmask(Netmask::V4([255, 255, 0, 0].into())).unwrap();
        let local = Destination { forwarding: Forwarding::Local, ..server(1) };
        let before = present(&[(masked, &[local])]);
        assert_eq!(changes(&before, &wanted(&[(service(80), &[server(1)])]), Others::Delete), []);
        let mut persistent = service(80);
        persistent.persistence = Some(1);
        let after = wanted(&[(persistent, &[server(1)])]);
        assert_eq!(changes(&before, &after, Others::Delete), [Change::SetService(persistent)]);
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
        let mut after = wanted(&[]);
        assert_eq!(changes(&before, &after, Others::Delete), []);
        after.timeouts = Some((Timeouts { tcp: 0, tcp_fin: 120, udp: 300 }, 1));
        after.daemons = vec![(SyncDaemon::new(DaemonState::Master, interface), 2)];
        assert_eq!(changes(&before, &after, Others::Delete), []);
        let timeouts = Timeouts { tcp: 0, tcp_fin: 60, udp: 0 };
        after.timeouts = Some((timeouts, 1));
        let other = SyncDaemon { sync_id: 5, ..SyncDaemon::new(DaemonState::Master, interface) };
        let backup = SyncDaemon::new(DaemonState::Backup, interface);
        after.daemons = vec![(other, 2), (backup, 3)];
        assert_eq!(
            changes(&before, &after, Others::Delete),
            [
                Change::SetTimeouts(timeouts),
                Change::StopDaemon(DaemonState::Master),
                Change::StartDaemon(other),
                Change::StartDaemon(backup),
            ]
        );
    }
}
