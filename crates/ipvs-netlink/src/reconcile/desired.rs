//! The desired table.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

use super::object::Object;
use crate::daemon::SyncDaemon;
use crate::destination::{Destination, DestinationId};
use crate::request::Change;
use crate::service::{Service, ServiceId};
use crate::settings::Timeouts;
use crate::snapshot::Table;

/// A desired table, made of the changes that would lead to it from an empty one.
///
/// `O` is the origin that each change may carry, such as the number of a line. The steps of a plan and errors give it
/// back. Services and destinations keep the order in which they were added.
#[derive(Debug, Clone)]
pub struct Desired<O = ()> {
    services: Vec<Option<DesiredService<O>>>,
    /// The index in `services` by id.
    service_index: FxHashMap<ServiceId, usize>,
    /// The index in its service by the index of the service and the id.
    destination_index: FxHashMap<(usize, DestinationId), usize>,
    timeouts: Option<(Timeouts, O)>,
    daemons: Vec<(SyncDaemon, O)>,
}

/// A destination and its origin; `None` once it is deleted, so that the indexes of later ones stay valid.
type Slot<O> = Option<(Destination, O)>;

/// A service with its destinations.
#[derive(Debug, Clone)]
pub(super) struct DesiredService<O> {
    pub(super) settings: Service,
    pub(super) origin: O,
    destinations: Vec<Slot<O>>,
}

/// The reason why a change cannot be part of a desired table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DesiredError<O = ()> {
    /// The object was added before with other settings; the origin is the one of that change.
    #[error("{0} exists already")]
    Exists(Object, O),
    /// The object was not added, or was deleted again.
    #[error("{0} does not exist")]
    NotDefined(Object),
    /// The change says nothing about a table: it zeroes counters or stops a daemon.
    #[error("to {0} is no part of a desired table")]
    NotSettings(Change),
}

impl Desired<()> {
    /// Makes an empty table whose changes carry no origin.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a service.
    ///
    /// # Errors
    /// [`DesiredError::Exists`] if it was added before with other settings.
    pub fn add_service(&mut self, service: Service) -> Result<(), DesiredError> {
        self.follow(&Change::AddService(service), ()).map(drop)
    }

    /// Adds a destination to a service.
    ///
    /// # Errors
    /// [`DesiredError::Exists`] if it was added before with other settings, [`DesiredError::NotDefined`] if the service
    /// was not.
    pub fn add_destination(&mut self, id: ServiceId, destination: Destination) -> Result<(), DesiredError> {
        self.follow(&Change::AddDestination(id, destination), ()).map(drop)
    }

    /// Sets timeouts. One of 0 stays as it is in the kernel.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.merge_timeouts(timeouts, ());
    }

    /// Adds a sync daemon that is to run.
    ///
    /// # Errors
    /// [`DesiredError::Exists`] if one with the same role and other settings was added before.
    pub fn start_daemon(&mut self, daemon: SyncDaemon) -> Result<(), DesiredError> {
        self.follow(&Change::StartDaemon(daemon), ()).map(drop)
    }
}

impl<O> Default for Desired<O> {
    fn default() -> Self {
        Self {
            services: Vec::new(),
            service_index: FxHashMap::default(),
            destination_index: FxHashMap::default(),
            timeouts: None,
            daemons: Vec::new(),
        }
    }
}

impl<O: Copy> Desired<O> {
    /// Makes an empty table with room for the destinations of this many changes.
    #[must_use]
    pub fn with_capacity(changes: usize) -> Self {
        let mut desired = Self::default();
        desired.destination_index.reserve(changes);
        desired
    }

