//! Virtual addresses: whether they are this machine's, alone and where they belong.

use std::net::IpAddr;

use ipvs_netlink::ServiceId;

use super::evidence::{Address, Evidence, Route, width};
use super::finding::{Finding, Severity, list, shell_word};

/// Examines each virtual address once, however many services it has.
pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
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

#[cfg(test)]
mod tests {
    use ipvs_netlink::SyncDaemon;

    use super::super::evidence::Program;
    use super::super::evidence::tests::{entry, found, healthy};
    use super::*;

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
}
