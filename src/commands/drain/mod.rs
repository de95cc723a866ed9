//! `--drain` and `--undrain`: servers without new connections, and back to the weights from before.
//!
//! The kernel has no place for a weight from before, so it is noted in a file. The note is on the disk before the weight
//! changes, and is removed after it has changed back: a program that is killed in between loses nothing.

mod end;
mod list;
mod start;

pub(crate) use end::run as undrain;
pub(super) use end::{ended_by, forget_ended};
pub(super) use list::run as list;
pub(crate) use start::run as drain;

use ipvs_netlink::{Change, DestinationState, Error, Ipvs, Reason, ServiceId};

use crate::cli::Usage;
use crate::failure::Failure;
use crate::grammar::Servers;

/// The number of times that a table is read while others keep changing it.
const MAX_READS: usize = 8;

/// A server of a service, as the kernel has it.
type Found = (ServiceId, DestinationState);

/// Finds a server in some services or in all of them. Without a port, it is every server at that address.
fn find(ipvs: &mut Ipvs, servers: &Servers) -> Result<Vec<Found>, Failure> {
    ipvs.set_include_stats(false);
    let mut all = Vec::new();
    for &service in &servers.services {
        all.extend(servers_of(ipvs, service)?.into_iter().map(|state| (service, state)));
    }
    if servers.services.is_empty() {
        let mut table = None;
        for _ in 0..MAX_READS {
            table = ipvs.consistent_table()?;
            if table.is_some() {
                break;
            }
        }
        let table = match table {
            Some(table) => table,
            // A service that is missing because others keep changing the table has just come.
            None => ipvs.table()?,
        };
        for entry in table.entries {
            let service = entry.service.id();
            all.extend(entry.destinations.into_iter().map(|state| (service, state)));
        }
    }
    all.retain(|(_, state)| state.id().address == servers.name.address);
    all.sort_by_key(|(service, state)| (service.sort_key(), state.id().port));
    Ok(all)
}

/// Returns the servers of a service; if it is gone there are none.
fn servers_of(ipvs: &mut Ipvs, service: ServiceId) -> Result<Vec<DestinationState>, Failure> {
    match ipvs.destinations(service) {
        Err(Error::Refused(refused)) if refused.reason == Reason::NoSuchService => Ok(Vec::new()),
        servers => Ok(servers?),
    }
}

/// Leaves only the servers that the name fits, of which there has to be one in each service that is named.
fn fitting(servers: &Servers, mut found: Vec<Found>) -> Result<Vec<Found>, Usage> {
    let has_it = |wanted: Option<ServiceId>| {
        let mut inside = found.iter().filter(|(service, _)| wanted.is_none_or(|wanted| *service == wanted));
        inside.any(|(_, state)| servers.name.fits(state.id()))
    };
    let without = servers.services.iter().copied().find(|service| !has_it(Some(*service)));
    if without.is_some() || !has_it(None) {
        let inside = found.iter().filter(|(service, _)| without.is_none_or(|without| *service == without));
        let mut others: Vec<_> = inside.map(|(_, state)| state.id()).collect();
        others.sort_by_key(|id| id.port);
        others.dedup();
        let name = servers.name.to_string();
        return Err(match without {
            Some(service) => Usage::NoSuchServer { service, name, others },
            None => Usage::UnknownServer { name, others },
        });
    }
    found.retain(|(_, state)| servers.name.fits(state.id()));
    Ok(found)
}

/// Returns the change that gives a server another weight and nothing else.
fn with_weight((service, state): &Found, weight: u32) -> Change {
    Change::SetDestination(*service, state.settings.with_weight(weight))
}

/// Makes changes, and returns for each the sentence about its refusal, if the kernel refused it.
fn apply(ipvs: &mut Ipvs, changes: &[Change]) -> Result<Vec<Option<String>>, Failure> {
    let mut outcomes = vec![None; changes.len()];
    for refused in ipvs.apply(changes)? {
        outcomes[refused.index] = Some(Failure::from(Error::from(refused.refused)).to_string());
    }
    Ok(outcomes)
}

/// Names a server in a sentence.
fn name((service, state): &Found) -> String {
    format!("server {} of service {service}", state.id())
}