    /// Makes a change to the desired table, as the kernel would to its own. An addition of what exists with the same
    /// settings changes nothing: then the origin of the existing object is returned.
    ///
    /// # Errors
    /// If the kernel would refuse any other change, or the change says nothing about a table.
    pub fn follow(&mut self, change: &Change, origin: O) -> Result<Option<O>, DesiredError<O>> {
        match *change {
            Change::AddService(settings) => {
                let id = settings.id();
                if let Some(existing) = self.service(id) {
                    let exists = DesiredError::Exists(Object::Service(id), existing.origin);
                    return repeated(existing.settings == settings, existing.origin).ok_or(exists);
                }
                self.service_index.insert(id, self.services.len());
                self.services.push(Some(DesiredService { settings, origin, destinations: Vec::new() }));
            }
            Change::SetService(settings) => {
                let (_, service) = self.service_mut(settings.id())?;
                (service.settings, service.origin) = (settings, origin);
            }
            Change::DeleteService(id) => {
                let (index, _) = self.service_mut(id)?;
                self.services[index] = None;
                self.service_index.remove(&id);
            }
            Change::AddDestination(id, settings) => {
                let (index, service) = find_service(&self.service_index, &mut self.services, id)?;
                let next = service.destinations.len();
                match self.destination_index.entry((index, settings.id)) {
                    Entry::Vacant(vacant) => drop(vacant.insert(next)),
                    Entry::Occupied(mut occupied) => {
                        if let Some((existing, origin)) = service.destinations[*occupied.get()] {
                            let exists = DesiredError::Exists(Object::Destination(id, settings.id), origin);
                            return repeated(existing == settings, origin).ok_or(exists);
                        }
                        occupied.insert(next);
                    }
                }
                service.destinations.push(Some((settings, origin)));
            }
            Change::SetDestination(id, settings) => {
                let (_, destination) = self.destination_mut(id, settings.id)?;
                *destination = Some((settings, origin));
            }
            Change::DeleteDestination(id, destination_id) => {
                let (index, destination) = self.destination_mut(id, destination_id)?;
                *destination = None;
                self.destination_index.remove(&(index, destination_id));
            }
            Change::Flush => {
                self.services.clear();
                self.service_index.clear();
                self.destination_index.clear();
            }
            Change::SetTimeouts(timeouts) => self.merge_timeouts(timeouts, origin),
            Change::StartDaemon(daemon) => {
                if let Some(&(existing, origin)) =
                    self.daemons.iter().find(|(it, _)| it.state == daemon.state)
                {
                    let exists = DesiredError::Exists(Object::Daemon(existing.state), origin);
                    return repeated(existing == daemon, origin).ok_or(exists);
                }
                self.daemons.push((daemon, origin));
            }
            Change::StopDaemon(_) | Change::Zero(_) => return Err(DesiredError::NotSettings(*change)),
        }
        Ok(None)
    }

    /// Returns the settings of a service, if it was added.
    pub fn settings(&self, id: ServiceId) -> Option<&Service> {
        Some(&self.service(id)?.settings)
    }

    /// Returns the destinations of a service in the order in which they were added, if the service was.
    pub fn destinations(&self, id: ServiceId) -> Option<impl Iterator<Item = &Destination>> {
        Some(self.service(id)?.destinations().map(|(destination, _)| destination))
    }

    /// Returns a destination, if it was added.
    pub fn destination(&self, id: ServiceId, destination: DestinationId) -> Option<&Destination> {
        let index = *self.service_index.get(&id)?;
        let place = *self.destination_index.get(&(index, destination))?;
        let (destination, _) = self.services[index].as_ref()?.destinations.get(place)?.as_ref()?;
        Some(destination)
    }

    /// Gives each destination that exists in this table the weight that it has there. So a drain lives on, and a weight
    /// that was set by hand.
    pub fn keep_weights(&mut self, present: &Table) {
        for entry in &present.entries {
            for state in &entry.destinations {
                if let Ok((_, Some((destination, _)))) = self.destination_mut(entry.service.id(), state.id())
                {
                    destination.weight = state.settings.weight;
                }
            }
        }
    }

    /// Returns the services in the order in which they were added.
    pub(super) fn services(&self) -> impl Iterator<Item = &DesiredService<O>> {
        self.services.iter().flatten()
    }

    /// Returns a service by its id.
    pub(super) fn service(&self, id: ServiceId) -> Option<&DesiredService<O>> {
        self.services[*self.service_index.get(&id)?].as_ref()
    }

    pub(super) fn timeouts(&self) -> Option<(Timeouts, O)> {
        self.timeouts
    }

