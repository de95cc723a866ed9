use ipvs_netlink::{Destination, DestinationId, Forwarding, Tunnel, TunnelFlags};

use super::*;
use crate::doctor::evidence::Listener;
use crate::doctor::evidence::tests::{address, interface};

const NOTHING: [&str; 0] = [];

/// A healthy real server for direct routing.
fn healthy() -> Evidence {
    let mut evidence = Evidence {
        interfaces: vec![
            Interface { is_loopback: true, ..interface(1, "lo") },
            interface(2, "eth0"),
            Interface { has_no_arp: true, kind: "ipip".into(), ..interface(3, "tunl0") },
        ],
        addresses: vec![
            address("127.0.0.1", 8, 1),
            address("192.0.2.11", 24, 2),
            address("fe80::1", 64, 2),
            address("192.0.2.1", 32, 1),
        ],
        listeners: Some(vec![Listener { protocol: Protocol::TCP, address: "0.0.0.0:80".parse().unwrap() }]),
        ..Evidence::default()
    };
    for name in ["all", "lo", "eth0", "tunl0"] {
        for setting in ["arp_ignore", "arp_announce", "rp_filter"] {
            set_to(&mut evidence, name, setting, "0");
        }
    }
    set_to(&mut evidence, "all", "arp_ignore", "1");
    set_to(&mut evidence, "all", "arp_announce", "2");
    evidence
}

fn set_to(evidence: &mut Evidence, interface: &str, setting: &str, value: &str) {
    evidence.settings.insert(format!("net/ipv4/conf/{interface}/{setting}"), value.into());
}

/// Examines a real server without and with its service, and returns the names of what each found.
fn found(mut evidence: Evidence) -> [Vec<&'static str>; 2] {
    [None, Some("TCP 192.0.2.1:80")].map(|service| {
        evidence.only = service.map(|id| id.parse().unwrap()).into_iter().collect();
        let findings = crate::doctor::examine_real_server(&evidence);
        findings.iter().map(|finding| finding.check).collect()
    })
}

#[test]
fn a_healthy_real_server_has_no_finding() {
    assert_eq!(found(healthy()), [NOTHING, NOTHING]);
}

#[test]
fn the_virtual_address_is_hidden_by_two_settings() {
    for (interface, setting, value, expected) in [
        ("all", "arp_ignore", "0", "arp-answered"),
        ("all", "arp_announce", "0", "arp-announced"),
        ("all", "arp_announce", "1", "arp-announced"),
    ] {
        let mut evidence = healthy();
        set_to(&mut evidence, interface, setting, value);
        assert_eq!(found(evidence), [[expected], [expected]]);
        // The larger of the two values applies.
        let mut evidence = healthy();
        set_to(&mut evidence, interface, setting, value);
        set_to(&mut evidence, "eth0", setting, "2");
        assert_eq!(found(evidence), [NOTHING, NOTHING]);
    }
}

#[test]
fn a_mode_that_answers_is_changed_where_it_was_set() {
    for (all, own, expected) in [
        ("0", "0", "sysctl -w net.ipv4.conf.all.arp_ignore=1"),
        ("1", "3", "sysctl -w net.ipv4.conf.eth0.arp_ignore=1"),
        ("3", "0", "sysctl -w net.ipv4.conf.all.arp_ignore=1"),
        ("3", "3", "sysctl -w net.ipv4.conf.all.arp_ignore=1; sysctl -w net.ipv4.conf.eth0.arp_ignore=1"),
    ] {
        let mut evidence = healthy();
        set_to(&mut evidence, "all", "arp_ignore", all);
        set_to(&mut evidence, "eth0", "arp_ignore", own);
        let findings = crate::doctor::examine_real_server(&evidence);
        assert_eq!((findings[0].check, findings[0].mend.as_str()), ("arp-answered", expected), "{all} {own}");
    }
}

#[test]
fn the_line_of_a_vpn_has_no_virtual_address() {
    let mut evidence = healthy();
    let vpn = Interface { has_no_arp: true, is_point_to_point: true, ..interface(4, "vpn") };
    evidence.interfaces.push(vpn);
    set_to(&mut evidence, "all", "arp_ignore", "0");
    evidence.addresses[3] = address("10.8.0.1", 24, 4);
    assert_eq!(crate::doctor::examine_real_server(&evidence), []);
    evidence.addresses[3].prefix = 32;
    assert_eq!(crate::doctor::examine_real_server(&evidence), []);
}

