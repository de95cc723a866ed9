//! Schedulers that pick servers by destination address, for caches: dh, lblc and lblcr. The director marks
//! requests to the web, and the caches treat all web addresses as their own.

use super::{Cluster, pick};
use crate::cluster::network::Network;
use crate::cluster::tcp::Connection;

/// The addresses of the web.
const WEB: &str = "203.0.113.0/24";

/// Creates a cluster with a cache for each weight.
fn caches(scheduler: &str, weights: &[u32]) -> Cluster {
    let network = Network::new(weights.len());
    network.route_answers_around_director();
    network.client.ip(&format!("route add {WEB} via 192.0.2.1\n"));
    for machine in network.servers.iter().chain([&network.director_machine]) {
        machine.ip(&format!("route add local {WEB} dev lo\n"));
    }
    // Marks with tc because not every kernel supports iptables.
    network.director_machine.sh(&format!(
        "tc qdisc add dev outside ingress
        tc filter add dev outside ingress protocol ip flower dst_ip {WEB} action skbedit mark 1"
    ));
    Cluster::with_network(network, "-f 1", "-g", scheduler, weights)
}

impl Cluster {
    /// Makes this number of connections to an address of the web, keeps them open, and returns the picks.
    fn hold_connections_to(&mut self, host: u8, connections: usize) -> String {
        self.address = format!("203.0.113.{host}:80");
        self.hold(connections)
    }

    /// Connects once to each of this number of addresses of the web, and returns the picks.
    fn record_picks_by_destination(&mut self, hosts: u8) -> String {
        (1..=hosts).map(|host| self.hold_connections_to(host, 1)).collect()
    }
}

#[test]
fn with_dh_each_destination_has_a_fixed_server() {
    let mut cluster = caches("dh", &[1, 1, 1]);
    let first = cluster.record_picks_by_destination(11);
    assert_eq!(cluster.record_picks_by_destination(11), first);
    for server in ['1', '2', '3'] {
        assert!(first.contains(server), "no destination for server {server}: {first}");
    }
    let other = Connection::open_from(&cluster.network.client, [198, 18, 0, 1].into(), &cluster.address);
    assert_eq!(pick(&other), first.chars().next_back().unwrap(), "another client gets the same server");
    cluster.set_weight(2, 0);
    assert_eq!(cluster.record_picks_by_destination(11), first.replace('2', "-"));
}

/// Creates a cluster with three destinations, each on the server that had the fewest connections. The first
/// destination has so many connections that its server exceeds its weight while others are below half of
/// theirs.
fn with_an_overloaded_cache(scheduler: &str) -> Cluster {
    let mut cluster = caches(scheduler, &[6, 6, 6]);
    assert_eq!(cluster.hold_connections_to(1, 2), "33");
    assert_eq!(cluster.hold_connections_to(2, 2), "22");
    assert_eq!(cluster.hold_connections_to(3, 2), "11");
    assert_eq!(cluster.hold_connections_to(1, 5), "33333");
    cluster
}

#[test]
fn with_lblc_a_destination_stays_on_its_server_until_that_is_overloaded() {
    let mut cluster = with_an_overloaded_cache("lblc");
    assert_eq!(cluster.hold_connections_to(1, 3), "222");
    cluster.release(3);
    assert_eq!(cluster.hold_connections_to(1, 2), "22", "the destination has moved permanently");
    assert_eq!(cluster.hold_connections_to(3, 2), "11");
    cluster.set_weight(1, 0);
    assert_eq!(cluster.hold_connections_to(3, 2), "33");
}

#[test]
fn with_lblcr_a_destination_gets_a_second_server_when_the_first_is_overloaded() {
    let mut cluster = with_an_overloaded_cache("lblcr");
    assert_eq!(cluster.hold_connections_to(1, 3), "222");
    cluster.release(3);
    assert_eq!(cluster.hold_connections_to(1, 5), "33333", "the destination has both servers");
    assert_eq!(cluster.hold_connections_to(3, 2), "11");
    cluster.set_weight(1, 0);
    assert_eq!(cluster.hold_connections_to(3, 2), "22");
}
