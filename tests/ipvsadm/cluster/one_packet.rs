//! UDP, where one socket's datagrams are a connection only because the kernel takes them for one.

use super::network::{Network, VIP, VIP6};
use super::udp::{UdpClient, UdpServer};

/// The servers that answer eight datagrams of one socket, when the service has these flags.
fn servers_of_one_socket(network: &Network, vip: &str, flags: &str) -> Vec<String> {
    let v6 = vip.contains(':');
    let address = if v6 { format!("[{vip}]:53") } else { format!("{vip}:53") };
    network.director.ok(&format!("-A -u {address} -s rr {flags}"));
    for host in [11, 12] {
        let server = if v6 { format!("[2001:db8:2::{host}]") } else { format!("10.0.0.{host}") };
        network.director.ok(&format!("-a -u {address} -r {server} -g"));
    }
    let _servers: Vec<_> = network.servers.iter().map(|server| UdpServer::start(server, &address)).collect();
    let from = if v6 { "2001:db8:1::100" } else { "192.0.2.100" };
    let client = UdpClient::open(&network.client, from.parse().unwrap(), &address);
    let answers =
        (0..8).map(|number| client.ask("?").unwrap_or_else(|error| panic!("datagram {number}: {error}")));
    let answers = answers.collect();
    network.director.ok(&format!("-D -u {address}"));
    answers
}

#[test]
fn datagrams_of_one_socket_stay_together_unless_each_is_scheduled_alone() {
    let network = Network::new(2);
    network.answers_past_director();
    for vip in [VIP, VIP6] {
        let together = servers_of_one_socket(&network, vip, "");
        assert!(together.iter().all(|server| *server == together[0]), "{vip}: {together:?}");

        let alone = servers_of_one_socket(&network, vip, "-o");
        let turns = [&alone[0], &alone[1]];
        assert_ne!(turns[0], turns[1], "{vip}: {alone:?}");
        assert!(
            alone.chunks(2).all(|chunk| chunk[0] == *turns[0] && chunk[1] == *turns[1]),
            "{vip}: {alone:?}"
        );
    }
}