#[test]
fn a_missing_address_is_added_after_it_is_hidden() {
    for (service, ignore, expected) in [
        ("TCP 192.0.2.9:80", "1", "ip address add 192.0.2.9/32 dev lo"),
        (
            "TCP 192.0.2.9:80",
            "0",
            "sysctl -w net.ipv4.conf.all.arp_ignore=1; ip address add 192.0.2.9/32 dev lo",
        ),
        ("TCP [2001:db8::9]:80", "0", "ip address add 2001:db8::9/128 dev lo"),
    ] {
        let mut evidence = healthy();
        set_to(&mut evidence, "all", "arp_ignore", ignore);
        evidence.only = vec![service.parse().unwrap()];
        let findings = crate::doctor::examine_real_server(&evidence);
        assert_eq!((findings[0].check, findings[0].mend.as_str()), ("address-missing", expected));
    }
}

#[test]
fn an_address_on_a_tunnel_is_hidden_only_in_its_own_network() {
    let mut evidence = healthy();
    set_to(&mut evidence, "all", "arp_ignore", "0");
    evidence.addresses[3].interface = 3;
    assert_eq!(found(evidence), [["arp-answered"], ["arp-answered"]]);
    let mut evidence = healthy();
    set_to(&mut evidence, "all", "arp_ignore", "0");
    evidence.addresses[3].interface = 3;
    evidence.addresses[1].ip = [10, 0, 1, 11].into();
    assert_eq!(found(evidence), [NOTHING, NOTHING]);
}

#[test]
fn ipv6_needs_no_settings() {
    let mut evidence = healthy();
    set_to(&mut evidence, "all", "arp_ignore", "0");
    evidence.addresses[3].ip = "2001:db8::1".parse().unwrap();
    evidence.addresses[3].prefix = 128;
    evidence.only = vec!["TCP [2001:db8::1]:80".parse().unwrap()];
    evidence.listeners =
        Some(vec![Listener { protocol: Protocol::TCP, address: "[::]:80".parse().unwrap() }]);
    assert_eq!(crate::doctor::examine_real_server(&evidence), []);
    // But it is refused on an interface where the director has it, too.
    evidence.addresses[3].interface = 2;
    assert_eq!(crate::doctor::examine_real_server(&evidence)[0].check, "address-announced");
}

#[test]
fn the_address_belongs_where_no_network_is() {
    let mut evidence = healthy();
    evidence.addresses[3].interface = 2;
    // Without the service nothing says that it is a virtual one.
    let expected: [Vec<&str>; 2] = [vec![], vec!["address-announced"]];
    assert_eq!(found(evidence), expected);
    let mut evidence = healthy();
    evidence.addresses.pop();
    let expected: [Vec<&str>; 2] = [vec![], vec!["address-missing"]];
    assert_eq!(found(evidence), expected);
    let mut evidence = healthy();
    evidence.addresses[3].prefix = 24;
    assert_eq!(found(evidence), [["address-wide"], ["address-wide"]]);
    let mut evidence = healthy();
    evidence.addresses[3].interface = 3;
    evidence.interfaces[2].is_up = false;
    evidence.routes.insert([192, 0, 2, 1].into(), Route::Missing);
    assert_eq!(found(evidence), [["interface-down"], ["interface-down"]]);
    let mut evidence = healthy();
    evidence.addresses[3].interface = 3;
    evidence.interfaces[2].is_up = false;
    evidence.routes.insert([192, 0, 2, 1].into(), Route::Local);
    assert_eq!(found(evidence), [NOTHING, NOTHING]);
}

#[test]
fn a_program_has_to_wait_for_the_requests() {
    for (address, expected) in [
        ("192.0.2.1:80", true),
        ("0.0.0.0:80", true),
        ("[::]:80", true),
        ("192.0.2.11:80", false),
        ("127.0.0.1:80", false),
        ("0.0.0.0:8080", false),
    ] {
        let mut evidence = healthy();
        let listener = Listener { protocol: Protocol::TCP, address: address.parse().unwrap() };
        evidence.listeners = Some(vec![listener]);
        let expected = if expected { vec![] } else { vec!["not-listening"] };
        assert_eq!(found(evidence), [vec![], expected], "{address}");
    }
    let mut evidence = healthy();
    evidence.only = vec!["UDP 192.0.2.1:53".parse().unwrap()];
    let listener = Listener { protocol: Protocol::UDP, address: "0.0.0.0:53".parse().unwrap() };
    evidence.listeners = Some(vec![listener]);
    let findings = crate::doctor::examine_real_server(&evidence);
    assert_eq!((findings[0].check, findings[0].severity), ("any-address", Severity::Note));
}

