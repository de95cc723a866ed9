//! Tunnelling: the wire carries the requested kind of tunnel, and the servers understand it.

use std::collections::BTreeSet;

use super::capture::Capture;
use super::methods::check_answers_bypass_director;
use super::network::{Network, SERVERS, SERVERS6, VIP, VIP6, endpoint};
use super::udp::UdpClient;

/// Tunnel interfaces for packets of either address family, through IPv4 and through IPv6.
const IPIP: [&str; 3] = ["ipip local 10.0.0.H", "sit local 10.0.0.H", "ip6tnl mode any local 2001:db8:2::H"];

/// Tunnel interfaces for GRE. One that expects packets without a checksum drops those with one, and vice
/// versa.
const GRE: [&str; 2] = ["gre local 10.0.0.H", "ip6gre local 2001:db8:2::H"];
const GRE_WITH_CHECKSUM: [&str; 2] = ["gre local 10.0.0.H icsum", "ip6gre local 2001:db8:2::H icsum"];

/// Creates a network whose servers have these tunnel interfaces.
fn network(tunnels: &[&str]) -> Network {
    let network = Network::new(3);
    network.route_answers_around_director();
    for (server, host) in network.servers.iter().zip(11..) {
        for (tunnel, number) in tunnels.iter().zip(1..) {
            let tunnel = tunnel.replace('H', &format!("{host}"));
            server.ip(&format!("link add tunnel{number} type {tunnel}\nlink set tunnel{number} up\n"));
        }
    }
    network
}

/// Checks services and servers of both address families: requests arrive in tunnels of the first of these
/// kinds, possibly also of the others, and answers bypass the director.
fn check_tunnels(network: &Network, flags: &str, kinds: &[&str]) {
    let _servers = network.serve(80);
    for (vip, servers) in [(VIP, SERVERS), (VIP6, SERVERS6), (VIP, SERVERS6), (VIP6, SERVERS)] {
        let capture = Capture::start(&network.servers[0]);
        check_answers_bypass_director(network, vip, servers, &format!("-i {flags}"));
        let seen = capture.tunnel_kinds();
        let has_first = seen.iter().any(|kind| kind == kinds[0]);
        let has_no_other = seen.iter().all(|kind| kinds.contains(&kind.as_str()));
        assert!(has_first && has_no_other, "{vip} to {servers} {flags}: {seen:?}");

        let service = endpoint(vip, 53);
        let _answering = network.serve_datagrams(&service);
        network.add_service(&format!("-u {service} -s rr -o"), servers, 53, &format!("-i {flags}"));
        let client = UdpClient::open(&network.client, if vip == VIP { "0.0.0.0" } else { "::" }, &service);
        let answers: BTreeSet<_> = (0..3).map(|_| client.ask("?").unwrap()).collect();
        assert_eq!(answers.len(), 3, "{vip} to {servers} {flags}: {answers:?}");
        network.director.ok(&format!("-D -u {service}"));
    }
}

#[test]
fn requests_go_through_ipip_tunnels() {
    check_tunnels(&network(&IPIP), "", &["ipip"]);
}

#[test]
fn requests_go_through_gre_tunnels_without_checksum() {
    check_tunnels(&network(&GRE), "--tun-type gre", &["gre"]);
}

#[test]
fn requests_go_through_gre_tunnels_with_checksum() {
    check_tunnels(&network(&GRE_WITH_CHECKSUM), "--tun-type gre --tun-csum", &["gre csum"]);
}

#[test]
fn requests_go_through_gue_tunnels_with_each_kind_of_checksum() {
    let network = network(&IPIP);
    for server in &network.servers {
        server.ip("fou add port 6080 gue\nfou add port 6080 gue -6\n");
    }
    let gue = "--tun-type gue --tun-port 6080";
    check_tunnels(&network, &format!("{gue} --tun-nocsum"), &["gue 6080"]);
    check_tunnels(&network, &format!("{gue} --tun-csum"), &["gue 6080 csum"]);
    // The director cannot use remote checksums for packets whose checksum the client has already computed.
    check_tunnels(&network, &format!("{gue} --tun-remcsum"), &["gue 6080 csum remcsum", "gue 6080 csum"]);
}
