//! Reading the services that are followed.

use ipvs_netlink::tokio::Ipvs;
use ipvs_netlink::{DestinationState, Error, Reason, ServiceId, Table};

use crate::load::Present;

/// The number of times that the table is read while others change it.
const MAX_READS: usize = 3;

/// Services with their servers.
type Services = Vec<(ServiceId, Vec<Present>)>;

/// Reads the servers of these services, of which some may not exist, or of all. Returns `None` if others keep changing the
/// table, so that a service could be missing that is there.
pub(super) async fn read(ipvs: &Ipvs, services: &[ServiceId]) -> Result<Option<Services>, Error> {
    if services.is_empty() {
        for _ in 0..MAX_READS {
            if let Some(table) = ipvs.consistent_table().await? {
                return Ok(Some(shorten(&table)));
            }
        }
        return Ok(None);
    }
    let mut table = Vec::new();
    for &service in services {
        if let Some(servers) = read_servers(ipvs, service).await? {
            table.push((service, servers.iter().map(present).collect()));
        }
    }
    Ok(Some(table))
}

/// Reads the servers of all services, while others change the table.
pub(super) async fn read_at_once(ipvs: &Ipvs) -> Result<Services, Error> {
    Ok(shorten(&ipvs.table().await?))
}

fn shorten(table: &Table) -> Services {
    let entries = table.entries.iter();
    entries.map(|entry| (entry.service.id(), entry.destinations.iter().map(present).collect())).collect()
}

/// Reads the servers of a service, if it exists.
pub(super) async fn read_servers(
    ipvs: &Ipvs,
    service: ServiceId,
) -> Result<Option<Vec<DestinationState>>, Error> {
    match ipvs.destinations(service).await {
        Err(Error::Refused(refused)) if refused.reason == Reason::NoSuchService => Ok(None),
        servers => servers.map(Some),
    }
}

/// Returns the part of a server that matters.
pub(super) fn present(state: &DestinationState) -> Present {
    (state.id(), state.settings.weight)
}