    pub(super) fn daemons(&self) -> &[(SyncDaemon, O)] {
        &self.daemons
    }

    fn merge_timeouts(&mut self, timeouts: Timeouts, origin: O) {
        let (old, _) = self.timeouts.unwrap_or((Timeouts::default(), origin));
        let merge = |old, new| if new == 0 { old } else { new };
        let merged = Timeouts {
            tcp: merge(old.tcp, timeouts.tcp),
            tcp_fin: merge(old.tcp_fin, timeouts.tcp_fin),
            udp: merge(old.udp, timeouts.udp),
        };
        self.timeouts = Some((merged, origin));
    }

    /// Finds a service and its index.
    fn service_mut(&mut self, id: ServiceId) -> Result<(usize, &mut DesiredService<O>), DesiredError<O>> {
        find_service(&self.service_index, &mut self.services, id)
    }

    /// Finds a destination, and the index of its service.
    fn destination_mut(
        &mut self,
        id: ServiceId,
        destination: DestinationId,
    ) -> Result<(usize, &mut Slot<O>), DesiredError<O>> {
        let (index, _) = self.service_mut(id)?;
        self.destination_index
            .get(&(index, destination))
            .and_then(|&place| self.services[index].as_mut()?.destinations.get_mut(place))
            .map(|destination| (index, destination))
            .ok_or(DesiredError::NotDefined(Object::Destination(id, destination)))
    }
}

fn find_service<'a, O>(
    service_index: &FxHashMap<ServiceId, usize>,
    services: &'a mut [Option<DesiredService<O>>],
    id: ServiceId,
) -> Result<(usize, &'a mut DesiredService<O>), DesiredError<O>> {
    let index = service_index.get(&id).copied();
    index
        .and_then(|index| Some((index, services[index].as_mut()?)))
        .ok_or(DesiredError::NotDefined(Object::Service(id)))
}

/// Returns the origin of an object, twice wrapped, if an addition repeats it.
fn repeated<O>(same: bool, origin: O) -> Option<Option<O>> {
    same.then_some(Some(origin))
}

