//! The steps of a plan.

use ipvs_netlink::{
    Change, DaemonState, Destination, DestinationId, Service, ServiceId, SyncDaemon, Timeouts,
};
use serde::Serialize;

/// One step: what changes, and how it will be.
#[derive(Serialize)]
pub(crate) struct StepFields {
    change: &'static str,
    /// The place of the settings in the document that asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<Subject<Service, ServiceId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<Subject<Destination, DestinationId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeouts: Option<Timeouts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    daemon: Option<Subject<SyncDaemon, State>>,
}

/// All settings of a thing, or only what tells it from others.
#[derive(Serialize)]
#[serde(untagged)]
enum Subject<S, I> {
    Settings(S),
    Id(I),
}

#[derive(Serialize)]
struct State {
    state: DaemonState,
}

impl StepFields {
    pub(crate) fn new(change: &Change, path: Option<String>) -> Self {
        use Subject::{Id, Settings};
        let (change, service, destination) = match *change {
            Change::AddService(service) => ("add-service", Some(Settings(service)), None),
            Change::SetService(service) => ("set-service", Some(Settings(service)), None),
            Change::DeleteService(id) => ("delete-service", Some(Id(id)), None),
            Change::AddDestination(id, destination) => {
                ("add-destination", Some(Id(id)), Some(Settings(destination)))
            }
            Change::SetDestination(id, destination) => {
                ("set-destination", Some(Id(id)), Some(Settings(destination)))
            }
            Change::DeleteDestination(id, destination) => {
                ("delete-destination", Some(Id(id)), Some(Id(destination)))
            }
            Change::Zero(id) => ("zero", id.map(Id), None),
            Change::Flush => ("flush", None, None),
            Change::SetTimeouts(timeouts) => {
                let empty = Self::empty("set-timeouts", path);
                return Self { timeouts: Some(timeouts), ..empty };
            }
            Change::StartDaemon(daemon) => {
                let empty = Self::empty("start-daemon", path);
                return Self { daemon: Some(Settings(daemon)), ..empty };
            }
            Change::StopDaemon(state) => {
                let empty = Self::empty("stop-daemon", path);
                return Self { daemon: Some(Id(State { state })), ..empty };
            }
        };
        Self { service, destination, ..Self::empty(change, path) }
    }

    fn empty(change: &'static str, path: Option<String>) -> Self {
        Self { change, path, service: None, destination: None, timeouts: None, daemon: None }
    }
}
