//! The services and destinations that a desired table drops, from the time when it gets no new connections until it is deleted.

use rustc_hash::{FxHashMap, FxHashSet};

use super::object::Object;
use crate::client::Ipvs;
use crate::destination::{Destination, DestinationId, DestinationState};
use crate::error::{Error, Reason};
use crate::request::Change;
use crate::same::{same_destination, same_service};
use crate::service::{Service, ServiceId};
use crate::snapshot::{Snapshot, TableEntry};

/// Services and destinations that a desired table drops, and that [`drain`](super::drain) has left in the kernel's table
/// with the weight 0.
///
/// They are deleted only if they still are as they were left: what another program has changed since is its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    dropped: Vec<Dropped>,
}

/// A dropped service, or the dropped destinations of a service that stays.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Dropped {
    service: Service,
    /// Set if the service is dropped with all its destinations.
    is_whole: bool,
    destinations: FxHashMap<DestinationId, Destination>,
}

/// The outcome of [`Leaving::delete`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Deleted {
    /// The deleted destinations, as they were read just before.
    pub destinations: Vec<(ServiceId, DestinationState)>,
    /// Objects that stay, because another program has changed them since they were left.
    pub changed: Vec<Object>,
}

impl Leaving {
    /// Notes how the objects of deletions are now.
    pub(super) fn new<'a>(present: &Snapshot, deletions: impl Iterator<Item = &'a Change>) -> Self {
        let (mut services, mut destinations) = (FxHashSet::default(), FxHashSet::default());
        for deletion in deletions {
            match *deletion {
                Change::DeleteService(id) => drop(services.insert(id)),
                Change::DeleteDestination(id, destination) => drop(destinations.insert((id, destination))),
                _ => {}
            }
        }
        let dropped = present.table.entries.iter().filter_map(|entry| {
            let id = entry.service.id();
            let is_whole = services.contains(&id);
            let leaves = |state: &&DestinationState| is_whole || destinations.contains(&(id, state.id()));
            let leaving = entry.destinations.iter().filter(leaves).map(|state| (state.id(), state.settings));
            let destinations: FxHashMap<_, _> = leaving.collect();
            let service = entry.service.settings;
            (is_whole || !destinations.is_empty()).then_some(Dropped { service, is_whole, destinations })
        });
        Self { dropped: dropped.collect() }
    }

    /// Returns whether nothing is left to be deleted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.dropped.is_empty()
    }

    /// Returns the destinations whose connections are to end, in no particular order.
    pub fn destinations(&self) -> impl Iterator<Item = (ServiceId, DestinationId)> + '_ {
        self.dropped.iter().flat_map(|dropped| {
            let id = dropped.service.id();
            dropped.destinations.keys().map(move |&destination| (id, destination))
        })
    }

    /// Returns the services that stay and lose destinations.
    pub fn remaining_services(&self) -> impl Iterator<Item = &Service> + '_ {
        self.dropped.iter().filter(|dropped| !dropped.is_whole).map(|dropped| &dropped.service)
    }

    /// Reads everything again, and deletes the destinations for which `is_finished` returns true. A service that is
    /// dropped is deleted with all its destinations when they all are finished. What is gone, or was changed by another
    /// program, is not left any more.
    ///
    /// # Errors
    /// If the kernel cannot be asked, or refuses a deletion. What is still there then is left, and can be tried again.
    pub fn delete(
        &mut self,
        ipvs: &mut Ipvs,
        is_finished: impl Fn(ServiceId, &DestinationState) -> bool,
    ) -> Result<Deleted, Error> {
        let mut deleted = Deleted::default();
        let mut changes = Vec::new();
        let mut left = Vec::new();
        for dropped in &self.dropped {
            if let Some(entry) = dropped.read(ipvs)? {
                left.extend(dropped.sort(&entry, &is_finished, &mut changes, &mut deleted));
            }
        }
        let refused = ipvs.apply(&changes).map_err(|error| error.error)?;
        let is_gone = |reason: &Reason| {
            matches!(reason, Reason::NoSuchService | Reason::ServiceNotDefined | Reason::NoSuchDestination)
        };
        if let Some(refusal) = refused.into_iter().find(|refusal| !is_gone(&refusal.refused.reason)) {
            return Err(refusal.refused.into());
        }
        self.dropped = left;
        Ok(deleted)
    }
}

