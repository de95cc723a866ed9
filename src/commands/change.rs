//! One change, and what helps if its server does not exist.

use ipvs_netlink::{Change, DestinationState, Error, Ipvs, Reason};

use crate::failure::Failure;

/// Makes a change. If its server does not exist, others at the same address are named: it may be one with another
/// port or forwarding method that is meant.
pub(super) fn make(ipvs: &mut Ipvs, change: Change) -> Result<(), Failure> {
    match ipvs.change(change) {
        Err(Error::Refused(refused)) if refused.reason == Reason::NoSuchDestination => {
            let servers = servers_at_address(ipvs, &change);
            if servers.is_empty() {
                Err(Error::from(refused).into())
            } else {
                Err(Failure::OtherServers(refused, servers))
            }
        }
        outcome => Ok(outcome?),
    }
}

/// Returns the servers of the same service at the address of a change's server.
fn servers_at_address(ipvs: &mut Ipvs, change: &Change) -> Vec<DestinationState> {
    let (service, server) = match *change {
        Change::SetDestination(service, server) => (service, server.id),
        Change::DeleteDestination(service, server) => (service, server),
        _ => return Vec::new(),
    };
    // The refusal is reported in any case.
    let mut servers = ipvs.destinations(service).unwrap_or_default();
    servers.retain(|state| state.id().address == server.address);
    servers
}
