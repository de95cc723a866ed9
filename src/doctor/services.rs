//! Virtual services: their settings, and whether any server is left.

use ipvs_netlink::{
    Change, DestinationState, Forwarding, PersistenceEngine, Protocol, Scheduler, ServiceFlags, ServiceId,
    TableEntry,
};

use super::evidence::{Evidence, Route};
use super::finding::{Finding, Severity, command, list, service_options};

const FTP: u16 = 21;

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    for entry in &evidence.table {
        availability(evidence, entry, findings);
        settings(evidence, entry, findings);
    }
}

/// Finds services that no server is left for.
fn availability(evidence: &Evidence, entry: &TableEntry, findings: &mut Vec<Finding>) {
    let id = entry.service.id();
    let Some(first) = entry.destinations.first() else {
        findings.push(Finding::new(
            Severity::Warning,
            "no-servers",
            id,
            "it has no real server",
            "clients are refused",
            format!("ipvsadm -a {} -r ADDRESS", service_options(id)),
        ));
        return;
    };
    let active = || entry.destinations.iter().filter(|server| server.settings.weight > 0);
    if active().next().is_none() {
        findings.push(Finding::new(
            Severity::Error,
            "all-drained",
            id,
            format!(
                "the weight of every server is 0 ({})",
                list(entry.destinations.iter().map(DestinationState::id))
            ),
            "new clients are refused",
            revival(evidence, entry, first),
        ));
    } else if active().all(is_full) {
        findings.push(Finding::new(
            Severity::Error,
            "all-full",
            id,
            format!(
                "every server has as many connections as its upper threshold allows ({})",
                list(active().map(DestinationState::id))
            ),
            "new clients are refused",
            format!("{} # or add servers", higher_limit(id, active().next().unwrap_or(first))),
        ));
    }
}

/// Returns the command that lets the first server serve again: with the weight from before, if that is known.
fn revival(evidence: &Evidence, entry: &TableEntry, first: &DestinationState) -> String {
    let id = entry.service.id();
    let is_noted = |server: &&DestinationState| evidence.drained.contains(&(id, server.id()));
    if let Some(server) = entry.destinations.iter().find(is_noted) {
        return format!("ipvsadm --undrain {} -r {}", service_options(id), server.id());
    }
    let weight = evidence.momentary.configured(id, &first.settings).max(1);
    command(&Change::SetDestination(id, first.settings.with_weight(weight)))
}

/// Returns the command that gives a server a higher threshold, and changes nothing else.
pub(super) fn higher_limit(service: ServiceId, server: &DestinationState) -> String {
    format!("ipvsadm -e {} -r {} --keep -x CONNECTIONS", service_options(service), server.id())
}

/// Returns whether a server gets no more connections.
pub(super) fn is_full(server: &DestinationState) -> bool {
    let connections = u64::from(server.active_connections) + u64::from(server.inactive_connections);
    let limit = server.settings.upper_threshold;
    limit > 0 && connections >= u64::from(limit)
}

