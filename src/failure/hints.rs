//! Advice on what to do next after the kernel has refused something.

use ipvs_netlink::{
    Change, Destination, DestinationState, Error, Forwarding, Query, Reason, Refused, Request, ServiceId,
};

use crate::cli::{Opt, bracket_hint};

/// The number of servers or refusals that a sentence names.
const MAX_NAMED: usize = 3;

/// Returns advice in parentheses, if there is any.
pub(super) fn hint(error: &Error) -> String {
    let Error::Refused(refused) = error else { return String::new() };
    let advice = advice(refused).map(String::from);
    let is_missing = matches!(refused.reason, Reason::NoSuchService | Reason::ServiceNotDefined);
    let brackets =
        service(&refused.request).filter(|_| is_missing).and_then(|service| bracket_hint(&service));
    let all: Vec<String> = advice.into_iter().chain(brackets).collect();
    if all.is_empty() { String::new() } else { format!(" ({})", all.join("; ")) }
}

/// Names the servers that the service has at the address of the one that it has not.
pub(super) fn other_servers(refused: &Refused, servers: &[DestinationState]) -> String {
    let is_natted = |server: &Destination| server.forwarding == Forwarding::Masquerade;
    let wants_nat = match &*refused.request {
        Request::Change(Change::SetDestination(_, server)) => is_natted(server),
        // A deletion does not name the method.
        _ => true,
    };
    let mut all: Vec<String> = servers
        .iter()
        .take(MAX_NAMED)
        .map(|DestinationState { settings, .. }| {
            let place = match settings.forwarding {
                Forwarding::Masquerade => "behind NAT".to_owned(),
                Forwarding::Tunnel => "behind a tunnel".to_owned(),
                Forwarding::DirectRoute => "by direct routing".to_owned(),
                other => format!("by the method {other}"),
            };
            let mut text = format!("{} is there {place}", settings.id);
            if is_natted(settings) && !wants_nat {
                text += &format!(": add {}", Opt::Masquerading.name());
            }
            text
        })
        .collect();
    if servers.len() > MAX_NAMED {
        all.push(format!("and {} more", servers.len() - MAX_NAMED));
    }
    all.join(", ")
}

/// Names the first refusals, and the number of the others.
pub(super) fn refusals(refused: &[impl ToString]) -> String {
    let mut all: Vec<String> = refused.iter().take(MAX_NAMED).map(ToString::to_string).collect();
    if refused.len() > MAX_NAMED {
        all.push(format!("and {} more", refused.len() - MAX_NAMED));
    }
    all.join("; ")
}

fn advice(refused: &Refused) -> Option<&'static str> {
    let takes_away = matches!(
        *refused.request,
        Request::Change(Change::DeleteService(_) | Change::DeleteDestination(..) | Change::Zero(_))
    );
    match refused.reason {
        Reason::NotPermitted if matches!(*refused.request, Request::Query(_)) => {
            Some("without it, only -L and -L -c show something")
        }
        Reason::ServiceExists => Some("use -E to change it"),
        Reason::DestinationExists => Some("use -e to change it"),
        // To add something is no help for a command that takes it away.
        Reason::NoSuchService | Reason::ServiceNotDefined | Reason::NoSuchDestination if takes_away => {
            Some("see 'ipvsadm -L -n'")
        }
        Reason::NoSuchService | Reason::ServiceNotDefined => Some("see 'ipvsadm -L -n'; use -A to add it"),
        Reason::NoSuchDestination => Some("see 'ipvsadm -L -n'; use -a to add it"),
        _ => None,
    }
}

/// Returns the service that a request is about.
fn service(request: &Request) -> Option<ServiceId> {
    match request {
        Request::Change(Change::AddService(service) | Change::SetService(service)) => Some(service.id()),
        Request::Change(
            Change::DeleteService(id)
            | Change::Zero(Some(id))
            | Change::AddDestination(id, _)
            | Change::SetDestination(id, _)
            | Change::DeleteDestination(id, _),
        )
        | Request::Query(Query::Service(id) | Query::Destinations(id)) => Some(*id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use ipvs_netlink::{Destination, DestinationId, Service};

    use super::*;

    const ESRCH: i32 = 3;
    const ENOENT: i32 = 2;

    fn id(text: &str) -> ServiceId {
        text.parse().unwrap()
    }

    #[test]
    fn nobody_who_deletes_or_zeroes_is_told_to_add() {
        let web = id("TCP 192.0.2.1:80");
        let server = DestinationId::new([10, 0, 0, 1], 80);
        for (change, errno) in [
            (Change::DeleteService(web), ESRCH),
            (Change::Zero(Some(web)), ESRCH),
            (Change::DeleteDestination(web, server), ESRCH),
            (Change::DeleteDestination(web, server), ENOENT),
        ] {
            let hint = hint(&Refused::from_errno(change, errno, None).into());
            assert_eq!(hint, " (see 'ipvsadm -L -n')", "{change:?}");
        }
        for (change, errno, option) in [
            (Change::SetService(Service::new(web)), ESRCH, "-A"),
            (Change::SetDestination(web, Destination::new(server)), ESRCH, "-A"),
            (Change::SetDestination(web, Destination::new(server)), ENOENT, "-a"),
        ] {
            let hint = hint(&Refused::from_errno(change, errno, None).into());
            assert_eq!(hint, format!(" (see 'ipvsadm -L -n'; use {option} to add it)"));
        }
    }

    #[test]
    fn a_missing_service_whose_address_ends_like_a_port_needs_brackets() {
        let error = Refused::from_errno(Change::DeleteService(id("TCP [2001:db8::1:80]:0")), ESRCH, None);
        assert_eq!(
            hint(&error.into()),
            " (see 'ipvsadm -L -n'; an IPv6 address with a port needs brackets: [2001:db8::1]:80)"
        );
    }
}
