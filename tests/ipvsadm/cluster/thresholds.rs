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

    // Connections that are silent for three seconds do not count any more.
    director.ok("--set 3 3 3");
    let connect = || Connection::open(&network.client, &service).unwrap();
    let known = || -> usize {
        let listing = director.ok(&format!("-L -n -t {service}"));
        let line = listing.lines().find(|line| line.contains(&first)).unwrap();
        line.split_whitespace().rev().take(2).map(|number| number.parse::<usize>().unwrap()).sum()
    };
    let mut talking: Vec<_> = (0..4).map(|_| connect()).collect();
    assert!(talking.iter().all(|connection| connection.server == "server1"));
    let mut silent = vec![connect()];
    assert_eq!(silent[0].server, "server2", "with {}", known());
    for number in (resumes..4).rev() {
        silent.extend(talking.drain(number..));
        let end = Instant::now() + PATIENCE;
        while known() > number {
            assert!(Instant::now() < end, "there are still {}", known());
            assert!(talking.iter_mut().all(Connection::echoes));
            sleep(Duration::from_millis(100));
        }
        let next = connect();
        assert_eq!(next.server, if number > resumes { "server2" } else { "server1" }, "with {number}");
        if number > resumes { &mut silent } else { &mut talking }.push(next);
    }
    while talking.len() < 4 {
        talking.push(connect());
    }
    assert!(talking.iter().all(|connection| connection.server == "server1"));
    assert_eq!(connect().server, "server2");
}

#[test]
fn a_server_gets_no_connections_from_the_upper_threshold_down_to_below_the_lower_one() {
    thresholds(VIP, SERVERS, "-x 4 -y 2", 1);
}

#[test]
fn a_server_without_a_lower_threshold_resumes_below_three_quarters_of_the_upper_one() {
    thresholds(VIP6, SERVERS6, "-x 4", 2);
}
