//! Reading lists that can be believed.
//!
//! The kernel takes no snapshot. Dumps walk by index: with another writer, or a table that the kernel enlarges, an
//! element of a later datagram can be missed or come twice. So a list that comes in several datagrams is read until it
//! is the same twice.

use std::hash::Hash;

use rustc_hash::FxHashSet;

use crate::daemon::{DaemonState, SyncDaemon};
use crate::destination::{DestinationId, DestinationState};
use crate::error::Error;
use crate::exchange::Exchange;
use crate::reply::Reply;
use crate::request::Query;
use crate::service::{ServiceId, ServiceState};
use crate::settings::Timeouts;
use crate::socket::{Dump, Socket};

/// A service and its destinations.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TableEntry {
    /// The service.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub service: ServiceState,
    /// The destinations in the kernel's order: the one added last comes first.
    pub destinations: Vec<DestinationState>,
}

impl TableEntry {
    /// Puts a service and its destinations together.
    #[must_use]
    pub fn new(service: ServiceState, destinations: Vec<DestinationState>) -> Self {
        Self { service, destinations }
    }
}

/// The virtual server table of a network namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
#[non_exhaustive]
pub struct Table {
    /// The services with their destinations, in the kernel's order.
    pub entries: Vec<TableEntry>,
}

impl Table {
    /// Makes a table of entries.
    #[must_use]
    pub fn new(entries: Vec<TableEntry>) -> Self {
        Self { entries }
    }
}

/// Everything that a [plan](crate::reconcile) may change, as it was at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The services and their destinations.
    pub table: Table,
    /// The timeouts.
    pub timeouts: Timeouts,
    /// The running sync daemons.
    pub daemons: Vec<SyncDaemon>,
}

/// The number of times that a list is read until two readings agree.
pub(crate) const MAX_READS: usize = 8;
/// The number of services from which on a second socket for their destinations pays.
const MANY_SERVICES: usize = 100;
/// The longest datagram of a dump on the second socket in bytes, which holds about thirty destinations.
const SHORT_DUMP_LEN: usize = 8 * 1024;
/// The number of destinations that are sure to fit such a datagram.
const FEW_DESTINATIONS: usize = 24;

/// Reads lists.
pub(crate) struct Reader<'a>(pub(crate) Exchange<'a>);

/// The elements of a list and, if it came in several datagrams, their keys: it cannot be believed then.
pub(crate) type Reading<A, K> = (Vec<A>, Option<FxHashSet<K>>);

