//! Real servers: the way to them, and whether they may get connections.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};

use ipvs_netlink::{DestinationId, DestinationState, Forwarding, Protocol, ServiceId, TableEntry};

use super::evidence::{Evidence, Probe, Route};
use super::finding::{Finding, Severity, list, set, shell_word};
use super::services::{higher_limit, is_full};

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let mut seen = HashSet::new();
    let mut without_route = Vec::new();
    for entry in &evidence.table {
        for server in &entry.destinations {
            let subject = format!("{} -> {}", entry.service.id(), server.id());
            let address = server.id().address;
            // A server of many services is as unreachable for all of them.
            if server.settings.weight > 0 && seen.insert(address) {
                if evidence.routes.get(&address) == Some(&Route::Missing) {
                    without_route.push(address);
                }
                findings.extend(neighbour(evidence, address));
            }
            findings.extend(probe(evidence, entry, server, &subject));
            findings.extend(local(evidence, entry, server, &subject));
            findings.extend(limit(entry, server, &subject));
            findings.extend(clients_of_drained(evidence, entry, server, &subject));
        }
    }
    if let Some(first) = without_route.first() {
        // A whole network is missing rather than a single route.
        findings.push(Finding::new(
            Severity::Error,
            "no-route",
            "real servers",
            format!("there is no route to {}", list(&without_route)),
            "they get no request",
            format!("ip route add {first} via GATEWAY"),
        ));
    }
}

/// Finds a server behind a neighbour that did not answer: itself, or its gateway.
fn neighbour(evidence: &Evidence, address: IpAddr) -> Option<Finding> {
    let Route::Over { interface, gateway } = *evidence.routes.get(&address)? else { return None };
    let hop = gateway.unwrap_or(address);
    if !evidence.failed_neighbours.contains(&(interface, hop)) {
        return None;
    }
    let name = evidence.interface_name(interface);
    let who = if gateway.is_some() { format!("its gateway {hop}") } else { "it".to_owned() };
    Some(Finding::new(
        Severity::Error,
        "no-neighbour",
        format!("real server {address}"),
        format!("{who} did not answer when {name} asked for its hardware address"),
        "it gets no request",
        format!(
            "start the machine or mend its network, then see: ip neighbour show {hop} dev {}",
            shell_word(&name)
        ),
    ))
}

/// Finds a server to which no connection could be made. One with direct routing or a tunnel may wait for connections to
/// the virtual address alone, and refuses those to its own. Other services at the same port may use another protocol, or
/// have taken the server out.
fn probe(
    evidence: &Evidence,
    entry: &TableEntry,
    server: &DestinationState,
    subject: &str,
) -> Option<Finding> {
    if !is_probed(entry, server) {
        return None;
    }
    let DestinationId { address, port } = server.id();
    let is_natted = server.settings.forwarding == Forwarding::Masquerade;
    let (seen, breaks) = match evidence.probes.get(&SocketAddr::new(address, port))? {
        Probe::Refused if is_natted => {
            ("refuses connections from here", "clients that are sent to it get an error")
        }
        Probe::Silent => {
            ("did not answer a connection from here", "clients that are sent to it wait in vain")
        }
        Probe::Accepted | Probe::Refused => return None,
    };
    Some(Finding::new(
        Severity::Error,
        "no-connection",
        subject,
        format!("{} {seen}", server.id()),
        breaks,
        format!("start the service on it, or until then: ipvsadm --drain -r {}", server.id()),
    ))
}

/// Returns whether clients connect to a server by TCP.
pub(crate) fn is_probed(entry: &TableEntry, server: &DestinationState) -> bool {
    entry.service.id().protocol() == Some(Protocol::TCP) && server.settings.weight > 0 && server.id().port > 0
}

/// Finds a server that is this machine itself, where nothing waits for requests.
fn local(
    evidence: &Evidence,
    entry: &TableEntry,
    server: &DestinationState,
    subject: &str,
) -> Option<Finding> {
    let ServiceId::Address { protocol: protocol @ (Protocol::TCP | Protocol::UDP), address, port } =
        entry.service.id()
    else {
        return None;
    };
    if server.settings.weight == 0 || port == 0 {
        return None;
    }
    let id = server.id();
    let listeners = evidence.listeners.as_ref()?;
    let waits = |listener: SocketAddr| {
        let ip = listener.ip();
        (listener.port() == id.port || listener.port() == port)
            && (ip.is_unspecified() || ip == id.address || ip == address)
    };
    let is_local = evidence.routes.get(&id.address) == Some(&Route::Local);
    if !is_local || listeners.iter().any(|listener| listener.protocol == protocol && waits(listener.address))
    {
        return None;
    }
    Some(Finding::new(
        Severity::Error,
        "local-server",
        subject,
        format!(
            "{} is an address of the director itself, and nothing listens there on {protocol} port {}",
            id.address, id.port
        ),
        "its share of the requests is refused",
        format!(
            "start the server program here, or take {} off this machine if it belongs to another one",
            id.address
        ),
    ))
}

/// Finds a server that is full, while others are not.
fn limit(entry: &TableEntry, server: &DestinationState, subject: &str) -> Option<Finding> {
    let others = entry.destinations.iter().filter(|other| other.settings.weight > 0);
    if server.settings.weight == 0 || !is_full(server) || others.clone().all(is_full) {
        return None;
    }
    let connections = u64::from(server.active_connections) + u64::from(server.inactive_connections);
    Some(Finding::new(
        Severity::Warning,
        "full",
        subject,
        format!(
            "it has {connections} connections, and its upper threshold is {}",
            server.settings.upper_threshold
        ),
        "it gets no new ones, and the other servers have to take its share",
        format!(
            "{} # connections that have ended lately count, too",
            higher_limit(entry.service.id(), server)
        ),
    ))
}

