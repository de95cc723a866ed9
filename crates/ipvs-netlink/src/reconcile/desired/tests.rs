//! Tests of what the desired table follows and refuses.

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
