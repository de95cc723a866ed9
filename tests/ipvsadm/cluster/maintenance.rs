//! Removing and restoring servers while connections are open.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::network::{Network, SERVERS, VIP, endpoint};
use super::tcp::{Connection, PATIENCE, TcpServer, count_answers, counts};
use super::udp::{UdpClient, UdpServer};
use super::wait_until;

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

/// The time that a client waits for an answer which may not come.
const MOMENT: Duration = Duration::from_millis(200);

/// Sets up two UDP servers, of which the first has a client, and returns all of them with the address of the service.
fn udp_client_of_the_first_server() -> (Network, [UdpServer; 2], UdpClient, String) {
    let network = Network::new(2);
    network.route_answers_through_director();
    let servers =
        [0, 1].map(|index| UdpServer::start(&network.servers[index], &format!("10.0.0.1{}:53", index + 1)));
    let address = endpoint(VIP, 53);
    network.director.ok(&format!("-A -u {address} -s rr"));
    network.director.ok(&format!("-a -u {address} -r 10.0.0.11:53 -m"));
    let client = UdpClient::open(&network.client, "192.0.2.100", &address);
    assert_eq!(client.ask("?").unwrap(), "server1");
    network.director.ok(&format!("-a -u {address} -r 10.0.0.12:53 -m"));
    (network, servers, client, address)
}

#[test]
fn udp_clients_that_keep_sending_stay_with_a_server_of_weight_0() {
    // On a machine that stands still the connection may time out between two datagrams.
    let in_time = (0..20).any(|_| {
        let (network, _servers, client, address) = udp_client_of_the_first_server();
        let director = &network.director;
        director.ok(&format!("-e -u {address} -r 10.0.0.11:53 -m -w 0"));
        director.ok("--set 0 0 2");
        let last = client.keep_asking("server1", Duration::from_secs(2));
        assert_eq!(UdpClient::open(&network.client, "192.0.2.100", &address).ask("?").unwrap(), "server2");
        last.is_some()
    });
    assert!(in_time);
}

#[test]
fn udp_clients_of_a_deleted_server_wait_for_the_timeout_unless_connections_expire_with_their_server() {
    let (network, _servers, client, address) = udp_client_of_the_first_server();
    let director = &network.director;
    director.ok(&format!("-d -u {address} -r 10.0.0.11:53"));
    for _ in 0..10 {
        assert!(client.ask_within("?", MOMENT).is_err(), "the client has found another server");
    }
    assert_eq!(UdpClient::open(&network.client, "192.0.2.100", &address).ask("?").unwrap(), "server2");

    // The next datagram ends the connection, and one after it makes a new one.
    network.director_machine.sysctl("ipv4/vs/expire_nodest_conn=1");
    assert!(wait_until(|| client.ask_within("?", MOMENT).is_ok_and(|server| server == "server2")));

    // Without the setting it takes as long as the timeout for UDP, although the client keeps sending.
    network.director_machine.sysctl("ipv4/vs/expire_nodest_conn=0");
    let timeout = Duration::from_secs(3);
    director.ok("--set 0 0 3");
    let mut hosts = [12, 11].into_iter().cycle();
    let mut host = hosts.next().unwrap();
    // On a machine that stands still the connection may time out before the client asks again.
    let in_time = (0..20).any(|_| {
        let other = hosts.next().unwrap();
        let asked = Instant::now();
        assert_eq!(client.ask("?").unwrap(), format!("server{}", host - 10));
        director.ok(&format!("-a -u {address} -r 10.0.0.{other}:53 -m"));
        director.ok(&format!("-d -u {address} -r 10.0.0.{host}:53"));
        let is_lost = client.ask_within("?", MOMENT).is_err();
        let in_time = asked.elapsed() < timeout;
        assert!(is_lost || !in_time, "the client has found another server");
        let name = format!("server{}", other - 10);
        assert!(wait_until(|| client.ask_within("?", MOMENT).is_ok_and(|server| server == name)));
        host = other;
        in_time
    });
    assert!(in_time);
}

#[test]
fn a_reused_port_leads_to_the_old_server_unless_reuse_makes_a_new_connection() {
    let (network, _servers, address) = two_servers();
    let director = &network.director;
    // A client that may bind its port again as soon as its connection has ended.
    let connect = |port: u16| {
        network.client.run_inside(|| {
            let from: SocketAddr = ([192, 0, 2, 100], port).into();
            Connection::connect_and_reset(from, &address).unwrap()
        })
    };
    network.add_service(&format!("-t {address} -s rr"), SERVERS, 80, "-m");
    // The kernel remembers a closed connection for 10 s, so whoever was slower asks once more from another port.
    let mut ports = 4000..;
    for mode in [0, 1] {
        network.director_machine.sysctl(&format!("ipv4/vs/conn_reuse_mode={mode}"));
        loop {
            let port = ports.next().unwrap();
            let started = Instant::now();
            let old = connect(port);
            let host = if old == "server1" { 11 } else { 12 };
            director.ok(&format!("-e -t {address} -r 10.0.0.{host}:80 -m -w 0"));
            let new = connect(port);
            director.ok(&format!("-e -t {address} -r 10.0.0.{host}:80 -m -w 1"));
            if started.elapsed() < Duration::from_secs(10) {
                assert_eq!(new == old, mode == 0, "mode {mode}: {old}, {new}");
                break;
            }
        }
    }
}
