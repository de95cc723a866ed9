//! Shares of real connections.

use super::super::network::{Network, SERVERS, VIP, endpoint};
use super::super::tcp::{Connection, count_answers};
use super::*;

/// Creates a network with two servers of weight 100, each with an agent.
pub(super) fn network(scheduler: &str) -> (Network, Answers, Vec<TcpServer>, String) {
    let network = Network::new(2);
    network.route_answers_through_director();
    let address = endpoint(VIP, 80);
    network.add_service(&format!("-t {address} -s {scheduler}"), SERVERS, 80, "-m -w 100");
    let answers = Answers::default();
    let mut running = network.serve(80);
    running.extend(network.servers.iter().map(|server| answers.serve(server)));
    for host in [11, 12] {
        answers.set(&format!("{SERVERS}{host}"), "100%\n");
    }
    (network, answers, running, address)
}

fn is_about(expected: usize, found: usize) -> bool {
    expected.abs_diff(found) <= 1
}

#[test]
fn a_quarter_of_the_weight_gets_a_quarter_of_the_share_within_two_intervals() {
    let (network, answers, _running, address) = network("wrr");
    let _notes = NotesFile::new();
    answers.set("10.0.0.11", "up 25%\n");
    let following = Following::start("");
    let was = following.wait_for_number(": weight 25 of 100, was ", " (up 25%)");
    let changes = following.lines().iter().filter(|line| line.contains(": weight ")).count();
    // On a machine that stands still both answers may be there before the weight changes.
    assert!([(28, 2), (100, 1)].contains(&(was, changes)), "{:#?}", following.lines());
    let counts = count_answers(&network.client, &address, 50);
    assert!(is_about(10, counts["server1"]), "{counts:?}");

    // The same with connections that stay open, of which the scheduler counts those.
    network.director.ok(&format!("-E -t {address} -s wlc"));
    let open = |count| -> Vec<Connection> {
        (0..count).map(|_| Connection::open(&network.client, &address).unwrap()).collect()
    };
    let held = open(50);
    let first = held.iter().filter(|connection| connection.server == "server1").count();
    assert!(is_about(10, first), "{first}");
    drop(held);
    answers.set("10.0.0.11", "100%\n");
    following.wait_for(": weight 100, was ");
    let held = open(50);
    let first = held.iter().filter(|connection| connection.server == "server1").count();
    assert!((20..=30).contains(&first), "{first}");
}

#[test]
fn a_drain_ends_new_connections_and_keeps_those_that_are_there() {
    let (network, answers, _running, address) = network("wrr");
    let _notes = NotesFile::new();
    let mut held: Vec<Connection> =
        (0..2).map(|_| Connection::open(&network.client, &address).unwrap()).collect();
    assert!(held.iter().any(|connection| connection.server == "server2"));
    let following = Following::start("");
    answers.set("10.0.0.12", "drain # disk\n");
    following.wait_for("10.0.0.12:80 of service TCP 192.0.2.1:80: weight 0 of 100, was 100 (drain # disk)");
    assert_eq!(count_answers(&network.client, &address, 10).get("server2"), None);
    assert!(held.iter_mut().all(Connection::echoes));
    answers.set("10.0.0.12", "ready 100%\n");
    following.wait_for("weight 100, was 0 (ready 100%)");
    assert!(is_about(5, count_answers(&network.client, &address, 10)["server2"]));
    assert!(held.iter_mut().all(Connection::echoes));
    let (status, lines) = following.end(Signal::SIGTERM);
    assert_eq!(status, Some(0));
    assert_eq!(lines.last().unwrap(), "ended by SIGTERM; weights that were put back: 0");
}
