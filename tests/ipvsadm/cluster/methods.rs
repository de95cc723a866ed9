//! The forwarding methods: who answers, what source address a server sees, and which way answers take.

use super::machine::Packets;
use super::network::{Network, SERVERS, SERVERS6, VIP, VIP6, at};
use super::tcp::{Connection, PATIENCE, TcpServer, expected, spread};

/// Packets that are not part of connections: address resolution, router discovery and the like.
const NOISE: u64 = 10;

/// Connects to a service of three servers with the weights 3, 2 and 1, which have to answer in proportion and
/// see the client's own address. One request is larger than a packet. Tells the packets that went over the
/// director's outside link, for 7 connections.
fn use_cluster(network: &Network, vip: &str, servers: &str, method: &str) -> Packets {
    let director = &network.director;
    let service = at(vip, 80);
    director.ok(&format!("-A -t {service} -s wrr"));
    for (host, weight) in [(11, 3), (12, 2), (13, 1)] {
        let server = at(&format!("{servers}{host}"), 80);
        director.ok(&format!("-a -t {service} -r {server} {method} -w {weight}"));
    }
    let before = network.links.packets("outside");
    let answers = spread(&network.client, &service, 6);
    assert_eq!(answers, expected([("server1", 3), ("server2", 2), ("server3", 1)]), "{vip} {method}");
    let client = if vip == VIP { "192.0.2.100" } else { "2001:db8:1::100" };
    let mut connection = Connection::open(&network.client, &service).unwrap();
    assert_eq!(connection.seen.to_string(), client);
    let large = "large".repeat(4000);
    connection.ask(&large).unwrap();
    assert!(connection.hear(PATIENCE).unwrap() == large, "{vip} {method}: a large request was lost");
    director.ok(&format!("-D -t {service}"));
    network.links.packets("outside").since(before)
}

/// The same, and only requests go through the director.
pub fn answers_go_past(network: &Network, vip: &str, servers: &str, method: &str) {
    let packets = use_cluster(network, vip, servers, method);
    assert!(packets.received >= 7 * 4, "{vip} {method}: {packets:?}");
    assert!(packets.sent <= NOISE, "{vip} {method}: {packets:?}");
}

#[test]
fn with_masquerading_requests_and_answers_pass_the_director() {
    let network = Network::new(3);
    network.answers_through_director();
    let _servers = network.serve(80);
    for (vip, servers) in [(VIP, SERVERS), (VIP6, SERVERS6)] {
        let packets = use_cluster(&network, vip, servers, "-m");
        assert!(packets.received >= 7 * 4, "{packets:?}");
        assert!(packets.sent >= 7 * 3, "{packets:?}");
    }
}

#[test]
fn with_direct_routing_answers_go_past_the_director() {
    let network = Network::new(3);
    network.answers_past_director();
    assert!(network.servers[0].sh("ip route get 192.0.2.100").contains("via 10.0.0.254"));
    let _servers = network.serve(80);
    for (vip, servers) in [(VIP, SERVERS), (VIP6, SERVERS6)] {
        answers_go_past(&network, vip, servers, "-g");
    }
}

#[test]
fn the_director_can_be_a_server_itself() {
    let network = Network::new(1);
    network.answers_through_director();
    let _servers = (network.serve(80), [80, 8080].map(|port| TcpServer::start(&network.links, port)));
    for (vip, servers, client) in [(VIP, SERVERS, "192.0.2.100"), (VIP6, SERVERS6, "2001:db8:1::100")] {
        for itself in [at(vip, 80) + " -g", at(vip, 80) + " -i", at(vip, 8080) + " -m"] {
            let service = at(vip, 80);
            network.director.ok(&format!("-A -t {service} -s rr"));
            network.director.ok(&format!("-a -t {service} -r {itself}"));
            network.director.ok(&format!("-a -t {service} -r {} -m", at(&format!("{servers}11"), 80)));
            let answers = spread(&network.client, &service, 6);
            assert_eq!(answers, expected([("director", 3), ("server1", 3)]), "{itself}");
            for _ in 0..2 {
                let connection = Connection::open(&network.client, &service).unwrap();
                assert_eq!(connection.seen.to_string(), client, "by {} with {itself}", connection.server);
            }
            network.director.ok(&format!("-D -t {service}"));
        }
    }
}
