//! Firewall marks, which something else has to set.

use super::*;

const FILTER: &str = "tc qdisc add dev outside clsact
    tc filter add dev outside ingress protocol ip flower ip_proto tcp dst_port 80 action skbedit mark 7";

#[test]
fn a_mark_that_nothing_sets_is_named() {
    let (network, _serving) = cluster(2);
    let (director, service) = (&network.director_machine, endpoint(VIP, 80));
    network.add_service("-f 7 -s rr", SERVERS, 0, "-m");
    assert!(Connection::open(&network.client, &service).is_err());
    assert_eq!(found(director, ""), ["mark-unseen"]);
    director.sh(FILTER);
    count_answers(&network.client, &service, 2);
    assert_eq!(found(director, ""), NOTHING);
    // IPv6 has a service and marks of its own.
    network.add_service("-f 7 -6 -s rr", SERVERS6, 0, "-m");
    let line = examine(director, "").stdout;
    assert!(line.starts_with("note [mark-unseen] FWM 7 IPv6: no IPv6 packet "), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
}

/// With direct routing director and servers need all of the addresses.
#[test]
fn a_second_address_that_a_machine_lacks_is_named() {
    let network = Network::new(1);
    network.route_answers_around_director();
    let (_serving, server) = (network.serve(80), &network.servers[0]);
    let (director, service) = (&network.director_machine, "192.0.2.9:80");
    director.sh(FILTER);
    network.add_service("-f 7 -s rr", SERVERS, 0, "-g");
    network.client.ip(&format!("route add 192.0.2.9 via {VIP}\n"));
    network.client.sysctl("ipv4/tcp_syn_retries=1");
    // The director takes the packets for those of somebody else.
    assert!(Connection::open(&network.client, service).is_err());
    assert_eq!(found(director, ""), ["mark-unseen"]);
    director.ip("route add local 192.0.2.9/32 dev lo\n");
    wait_in_vain(&network.client, service);
    wait_for(director, "", &["waiting"]);
    let words = format!("--as-real-server -t {service}");
    assert_eq!(found(server, &words), ["address-missing"]);
    server.ip("address add 192.0.2.9/32 dev lo\n");
    assert_eq!(found(server, &words), NOTHING);
    count_answers(&network.client, service, 4);
    assert_eq!(found(director, ""), NOTHING);
}
