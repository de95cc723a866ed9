//! Servers picked by the address that the client wants: dh, lblc and lblcr, which are for caches. The
//! director marks what goes to the web, and the caches take all of its addresses for their own.

use super::{Cluster, name};
use crate::cluster::network::Network;
use crate::cluster::tcp::Connection;

/// The web.
const WEB: &str = "203.0.113.0/24";

fn caches(scheduler: &str, weights: &[u32]) -> Cluster {
    let network = Network::new(weights.len());
    network.answers_past_director();
    network.client.ip(&format!("route add {WEB} via 192.0.2.1\n"));
    for machine in network.servers.iter().chain([&network.links]) {
        machine.ip(&format!("route add local {WEB} dev lo\n"));
    }
    // By tc, as not every kernel has what iptables needs.
    network.links.sh(&format!(
        "tc qdisc add dev outside ingress
        tc filter add dev outside ingress protocol ip flower dst_ip {WEB} action skbedit mark 1"
    ));
    Cluster::of(network, "-f 1", "-g", scheduler, weights)
}

impl Cluster {
    /// Makes so many connections to this address of the web and keeps them.
    fn hold_at(&mut self, host: u8, connections: usize) -> String {
        self.address = format!("203.0.113.{host}:80");
        self.hold(connections)
    }

    /// Connects to so many addresses of the web.
    fn picks_by_destination(&mut self, hosts: u8) -> String {
        (1..=hosts).map(|host| self.hold_at(host, 1)).collect()
    }
}

#[test]
fn with_dh_each_destination_has_its_server() {
    let mut cluster = caches("dh", &[1, 1, 1]);
    let first = cluster.picks_by_destination(11);
    assert_eq!(cluster.picks_by_destination(11), first);
    for server in ['1', '2', '3'] {
        assert!(first.contains(server), "no destination for server {server}: {first}");
    }
    let other = Connection::open_from(&cluster.network.client, [198, 18, 0, 1].into(), &cluster.address);
    assert_eq!(name(&other), first.chars().next_back().unwrap(), "another client has another server");
    cluster.set_weight(2, 0);
    assert_eq!(cluster.picks_by_destination(11), first.replace('2', "-"));
}

/// Three destinations, each on the server that had the fewest connections, and the first with so many
/// that its server has more than its weight while others have less than half of it.
fn with_an_overloaded_cache(scheduler: &str) -> Cluster {
    let mut cluster = caches(scheduler, &[6, 6, 6]);
    assert_eq!(cluster.hold_at(1, 2), "33");
    assert_eq!(cluster.hold_at(2, 2), "22");
    assert_eq!(cluster.hold_at(3, 2), "11");
    assert_eq!(cluster.hold_at(1, 5), "33333");
    cluster
}

#[test]
fn with_lblc_a_destination_stays_on_its_server_until_that_is_overloaded() {
    let mut cluster = with_an_overloaded_cache("lblc");
    assert_eq!(cluster.hold_at(1, 3), "222");
    cluster.release(3);
    assert_eq!(cluster.hold_at(1, 2), "22", "it has moved for good");
    assert_eq!(cluster.hold_at(3, 2), "11");
    cluster.set_weight(1, 0);
    assert_eq!(cluster.hold_at(3, 2), "33");
}

#[test]
fn with_lblcr_a_destination_gets_a_second_server_when_the_first_is_overloaded() {
    let mut cluster = with_an_overloaded_cache("lblcr");
    assert_eq!(cluster.hold_at(1, 3), "222");
    cluster.release(3);
    assert_eq!(cluster.hold_at(1, 5), "33333", "it has both");
    assert_eq!(cluster.hold_at(3, 2), "11");
    cluster.set_weight(1, 0);
    assert_eq!(cluster.hold_at(3, 2), "22");
}
