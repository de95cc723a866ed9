//! Reading: the methods of the client that change nothing.

use std::hash::Hash;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::{Ipvs, List, Result};
use crate::daemon::{DaemonState, SyncDaemon};
use crate::destination::{DestinationId, DestinationState};
use crate::reply::Reply;
use crate::request::Query;
use crate::service::{ServiceId, ServiceState};
use crate::settings::{Info, Timeouts};
use crate::snapshot::{MAX_READS, Reading, Snapshot, Table, TableEntry, dedup};

/// The number of services whose destinations are asked for at the same time.
const MAX_LISTS: usize = 16;

/// A list that the kernel can be asked for: the query, and what tells its elements apart.
pub(super) struct Listing<A, K> {
    pub(super) query: Query,
    pub(super) pick: fn(Reply) -> Option<A>,
    pub(super) key: fn(&A) -> K,
}

impl Listing<ServiceState, ServiceId> {
    pub(super) fn services() -> Self {
        Self { query: Query::Services, pick: Reply::into_service, key: ServiceState::id }
    }
}

impl Listing<DestinationState, DestinationId> {
    pub(super) fn destinations(id: ServiceId) -> Self {
        Self { query: Query::Destinations(id), pick: Reply::into_destination, key: DestinationState::id }
    }
}

impl Listing<SyncDaemon, DaemonState> {
    fn daemons() -> Self {
        Self { query: Query::Daemons, pick: Reply::into_daemon, key: |daemon| daemon.state }
    }
}

impl Ipvs {
    /// Reads version and table size; see [`info`](crate::Ipvs::info).
    ///
    /// # Errors
    /// If the kernel refuses, or its reply cannot be understood; this holds for all methods that read.
    pub async fn info(&self) -> Result<Info> {
        self.get(Query::Info, Reply::into_info).await
    }

    /// Reads all services in the kernel's order, each once; see [`services`](crate::Ipvs::services). The list can be
    /// awaited, or read as a stream.
    pub fn services(&self) -> List<ServiceState> {
        List::services(self)
    }

    /// Reads all services once, while other writers may hide some; see
    /// [`services_in_one_pass`](crate::Ipvs::services_in_one_pass).
    ///
    /// # Errors
    /// Like [`info`](Self::info).
    pub async fn services_in_one_pass(&self) -> Result<Vec<ServiceState>> {
        Ok(self.read_once(&Listing::services()).await?.0)
    }

    /// Reads one service; see [`service`](crate::Ipvs::service).
    ///
    /// # Errors
    /// [`Reason::NoSuchService`](crate::Reason::NoSuchService) if there is no such service; else like
    /// [`info`](Self::info).
    pub async fn service(&self, id: ServiceId) -> Result<ServiceState> {
        self.get(Query::Service(id), Reply::into_service).await
    }

    /// Reads the destinations of a service in the kernel's order, each once; see
    /// [`destinations`](crate::Ipvs::destinations). The list can be awaited, or read as a stream.
    pub fn destinations(&self, id: ServiceId) -> List<DestinationState> {
        List::destinations(self, id)
    }

    /// Reads all services with their destinations; see [`table`](crate::Ipvs::table).
    ///
    /// # Errors
    /// Like [`info`](Self::info).
    pub async fn table(&self) -> Result<Table> {
        let (services, keys) = self.read_once(&Listing::services()).await?;
        let table = self.with_destinations(services).await?;
        // The second reading that a list of several datagrams needs tells more the later it comes.
        if keys.is_some() && !self.still_has_services(&table).await? {
            let services = self.read_consistent(&Listing::services()).await?;
            return self.with_destinations(services).await;
        }
        Ok(table)
    }

    /// Reads all services with their destinations; returns `None` if a service came or went meanwhile.
    ///
    /// # Errors
    /// Like [`info`](Self::info).
    pub async fn consistent_table(&self) -> Result<Option<Table>> {
        let (services, _) = self.read_once(&Listing::services()).await?;
        let table = self.with_destinations(services).await?;
        Ok(self.still_has_services(&table).await?.then_some(table))
    }

    /// Reads everything that a [plan](crate::reconcile::plan) may change; see [`snapshot`](crate::Ipvs::snapshot).
    ///
    /// # Errors
    /// Like [`info`](Self::info).
    pub async fn snapshot(&self) -> Result<Snapshot> {
        let (timeouts, daemons) = (self.timeouts().await?, self.daemons().await?);
        // Other writers mostly change the table, so it is read last: the plan is made from what is newest.
        Ok(Snapshot { table: self.table().await?, timeouts, daemons })
    }

    /// Reads the timeouts of idle connections; see [`timeouts`](crate::Ipvs::timeouts).
    ///
    /// # Errors
    /// Like [`info`](Self::info).
    pub async fn timeouts(&self) -> Result<Timeouts> {
        self.get(Query::Timeouts, Reply::into_timeouts).await
    }

    /// Reads the running sync daemons; see [`daemons`](crate::Ipvs::daemons).
    ///
    /// # Errors
    /// Like [`info`](Self::info).
    pub async fn daemons(&self) -> Result<Vec<SyncDaemon>> {
        self.read_consistent(&Listing::daemons()).await
    }

    /// Returns whether the kernel lists the same services as the table, in the same order.
    async fn still_has_services(&self, table: &Table) -> Result<bool> {
        let mut without_stats = self.clone();
        without_stats.include_stats = false;
        let services = without_stats.dump(Query::Services, |reply| Some(reply.into_service()?.id())).await?;
        Ok(services.elements.into_iter().eq(table.entries.iter().map(|entry| entry.service.id())))
    }

    async fn with_destinations(&self, services: Vec<ServiceState>) -> Result<Table> {
        let entries = stream::iter(services).map(|service| {
            let ipvs = self.clone();
            async move {
                let destinations = ipvs.read_consistent(&Listing::destinations(service.id())).await?;
                Result::Ok(TableEntry { service, destinations })
            }
        });
        Ok(Table { entries: entries.buffered(MAX_LISTS).try_collect().await? })
    }

    /// Reads a list until it can be believed, or for the last time.
    pub(super) async fn read_consistent<A, K: Eq + Hash>(&self, listing: &Listing<A, K>) -> Result<Vec<A>> {
        let (mut elements, mut keys) = self.read_once(listing).await?;
        for _ in 1..MAX_READS {
            if keys.is_none() {
                break;
            }
            let previous = keys;
            (elements, keys) = self.read_once(listing).await?;
            if keys == previous {
                break;
            }
        }
        Ok(elements)
    }

    async fn read_once<A, K: Eq + Hash>(&self, listing: &Listing<A, K>) -> Result<Reading<A, K>> {
        Ok(dedup(self.dump(listing.query, listing.pick).await?, listing.key))
    }
}