impl Dropped {
    /// Reads how it is now; `None` if the service is gone.
    fn read(&self, ipvs: &mut Ipvs) -> Result<Option<TableEntry>, Error> {
        let id = self.service.id();
        let mut read = || Ok(TableEntry::new(ipvs.service(id)?, ipvs.destinations(id)?));
        match read() {
            Ok(entry) => Ok(Some(entry)),
            Err(Error::Refused(refused)) if refused.reason == Reason::NoSuchService => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Adds the deletions that are due and what another program has changed, and returns what is still left.
    fn sort(
        &self,
        entry: &TableEntry,
        is_finished: impl Fn(ServiceId, &DestinationState) -> bool,
        changes: &mut Vec<Change>,
        deleted: &mut Deleted,
    ) -> Option<Self> {
        let id = self.service.id();
        let is_as_left = |state: &DestinationState| {
            self.destinations.get(&state.id()).is_some_and(|left| same_destination(&state.settings, left))
        };
        if self.is_whole {
            let changed = match entry.destinations.iter().find(|state| !is_as_left(state)) {
                Some(state) => Some(Object::Destination(id, state.id())),
                None if !same_service(&entry.service.settings, &self.service) => Some(Object::Service(id)),
                None => None,
            };
            if let Some(changed) = changed {
                deleted.changed.push(changed);
                return None;
            }
            if !entry.destinations.iter().all(|state| is_finished(id, state)) {
                return Some(self.clone());
            }
            changes.push(Change::DeleteService(id));
            deleted.destinations.extend(entry.destinations.iter().map(|&state| (id, state)));
            return None;
        }
        let mut left = FxHashMap::default();
        for state in entry.destinations.iter().filter(|state| self.destinations.contains_key(&state.id())) {
            if !is_as_left(state) {
                deleted.changed.push(Object::Destination(id, state.id()));
            } else if is_finished(id, state) {
                changes.push(Change::DeleteDestination(id, state.id()));
                deleted.destinations.push((id, *state));
            } else {
                left.insert(state.id(), state.settings);
            }
        }
        (!left.is_empty()).then_some(Self { destinations: left, ..*self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::ServiceState;
    use crate::settings::Timeouts;
    use crate::snapshot::Table;
    use crate::stats::Stats;

    fn service(port: u16) -> Service {
        Service::new(ServiceId::tcp(([192, 0, 2, 1], port)))
    }

    fn server(host: u8) -> Destination {
        Destination::new(DestinationId::new([10, 0, 0, host], 80)).with_weight(0)
    }

    fn entry(service: Service, servers: &[Destination]) -> TableEntry {
        let destinations = servers.iter().copied().map(DestinationState::new).collect();
        TableEntry::new(ServiceState::new(service, Stats::default()), destinations)
    }

    /// Leaves server 2 and 3 of one service, and all of another with the servers 4 and 5.
    fn leaving() -> Leaving {
        let (web, tls) = (service(80), service(443));
        let entries =
            vec![entry(web, &[server(1), server(2), server(3)]), entry(tls, &[server(4), server(5)])];
        let present =
            Snapshot { table: Table::new(entries), timeouts: Timeouts::new(1, 1, 1), daemons: Vec::new() };
        let deletions = [
            Change::DeleteDestination(web.id(), server(2).id),
            Change::DeleteDestination(web.id(), server(3).id),
            Change::DeleteService(tls.id()),
        ];
        Leaving::new(&present, deletions.iter())
    }

    /// Sorts what is left by the present state. The servers with these host numbers are finished.
    fn sort(dropped: &Dropped, present: &TableEntry, finished: &[u8]) -> (Vec<Change>, Deleted, Vec<u8>) {
        let host = |id: DestinationId| match id.address {
            std::net::IpAddr::V4(address) => address.octets()[3],
            std::net::IpAddr::V6(_) => 0,
        };
        let (mut changes, mut deleted) = (Vec::new(), Deleted::default());
        let is_finished = |_, state: &DestinationState| finished.contains(&host(state.id()));
        let left = dropped.sort(present, is_finished, &mut changes, &mut deleted);
        let left = left.iter().flat_map(|left| left.destinations.keys().map(|&id| host(id)));
        let mut left: Vec<u8> = left.collect();
        left.sort_unstable();
        (changes, deleted, left)
    }

    #[test]
    fn servers_are_deleted_one_by_one_and_services_as_a_whole() {
        let leaving = leaving();
        assert_eq!(leaving.destinations().count(), 4);
        assert_eq!(leaving.remaining_services().collect::<Vec<_>>(), [&service(80)]);
        let [web, tls] = &leaving.dropped[..] else { panic!() };
        let present = entry(service(80), &[server(1), server(2), server(3)]);
        let (changes, deleted, left) = sort(web, &present, &[1, 3]);
        assert_eq!(changes, [Change::DeleteDestination(service(80).id(), server(3).id)]);
        assert_eq!((deleted.destinations.len(), deleted.changed.len(), left), (1, 0, vec![2]));
        let present = entry(service(443), &[server(4), server(5)]);
        assert_eq!(sort(tls, &present, &[4]), (vec![], Deleted::default(), vec![4, 5]));
        let (changes, deleted, left) = sort(tls, &present, &[4, 5]);
        assert_eq!(changes, [Change::DeleteService(service(443).id())]);
        assert_eq!((deleted.destinations.len(), left), (2, vec![]));
        // Somebody else has deleted one of them.
        let present = entry(service(443), &[server(5)]);
        assert_eq!(sort(tls, &present, &[5]).0, [Change::DeleteService(service(443).id())]);
        let (_, _, left) = sort(web, &entry(service(80), &[server(1)]), &[]);
        assert!(left.is_empty());
    }

    #[test]
    fn what_another_program_has_changed_since_is_named_and_stays() {
        let leaving = leaving();
        let [web, tls] = &leaving.dropped[..] else { panic!() };
        let present = entry(service(80), &[server(1), server(2).with_weight(5), server(3)]);
        let (changes, deleted, left) = sort(web, &present, &[2]);
        assert_eq!((changes, left), (vec![], vec![3]));
        assert_eq!(deleted.changed, [Object::Destination(service(80).id(), server(2).id)]);
        let id = service(443).id();
        for (present, changed) in [
            (entry(service(443), &[server(4).with_weight(1)]), Object::Destination(id, server(4).id)),
            (entry(service(443), &[server(4), server(6)]), Object::Destination(id, server(6).id)),
            (entry(service(443).with_persistence(9), &[server(4)]), Object::Service(id)),
        ] {
            let (changes, deleted, left) = sort(tls, &present, &[4, 5, 6]);
            assert_eq!((changes, left), (vec![], vec![]));
            assert_eq!(deleted.changed, [changed]);
        }
    }
}
