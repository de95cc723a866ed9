//! Virtual services: their addresses, their settings, and whether any server is left.

use std::net::IpAddr;

use ipvs_netlink::{
    Change, DestinationState, Forwarding, PersistenceEngine, Protocol, Scheduler, ServiceFlags, ServiceId,
    TableEntry,
};

use super::evidence::{Address, Evidence, Route, width};
use super::finding::{Finding, Severity, command, list, service_options, shell_word};

const FTP: u16 = 21;

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    virtual_addresses(evidence, findings);
    for entry in &evidence.table {
        availability(evidence, entry, findings);
        settings(evidence, entry, findings);
    }
}

/// Examines each virtual address once, however many services it has.
fn virtual_addresses(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let mut services: Vec<(IpAddr, ServiceId)> = Vec::new();
    for entry in &evidence.table {
        if let id @ ServiceId::Address { address, .. } = entry.service.id() {
            services.push((address, id));
        }
    }
    // The first service of each address stands for all.
    services.sort_by_key(|&(address, _)| address);
    for group in services.chunk_by(|(one, _), (other, _)| one == other) {
        let address = group[0].0;
        if !address.is_unspecified() {
            let names = list(group.iter().map(|(_, id)| id));
            virtual_address(evidence, address, &names, findings);
        }
    }
}

fn virtual_address(evidence: &Evidence, address: IpAddr, services: &str, findings: &mut Vec<Finding>) {
    let places: Vec<&Address> = evidence.places(address).collect();
    let is_elsewhere = matches!(evidence.routes.get(&address), Some(Route::Over { .. } | Route::Missing));
    let seen = match places.first() {
        Some(place) => {
            Some(format!("{address} belongs to {}, which is down", evidence.interface_name(place.interface)))
        }
        // Another director has it, as far as anybody can tell.
        None if evidence.may_stand_by() => None,
        None => Some(format!("{address} is not an address of this machine")),
    };
    if let Some(seen) = seen.filter(|_| is_elsewhere) {
        findings.push(Finding::new(
            Severity::Error,
            "address-missing",
            services,
            seen,
            "requests that arrive here are forwarded or dropped instead of being balanced",
            match places.first() {
                Some(place) => {
                    format!("ip link set {} up", shell_word(&evidence.interface_name(place.interface)))
                }
                None => format!("ip address add {address}/{} dev INTERFACE", width(address)),
            },
        ));
    }
    for place in places {
        let interface = evidence.interface_name(place.interface);
        if place.is_duplicate {
            findings.push(Finding::new(
                Severity::Error,
                "address-duplicate",
                services,
                format!("{address} on {interface} is not used, because another machine has it, too"),
                "requests go to that machine",
                "take the address off the interface of the other machine; real servers have it on lo, as \
                 'ipvsadm --doctor --as-real-server' explains",
            ));
        }
        findings.extend(wide_address(evidence, place, services));
    }
}

/// Finds a virtual address that comes with a whole network, on an interface behind which there is none: on `lo` all
/// addresses of the network become the machine's own, on a dummy or a tunnel packets to them are lost. On an interface
/// that leads to that network a prefix does no harm, and a VPN or a tunnel to one machine leads to it.
pub(super) fn wide_address(evidence: &Evidence, place: &Address, subject: &str) -> Option<Finding> {
    let interface = evidence.interface(place.interface)?;
    let leads_nowhere = interface.is_loopback || (interface.has_no_arp && !interface.is_point_to_point);
    if place.is_alone() || place.ip.is_loopback() || !leads_nowhere || !interface.is_up {
        return None;
    }
    let (ip, prefix, full) = (place.ip, place.prefix, width(place.ip));
    let device = shell_word(&interface.name);
    Some(Finding::new(
        Severity::Error,
        "address-wide",
        subject,
        format!("{ip} is on {} with its whole network, /{prefix}", interface.name),
        "packets to all other machines of this network do not leave this one",
        format!("ip address del {ip}/{prefix} dev {device}; ip address add {ip}/{full} dev {device}"),
    ))
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
    use ipvs_netlink::SyncDaemon;

    use super::super::evidence::Program;
    use super::super::evidence::tests::{entry, found, healthy};
    use super::*;
    use crate::momentary::Momentary;

    const NOTHING: [&str; 0] = [];

    #[test]
    fn the_virtual_address_has_to_be_here_unless_another_director_may_have_it() {
        let mut evidence = healthy();
        let vip: IpAddr = [192, 0, 2, 1].into();
        for route in [Route::Missing, Route::Over { interface: 2, gateway: None }] {
            evidence.routes.insert(vip, route);
            assert_eq!(found(&evidence), ["address-missing"]);
        }
        assert_eq!(crate::doctor::examine_director(&evidence)[0].mend, "ip link set outside up");
        evidence.addresses.retain(|address| address.ip != vip);
        assert_eq!(found(&evidence), ["address-missing"]);
        let mover = Program { name: "keepalived".into(), manages_table: false, moves_addresses: true };
        evidence.programs = vec![mover];
        assert_eq!(found(&evidence), NOTHING);
        evidence.programs.clear();
        evidence.daemons =
            vec![SyncDaemon::new(ipvs_netlink::DaemonState::Backup, "inside".parse().unwrap())];
        assert_eq!(found(&evidence), NOTHING);
        // A route of the type "local" does as well as an address.
        evidence.daemons.clear();
        evidence.routes.insert(vip, Route::Local);
        assert_eq!(found(&evidence), NOTHING);
    }

    #[test]
    fn services_of_one_address_make_one_finding() {
        let mut evidence = healthy();
        evidence.table.push(entry("TCP 192.0.2.1:443", &["10.0.0.11:443"]));
        evidence.routes.insert([192, 0, 2, 1].into(), Route::Missing);
        evidence.addresses.retain(|address| address.ip != IpAddr::from([192, 0, 2, 1]));
        let findings = crate::doctor::examine_director(&evidence);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].subject, "TCP 192.0.2.1:80, TCP 192.0.2.1:443");
        assert_eq!(findings[0].mend, "ip address add 192.0.2.1/32 dev INTERFACE");
    }

    #[test]
    fn an_address_that_is_twice_in_the_network_is_found() {
        let mut evidence = healthy();
        evidence.addresses[1].is_duplicate = true;
        assert_eq!(found(&evidence), ["address-duplicate"]);
    }

    #[test]
    fn a_whole_network_hurts_where_there_is_none() {
        let mut evidence = healthy();
        // The interface for clients leads to the network.
        assert_eq!(found(&evidence), NOTHING);
        evidence.addresses[1].interface = 1;
        assert_eq!(found(&evidence), ["address-wide"]);
        evidence.addresses[1].prefix = 32;
        assert_eq!(found(&evidence), NOTHING);
        evidence.addresses[1].prefix = 24;
        evidence.addresses[1].interface = 2;
        evidence.interfaces[1].has_no_arp = true;
        evidence.interfaces[1].name = "dummy 0".into();
        let findings = crate::doctor::examine_director(&evidence);
        assert_eq!(
            findings[0].mend,
            "ip address del 192.0.2.1/24 dev 'dummy 0'; ip address add 192.0.2.1/32 dev 'dummy 0'"
        );
        // The network of a VPN is behind it.
        evidence.interfaces[1].is_point_to_point = true;
        assert_eq!(found(&evidence), NOTHING);
    }

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
