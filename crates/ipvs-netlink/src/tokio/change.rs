//! Changing: the methods of the client that make one change.

use super::{Ipvs, Result};
use crate::client::find_destination;
use crate::daemon::{DaemonState, SyncDaemon};
use crate::destination::{Destination, DestinationId};
use crate::request::Change;
use crate::service::{Service, ServiceId};
use crate::settings::Timeouts;

impl Ipvs {
    /// Adds a service.
    ///
    /// # Errors
    /// Like [`change`](Self::change).
    pub async fn add_service(&self, service: Service) -> Result<()> {
        self.change(Change::AddService(service)).await
    }

    /// Replaces all settings of a service.
    ///
    /// # Errors
    /// Like [`change`](Self::change).
    pub async fn set_service(&self, service: Service) -> Result<()> {
        self.change(Change::SetService(service)).await
    }

    /// Reads a service, lets `update` change some of its settings, and writes them all back; see
    /// [`update_service`](crate::Ipvs::update_service).
    ///
    /// # Errors
    /// Like [`service`](Self::service) and [`change`](Self::change).
    pub async fn update_service(&self, id: ServiceId, update: impl FnOnce(&mut Service)) -> Result<()> {
        let mut service = self.service(id).await?.settings;
        update(&mut service);
        self.set_service(service).await
    }

    /// Deletes a service with its destinations.
    ///
    /// # Errors
    /// Like [`change`](Self::change).
    pub async fn delete_service(&self, id: ServiceId) -> Result<()> {
        self.change(Change::DeleteService(id)).await
    }

    /// Adds a destination to a service, at the head of its list.
    ///
    /// # Errors
    /// Like [`change`](Self::change).
    pub async fn add_destination(&self, id: ServiceId, destination: Destination) -> Result<()> {
        self.change(Change::AddDestination(id, destination)).await
    }

    /// Replaces all settings of a destination.
    ///
    /// # Errors
    /// Like [`change`](Self::change).
    pub async fn set_destination(&self, id: ServiceId, destination: Destination) -> Result<()> {
        self.change(Change::SetDestination(id, destination)).await
    }

    /// Reads a destination, lets `update` change some of its settings, and writes them all back; see
    /// [`update_destination`](crate::Ipvs::update_destination).
    ///
    /// # Errors
    /// [`Reason::NoSuchDestination`](crate::Reason::NoSuchDestination) if the service has no such destination; else
    /// like [`destinations`](Self::destinations) and [`change`](Self::change).
    pub async fn update_destination(
        &self,
        id: ServiceId,
        destination: DestinationId,
        update: impl FnOnce(&mut Destination),
    ) -> Result<()> {
        let mut settings = find_destination(&self.destinations(id).await?, id, destination)?;
        update(&mut settings);
        settings.id = destination;
        self.set_destination(id, settings).await
    }

    /// Deletes a destination; see [`Change::DeleteDestination`] for its connections.
    ///
    /// # Errors
    /// Like [`change`](Self::change).
    pub async fn delete_destination(&self, id: ServiceId, destination: DestinationId) -> Result<()> {
        self.change(Change::DeleteDestination(id, destination)).await
    }

    /// Sets the counters of one service and its destinations, or of all services, to 0.
    ///
    /// # Errors
    /// Like [`change`](Self::change).
    pub async fn zero(&self, id: Option<ServiceId>) -> Result<()> {
        self.change(Change::Zero(id)).await
    }

    /// Deletes every service.
    ///
    /// # Errors
    /// Like [`change`](Self::change).
    pub async fn flush(&self) -> Result<()> {
        self.change(Change::Flush).await
    }

    /// Sets the timeouts that are not 0.
    ///
    /// # Errors
    /// Like [`change`](Self::change).
    pub async fn set_timeouts(&self, timeouts: Timeouts) -> Result<()> {
        self.change(Change::SetTimeouts(timeouts)).await
    }

    /// Starts a sync daemon.
    ///
    /// # Errors
    /// Like [`change`](Self::change).
    pub async fn start_daemon(&self, daemon: SyncDaemon) -> Result<()> {
        self.change(Change::StartDaemon(daemon)).await
    }

    /// Stops a sync daemon.
    ///
    /// # Errors
    /// Like [`change`](Self::change).
    pub async fn stop_daemon(&self, state: DaemonState) -> Result<()> {
        self.change(Change::StopDaemon(state)).await
    }

    /// Makes one change.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused) if the kernel refuses it, [`Error::Exchange`](crate::Error::Exchange)
    /// if the outcome is unknown.
    pub async fn change(&self, change: Change) -> Result<()> {
        let mut refused = self.apply(&[change]).await.map_err(|error| error.error)?;
        match refused.pop() {
            None => Ok(()),
            Some(change) => Err(change.refused.into()),
        }
    }
}
