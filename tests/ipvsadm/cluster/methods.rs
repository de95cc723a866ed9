//! The forwarding methods: the servers that answer, the source addresses they see and the route of their
//! answers.

use super::machine::Packets;
use super::network::{Network, SERVERS, SERVERS6, VIP, VIP6, endpoint};
use super::tcp::{Connection, PATIENCE, TcpServer, count_answers, counts};

/// An upper bound for packets that do not belong to connections, such as address resolution and router
/// discovery.
const NOISE: u64 = 10;

/// Makes 7 connections to a service whose three servers have the weights 3, 2 and 1. They must answer in
/// proportion and see the client's own address. One request is larger than a packet. Returns the number of
/// packets on the director's outside link.
fn check_cluster(network: &Network, vip: &str, servers: &str, method: &str) -> Packets {
    let director = &network.director;
    let service = endpoint(vip, 80);
    director.ok(&format!("-A -t {service} -s wrr"));
    for (host, weight) in [(11, 3), (12, 2), (13, 1)] {
        let server = endpoint(&format!("{servers}{host}"), 80);
        director.ok(&format!("-a -t {service} -r {server} {method} -w {weight}"));
    }
    let before = network.director_machine.packets("outside");
    let answers = count_answers(&network.client, &service, 6);
    assert_eq!(answers, counts([("server1", 3), ("server2", 2), ("server3", 1)]), "{vip} {method}");
    let client = if vip == VIP { "192.0.2.100" } else { "2001:db8:1::100" };
    let mut connection = Connection::open(&network.client, &service).unwrap();
    assert_eq!(connection.client_address.to_string(), client);
    let large = "large".repeat(4000);
    connection.send_line(&large).unwrap();
    assert!(connection.receive_line(PATIENCE).unwrap() == large, "{vip} {method}: a large request was lost");
    // What works gives no reason to worry. Connections of an earlier service may not have ended yet.
    network.director_machine.sysctl("ipv4/vs/expire_nodest_conn=1");
    assert_eq!(director.run("--doctor").stdout, "", "{vip} {method}");
    for server in network.servers.iter().filter(|_| method != "-m") {
        assert_eq!(server.ipvsadm("--doctor --as-real-server"), "", "{vip} {method} on {}", server.name);
    }
    director.ok(&format!("-D -t {service}"));
    network.director_machine.packets("outside").since(before)
}

/// Checks a cluster as `check_cluster` does, and that only requests pass through the director.
pub fn check_answers_bypass_director(network: &Network, vip: &str, servers: &str, method: &str) {
    let packets = check_cluster(network, vip, servers, method);
    assert!(packets.received >= 7 * 4, "{vip} {method}: {packets:?}");
    assert!(packets.sent <= NOISE, "{vip} {method}: {packets:?}");
}

#[test]
fn with_masquerading_requests_and_answers_pass_through_the_director() {
    let network = Network::new(3);
    network.route_answers_through_director();
    let _servers = network.serve(80);
    for (vip, servers) in [(VIP, SERVERS), (VIP6, SERVERS6)] {
        let packets = check_cluster(&network, vip, servers, "-m");
        assert!(packets.received >= 7 * 4, "{packets:?}");
        assert!(packets.sent >= 7 * 3, "{packets:?}");
    }
}

#[test]
fn with_direct_routing_answers_bypass_the_director() {
    let network = Network::new(3);
    network.route_answers_around_director();
    assert!(network.servers[0].sh("ip route get 192.0.2.100").contains("via 10.0.0.254"));
    let _servers = network.serve(80);
    for (vip, servers) in [(VIP, SERVERS), (VIP6, SERVERS6)] {
        check_answers_bypass_director(&network, vip, servers, "-g");
    }
}

#[test]
fn the_director_can_be_a_server_itself() {
    let network = Network::new(1);
    network.route_answers_through_director();
    let _servers =
        (network.serve(80), [80, 8080].map(|port| TcpServer::start(&network.director_machine, port)));
    for (vip, servers, client) in [(VIP, SERVERS, "192.0.2.100"), (VIP6, SERVERS6, "2001:db8:1::100")] {
        for director_server in
            [endpoint(vip, 80) + " -g", endpoint(vip, 80) + " -i", endpoint(vip, 8080) + " -m"]
        {
            let service = endpoint(vip, 80);
            network.director.ok(&format!("-A -t {service} -s rr"));
            network.director.ok(&format!("-a -t {service} -r {director_server}"));
            network.director.ok(&format!("-a -t {service} -r {} -m", endpoint(&format!("{servers}11"), 80)));
            let answers = count_answers(&network.client, &service, 6);
            assert_eq!(answers, counts([("director", 3), ("server1", 3)]), "{director_server}");
            for _ in 0..2 {
                let connection = Connection::open(&network.client, &service).unwrap();
                assert_eq!(
                    connection.client_address.to_string(),
                    client,
                    "by {} with {director_server}",
                    connection.server
                );
            }
            network.director.ok(&format!("-D -t {service}"));
        }
    }
}
