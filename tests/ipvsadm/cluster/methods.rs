//! The forwarding methods: who answers, what source address a server sees, and which way answers take.

use super::machine::Packets;
use super::network::{Network, VIP, VIP6};
use super::tcp::{Connection, expected, spread};

/// Packets that are not part of connections: address resolution, router discovery and the like.
const NOISE: u64 = 40;

/// Connects 30 times to a service of three servers with the weights 3, 2 and 1, which have to answer in
/// proportion and see the client's own address. Tells the packets that went over the director's outside
/// link.
fn use_cluster(network: &Network, address: &str, method: &str) -> Packets {
    let director = &network.director;
    director.ok(&format!("-A -t {address}:80 -s wrr"));
    let v6 = address.starts_with('[');
    for (host, weight) in [(11, 3), (12, 2), (13, 1)] {
        let server = if v6 { format!("[2001:db8:2::{host}]:80") } else { format!("10.0.0.{host}:80") };
        director.ok(&format!("-a -t {address}:80 -r {server} {method} -w {weight}"));
    }
    let before = network.links.packets("outside");
    let answers = spread(&network.client, &format!("{address}:80"), 30);
    assert_eq!(answers, expected([("server1", 15), ("server2", 10), ("server3", 5)]));
    let client = if v6 { "2001:db8:1::100" } else { "192.0.2.100" };
    let connection = Connection::open(&network.client, &format!("{address}:80")).unwrap();
    assert_eq!(connection.seen.to_string(), client);
    network.links.packets("outside").since(before)
}

#[test]
fn with_masquerading_requests_and_answers_pass_the_director() {
    let network = Network::new(3);
    network.answers_through_director();
    let _servers = network.serve(80);
    for address in [VIP.to_string(), format!("[{VIP6}]")] {
        let packets = use_cluster(&network, &address, "-m");
        assert!(packets.received >= 31 * 4, "{packets:?}");
        assert!(packets.sent >= 31 * 3, "{packets:?}");
    }
}

#[test]
fn with_direct_routing_answers_go_past_the_director() {
    let network = Network::new(3);
    network.answers_past_director();
    assert!(network.servers[0].sh("ip route get 192.0.2.100").contains("via 10.0.0.254"));
    let _servers = network.serve(80);
    for address in [VIP.to_string(), format!("[{VIP6}]")] {
        let packets = use_cluster(&network, &address, "-g");
        assert!(packets.received >= 31 * 4, "{packets:?}");
        assert!(packets.sent <= NOISE, "{packets:?}");
    }
}