#[test]
fn somebody_has_to_unwrap_what_comes_through_the_tunnel() {
    let flags = TunnelFlags::NO_CHECKSUM;
    let gue = Tunnel::Gue { port: 6080.try_into().unwrap(), flags };
    for (tunnel, kind, expected) in [
        (Tunnel::Ipip, "ipip", None),
        (Tunnel::Ipip, "ip6tnl", None),
        (Tunnel::Ipip, "gre", Some("no-tunnel")),
        (Tunnel::Gre { flags }, "gre", None),
        (Tunnel::Gre { flags }, "ipip", Some("no-tunnel")),
        (gue, "gre", Some("no-tunnel")),
        (gue, "ipip", Some("no-gue-port")),
    ] {
        let mut evidence = healthy();
        evidence.tunnel = Some(tunnel);
        evidence.interfaces[2].kind = kind.into();
        let checks = |evidence: &Evidence| -> Vec<&str> {
            crate::doctor::examine_real_server(evidence).iter().map(|finding| finding.check).collect()
        };
        assert_eq!(checks(&evidence), Vec::from_iter(expected), "{tunnel:?} {kind}");
        let gue_port = Listener { protocol: Protocol::UDP, address: "0.0.0.0:6080".parse().unwrap() };
        evidence.listeners.get_or_insert_default().push(gue_port);
        let expected = expected.filter(|check| *check != "no-gue-port");
        assert_eq!(checks(&evidence), Vec::from_iter(expected), "{tunnel:?} {kind}");
        if expected.is_none() {
            evidence.interfaces[2].is_up = false;
            assert_eq!(checks(&evidence), ["no-tunnel"], "{tunnel:?} {kind}");
        }
    }
}

#[test]
fn gre_tunnels_accept_packets_with_checksums_or_those_without() {
    for (sent, wants, expected) in [
        (TunnelFlags::CHECKSUM, Some(true), None),
        (TunnelFlags::CHECKSUM, Some(false), Some("gre-checksum")),
        (TunnelFlags::NO_CHECKSUM, Some(true), Some("gre-checksum")),
        (TunnelFlags::NO_CHECKSUM, Some(false), None),
        (TunnelFlags::CHECKSUM, None, None),
    ] {
        let mut evidence = healthy();
        evidence.tunnel = Some(Tunnel::Gre { flags: sent });
        evidence.interfaces[2].kind = "gre".into();
        evidence.interfaces[2].wants_checksums = wants;
        let findings = crate::doctor::examine_real_server(&evidence);
        assert_eq!(findings.first().map(|finding| finding.check), expected, "{sent:?} {wants:?}");
        // One of several that fits is enough.
        let fitting = Some(sent == TunnelFlags::CHECKSUM);
        let other = Interface { index: 4, wants_checksums: fitting, ..evidence.interfaces[2].clone() };
        evidence.interfaces.push(other);
        assert_eq!(crate::doctor::examine_real_server(&evidence), []);
    }
}

#[test]
fn the_director_says_how_to_examine_its_server() {
    let service = "UDP [2001:db8::1]:53".parse().unwrap();
    let server = Destination::new("10.0.0.1:53".parse::<DestinationId>().unwrap());
    assert_eq!(options(service, &server), " -u [2001:db8::1]:53");
    let server = server.with_forwarding(Forwarding::Tunnel);
    let gue = Tunnel::Gue { port: 6080.try_into().unwrap(), flags: TunnelFlags::CHECKSUM };
    assert_eq!(
        options(service, &server.with_tunnel(gue)),
        " -u [2001:db8::1]:53 -i --tun-type gue --tun-port 6080"
    );
    assert_eq!(options("FWM 7".parse().unwrap(), &server), " -i");
    let gre = Tunnel::Gre { flags: TunnelFlags::CHECKSUM };
    assert_eq!(options("FWM 7".parse().unwrap(), &server.with_tunnel(gre)), " -i --tun-type gre --tun-csum");
}

#[test]
fn a_strict_reverse_path_filter_drops_what_comes_out_of_tunnels() {
    for (all, own, expected) in [
        ("0", "0", None),
        ("1", "0", Some("sysctl -w net.ipv4.conf.all.rp_filter=0")),
        ("0", "1", Some("sysctl -w net.ipv4.conf.tunl0.rp_filter=0")),
        ("2", "1", None),
    ] {
        let mut evidence = healthy();
        set_to(&mut evidence, "all", "rp_filter", all);
        set_to(&mut evidence, "tunl0", "rp_filter", own);
        let findings = crate::doctor::examine_real_server(&evidence);
        assert_eq!(findings.first().map(|finding| &*finding.mend), expected);
        assert!(findings.iter().all(|finding| finding.check == "reverse-path"));
        // A tunnel with a network of its own is for something else.
        let place = Address { ip: [10, 9, 0, 1].into(), prefix: 24, interface: 3, is_duplicate: false };
        evidence.addresses.push(place);
        let findings = crate::doctor::examine_real_server(&evidence);
        assert_eq!(findings, []);
    }
}
