//! The readings. Of a long table only the servers that are shown are read: each service costs a message.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use ipvs_netlink::{DestinationState, Error, Ipvs, Reason, ServiceId, ServiceState, Stats, TableEntry};

use super::history::History;
use crate::commands::momentary;
use crate::failure::Failure;
use crate::grammar::{By, Columns, List, ListFormat, Watch};
use crate::momentary::MomentaryWeights;
use crate::view::sorted_servers;

/// The time for which counters are kept of services and servers that are not read any more, besides two readings.
const MEMORY: Duration = Duration::from_secs(60);

/// The part of the time that may go into reading all servers of a long table just to sort its services.
const SORTING_SHARE: u32 = 200;

/// The services in the order of the list, and their servers as far as they were read.
pub(super) struct Reader<'a> {
    ipvs: &'a mut Ipvs,
    pub(super) list: &'a List,
    pub(super) by: By,
    /// Reads all servers with the services, because all are shown.
    whole: bool,
    history: History,
    memory: Duration,
    active: Option<Active>,
    entries: Vec<Entry>,
    momentary: MomentaryWeights,
    time: Instant,
}

struct Entry {
    service: ServiceState,
    /// The servers in the order of the list.
    servers: Option<Vec<DestinationState>>,
}

/// The established connections of services, which only their servers have.
struct Active {
    connections: HashMap<ServiceId, u64>,
    /// The time until which they are good enough.
    until: Instant,
}

impl<'a> Reader<'a> {
    pub(super) fn new(ipvs: &'a mut Ipvs, list: &'a List, watch: Watch, whole: bool) -> Self {
        Self {
            ipvs,
            list,
            by: watch.by,
            whole,
            memory: MEMORY + 2 * Duration::from_secs(watch.seconds.into()),
            history: History::default(),
            active: None,
            entries: Vec::new(),
            momentary: MomentaryWeights::default(),
            time: Instant::now(),
        }
    }

    /// Reads the services whose ids contain the filter.
    pub(super) fn read(&mut self, filter: &str) -> Result<(), Failure> {
        let by_rate = matches!(self.by, By::Cps | By::In | By::Out);
        let columns = matches!(self.list.columns, Columns::Stats | Columns::Rate);
        self.ipvs.set_include_stats(by_rate || columns || self.list.format != ListFormat::Text);
        let services: Vec<(ServiceState, Option<Vec<DestinationState>>)> = match self.list.service {
            Some(id) => vec![(self.ipvs.service(id)?, None)],
            None if self.whole => {
                let entries = self.ipvs.table()?.entries.into_iter();
                entries.map(|entry| (entry.service, Some(entry.destinations))).collect()
            }
            None => self.ipvs.services_in_one_pass()?.into_iter().map(|service| (service, None)).collect(),
        };
        self.time = Instant::now();
        if self.list.format == ListFormat::Table {
            // A screen has no place for what is wrong with the notes, which the table by itself says.
            self.momentary = momentary::read_silently();
        }
        self.entries.clear();
        for (service, servers) in services {
            let servers = servers.map(|servers| self.prepare(service, servers));
            self.entries.push(Entry { service, servers });
        }
        if !filter.is_empty() {
            let filter = filter.to_ascii_lowercase();
            let matches =
                |entry: &Entry| entry.service.id().to_string().to_ascii_lowercase().contains(&filter);
            self.entries.retain(matches);
        }
        if by_rate {
            for Entry { service, .. } in &mut self.entries {
                self.history.apply((service.id(), None), &mut service.stats, self.time);
            }
        }
        self.history.forget(self.time, self.memory);
        self.sort()
    }