impl<O> DesiredService<O> {
    /// Returns the destinations in the order in which they were added.
    pub(super) fn destinations(&self) -> impl Iterator<Item = &(Destination, O)> {
        self.destinations.iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::DaemonState;

    const WEB: &str = "TCP 192.0.2.1:80";

    fn service() -> Service {
        Service::new(WEB.parse().unwrap())
    }

    fn destination(host: u8) -> Destination {
        Destination::new(DestinationId::new([10, 0, 0, host], 80))
    }

    /// Returns whether the service has a destination with the id of this one.
    fn has_destination(desired: &Desired<usize>, destination: Destination) -> bool {
        desired.clone().destination_mut(service().id(), destination.id).is_ok()
    }

    fn follow(changes: &[Change]) -> Result<Desired<usize>, DesiredError<usize>> {
        let mut desired = Desired::default();
        for (line, change) in (1..).zip(changes) {
            desired.follow(change, line)?;
        }
        Ok(desired)
    }

    #[test]
    fn later_changes_replace_earlier_ones() {
        let id = service().id();
        let heavy = destination(1).with_weight(9);
        let desired = follow(&[
            Change::AddService(service()),
            Change::AddDestination(id, destination(1)),
            Change::AddDestination(id, destination(2)),
            Change::SetDestination(id, heavy),
            Change::DeleteDestination(id, destination(2).id),
            Change::AddDestination(id, destination(3)),
            Change::SetService(service().with_persistence(60)),
            Change::SetTimeouts(Timeouts::new(1, 2, 0)),
            Change::SetTimeouts(Timeouts::new(0, 3, 4)),
        ])
        .unwrap();
        let only = desired.service(id).unwrap();
        assert_eq!((only.settings, only.origin), (service().with_persistence(60), 7));
        assert!(only.destinations().eq(&[(heavy, 4), (destination(3), 6)]));
        assert!(has_destination(&desired, heavy) && !has_destination(&desired, destination(2)));
        assert_eq!(desired.timeouts(), Some((Timeouts::new(1, 3, 4), 9)));
    }

    #[test]
    fn kept_weights_are_those_of_existing_destinations() {
        use crate::destination::DestinationState;
        use crate::service::ServiceState;
        use crate::snapshot::TableEntry;
        use crate::stats::Stats;

        let (id, limited) = (service().id(), destination(1).with_thresholds(20, 10));
        let mut desired = follow(&[
            Change::AddService(service()),
            Change::AddDestination(id, limited),
            Change::AddDestination(id, destination(2).with_weight(9)),
            Change::AddDestination(id, destination(3)),
            Change::DeleteDestination(id, destination(3).id),
        ])
        .unwrap();
        let present = [destination(1).with_weight(0), destination(3), destination(4)];
        let present = present.into_iter().map(DestinationState::new).collect();
        let entry = TableEntry::new(ServiceState::new(service(), Stats::default()), present);
        desired.keep_weights(&Table::new(vec![entry]));
        let destinations: Vec<Destination> = desired.destinations(id).unwrap().copied().collect();
        assert_eq!(destinations, [limited.with_weight(0), destination(2).with_weight(9)]);
        assert_eq!(desired.destination(id, destination(2).id), Some(&destination(2).with_weight(9)));
        assert_eq!(desired.destination(id, destination(3).id), None);
        assert_eq!(desired.settings(id), Some(&service()));
        assert!(desired.destinations("FWM 1".parse().unwrap()).is_none());
    }

    #[test]
    fn a_service_that_was_deleted_can_be_added_again_without_its_destinations() {
        let id = service().id();
        for delete in [Change::DeleteService(id), Change::Flush] {
            let desired = follow(&[
                Change::AddService(service()),
                Change::AddDestination(id, destination(1)),
                delete,
                Change::AddService(service()),
            ])
            .unwrap();
            assert_eq!(desired.services().count(), 1);
            assert!(!has_destination(&desired, destination(1)));
        }
    }

    #[test]
    fn repeated_additions_name_the_first_one() {
        let id = service().id();
        let daemon = SyncDaemon::new(DaemonState::Master, "eth0".parse().unwrap());
        let additions = [
            Change::AddService(service()),
            Change::AddDestination(id, destination(1)),
            Change::StartDaemon(daemon),
        ];
        let mut desired = Desired::default();
        for (line, addition) in (1..).zip(&additions) {
            assert_eq!(desired.follow(addition, line), Ok(None));
        }
        for (line, addition) in (1..).zip(&additions) {
            assert_eq!(desired.follow(addition, 10 + line), Ok(Some(line)));
        }
    }

    #[test]
    fn changes_that_the_kernel_would_refuse_name_the_object_and_the_origin() {
        let id = service().id();
        let add = Change::AddService(service());
        let add_destination = Change::AddDestination(id, destination(1));
        let daemon = SyncDaemon::new(DaemonState::Master, "eth0".parse().unwrap());
        let error = |changes: &[Change]| follow(changes).unwrap_err();
        let other = Change::AddService(service().with_persistence(9));
        assert_eq!(error(&[add, other]), DesiredError::Exists(Object::Service(id), 1));
        let exists = DesiredError::Exists(Object::Destination(id, destination(1).id), 2);
        let heavy = Change::AddDestination(id, destination(1).with_weight(9));
        assert_eq!(error(&[add, add_destination, heavy]), exists);
        let start = Change::StartDaemon(daemon);
        let other = Change::StartDaemon(daemon.with_sync_id(9));
        assert_eq!(error(&[start, other]), DesiredError::Exists(Object::Daemon(DaemonState::Master), 1));
        for change in [add_destination, Change::SetService(service()), Change::DeleteService(id)] {
            assert_eq!(error(&[change]), DesiredError::NotDefined(Object::Service(id)));
        }
        for change in
            [Change::SetDestination(id, destination(1)), Change::DeleteDestination(id, destination(1).id)]
        {
            let missing = DesiredError::NotDefined(Object::Destination(id, destination(1).id));
            assert_eq!(error(&[add, change]), missing);
        }
        for change in [Change::Zero(None), Change::StopDaemon(DaemonState::Master)] {
            assert_eq!(error(&[change]), DesiredError::NotSettings(change));
        }
    }
}
