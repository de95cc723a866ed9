//! The table for the plain listing: services by one dump, and their destinations from `/proc/net/ip_vs`.

use rustc_hash::FxHashMap;

use crate::address::AddressFamily;
use crate::destination::DestinationSummary;
use crate::error::{Error, Reason};
use crate::proc::{ProcService, ProcTable};
use crate::reply::Reply;
use crate::request::Query;
use crate::service::{Service, ServiceId};
use crate::snapshot::{Reader, TableEntry, dedup};
use crate::socket::Dump;

/// A service, and what the plain listing shows of its destinations.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceSummary {
    /// The settings of the service.
    pub service: Service,
    /// The destinations in the kernel's order: the one added last comes first.
    pub destinations: Vec<DestinationSummary>,
}

impl ServiceSummary {
    /// Puts a service and its destinations together.
    #[must_use]
    pub fn new(service: Service, destinations: Vec<DestinationSummary>) -> Self {
        Self { service, destinations }
    }
}

/// The number of services from which on the file is read faster than their destinations are asked for.
const MIN_FOR_FILE: usize = 8;

/// Returns the id of a service in the file, if it is certain.
fn known_id(service: &ProcService) -> Option<ServiceId> {
    service.has_known_family.then_some(service.id)
}

impl Reader<'_> {
    /// Reads the services, and takes their destinations from the file where it has exactly this service. The kernel is
    /// asked for those of all others.
    ///
    /// The file is also the second reading that a list of services in several datagrams needs: the kernel is asked for
    /// services that only the file has.
    pub(crate) fn summary(
        &mut self,
        file: impl FnOnce() -> Option<ProcTable>,
    ) -> Result<Vec<ServiceSummary>, Error> {
        let mut dump = self.0.dump(Query::Services, |reply| {
            Some(ServiceSummary::new(reply.into_service()?.settings, Vec::new()))
        })?;
        if dump.elements.len() < MIN_FOR_FILE {
            return self.match_by_id(dump, Vec::new());
        }
        let Some(ProcTable { services: records, .. }) = file() else { return self.without_file() };
        let ids = dump.elements.iter().map(|summary| Some(summary.service.id()));
        let same = ids.eq(records.iter().map(known_id));
        if !same {
            return self.match_by_id(dump, records);
        }
        for (summary, record) in dump.elements.iter_mut().zip(records) {
            summary.destinations = record.destinations;
        }
        Ok(dump.elements)
    }

    fn without_file(&mut self) -> Result<Vec<ServiceSummary>, Error> {
        let summary = |entry: TableEntry| {
            let destinations = entry.destinations.into_iter().map(DestinationSummary::from);
            ServiceSummary::new(entry.service.settings, destinations.collect())
        };
        Ok(self.table()?.entries.into_iter().map(summary).collect())
    }

    /// Completes a list of services from a file that has not exactly the same.
    fn match_by_id(
        &mut self,
        dump: Dump<ServiceSummary>,
        file: Vec<ProcService>,
    ) -> Result<Vec<ServiceSummary>, Error> {
        let (services, keys) = dedup(dump, |summary| summary.service.id());
        let mut records = FxHashMap::with_capacity_and_hasher(file.len(), Default::default());
        let mut doubtful = Vec::new();
        for record in file {
            match record.id {
                ServiceId::Fwmark { mark, .. } if !record.has_known_family => doubtful.push(mark),
                id => drop(records.insert(id, record.destinations)),
            }
        }
        let mut summaries = Vec::with_capacity(services.len());
        for ServiceSummary { service, .. } in services {
            let destinations = match records.remove(&service.id()) {
                Some(destinations) => Some(destinations),
                None => self.destinations_if_exists(service.id())?,
            };
            summaries.extend(destinations.map(|destinations| ServiceSummary { service, destinations }));
        }
        if let Some(listed) = keys {
            let families = [AddressFamily::V4, AddressFamily::V6];
            let marks =
                doubtful.iter().flat_map(|&mark| families.map(|family| ServiceId::fwmark(mark, family)));
            let mut missed: Vec<_> = records.into_keys().chain(marks).collect();
            missed.retain(|id| !listed.contains(id));
            missed.sort_unstable();
            missed.dedup();
            for id in missed {
                summaries.extend(self.summary_if_exists(id)?);
            }
        }
        Ok(summaries)
    }

    fn summary_if_exists(&mut self, id: ServiceId) -> Result<Option<ServiceSummary>, Error> {
        let Some(service) = self.service_if_exists(id)? else { return Ok(None) };
        let destinations = self.destinations_if_exists(id)?;
        Ok(destinations.map(|destinations| ServiceSummary { service, destinations }))
    }

    fn destinations_if_exists(&mut self, id: ServiceId) -> Result<Option<Vec<DestinationSummary>>, Error> {
        let destinations = self.destinations(id)?;
        // The kernel answers an empty list for a service that does not exist.
        if destinations.is_empty() && self.service_if_exists(id)?.is_none() {
            return Ok(None);
        }
        Ok(Some(destinations.into_iter().map(DestinationSummary::from).collect()))
    }

    fn service_if_exists(&mut self, id: ServiceId) -> Result<Option<Service>, Error> {
        match self.0.get(Query::Service(id), Reply::into_service) {
            Ok(service) => Ok(Some(service.settings)),
            Err(Error::Refused(refused)) if refused.reason == Reason::NoSuchService => Ok(None),
            Err(error) => Err(error),
        }
    }
}
