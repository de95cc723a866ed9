//! Findings from connections and counters: servers that do not answer, or whose answers go another way.

use std::collections::{BTreeSet, HashMap, HashSet};

use ipvs_netlink::{DestinationState, Forwarding, Protocol, ServiceFlags, ServiceId, TableEntry};

use super::evidence::{Counts, Evidence, Route};
use super::finding::{Finding, Severity, list, set};
use super::host::obstacle;

/// The number of connections or packets from which silence is no chance.
const FEW: u64 = 3;

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    for entry in &evidence.table {
        for server in &entry.destinations {
            // Without forwarding no server can be heard, of which there is a finding already.
            let is_natted = server.settings.forwarding == Forwarding::Masquerade;
            if is_natted && obstacle(evidence, server.id().address).is_some() {
                continue;
            }
            findings.extend(answers(evidence, entry, server));
        }
    }
    deleted_servers(evidence, findings);
}

/// Finds a server that has been asked and did not answer, as far as the director can see.
fn answers(evidence: &Evidence, entry: &TableEntry, server: &DestinationState) -> Option<Finding> {
    let none = Counts::default();
    let counts = evidence.counts(entry.service.id(), server.id()).unwrap_or(&none);
    let subject = format!("{} -> {}", entry.service.id(), server.id());
    let is_natted = server.settings.forwarding == Forwarding::Masquerade
        && evidence.routes.get(&server.id().address) != Some(&Route::Local);
    if server.settings.weight == 0 {
        return None;
    }
    if is_natted {
        let beside = counts
            .waiting_clients
            .iter()
            .find(|&&client| evidence.are_neighbours(client, server.id().address));
        if let Some(client) = beside {
            return Some(Finding::new(
                Severity::Error,
                "client-beside-server",
                subject,
                format!(
                    "the client {client} waits for an answer, and is in the same network as the server, which is behind \
                     NAT"
                ),
                "answers go to such clients directly, past the director, and are rejected",
                "use direct routing (-g) for these clients, or give the server a route to them through the director",
            ));
        }
    }
    let (sent, received) = (server.stats.in_packets, server.stats.out_packets);
    let are_counted = evidence.setting("net/ipv4/vs/run_estimation") != Some(0);
    // The kernel's number of active connections has those that wait, too.
    // Counters that were zeroed lack the start of older connections.
    let is_idle = counts.established == 0 && server.stats.connections > 0;
    if is_natted && are_counted && is_idle && is_stream(entry.service.id(), counts) && sent >= FEW {
        if received == 0 {
            return Some(Finding::new(
                Severity::Error,
                "no-answers",
                subject,
                format!("{sent} packets went to the server, and none came back through the director"),
                "clients that get this server are not served",
                format!(
                    "check that {} is switched on and that this director is its default route",
                    server.id().address
                ),
            ));
        }
        if refuses(server) {
            return Some(Finding::new(
                Severity::Error,
                "refused",
                subject,
                format!("the server has answered {received} times, and with refusals only"),
                "clients that get this server are refused",
                format!("start the program that serves port {} on {}", server.id().port, server.id().address),
            ));
        }
    }
    let served = counts.established + counts.ending;
    if counts.waiting < FEW || counts.waiting <= served {
        return None;
    }
    let severity = if served == 0 { Severity::Error } else { Severity::Warning };
    let mend = if is_natted {
        format!(
            "check that {} is switched on and that this director is its default route",
            server.id().address
        )
    } else {
        format!(
            "run this on the server: ipvsadm --doctor --as-real-server{}",
            super::real_server::options(entry.service.id(), &server.settings)
        )
    };
    Some(Finding::new(
        severity,
        "waiting",
        subject,
        format!("{} connections wait for the first answer, and {served} had one", counts.waiting),
        "clients that get this server are not served",
        mend,
    ))
}

/// Returns whether a server of such a service has to answer.
fn is_stream(service: ServiceId, counts: &Counts) -> bool {
    match service.protocol() {
        Some(protocol) => matches!(protocol, Protocol::TCP | Protocol::SCTP),
        None => counts.waiting > 0,
    }
}

/// Returns whether all answers are as short as a refusal. A server that accepts tells its largest segment, which takes
/// at least four bytes more.
fn refuses(server: &DestinationState) -> bool {
    let length = if server.id().address.is_ipv4() { 40 } else { 60 };
    let stats = &server.stats;
    stats.connections >= FEW && stats.out_packets >= FEW && stats.out_bytes == length * stats.out_packets
}

