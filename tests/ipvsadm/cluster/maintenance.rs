//! Taking servers out and back in while connections are held.

use super::network::{Network, VIP};
use super::tcp::{Connection, expected, spread};

#[test]
fn a_server_of_weight_0_keeps_its_connections_and_gets_no_new_ones() {
    let network = Network::new(2);
    network.answers_through_director();
    let _servers = network.serve(80);
    let director = &network.director;
    let address = format!("{VIP}:80");
    director.ok(&format!("-A -t {address} -s rr"));
    director.ok(&format!("-a -t {address} -r 10.0.0.11:80 -m"));
    director.ok(&format!("-a -t {address} -r 10.0.0.12:80 -m"));
    let mut held: Vec<_> = (0..4).map(|_| Connection::open(&network.client, &address).unwrap()).collect();

    director.ok(&format!("-e -t {address} -r 10.0.0.12:80 -m -w 0"));
    assert_eq!(spread(&network.client, &address, 10), expected([("server1", 10)]));
    for connection in &mut held {
        assert!(connection.echoes(), "a connection to {} was lost", connection.server);
    }
    assert_eq!(held.iter().filter(|connection| connection.server == "server2").count(), 2);

    director.ok(&format!("-e -t {address} -r 10.0.0.12:80 -m -w 1"));
    assert_eq!(spread(&network.client, &address, 10), expected([("server1", 5), ("server2", 5)]));
}
