//! A real server, examined on that machine: it has to accept packets for the virtual address, and to hide that it has
//! the address.

mod tunnel;

use std::net::{IpAddr, SocketAddr};

use ipvs_netlink::{Protocol, ServiceId};

use crate::doctor::addresses::wide_address;
use crate::doctor::evidence::{Address, Evidence, Interface, Route, width};
use crate::doctor::finding::{Finding, Severity, set, shell_word};

pub(super) use tunnel::options;

/// Examines the machine for the services that it serves, or for all virtual addresses that it seems to have.
pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    // A mark names no address.
    let mut services = evidence.only.iter().filter_map(|&id| match id {
        ServiceId::Address { protocol, address, port } => Some((protocol, SocketAddr::new(address, port))),
        ServiceId::Fwmark { .. } => None,
    });
    match services.next() {
        Some(first) => [first].into_iter().chain(services).for_each(|(protocol, address)| {
            service(evidence, protocol, address, findings);
        }),
        None => all_addresses(evidence, findings),
    }
    reverse_path(evidence, findings);
    findings.extend(evidence.tunnel.and_then(|tunnel| tunnel::check(evidence, tunnel)));
}

fn service(evidence: &Evidence, protocol: Protocol, service: SocketAddr, findings: &mut Vec<Finding>) {
    let subject = format!("{protocol} {service}");
    let address = service.ip();
    if evidence.places(address).next().is_none() {
        findings.push(Finding::new(
            Severity::Error,
            "address-missing",
            &subject,
            format!("{address} is not an address of this machine"),
            "it drops what direct routing and tunnels bring for this address",
            addition(evidence, address),
        ));
    }
    places(evidence, address, &subject, findings);
    findings.extend(listener(evidence, protocol, service, &subject));
}

/// Returns the commands that give this machine an address which nobody learns of.
fn addition(evidence: &Evidence, address: IpAddr) -> String {
    let is_visible = |&(path, hidden): &(&str, i64)| {
        address.is_ipv4() && evidence.setting(path).is_some_and(|present| present < hidden)
    };
    let settings = [("net/ipv4/conf/all/arp_ignore", 1), ("net/ipv4/conf/all/arp_announce", 2)];
    let hide = settings.into_iter().filter(is_visible).map(|(path, hidden)| set(path, hidden));
    let add = format!("ip address add {address}/{} dev lo", width(address));
    hide.chain([add]).collect::<Vec<_>>().join("; ")
}

fn all_addresses(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let is_virtual = |place: &&Address| is_virtual(evidence, place);
    let mut addresses: Vec<IpAddr> =
        evidence.addresses.iter().filter(is_virtual).map(|place| place.ip).collect();
    addresses.sort_unstable();
    addresses.dedup();
    for address in addresses {
        places(evidence, address, &format!("virtual address {address}"), findings);
    }
}

/// Returns whether an address looks like a virtual one: it is where no network is, on `lo` or a tunnel.
fn is_virtual(evidence: &Evidence, place: &Address) -> bool {
    let is_link_local = match place.ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    let interface = evidence.interface(place.interface);
    // A tunnel with a network of its own is for something else, and the kernel gives some an address by itself. So is a
    // line to another machine, such as that of a VPN or of a provider.
    let is_apart = interface.is_some_and(|interface| {
        interface.is_loopback
            || if interface.is_tunnel() {
                place.is_alone()
            } else {
                is_quiet(interface) && !interface.is_point_to_point
            }
    });
    is_apart && !place.ip.is_loopback() && !is_link_local
}

/// Returns whether an interface leads to no network in which the address could be asked for.
fn is_quiet(interface: &Interface) -> bool {
    interface.has_no_arp || interface.is_tunnel() || interface.kind == "dummy"
}

/// Examines where a virtual address is, and whether it is hidden.
fn places(evidence: &Evidence, address: IpAddr, subject: &str, findings: &mut Vec<Finding>) {
    for place in evidence.places(address) {
        let Some(interface) = evidence.interface(place.interface) else { continue };
        // Mostly the address stays the machine's own when its interface goes down.
        let is_lost = matches!(evidence.routes.get(&address), Some(Route::Over { .. } | Route::Missing));
        if !interface.is_up && is_lost {
            findings.push(Finding::new(
                Severity::Error,
                "interface-down",
                subject,
                format!("{address} is on {}, which is down", interface.name),
                "requests are dropped",
                format!("ip link set {} up", shell_word(&interface.name)),
            ));
        }
        findings.extend(wide_address(evidence, place, subject));
        if !interface.is_loopback && !is_quiet(interface) {
            let (prefix, device) = (place.prefix, shell_word(&interface.name));
            findings.push(Finding::new(
                Severity::Error,
                "address-announced",
                subject,
                format!("{address} is on {}, where this machine answers for it", interface.name),
                "requests come here past the director, or IPv6 refuses the address to one of both",
                format!("ip address del {address}/{prefix} dev {device}; {}", addition(evidence, address)),
            ));
        } else if address.is_ipv4() {
            hidden(evidence, address, interface, subject, findings);
        }
    }
}