/// Finds settings that contradict each other.
fn settings(evidence: &Evidence, entry: &TableEntry, findings: &mut Vec<Finding>) {
    let service = &entry.service.settings;
    let id = service.id();
    let natted = || {
        let natted = entry.destinations.iter().filter(|server| {
            server.settings.forwarding == Forwarding::Masquerade
                && evidence.routes.get(&server.id().address) != Some(&Route::Local)
        });
        natted.map(DestinationState::id)
    };
    if service.persistence.is_some() && service.scheduler == Scheduler::SH {
        findings.push(Finding::new(
            Severity::Warning,
            "persistent-sh",
            id,
            "it is persistent and has the scheduler sh, both of which bind clients to servers",
            "clients stay with the server of their first connection, even if sh has chosen another since",
            "choose one: -s sh without -p, or -p with another scheduler",
        ));
    }
    // An engine rewrites answers of single datagrams, too.
    let is_plain = service.engine.is_none_or(|engine| engine != PersistenceEngine::SIP);
    if service.flags.contains(ServiceFlags::ONE_PACKET) && is_plain && natted().next().is_some() {
        findings.push(Finding::new(
            Severity::Error,
            "one-packet-nat",
            id,
            format!("one-packet scheduling (-o) with servers behind NAT: {}", list(natted())),
            "answers reach the clients with the servers' addresses, and are rejected",
            "use direct routing (-g) or tunnelling (-i), or no -o",
        ));
    }
    let is_ftp = matches!(id, ServiceId::Address { protocol: Protocol::TCP, port: FTP, .. });
    if is_ftp && !evidence.ftp_ports.contains(&FTP) && natted().next().is_some() {
        let ports = list(&evidence.ftp_ports);
        let (seen, mend) = if ports.is_empty() {
            ("is not loaded".to_owned(), "modprobe ip_vs_ftp".to_owned())
        } else {
            let all =
                evidence.ftp_ports.iter().chain([&FTP]).map(u16::to_string).collect::<Vec<_>>().join(",");
            let mend = format!("modprobe -r ip_vs_ftp; modprobe ip_vs_ftp ports={all}");
            (format!("watches only other ports ({ports})"), mend)
        };
        findings.push(Finding::new(
            Severity::Warning,
            "ftp-helper",
            id,
            format!("it is FTP behind NAT ({}), and the module ip_vs_ftp {seen}", list(natted())),
            "clients log in, but transfer no file",
            mend,
        ));
    }
    let is_stream = matches!(id.protocol(), Some(Protocol::TCP | Protocol::SCTP));
    if is_stream && !is_plain {
        findings.push(Finding::new(
            Severity::Warning,
            "engine-protocol",
            id,
            "it has the persistence engine sip, which reads UDP alone",
            "clients are bound by their addresses, and messages of one call go to different servers",
            "let the telephones use UDP, or do without --pe",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::super::evidence::tests::{entry, found, healthy};
    use super::*;
    use crate::momentary::Momentary;

    const NOTHING: [&str; 0] = [];

    #[test]
    fn a_service_needs_a_server_that_accepts_connections() {
        let mut evidence = healthy();
        evidence.table[0].destinations[0].settings.weight = 0;
        assert_eq!(found(&evidence), NOTHING);
        evidence.table[0].destinations[1].settings.weight = 0;
        let findings = crate::doctor::examine_director(&evidence);
        assert_eq!(findings[0].check, "all-drained");
        assert_eq!(findings[0].mend, "ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.11:80 -m -w 1");
        let mend = |evidence: &Evidence| crate::doctor::examine_director(evidence)[0].mend.clone();
        // A weight that is known from before is the better one.
        let (service, settings) =
            (evidence.table[0].service.id(), evidence.table[0].destinations[0].settings);
        let load = Momentary { configured: 50, answer: None, is_removed: false };
        evidence.momentary.insert(service, settings.id, 0, load);
        assert_eq!(mend(&evidence), "ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.11:80 -m -w 50");
        evidence.drained.insert((service, evidence.table[0].destinations[1].id()));
        assert_eq!(mend(&evidence), "ipvsadm --undrain -t 192.0.2.1:80 -r 10.0.0.12:80");
        evidence.table[0].destinations.clear();
        let findings = crate::doctor::examine_director(&evidence);
        assert_eq!(
            (findings[0].check, &*findings[0].mend),
            ("no-servers", "ipvsadm -a -t 192.0.2.1:80 -r ADDRESS")
        );
    }

    #[test]
    fn limits_are_found_when_they_are_reached() {
        let mut evidence = healthy();
        for server in &mut evidence.table[0].destinations {
            server.settings.upper_threshold = 5;
            (server.active_connections, server.inactive_connections) = (2, 2);
        }
        assert_eq!(found(&evidence), NOTHING);
        evidence.table[0].destinations[0].inactive_connections = 3;
        assert_eq!(found(&evidence), ["full"]);
        let mend = &crate::doctor::examine_director(&evidence)[0].mend;
        assert!(
            mend.starts_with("ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.11:80 --keep -x CONNECTIONS #"),
            "{mend}"
        );
        evidence.table[0].destinations[1].settings.weight = 0;
        assert_eq!(found(&evidence), ["all-full"]);
        evidence.table[0].destinations[1].settings.weight = 1;
        evidence.table[0].destinations[1].active_connections = 3;
        assert_eq!(found(&evidence), ["all-full"]);
    }

    #[test]
    fn contradicting_settings_are_found() {
        let mut evidence = healthy();
        evidence.table[0].service.settings.scheduler = Scheduler::SH;
        assert_eq!(found(&evidence), NOTHING);
        evidence.table[0].service.settings.persistence = Some(300);
        assert_eq!(found(&evidence), ["persistent-sh"]);

        let mut evidence = healthy();
        evidence.table = vec![entry("UDP 192.0.2.1:53", &["10.0.0.11:53"])];
        evidence.table[0].service.settings.flags = ServiceFlags::ONE_PACKET;
        assert_eq!(found(&evidence), ["one-packet-nat"]);
        evidence.table[0].service.settings.engine = Some(PersistenceEngine::SIP);
        assert_eq!(found(&evidence), NOTHING);
        evidence.table[0].service.settings.engine = None;
        evidence.table[0].destinations[0].settings.forwarding = Forwarding::DirectRoute;
        assert_eq!(found(&evidence), NOTHING);
    }

    #[test]
    fn the_engine_for_calls_reads_udp_alone() {
        let mut evidence = healthy();
        evidence.table[0].service.settings.engine = Some(PersistenceEngine::SIP);
        assert_eq!(found(&evidence), ["engine-protocol"]);
        // A mark may be that of UDP packets.
        for service in ["UDP 192.0.2.1:5060", "FWM 1"] {
            evidence.table = vec![entry(service, &["10.0.0.11:0"])];
            evidence.table[0].service.settings.engine = Some(PersistenceEngine::SIP);
            evidence.table[0].service.stats.in_packets = 1;
            assert_eq!(found(&evidence), NOTHING, "{service}");
        }
    }

    #[test]
    fn ftp_behind_nat_needs_its_helper() {
        let mut evidence = healthy();
        evidence.table = vec![entry("TCP 192.0.2.1:21", &["10.0.0.11:21"])];
        assert_eq!(found(&evidence), ["ftp-helper"]);
        evidence.ftp_ports = vec![2121];
        assert_eq!(found(&evidence), ["ftp-helper"]);
        assert_eq!(
            crate::doctor::examine_director(&evidence)[0].mend,
            "modprobe -r ip_vs_ftp; modprobe ip_vs_ftp ports=2121,21"
        );
        evidence.ftp_ports.push(21);
        assert_eq!(found(&evidence), NOTHING);
        evidence.ftp_ports.clear();
        evidence.table[0].destinations[0].settings.forwarding = Forwarding::Tunnel;
        assert_eq!(found(&evidence), NOTHING);
        // A persistent service on all ports needs none.
        evidence.table = vec![entry("TCP 192.0.2.1:0", &["10.0.0.11:0"])];
        assert_eq!(found(&evidence), NOTHING);
    }
}