impl Reader<'_> {
    /// The longest datagram of a dump in bytes. The kernel fills at most 32 KiB of it; the pages behind them are never
    /// touched.
    pub(crate) const MAX_DUMP_LEN: usize = 256 * 1024;

    pub(crate) fn services(&mut self) -> Result<Vec<ServiceState>, Error> {
        self.read_consistent(Self::read_services)
    }

    pub(crate) fn services_in_one_pass(&mut self) -> Result<Vec<ServiceState>, Error> {
        Ok(self.read_services()?.0)
    }

    pub(crate) fn destinations(&mut self, id: ServiceId) -> Result<Vec<DestinationState>, Error> {
        self.read_consistent(|reader| reader.read_destinations(id))
    }

    pub(crate) fn daemons(&mut self) -> Result<Vec<SyncDaemon>, Error> {
        self.read_consistent(Self::read_daemons)
    }

    pub(crate) fn table(&mut self) -> Result<Table, Error> {
        let (services, keys) = self.read_services()?;
        let table = self.with_destinations(services)?;
        // The second reading that a list of several datagrams needs tells more the later it comes.
        if keys.is_some() && !self.still_has_services(&table)? {
            let services = self.services()?;
            return self.with_destinations(services);
        }
        Ok(table)
    }

    pub(crate) fn consistent_table(&mut self) -> Result<Option<Table>, Error> {
        let (services, _) = self.read_services()?;
        let table = self.with_destinations(services)?;
        Ok(self.still_has_services(&table)?.then_some(table))
    }

    /// Returns whether the kernel lists the same services as the table, in the same order.
    fn still_has_services(&mut self, table: &Table) -> Result<bool, Error> {
        let include_stats = std::mem::replace(&mut self.0.include_stats, false);
        let services = self.0.dump(Query::Services, |reply| Some(reply.into_service()?.id()));
        self.0.include_stats = include_stats;
        Ok(services?.elements.into_iter().eq(table.entries.iter().map(|entry| entry.service.id())))
    }

    fn with_destinations(&mut self, services: Vec<ServiceState>) -> Result<Table, Error> {
        if services.len() >= MANY_SERVICES {
            return self.with_many_destinations(services);
        }
        let entries = services.into_iter().map(|service| {
            let destinations = self.destinations(service.id())?;
            Ok(TableEntry { service, destinations })
        });
        Ok(Table { entries: entries.collect::<Result<_, Error>>()? })
    }

    /// Reads the destinations of many services on a second socket with a short buffer.
    ///
    /// For each reply the kernel clears as much memory as the socket ever offered room for, and most services have few
    /// destinations. Once a service turns out to have many, the second socket is given up.
    fn with_many_destinations(&mut self, services: Vec<ServiceState>) -> Result<Table, Error> {
        // If no second socket can be had, the first one does as well.
        let mut short_socket = Socket::open(SHORT_DUMP_LEN).ok();
        let mut short = short_socket.as_mut().map(|socket| Reader(Exchange { socket, ..self.0 }));
        let mut entries = Vec::with_capacity(services.len());
        for service in services {
            let reading = short.as_mut().map(|reader| reader.read_destinations(service.id())).transpose()?;
            let destinations = match reading {
                Some((destinations, None)) => destinations,
                reading => {
                    // The first list on a socket may come in several datagrams just because it is the first.
                    if reading.is_some_and(|(destinations, _)| destinations.len() > FEW_DESTINATIONS) {
                        short = None;
                    }
                    self.destinations(service.id())?
                }
            };
            entries.push(TableEntry { service, destinations });
        }
        Ok(Table { entries })
    }

    /// Reads a list until it can be believed, or for the last time.
    fn read_consistent<A, K: Eq + Hash>(
        &mut self,
        read: impl Fn(&mut Self) -> Result<Reading<A, K>, Error>,
    ) -> Result<Vec<A>, Error> {
        let (mut elements, mut keys) = read(self)?;
        for _ in 1..MAX_READS {
            if keys.is_none() {
                break;
            }
            let previous = keys;
            (elements, keys) = read(self)?;
            if keys == previous {
                break;
            }
        }
        Ok(elements)
    }

    fn read_services(&mut self) -> Result<Reading<ServiceState, ServiceId>, Error> {
        Ok(dedup(self.0.dump(Query::Services, Reply::into_service)?, ServiceState::id))
    }

    fn read_destinations(
        &mut self,
        id: ServiceId,
    ) -> Result<Reading<DestinationState, DestinationId>, Error> {
        let dump = self.0.dump(Query::Destinations(id), Reply::into_destination)?;
        Ok(dedup(dump, DestinationState::id))
    }

    fn read_daemons(&mut self) -> Result<Reading<SyncDaemon, DaemonState>, Error> {
        let dump = self.0.dump(Query::Daemons, Reply::into_daemon)?;
        Ok(dedup(dump, |daemon| daemon.state))
    }
}

/// Removes repeated elements.
pub(crate) fn dedup<A, K: Eq + Hash>(dump: Dump<A>, key: impl Fn(&A) -> K) -> Reading<A, K> {
    let Dump { mut elements, atomic } = dump;
    if atomic {
        return (elements, None);
    }
    let mut keys = FxHashSet::with_capacity_and_hasher(elements.len(), Default::default());
    elements.retain(|element| keys.insert(key(element)));
    (elements, Some(keys))
}
