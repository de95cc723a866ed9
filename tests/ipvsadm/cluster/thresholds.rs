//! Thresholds: the numbers of connections at which a server stops and resumes accepting new ones.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::network::{Network, SERVERS, SERVERS6, VIP, VIP6, endpoint};
use super::tcp::{Connection, PATIENCE};

/// Checks a server with these thresholds, the upper of which is 4, beside another server that takes the rest.
/// The first server must accept 4 connections, then none while it has more than `resumes_at`, and then up to
/// 4 again.
fn check_thresholds(vip: &str, servers: &str, thresholds: &str, resumes_at: usize) {
    let network = Network::new(2);
    network.route_answers_through_director();
    let _servers = network.serve(80);
    let director = &network.director;
    let (service, first) = (endpoint(vip, 80), endpoint(&format!("{servers}11"), 80));
    director.ok(&format!("-A -t {service} -s fo"));
    director.ok(&format!("-a -t {service} -r {first} -m -w 2 {thresholds}"));
    director.ok(&format!("-a -t {service} -r {} -m -w 1", endpoint(&format!("{servers}12"), 80)));
    let saved = director.saved();
    assert!(saved.contains(thresholds), "{saved}");
    director.ok("-C");
    assert_eq!(director.feed("-R", &saved).status, 0);
    assert_eq!(director.saved(), saved);

    let connect = || Connection::open(&network.client, &service).unwrap();
    let connection_count = || -> usize {
        let listing = director.ok(&format!("-L -n -t {service}"));
        let line = listing.lines().find(|line| line.contains(&first)).unwrap();
        line.split_whitespace().rev().take(2).map(|number| number.parse::<usize>().unwrap()).sum()
    };
    let mut held: Vec<_> = (0..4).map(|_| connect()).collect();
    assert!(held.iter().all(|connection| connection.server == "server1"));
    let mut overflow = vec![connect()];
    assert_eq!(overflow[0].server, "server2", "with {} connections", connection_count());
    for number in (resumes_at..4).rev() {
        // A connection lives for the timeout that was set when its last packet arrived.
        director.ok("--set 1 0 0");
        // On a machine that stands still the echo may come after that.
        held[number].send_line("a last word").unwrap();
        let deadline = Instant::now() + PATIENCE;
        while connection_count() > number {
            assert!(Instant::now() < deadline, "still {} connections", connection_count());
            sleep(Duration::from_millis(100));
        }
        director.ok("--set 900 0 0");
        overflow.push(connect());
        let expected = if number > resumes_at { "server2" } else { "server1" };
        assert_eq!(overflow.last().unwrap().server, expected, "with {number} connections");
    }
    for number in resumes_at + 1..4 {
        overflow.push(connect());
        assert_eq!(overflow.last().unwrap().server, "server1", "with {number} connections");
    }
    assert_eq!(connect().server, "server2", "with {} connections", connection_count());
}

#[test]
fn a_server_at_its_upper_threshold_gets_no_connections_until_below_the_lower_one() {
    check_thresholds(VIP, SERVERS, "-x 4 -y 2", 1);
}

#[test]
fn a_server_without_a_lower_threshold_resumes_below_three_quarters_of_the_upper_one() {
    check_thresholds(VIP6, SERVERS6, "-x 4", 2);
}
