//! Reading lists.
//!
//! The kernel takes no snapshot. Dumps walk by index: with a writer beside them, or a table that the kernel
//! enlarges, an element of a later piece can be missed or come twice. A list of several pieces is believed when
//! it is the same twice.

use std::collections::HashSet;
use std::hash::Hash;

use super::{Fault, Result, decode, request};
use crate::error::Error;
use crate::model::{
    Answer, DestinationId, DestinationState, Query, ServiceId, ServiceState, SyncDaemon, Table, TableEntry,
};
use crate::netlink::attributes::{IPVS_CMD_NEW_DEST, IPVS_CMD_NEW_SERVICE};
use crate::netlink::socket::{Dump, Socket};
use crate::netlink::{
    DecodeError, IpvsMessage, decode_dump_destination, decode_dump_service, decode_dump_service_id,
};

/// How often a list of several pieces is read at most.
const READS: usize = 8;
/// From this number of services on it pays to ask for their destinations on a socket of its own.
const MANY_SERVICES: usize = 100;
/// The kernel never fills a dump's datagram beyond 32 KiB. So much memory comes fresh from the kernel, and what
/// answers do not reach is never touched.
pub(super) const LONG_RECEIVE: usize = 256 * 1024;
/// A list of no more may come in several pieces only because it is the first one on its socket.
const FEW_DESTINATIONS: usize = 24;
/// Enough for some thirty destinations.
const SHORT_RECEIVE: usize = 8 * 1024;

/// A socket to read lists on, and how.
pub(super) struct Lists<'a> {
    pub socket: &'a mut Socket,
    pub family: u16,
    /// Whether counters and rates are wanted.
    pub stats: bool,
}

/// Elements, and their keys if they came in several pieces.
type Reading<A, K> = (Vec<A>, Option<HashSet<K>>);

impl Lists<'_> {
    pub fn services(&mut self) -> Result<Vec<ServiceState>> {
        self.settled(Self::read_services)
    }

    pub fn destinations(&mut self, id: ServiceId) -> Result<Vec<DestinationState>> {
        self.settled(|lists| lists.read_destinations(id))
    }

    pub fn daemons(&mut self) -> Result<Vec<SyncDaemon>> {
        let daemon = |answer| match answer {
            Answer::Daemon(daemon) => Some(daemon),
            _ => None,
        };
        self.settled(|lists| {
            let dump = lists.dump(Query::Daemons, |command, payload| decode(command, payload, daemon))?;
            Ok(each_once(dump, |daemon| daemon.state))
        })
    }

    pub fn table(&mut self) -> Result<Table> {
        let (services, pieces) = self.read_services()?;
        let table = self.with_destinations(services)?;
        // The second reading that a list of several pieces needs tells more the later it comes.
        if pieces.is_some() && !self.still_has_services_of(&table)? {
            let services = self.services()?;
            return self.with_destinations(services);
        }
        Ok(table)
    }

    pub fn undisturbed_table(&mut self) -> Result<Option<Table>> {
        let (services, _) = self.read_services()?;
        let table = self.with_destinations(services)?;
        Ok(self.still_has_services_of(&table)?.then_some(table))
    }

    fn still_has_services_of(&mut self, table: &Table) -> Result<bool> {
        let ids = self.dump_services(decode_dump_service_id)?.elements;
        Ok(ids.into_iter().eq(table.entries.iter().map(|entry| entry.service.service.id())))
    }

    fn with_destinations(&mut self, services: Vec<ServiceState>) -> Result<Table> {
        if services.len() >= MANY_SERVICES {
            return self.with_many_destinations(services);
        }
        let entries = services.into_iter().map(|service| {
            let destinations = self.destinations(service.service.id())?;
            Ok(TableEntry { service, destinations })
        });
        Ok(Table { entries: entries.collect::<Result<_>>()? })
    }

    /// Most services have few destinations. For each answer the kernel clears as much memory as the socket ever
    /// offered room for: answers come faster if that is little.
    fn with_many_destinations(&mut self, services: Vec<ServiceState>) -> Result<Table> {
        let mut short = Socket::open(SHORT_RECEIVE).map_err(Error::Connection)?;
        let (family, stats) = (self.family, self.stats);
        let mut short = Some(Lists { socket: &mut short, family, stats });
        let mut entries = Vec::with_capacity(services.len());
        for service in services {
            let id = service.service.id();
            let list = short.as_mut().map(|lists| lists.read_destinations(id)).transpose()?;
            let destinations = match list {
                Some((destinations, None)) => destinations,
                list => {
                    if list.is_some_and(|(destinations, _)| destinations.len() > FEW_DESTINATIONS) {
                        short = None;
                    }
                    self.destinations(id)?
                }
            };
            entries.push(TableEntry { service, destinations });
        }
        Ok(Table { entries })
    }

    /// Reads a list until it is believed.
    fn settled<A, K: Eq + Hash>(
        &mut self,
        read: impl Fn(&mut Self) -> Result<Reading<A, K>>,
    ) -> Result<Vec<A>> {
        let (mut elements, mut keys) = read(self)?;
        for _ in 1..READS {
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

    fn read_services(&mut self) -> Result<Reading<ServiceState, ServiceId>> {
        let stats = self.stats;
        let dump = self.dump_services(|payload| decode_dump_service(payload, stats))?;
        Ok(each_once(dump, |state| state.service.id()))
    }

    fn dump_services<A>(
        &mut self,
        decode: impl Fn(&[u8]) -> std::result::Result<A, DecodeError>,
    ) -> Result<Dump<A>> {
        self.dump(Query::Services, |command, payload| match command {
            IPVS_CMD_NEW_SERVICE => Ok(decode(payload)?),
            command => Err(DecodeError::Command(command).into()),
        })
    }

    fn read_destinations(&mut self, id: ServiceId) -> Result<Reading<DestinationState, DestinationId>> {
        let stats = self.stats;
        let dump = self.dump(Query::Destinations(id), |command, payload| match command {
            IPVS_CMD_NEW_DEST => Ok(decode_dump_destination(payload, id.family(), stats)?),
            command => Err(DecodeError::Command(command).into()),
        })?;
        Ok(each_once(dump, |state| state.destination.id))
    }

    /// Reads a list once, as it comes.
    fn dump<A>(
        &mut self,
        query: Query,
        decode: impl Fn(u8, &[u8]) -> std::result::Result<A, Fault>,
    ) -> Result<Dump<A>> {
        let message = IpvsMessage::from(query);
        let request = request(self.family, &message);
        let dump = self.socket.dump(request, |buffer| message.encode(buffer), decode);
        dump.map_err(|error: Fault| error.of(query))
    }
}

/// The list with each element once.
fn each_once<A, K: Eq + Hash>(dump: Dump<A>, key: impl Fn(&A) -> K) -> Reading<A, K> {
    let Dump { mut elements, at_once } = dump;
    if at_once {
        return (elements, None);
    }
    let mut keys = HashSet::with_capacity(elements.len());
    elements.retain(|element| keys.insert(key(element)));
    (elements, Some(keys))
}
