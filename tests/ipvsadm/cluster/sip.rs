//! The SIP persistence engine, which keeps the datagrams of a call on one server.

use super::network::{Network, SERVERS, SERVERS6, VIP, VIP6, endpoint};
use super::udp::UdpClient;

#[test]
fn datagrams_of_one_call_stay_together_whatever_their_source() {
    let network = Network::new(2);
    network.route_answers_around_director();
    for (vip, servers, mask, clients) in [
        (VIP, SERVERS, "255.255.255.0", ["198.18.0.1", "198.18.0.2", "198.18.0.2"]),
        (VIP6, SERVERS6, "64", ["2001:db8:99::1", "2001:db8:99::2", "2001:db8:99::2"]),
    ] {
        // Each datagram is scheduled separately; otherwise those of one socket would be one connection. Only
        // clients in the same netmask share a call.
        let service = endpoint(vip, 5060);
        let settings = format!("-u {service} -s rr -o -p 600 -M {mask} --pe sip");
        network.add_service(&settings, servers, 5060, "-g");
        let _servers = network.serve_datagrams(&service);
        let phones = clients.map(|client| UdpClient::open(&network.client, client, &service));
        let invite = |call: &str| {
            phones.each_ref().map(|phone| {
                let answer =
                    phone.ask(&format!("INVITE sip:you@example.com SIP/2.0\r\nCall-ID: {call}\r\n\r\n"));
                answer.unwrap_or_else(|error| panic!("{call}: {error}"))
            })
        };
        let calls = ["one@example.com", "two@example.com", "three@example.com", "one@example.com"];
        let answers = calls.map(invite);
        for (call, servers) in calls.iter().zip(&answers) {
            assert!(servers.iter().all(|server| *server == servers[0]), "{call}: {servers:?}");
        }
        let [one, two, three, again] = answers.map(|[server, ..]| server);
        assert_ne!(one, two);
        assert_eq!([three, again], [one.clone(), one]);

        let connections = network.director.ok("-L -n -c --persistent-conn");
        for call in calls {
            let is_call = |line: &str| {
                let words: Vec<_> = line.split_whitespace().collect();
                words.contains(&service.as_str()) && words.ends_with(&["sip", call])
            };
            assert!(connections.lines().any(is_call), "{call}:\n{connections}");
        }
    }
}
