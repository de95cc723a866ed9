//! Each scheduler, by whom it picks.

use std::net::Ipv4Addr;

use super::network::{Network, VIP};
use super::tcp::Connection;

#[test]
fn source_hashing_keeps_a_client_on_its_server() {
    let network = Network::new(3);
    network.answers_through_director();
    let _servers = network.serve(80);
    let address = format!("{VIP}:80");
    network.director.ok(&format!("-A -t {address} -s sh"));
    for host in 11..14 {
        network.director.ok(&format!("-a -t {address} -r 10.0.0.{host}:80 -m"));
    }
    let servers = || -> Vec<String> {
        let clients = (0..32).map(|number| Ipv4Addr::new(198, 18, 0, number).into());
        let ask = |client| Connection::open_from(&network.client, client, &address).unwrap().server;
        clients.map(ask).collect()
    };
    let first = servers();
    assert_eq!(servers(), first);
    for server in ["server1", "server2", "server3"] {
        assert!(first.iter().any(|name| name == server), "{server} got no client: {first:?}");
    }
}