/// Finds clients whose server was deleted, and whose packets are dropped.
fn deleted_servers(evidence: &Evidence, findings: &mut Vec<Finding>) {
    const EXPIRE: &str = "net/ipv4/vs/expire_nodest_conn";
    if evidence.setting(EXPIRE) != Some(0) {
        return;
    }
    let mut servers: HashMap<ServiceId, HashSet<_>> = HashMap::new();
    for entry in &evidence.table {
        let is_one_packet = entry.service.settings.flags.contains(ServiceFlags::ONE_PACKET);
        // Other connections may belong to a service without being to its own address and port.
        if matches!(entry.service.id(), ServiceId::Address { port, .. } if port != 0) && !is_one_packet {
            let ids = entry.destinations.iter().map(DestinationState::id);
            servers.insert(entry.service.id(), ids.collect());
        }
    }
    let mut deleted: HashMap<ServiceId, (u64, BTreeSet<_>)> = HashMap::new();
    for (flow, counts) in &evidence.connections.flows {
        let id = ServiceId::new(flow.protocol, flow.service);
        let is_there = servers.get(&id).is_none_or(|servers| servers.contains(&flow.server.into()));
        if counts.established > 0 && !is_there {
            let (connections, names) = deleted.entry(id).or_default();
            *connections += counts.established;
            names.insert(flow.server);
        }
    }
    // In the order of the table.
    for id in evidence.table.iter().map(|entry| entry.service.id()) {
        let Some((connections, names)) = deleted.get(&id) else { continue };
        findings.push(Finding::new(
            Severity::Warning,
            "deleted-server",
            id,
            format!(
                "{connections} connections are to servers that have been deleted ({}), and \
                 net.ipv4.vs.expire_nodest_conn is 0",
                list(names)
            ),
            "packets of these clients are dropped until the connections expire",
            set(EXPIRE, 1),
        ));
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, SocketAddr};

    use super::super::evidence::Flow;
    use super::super::evidence::tests::{entry, found, healthy};
    use super::*;

    /// Adds connections in a state between the service of a healthy director and a server.
    fn connect(evidence: &mut Evidence, server: &str, state: &[u8], client: &str, number: usize) {
        let flow = Flow {
            protocol: evidence.table[0].service.id().protocol().unwrap_or(Protocol::TCP),
            service: "192.0.2.1:80".parse().unwrap(),
            server: server.parse().unwrap(),
        };
        let client: IpAddr = client.parse().unwrap();
        let address = server.parse::<SocketAddr>().unwrap().ip();
        for _ in 0..number {
            evidence.connections.flows.entry(flow).or_default().count(state, 50, client);
            evidence.connections.servers.entry(address).or_default().count(state, 50, client);
        }
    }

    const SERVER: &str = "10.0.0.11:80";
    const CLIENT: &str = "198.51.100.9";

    #[test]
    fn a_server_is_silent_if_all_its_connections_wait() {
        let mut evidence = healthy();
        connect(&mut evidence, SERVER, b"SYN_RECV", CLIENT, 2);
        assert_eq!(found(&evidence), [""; 0]);
        connect(&mut evidence, SERVER, b"SYN_RECV", CLIENT, 1);
        assert_eq!(found(&evidence), ["waiting"]);
        // A busy server always has some that wait.
        connect(&mut evidence, SERVER, b"ESTABLISHED", CLIENT, 2);
        connect(&mut evidence, SERVER, b"TIME_WAIT", CLIENT, 1);
        assert_eq!(found(&evidence), [""; 0]);
        connect(&mut evidence, SERVER, b"SYN_RECV", CLIENT, 1);
        let findings = crate::doctor::examine_director(&evidence);
        assert_eq!((findings[0].check, findings[0].severity), ("waiting", Severity::Warning));
        // It was taken out, so somebody knows.
        evidence.table[0].destinations[0].settings.weight = 0;
        assert_eq!(found(&evidence), [""; 0]);
    }

    #[test]
    fn a_connection_that_has_just_begun_does_not_wait() {
        let mut counts = Counts::default();
        for seconds in [60, 59] {
            counts.count(b"SYN_RECV", seconds, [10, 0, 0, 1].into());
        }
        assert_eq!((counts.waiting, counts.established, counts.ending), (0, 0, 0));
        counts.count(b"SYN_RECV", 58, [10, 0, 0, 1].into());
        assert_eq!((counts.waiting, counts.waiting_clients.len()), (1, 1));
    }

    #[test]
    fn a_silent_server_of_a_firewall_mark_is_found_by_its_address() {
        let mut evidence = healthy();
        evidence.table = vec![entry("FWM 7", &["10.0.0.11:0"])];
        connect(&mut evidence, SERVER, b"SYN_RECV", CLIENT, 3);
        assert_eq!(found(&evidence), ["waiting"]);
        evidence.table = vec![entry("FWM 7", &["10.0.0.12:0"])];
        evidence.table[0].service.stats.in_packets = 1;
        assert_eq!(found(&evidence), [""; 0]);
    }

    #[test]
    fn with_direct_routing_the_server_itself_has_to_be_examined() {
        let mut evidence = healthy();
        evidence.table[0].destinations[0].settings.forwarding = Forwarding::DirectRoute;
        connect(&mut evidence, SERVER, b"SYN_RECV", CLIENT, 3);
        let findings = crate::doctor::examine_director(&evidence);
        assert!(
            findings[0].mend.ends_with("ipvsadm --doctor --as-real-server -t 192.0.2.1:80"),
            "{findings:?}"
        );
    }

    #[test]
    fn clients_in_the_servers_network_are_named_if_they_wait() {
        let mut evidence = healthy();
        connect(&mut evidence, SERVER, b"ESTABLISHED", "10.0.0.99", 1);
        assert_eq!(found(&evidence), [""; 0]);
        connect(&mut evidence, SERVER, b"SYN_RECV", "10.0.0.99", 1);
        assert_eq!(found(&evidence), ["client-beside-server"]);
        evidence.table[0].destinations[0].settings.forwarding = Forwarding::DirectRoute;
        assert_eq!(found(&evidence), [""; 0]);
    }

    #[test]
    fn packets_without_answers_are_found_if_answers_have_to_come_through_the_director() {
        let mut evidence = healthy();
        let server = &mut evidence.table[0].destinations[0];
        (server.stats.connections, server.stats.in_packets, server.stats.out_packets) = (1, 3, 0);
        assert_eq!(found(&evidence), ["no-answers"]);
        evidence.settings.insert("net/ipv4/vs/run_estimation".into(), "0".into());
        assert_eq!(found(&evidence), ["counters-frozen"]);
        evidence.settings.insert("net/ipv4/vs/run_estimation".into(), "1".into());
        evidence.table[0].destinations[0].stats.in_packets = 2;
        assert_eq!(found(&evidence), [""; 0]);
        evidence.table[0].destinations[0].stats.in_packets = 30;
        evidence.table[0].destinations[0].settings.forwarding = Forwarding::Tunnel;
        assert_eq!(found(&evidence), [""; 0]);
        // Nobody answers what is sent to a log.
        evidence.table = vec![entry("UDP 192.0.2.1:514", &[SERVER])];
        evidence.table[0].destinations[0].stats.in_packets = 30;
        evidence.table[0].destinations[0].stats.connections = 30;
        assert_eq!(found(&evidence), [""; 0]);
    }

    #[test]
    fn a_server_that_only_refuses_is_found() {
        let mut evidence = healthy();
        let stats = |evidence: &mut Evidence, packets, bytes| {
            let server = &mut evidence.table[0].destinations[0];
            (server.stats.in_packets, server.stats.out_packets) = (packets, packets);
            server.stats.connections = packets;
            server.stats.out_bytes = bytes;
        };
        stats(&mut evidence, 3, 120);
        assert_eq!(found(&evidence), ["refused"]);
        stats(&mut evidence, 3, 124);
        assert_eq!(found(&evidence), [""; 0]);
        stats(&mut evidence, 2, 80);
        assert_eq!(found(&evidence), [""; 0]);
        // The counters were zeroed while connections were open.
        stats(&mut evidence, 3, 120);
        evidence.table[0].destinations[0].stats.connections = 0;
        assert_eq!(found(&evidence), [""; 0]);
    }

    #[test]
    fn connections_to_deleted_servers_are_found_unless_they_end_by_themselves() {
        let mut evidence = healthy();
        connect(&mut evidence, "10.0.0.99:80", b"TIME_WAIT", CLIENT, 5);
        assert_eq!(found(&evidence), [""; 0]);
        connect(&mut evidence, "10.0.0.99:80", b"ESTABLISHED", CLIENT, 1);
        assert_eq!(found(&evidence), ["deleted-server"]);
        evidence.settings.insert("net/ipv4/vs/expire_nodest_conn".into(), "1".into());
        assert_eq!(found(&evidence), [""; 0]);
        // A service on all ports has connections on others, such as those of FTP.
        evidence.settings.insert("net/ipv4/vs/expire_nodest_conn".into(), "0".into());
        evidence.table = vec![entry("TCP 192.0.2.1:0", &["10.0.0.11:0"])];
        assert_eq!(found(&evidence), [""; 0]);
    }
}
