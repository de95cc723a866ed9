//! Firewall marks, which make one service of several addresses and ports.

use super::network::{Network, SERVERS, SERVERS6, VIP, VIP6, at};
use super::tcp::Connection;

/// A network whose director marks requests for the ports 80 and 443 with 7. It does so by tc, as not every
/// kernel has what iptables needs.
fn network() -> Network {
    let network = Network::new(2);
    network.answers_through_director();
    network.links.sh("tc qdisc add dev outside ingress
        for protocol in ip ipv6; do
            for port in 80 443; do
                tc filter add dev outside ingress protocol $protocol flower ip_proto tcp dst_port $port \
                    action skbedit mark 7
            done
        done");
    network.balance("-f 7 -s rr", SERVERS, 0, "-m");
    network.balance("-f 7 -6 -s rr", SERVERS6, 0, "-m");
    network
}

/// Who answers requests for these ports, one after the other.
fn answers<const N: usize>(network: &Network, client: &str, vip: &str, ports: [u16; N]) -> [String; N] {
    let client = client.parse().unwrap();
    ports.map(|port| Connection::open_from(&network.client, client, &at(vip, port)).unwrap().server)
}

#[test]
fn two_ports_of_one_mark_take_turns_together() {
    let network = network();
    let _servers = [80, 443].map(|port| network.serve(port));
    for (client, vip) in [("198.18.0.1", VIP), ("2001:db8:99::1", VIP6)] {
        let [first, second, third, fourth] = answers(&network, client, vip, [80, 443, 443, 80]);
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
        let each = clients.map(|client| answers(&network, client, vip, [80, 443, 80, 443]));
        assert!(each.iter().all(|servers| servers.iter().all(|server| *server == servers[0])), "{each:?}");
        assert_ne!(each[0][0], each[1][0]);
    }
}