/// Examines whether the machine keeps an address to itself that no ARP request may learn.
fn hidden(
    evidence: &Evidence,
    address: IpAddr,
    holder: &Interface,
    subject: &str,
    findings: &mut Vec<Finding>,
) {
    for interface in &evidence.interfaces {
        if !interface.is_up || interface.is_loopback || is_quiet(interface) {
            continue;
        }
        // A tunnel may end in a network of which the virtual address is no part, and nobody asks for it there.
        let is_asked = evidence
            .addresses
            .iter()
            .any(|place| place.interface == interface.index && place.is_with(address));
        if holder.is_tunnel() && !is_asked {
            continue;
        }
        let path = |of: &str, name: &str| format!("net/ipv4/conf/{of}/{name}");
        let name = &interface.name;
        // 0 answers for every address of the machine, and 3 for all but those of the scope "host".
        if let Some(mode @ (0 | 3)) = evidence.interface_setting(interface, "arp_ignore") {
            // The larger of two values applies: one of them has to be 1, and none 3.
            let mut wrong = vec![path("all", "arp_ignore")];
            if mode == 3 {
                wrong.push(path(name, "arp_ignore"));
                wrong.retain(|path| evidence.setting(path) == Some(3));
            }
            let commands: Vec<String> = wrong.iter().map(|path| set(path, 1)).collect();
            findings.push(Finding::new(
                Severity::Error,
                "arp-answered",
                subject,
                format!("arp_ignore of {name} is {mode}, so this machine answers ARP requests for {address}"),
                "requests come here past the director, from whoever believes it",
                commands.join("; "),
            ));
        }
        if let Some(mode @ (0 | 1)) = evidence.interface_setting(interface, "arp_announce") {
            findings.push(Finding::new(
                Severity::Error,
                "arp-announced",
                subject,
                format!("arp_announce of {name} is {mode}, so this machine asks in the name of {address}"),
                "its neighbours learn that the address is here, and send requests past the director",
                set(&path("all", "arp_announce"), 2),
            ));
        }
    }
}

/// Examines whether a program waits for the requests.
fn listener(evidence: &Evidence, protocol: Protocol, service: SocketAddr, subject: &str) -> Option<Finding> {
    let listeners = evidence.listeners.as_ref()?;
    if service.port() == 0 || !matches!(protocol, Protocol::TCP | Protocol::UDP) {
        return None;
    }
    let on_port = || {
        listeners
            .iter()
            .filter(|listener| listener.protocol == protocol && listener.address.port() == service.port())
    };
    let is_own = |ip: IpAddr| ip == service.ip();
    if on_port().any(|listener| is_own(listener.address.ip())) {
        return None;
    }
    let wildcard = on_port().any(|listener| {
        let ip = listener.address.ip();
        // A socket for all IPv6 addresses usually takes IPv4, too.
        ip.is_unspecified() && (ip.is_ipv6() || service.is_ipv4())
    });
    match (wildcard, protocol) {
        (false, _) => Some(Finding::new(
            Severity::Error,
            "not-listening",
            subject,
            match on_port().next() {
                Some(other) => format!("a program listens on {}, and none on {service}", other.address),
                None => format!("no program listens on {protocol} port {}", service.port()),
            },
            "requests are refused",
            format!(
                "start the program, or let it listen on {service}; direct routing and tunnels never change the port"
            ),
        )),
        (true, Protocol::UDP) => Some(Finding::new(
            Severity::Note,
            "any-address",
            subject,
            format!("a program listens on UDP port {} of all addresses", service.port()),
            "unless it takes care, its answers come from another address than the virtual one, and are rejected",
            format!("let it listen on {service}"),
        )),
        _ => None,
    }
}

/// Finds tunnels whose packets are dropped, because the way back does not lead into the tunnel.
fn reverse_path(evidence: &Evidence, findings: &mut Vec<Finding>) {
    const STRICT: i64 = 1;
    for interface in evidence.interfaces.iter().filter(|interface| interface.is_tunnel() && interface.is_up) {
        // One with a network of its own is there for something else.
        let mut own = evidence
            .addresses
            .iter()
            .filter(|place| place.interface == interface.index && place.ip.is_ipv4());
        if !own.all(Address::is_alone) || evidence.interface_setting(interface, "rp_filter") != Some(STRICT) {
            continue;
        }
        // The larger of two values applies, so both have to be 0.
        let paths = ["all", &interface.name].map(|name| format!("net/ipv4/conf/{name}/rp_filter"));
        let strict = paths.iter().filter(|path| evidence.setting(path) != Some(0));
        let commands: Vec<String> = strict.map(|path| set(path, 0)).collect();
        findings.push(Finding::new(
            Severity::Error,
            "reverse-path",
            format!("tunnel {}", interface.name),
            "rp_filter is 1 here, the larger of the values for all interfaces and for this one",
            "requests come out of the tunnel and are dropped, because answers leave by another interface",
            commands.join("; "),
        ));
    }
}

#[cfg(test)]
mod tests;