/// Finds a server that was taken out, but to which clients of a persistent service come back.
fn clients_of_drained(
    evidence: &Evidence,
    entry: &TableEntry,
    server: &DestinationState,
    subject: &str,
) -> Option<Finding> {
    const EXPIRE: &str = "net/ipv4/vs/expire_quiescent_template";
    let is_bound = server.settings.weight == 0
        && server.persistent_connections > 0
        && entry.service.settings.persistence.is_some();
    (is_bound && evidence.setting(EXPIRE) == Some(0)).then(|| {
        Finding::new(
            Severity::Warning,
            "drained-persistent",
            subject,
            format!(
                "its weight is 0, but {} clients are bound to it by persistence",
                server.persistent_connections
            ),
            "they return to it with new connections",
            set(EXPIRE, 1),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::evidence::Listener;
    use super::super::evidence::tests::{entry, found, healthy};
    use super::*;

    const NOTHING: [&str; 0] = [];
    const SERVER: [u8; 4] = [10, 0, 0, 11];

    #[test]
    fn servers_need_a_route_and_a_neighbour_that_answers() {
        let mut evidence = healthy();
        evidence.table.push(entry("TCP 192.0.2.1:443", &["10.0.0.11:443"]));
        evidence.routes.insert(SERVER.into(), Route::Missing);
        // The server is named once for all its services.
        assert_eq!(found(&evidence), ["no-route"]);
        evidence.table[0].destinations[0].settings.weight = 0;
        evidence.table[1].destinations[0].settings.weight = 0;
        evidence.table.pop();
        assert_eq!(found(&evidence), NOTHING);

        let mut evidence = healthy();
        evidence.failed_neighbours.insert((2, SERVER.into()));
        assert_eq!(found(&evidence), NOTHING);
        evidence.failed_neighbours.insert((3, SERVER.into()));
        assert_eq!(found(&evidence), ["no-neighbour"]);
        let gateway = [10, 0, 0, 254].into();
        evidence.routes.insert(SERVER.into(), Route::Over { interface: 3, gateway: Some(gateway) });
        assert_eq!(found(&evidence), NOTHING);
        evidence.failed_neighbours.insert((3, gateway));
        assert_eq!(found(&evidence), ["no-neighbour"]);
    }

    #[test]
    fn servers_have_to_accept_connections_if_they_are_probed() {
        let mut evidence = healthy();
        let server = SocketAddr::from((SERVER, 80));
        evidence.table[0].destinations[0].settings.forwarding = Forwarding::Masquerade;
        let without = found(&evidence);
        for (probe, expected) in [(Probe::Accepted, false), (Probe::Refused, true), (Probe::Silent, true)] {
            evidence.probes.insert(server, probe);
            assert_eq!(found(&evidence).contains(&"no-connection"), expected, "{probe:?}");
            assert_eq!(found(&evidence).len(), without.len() + usize::from(expected), "{probe:?}");
        }
        // Nobody has asked the server of another protocol at this port, or sends clients to one that is taken out.
        evidence.table.push(entry("UDP 192.0.2.1:80", &["10.0.0.11:80"]));
        evidence.table.push(entry("TCP 192.0.2.1:443", &["10.0.0.11:80", "10.0.0.12:80"]));
        evidence.table[2].destinations[0].settings.weight = 0;
        assert_eq!(found(&evidence).iter().filter(|check| **check == "no-connection").count(), 1);
        evidence.table.truncate(1);
        evidence.table[0].destinations[0].settings.forwarding = Forwarding::DirectRoute;
        assert!(found(&evidence).contains(&"no-connection"));
        evidence.probes.insert(server, Probe::Refused);
        assert!(!found(&evidence).contains(&"no-connection"));
    }

    #[test]
    fn a_server_on_the_director_itself_has_to_listen() {
        let mut evidence = healthy();
        evidence.routes.insert(SERVER.into(), Route::Local);
        assert_eq!(found(&evidence), NOTHING);
        evidence.listeners = Some(Vec::new());
        assert_eq!(found(&evidence), ["local-server"]);
        for (address, expected) in [
            ("0.0.0.0:80", true),
            ("[::]:80", true),
            ("192.0.2.1:80", true),
            ("10.0.0.11:80", true),
            ("127.0.0.1:80", false),
            ("0.0.0.0:81", false),
        ] {
            let listener = Listener { protocol: Protocol::TCP, address: address.parse().unwrap() };
            evidence.listeners = Some(vec![listener]);
            assert_eq!(found(&evidence).is_empty(), expected, "{address}");
            evidence.listeners = Some(vec![Listener { protocol: Protocol::UDP, ..listener }]);
            assert_eq!(found(&evidence), ["local-server"], "{address}");
        }
    }

    #[test]
    fn clients_return_to_a_drained_server_that_they_are_bound_to() {
        let mut evidence = healthy();
        evidence.table[0].service.settings.persistence = Some(300);
        evidence.table[0].destinations[0].persistent_connections = 2;
        assert_eq!(found(&evidence), NOTHING);
        evidence.table[0].destinations[0].settings.weight = 0;
        assert_eq!(found(&evidence), ["drained-persistent"]);
        evidence.settings.insert("net/ipv4/vs/expire_quiescent_template".into(), "1".into());
        assert_eq!(found(&evidence), NOTHING);
    }
}
