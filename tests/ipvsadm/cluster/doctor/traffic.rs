//! What connections and counters tell.

use super::*;
use crate::cluster::udp::{UdpClient, UdpServer};

#[test]
fn a_server_whose_answers_do_not_come_back_is_named() {
    let (network, _serving) = cluster(1);
    let machine = &network.director_machine;
    for (vip, servers, route) in [(VIP, SERVERS, "10.0.0.1"), (VIP6, SERVERS6, "2001:db8:2::1")] {
        let service = endpoint(vip, 80);
        network.add_service(&format!("-t {service} -s rr"), servers, 80, "-m");
        network.servers[0].ip(&format!("route del default via {route}\n"));
        // One of the three requests for a connection may still wait for a hardware address when the next is due.
        wait_in_vain(&network.client, &service);
        wait_for(machine, &format!("-t {service}"), &["no-answers"]);
        network.servers[0].ip(&format!("route add default via {route}\n"));
        // More than wait in vain, which the kernel remembers for a minute.
        count_answers(&network.client, &service, 10);
        wait_for(machine, &format!("-t {service}"), &NOTHING);
        network.director.ok(&format!("-D -t {service}"));
    }
}

#[test]
fn a_server_program_that_is_not_running_is_named() {
    let (network, _serving) = cluster(1);
    network.add_service(&format!("-t {VIP}:80 -s rr"), SERVERS, 81, "-m");
    for _ in 0..3 {
        assert!(Connection::open(&network.client, &endpoint(VIP, 80)).is_err());
    }
    wait_for(&network.director_machine, "", &["refused"]);
    let _missing = TcpServer::start(&network.servers[0], 81);
    count_answers(&network.client, &endpoint(VIP, 80), 1);
    wait_for(&network.director_machine, "", &NOTHING);
}

#[test]
fn a_client_in_the_network_of_servers_behind_nat_is_named() {
    let (network, _serving) = cluster(2);
    let [server, client] = &network.servers[..] else { panic!("there are two servers") };
    network.director.ok(&format!("-A -t {VIP}:80"));
    network.director.ok(&format!("-a -t {VIP}:80 -r {SERVERS}11:80 -m"));
    client.sysctl("ipv4/tcp_syn_retries=1");
    assert!(Connection::open(client, &endpoint(VIP, 80)).is_err());
    assert_eq!(found(&network.director_machine, ""), ["client-beside-server"]);
    // With a route through the director the answers take the right way.
    server.ip(&format!("route add {SERVERS}12 via 10.0.0.1\n"));
    network.director.ok("-C");
    network.director.ok(&format!("-A -t {VIP}:80"));
    network.director.ok(&format!("-a -t {VIP}:80 -r {SERVERS}11:80 -m"));
    count_answers(client, &endpoint(VIP, 80), 1);
}

#[test]
fn clients_of_a_drained_and_of_a_deleted_server_are_named() {
    let (network, _serving) = cluster(2);
    let (director, machine) = (&network.director, &network.director_machine);
    network.add_service(&format!("-t {VIP}:80 -s rr -p 300"), SERVERS, 80, "-m");
    let connection = Connection::open(&network.client, &endpoint(VIP, 80)).unwrap();
    assert_eq!(found(machine, ""), NOTHING);
    let host = if connection.server == "server1" { 11 } else { 12 };
    director.ok(&format!("-e -t {VIP}:80 -r {SERVERS}{host}:80 -m -w 0"));
    assert_eq!(found(machine, ""), ["drained-persistent"]);
    machine.sysctl("ipv4/vs/expire_quiescent_template=1");
    assert_eq!(found(machine, ""), NOTHING);
    director.ok(&format!("-D -t {VIP}:80"));

    let _answering: Vec<UdpServer> = [11, 12]
        .iter()
        .zip(&network.servers)
        .map(|(host, server)| UdpServer::start(server, &format!("{SERVERS}{host}:53")))
        .collect();
    director.ok(&format!("-A -u {VIP}:53 -s rr"));
    director.ok(&format!("-a -u {VIP}:53 -r {SERVERS}11:53 -m"));
    let client = UdpClient::open(&network.client, "192.0.2.100", &endpoint(VIP, 53));
    assert_eq!(client.ask("?").unwrap(), "server1");
    director.ok(&format!("-a -u {VIP}:53 -r {SERVERS}12:53 -m"));
    assert_eq!(found(machine, ""), NOTHING);
    director.ok(&format!("-d -u {VIP}:53 -r {SERVERS}11:53"));
    assert_eq!(found(machine, ""), ["deleted-server"]);
    machine.sysctl("ipv4/vs/expire_nodest_conn=1");
    assert_eq!(found(machine, ""), NOTHING);
}
