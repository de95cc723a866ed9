//! One-packet scheduling: the kernel treats the datagrams of a UDP socket as a connection unless each is
//! scheduled separately.

use super::network::{Network, SERVERS, SERVERS6, VIP, VIP6, endpoint};
use super::udp::UdpClient;

#[test]
fn datagrams_of_one_socket_stay_together_unless_scheduled_separately() {
    let network = Network::new(2);
    network.route_answers_around_director();
    for (vip, servers, client) in [(VIP, SERVERS, "192.0.2.100"), (VIP6, SERVERS6, "2001:db8:1::100")] {
        let service = endpoint(vip, 53);
        let _servers = network.serve_datagrams(&service);
        let answers = |flags: &str| {
            network.add_service(&format!("-u {service} -s rr {flags}"), servers, 53, "-g");
            let client = UdpClient::open(&network.client, client, &service);
            let answers = [(); 6].map(|()| client.ask("?").unwrap());
            network.director.ok(&format!("-D -u {service}"));
            answers
        };
        let together = answers("");
        assert!(together.iter().all(|server| *server == together[0]), "{vip}: {together:?}");
        let alone = answers("-o");
        assert!(alone.windows(2).all(|pair| pair[0] != pair[1]), "{vip}: {alone:?}");
    }
}
