//! Removing and restoring servers while connections are open.

use std::io::ErrorKind;
use std::time::Duration;

use super::network::{Network, SERVERS, VIP, endpoint};
use super::tcp::{Connection, PATIENCE, TcpServer, count_answers, counts};

/// Sets up two servers that answer through the director, and returns them with the address of the future
/// service.
fn two_servers() -> (Network, Vec<TcpServer>, String) {
    let network = Network::new(2);
    network.route_answers_through_director();
    let servers = network.serve(80);
    (network, servers, endpoint(VIP, 80))
}

/// Returns the name of the other server.
fn other_server(server: &str) -> String {
    if server == "server1" { "server2" } else { "server1" }.into()
}

#[test]
fn a_server_of_weight_0_keeps_its_connections_and_gets_no_new_ones() {
    let (network, _servers, address) = two_servers();
    let director = &network.director;
    network.add_service(&format!("-t {address} -s rr"), SERVERS, 80, "-m");
    let mut held: Vec<_> = (0..4).map(|_| Connection::open(&network.client, &address).unwrap()).collect();

    director.ok(&format!("-e -t {address} -r 10.0.0.12:80 -m -w 0"));
    assert_eq!(count_answers(&network.client, &address, 10), counts([("server1", 10)]));
    for connection in &mut held {
        assert!(connection.echoes(), "a connection to {} was lost", connection.server);
    }
    assert_eq!(held.iter().filter(|connection| connection.server == "server2").count(), 2);

    director.ok(&format!("-e -t {address} -r 10.0.0.12:80 -m -w 1"));
    assert_eq!(count_answers(&network.client, &address, 10), counts([("server1", 5), ("server2", 5)]));
}

#[test]
fn clients_persist_on_a_server_of_weight_0_unless_templates_expire_when_it_is_quiescent() {
    let (network, _servers, address) = two_servers();
    let director = &network.director;
    network.add_service(&format!("-t {address} -s rr -p 600"), SERVERS, 80, "-m");
    let server_for = |client: &str| {
        Connection::open_from(&network.client, client.parse().unwrap(), &address).unwrap().server
    };
    let old = server_for("198.18.0.1");
    let host = if old == "server1" { 11 } else { 12 };

    director.ok(&format!("-e -t {address} -r 10.0.0.{host}:80 -m -w 0"));
    assert_eq!(server_for("198.18.0.1"), old);
    for client in ["198.18.0.2", "198.18.0.3"] {
        assert_eq!(server_for(client), other_server(&old));
    }
    network.director_machine.sysctl("ipv4/vs/expire_quiescent_template=1");
    assert_eq!(server_for("198.18.0.1"), other_server(&old));
}

#[test]
fn connections_wait_for_a_deleted_server_to_come_back() {
    let (network, _servers, address) = two_servers();
    let director = &network.director;
    director.ok(&format!("-A -t {address} -s rr"));
    director.ok(&format!("-a -t {address} -r 10.0.0.11:80 -m"));
    let mut held = Connection::open(&network.client, &address).unwrap();
    director.ok(&format!("-a -t {address} -r 10.0.0.12:80 -m"));

    director.ok(&format!("-d -t {address} -r 10.0.0.11:80"));
    held.send_line("still there?").unwrap();
    assert_eq!(held.receive_line(Duration::from_millis(500)).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(count_answers(&network.client, &address, 4), counts([("server2", 4)]));

    director.ok(&format!("-a -t {address} -r 10.0.0.11:80 -m"));
    assert_eq!(held.receive_line(PATIENCE).unwrap(), "still there?");
    assert_eq!(count_answers(&network.client, &address, 4), counts([("server1", 2), ("server2", 2)]));
}

#[test]
fn connections_end_with_their_deleted_server_if_so_configured() {
    let (network, _servers, address) = two_servers();
    let director = &network.director;
    network.director_machine.sysctl("ipv4/vs/expire_nodest_conn=1");
    director.ok(&format!("-A -t {address} -s rr"));
    director.ok(&format!("-a -t {address} -r 10.0.0.11:80 -m"));
    let mut held = Connection::open(&network.client, &address).unwrap();

    director.ok(&format!("-d -t {address} -r 10.0.0.11:80"));
    held.send_line("still there?").unwrap();
    assert_eq!(held.receive_line(PATIENCE).unwrap_err().kind(), ErrorKind::ConnectionReset);
}