    fn sort(&mut self) -> Result<(), Failure> {
        let key = |entry: &Entry| entry.service.id().sort_key();
        match self.by {
            By::Name if !self.list.sorted => {}
            By::Name => self.entries.sort_by_cached_key(key),
            By::Active => {
                let active = self.active_connections()?;
                let connections =
                    |entry: &Entry| active.get(&entry.service.id()).copied().unwrap_or_default();
                self.entries.sort_by_cached_key(|entry| (Reverse(connections(entry)), key(entry)));
            }
            by => {
                self.entries
                    .sort_by_cached_key(|entry| (Reverse(rate(by, &entry.service.stats)), key(entry)));
            }
        }
        Ok(())
    }

    /// Returns the established connections of all services. If reading them takes long, it is not done each time.
    fn active_connections(&mut self) -> Result<HashMap<ServiceId, u64>, Failure> {
        let sum = |servers: &[DestinationState]| {
            servers.iter().map(|server| u64::from(server.active_connections)).sum()
        };
        if self.whole {
            let entries = self.entries.iter();
            return Ok(entries
                .map(|entry| (entry.service.id(), sum(entry.servers.as_deref().unwrap_or_default())))
                .collect());
        }
        if let Some(active) = self.active.as_ref().filter(|active| self.time < active.until) {
            return Ok(active.connections.clone());
        }
        let start = Instant::now();
        let entries = self.ipvs.table()?.entries.into_iter();
        let connections: HashMap<_, _> =
            entries.map(|entry| (entry.service.id(), sum(&entry.destinations))).collect();
        let until = Instant::now() + start.elapsed() * SORTING_SHARE;
        self.active = Some(Active { connections: connections.clone(), until });
        Ok(connections)
    }

    /// Returns the weights that were momentary at the time of the reading.
    pub(super) fn momentary(&self) -> &MomentaryWeights {
        &self.momentary
    }

    /// Returns the number of services.
    pub(super) fn count(&self) -> usize {
        self.entries.len()
    }

    /// Returns a service with its servers, with rates from the readings.
    pub(super) fn entry(&mut self, index: usize) -> Result<TableEntry, Failure> {
        let servers = self.servers(index)?.to_vec();
        let mut service = self.entries[index].service;
        self.history.apply((service.id(), None), &mut service.stats, self.time);
        Ok(TableEntry::new(service, servers))
    }

    /// Returns the servers of a service, which are read unless they have been since the services were.
    pub(super) fn servers(&mut self, index: usize) -> Result<&[DestinationState], Failure> {
        let servers = match self.entries[index].servers.take() {
            Some(servers) => servers,
            None => {
                let service = self.entries[index].service;
                let servers = match self.ipvs.destinations(service.id()) {
                    // It was deleted since the services were read, and will be gone with the next reading.
                    Err(Error::Refused(refused)) if refused.reason == Reason::NoSuchService => Vec::new(),
                    servers => servers?,
                };
                self.prepare(service, servers)
            }
        };
        Ok(self.entries[index].servers.insert(servers))
    }

    /// Returns servers with rates from the readings, and in the order of the list.
    fn prepare(&mut self, service: ServiceState, servers: Vec<DestinationState>) -> Vec<DestinationState> {
        let mut entry = TableEntry::new(service, servers);
        self.momentary.show_removed(&mut entry);
        let (service, mut servers) = (service.id(), entry.destinations);
        for server in &mut servers {
            self.history.apply((service, Some(server.id())), &mut server.stats, self.time);
        }
        if self.list.sorted {
            servers = sorted_servers(&servers).into_iter().copied().collect();
        }
        match self.by {
            By::Name => {}
            By::Active => servers.sort_by_key(|server| Reverse(server.active_connections)),
            by => servers.sort_by_key(|server| Reverse(rate(by, &server.stats))),
        }
        servers
    }
}

/// Returns the rate that the list is sorted by.
fn rate(by: By, stats: &Stats) -> u64 {
    match by {
        By::In => stats.rates.in_bytes,
        By::Out => stats.rates.out_bytes,
        By::Name | By::Active | By::Cps => stats.rates.connections,
    }
}
