//! Firewall marks, which combine several addresses and ports into one service.

use super::network::{Network, SERVERS, SERVERS6, VIP, VIP6, endpoint};
use super::tcp::Connection;

/// Creates a network whose director marks requests for ports 80 and 443 with 7. It uses tc because not every
/// kernel supports iptables.
fn network() -> Network {
    let network = Network::new(2);
    network.route_answers_through_director();
    network.director_machine.sh("tc qdisc add dev outside ingress
        for protocol in ip ipv6; do
            for port in 80 443; do
                tc filter add dev outside ingress protocol $protocol flower ip_proto tcp dst_port $port \
                    action skbedit mark 7
            done
        done");
    network.add_service("-f 7 -s rr", SERVERS, 0, "-m");
    network.add_service("-f 7 -6 -s rr", SERVERS6, 0, "-m");
    network
}

/// Connects to these ports one after the other, and returns the servers that answer.
fn answering_servers<const N: usize>(
    network: &Network,
    client: &str,
    vip: &str,
    ports: [u16; N],
) -> [String; N] {
    let client = client.parse().unwrap();
    ports.map(|port| Connection::open_from(&network.client, client, &endpoint(vip, port)).unwrap().server)
}

#[test]
fn two_ports_of_one_mark_share_a_schedule() {
    let network = network();
    let _servers = [80, 443].map(|port| network.serve(port));
    for (client, vip) in [("198.18.0.1", VIP), ("2001:db8:99::1", VIP6)] {
        let [first, second, third, fourth] = answering_servers(&network, client, vip, [80, 443, 443, 80]);
        assert_ne!(first, second);
        assert_eq!([first, second], [third, fourth]);
    }
}

#[test]
fn a_persistent_mark_ties_http_and_https_to_one_server() {
    let network = network();
    let _servers = [80, 443].map(|port| network.serve(port));
    for (family, vip, clients) in
        [("", VIP, ["198.18.0.1", "198.18.0.2"]), ("-6", VIP6, ["2001:db8:99::1", "2001:db8:99::2"])]
    {
        network.director.ok(&format!("-E -f 7 {family} -s rr -p 600"));
        let servers_by_client =
            clients.map(|client| answering_servers(&network, client, vip, [80, 443, 80, 443]));
        assert!(
            servers_by_client.iter().all(|servers| servers.iter().all(|server| *server == servers[0])),
            "{servers_by_client:?}"
        );
        assert_ne!(servers_by_client[0][0], servers_by_client[1][0]);
    }
}
