//! Thresholds: at which number of connections a server stops to get more, and at which it gets some again.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::network::{Network, SERVERS, SERVERS6, VIP, VIP6, at};
use super::tcp::{Connection, PATIENCE};

/// A server with these thresholds, of which the upper one is 4, and another for what the first does not take.
/// It has to take 4 connections, none while it has more than it `resumes` with, and then up to 4 again.
fn thresholds(vip: &str, servers: &str, thresholds: &str, resumes: usize) {
    let network = Network::new(2);
    network.answers_through_director();
    let _servers = network.serve(80);
    let director = &network.director;
    let (service, first) = (at(vip, 80), at(&format!("{servers}11"), 80));
    director.ok(&format!("-A -t {service} -s fo"));
    director.ok(&format!("-a -t {service} -r {first} -m -w 2 {thresholds}"));
    director.ok(&format!("-a -t {service} -r {} -m -w 1", at(&format!("{servers}12"), 80)));
    let saved = director.saved();
    assert!(saved.contains(thresholds), "{saved}");
    director.ok("-C");
    assert_eq!(director.feed("-R", &saved).status, 0);
    assert_eq!(director.saved(), saved);

    let connect = || Connection::open(&network.client, &service).unwrap();
    let known = || -> usize {
        let listing = director.ok(&format!("-L -n -t {service}"));
        let line = listing.lines().find(|line| line.contains(&first)).unwrap();
        line.split_whitespace().rev().take(2).map(|number| number.parse::<usize>().unwrap()).sum()
    };
    let mut held: Vec<_> = (0..4).map(|_| connect()).collect();
    assert!(held.iter().all(|connection| connection.server == "server1"));
    let mut others = vec![connect()];
    assert_eq!(others[0].server, "server2", "with {}", known());
    for number in (resumes..4).rev() {
        // A connection is known for as long as was set when it had its last packet.
        director.ok("--set 1 0 0");
        assert!(held[number].echoes());
        let end = Instant::now() + PATIENCE;
        while known() > number {
            assert!(Instant::now() < end, "there are still {}", known());
            sleep(Duration::from_millis(100));
        }
        director.ok("--set 900 0 0");
        others.push(connect());
        let expected = if number > resumes { "server2" } else { "server1" };
        assert_eq!(others.last().unwrap().server, expected, "with {number}");
    }
    for number in resumes + 1..4 {
        others.push(connect());
        assert_eq!(others.last().unwrap().server, "server1", "with {number}");
    }
    assert_eq!(connect().server, "server2", "with {}", known());
}

#[test]
fn a_server_gets_no_connections_from_the_upper_threshold_down_to_below_the_lower_one() {
    thresholds(VIP, SERVERS, "-x 4 -y 2", 1);
}

#[test]
fn a_server_without_a_lower_threshold_resumes_below_three_quarters_of_the_upper_one() {
    thresholds(VIP6, SERVERS6, "-x 4", 2);
}
