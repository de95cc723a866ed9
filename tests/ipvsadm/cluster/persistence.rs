//! Persistence: the clients that stay on a server, and the duration.

use std::net::IpAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::network::{Network, SERVERS, SERVERS6, VIP, VIP6, endpoint};
use super::tcp::Connection;

/// Returns whether the director still has a persistence template for a virtual address.
fn has_template(network: &Network, vip: &str) -> bool {
    network.director.ok("-L -n -c --persistent-conn").contains(&endpoint(vip, 80))
}

#[test]
fn a_client_stays_on_its_server_for_the_timeout_and_no_longer() {
    const TIMEOUT: Duration = Duration::from_secs(6);
    let network = Network::new(2);
    network.route_answers_through_director();
    let _servers = network.serve(80);
    let connect = |vip| Connection::open(&network.client, &endpoint(vip, 80)).unwrap();
    let first = [(VIP, SERVERS), (VIP6, SERVERS6)].map(|(vip, servers)| {
        network.add_service(&format!("-t {} -s rr -p 6", endpoint(vip, 80)), servers, 80, "-m");
        let held: Vec<_> = (0..4).map(|_| connect(vip)).collect();
        let first = &held[0].server;
        assert!(held.iter().all(|connection| connection.server == *first), "{vip}");
        (vip, held, Instant::now())
    });
    let again = first.map(|(vip, mut held, last)| {
        sleep((TIMEOUT / 3).saturating_sub(last.elapsed()));
        let last = Instant::now();
        held.push(connect(vip));
        assert_eq!(held[4].server, held[0].server, "{vip}, a third of the timeout later");
        (vip, held, last)
    });
    // A template lives at least as long as its connections, so they get a short timeout.
    network.director.ok("--set 1 0 0");
    let again = again.map(|(vip, mut held, last)| {
        held.iter_mut().for_each(|connection| connection.send_line("a last word").unwrap());
        (vip, held, last)
    });
    for (vip, held, last) in again {
        while has_template(&network, vip) {
            // The kernel grants another minute to one whose time is over before its connections end, as on a machine that
            // stands still.
            assert!(last.elapsed() < TIMEOUT * 20, "{vip} is remembered for too long");
            sleep(Duration::from_millis(100));
        }
        assert!(last.elapsed() >= TIMEOUT, "{vip} was forgotten after {:?}", last.elapsed());
        assert_ne!(connect(vip).server, held[0].server, "{vip}: the other server was next");
    }
}

#[test]
fn a_netmask_keeps_neighbours_together() {
    let network = Network::new(2);
    network.route_answers_through_director();
    let _servers = network.serve(80);
    for (vip, servers, masks, clients) in [
        (VIP, SERVERS, "255.255.255.0 255.255.255.255", ["198.18.1.1", "198.18.1.200", "198.18.2.1"]),
        (VIP6, SERVERS6, "112 128", ["2001:db8:99::1:1", "2001:db8:99::1:ff", "2001:db8:99::2:1"]),
    ] {
        let servers_with = |mask: &str| {
            network.add_service(
                &format!("-t {} -s rr -p 600 -M {mask}", endpoint(vip, 80)),
                servers,
                80,
                "-m",
            );
            let answer = |client: &str| -> String {
                let client: IpAddr = client.parse().unwrap();
                Connection::open_from(&network.client, client, &endpoint(vip, 80)).unwrap().server
            };
            let answers = clients.map(answer);
            assert_eq!(clients.map(answer), answers, "-M {mask}");
            network.director.ok(&format!("-D -t {}", endpoint(vip, 80)));
            answers
        };
        let (wide, narrow) = masks.split_once(' ').unwrap();
        let [one, neighbour, stranger] = servers_with(wide);
        assert_eq!(one, neighbour, "-M {wide}");
        assert_ne!(one, stranger, "-M {wide}");
        let [one, neighbour, stranger] = servers_with(narrow);
        assert_ne!(one, neighbour, "-M {narrow}");
        assert_eq!(one, stranger, "-M {narrow}");
    }
}

#[test]
fn a_service_of_all_ports_keeps_a_client_on_one_server() {
    let network = Network::new(2);
    network.route_answers_through_director();
    let _servers = [80, 443, 8080].map(|port| network.serve(port));
    for (vip, servers) in [(VIP, SERVERS), (VIP6, SERVERS6)] {
        network.add_service(&format!("-t {} -s rr -p 600", endpoint(vip, 0)), servers, 0, "-m");
        let answers = [("198.18.0.1", "2001:db8:99::1"), ("198.18.0.2", "2001:db8:99::2")].map(|(v4, v6)| {
            let client = if vip == VIP { v4 } else { v6 }.parse().unwrap();
            [80, 443, 8080, 80].map(|port| {
                Connection::open_from(&network.client, client, &endpoint(vip, port)).unwrap().server
            })
        });
        assert!(
            answers.iter().all(|servers| servers.iter().all(|server| *server == servers[0])),
            "{answers:?}"
        );
        assert_ne!(answers[0][0], answers[1][0]);
    }
}
