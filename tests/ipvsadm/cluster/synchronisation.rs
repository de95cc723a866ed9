//! Synchronisation of connections from one director to another.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::capture::Capture;
use super::directors::{Directors, connections, start_daemon};
use super::network::{VIP, VIP6};
use super::tcp::Connection;
use super::wait_until;

fn directors() -> Directors {
    let directors = Directors::with_table(&format!(
        "-A -t {VIP}:80 -s rr\n\
        -a -t {VIP}:80 -r 10.0.0.11:80 -m -w 1\n\
        -a -t {VIP}:80 -r 10.0.0.12:80 -m -w 1\n\
        -A -t [{VIP6}]:80 -s rr\n\
        -a -t [{VIP6}]:80 -r [2001:db8:2::11]:80 -m -w 1\n"
    ));
    directors.network.route_answers_through_director();
    directors
}

/// Opens this number of connections per address family.
fn open_connections(directors: &Directors, count: usize) -> Vec<Connection> {
    let addresses = [format!("{VIP}:80"), format!("[{VIP6}]:80")];
    let client = &directors.network.client;
    let open = |address: &String| Connection::open(client, address).unwrap();
    addresses.iter().flat_map(|address| (0..count).map(move |_| open(address))).collect()
}

/// A datagram of the master daemon.
struct Message {
    group: IpAddr,
    port: u16,
    ttl: u8,
    data: Vec<u8>,
}

/// Parses the message in a packet, if it is UDP to a multicast address.
fn parse_message(packet: &[u8]) -> Option<Message> {
    let (ttl, protocol, group, udp): (_, _, IpAddr, _) = match packet[0] >> 4 {
        4 => (packet[8], packet[9], <[u8; 4]>::try_from(&packet[16..20]).unwrap().into(), &packet[20..]),
        6 => (packet[7], packet[6], <[u8; 16]>::try_from(&packet[24..40]).unwrap().into(), &packet[40..]),
        _ => return None,
    };
    let port = u16::from_be_bytes([udp[2], udp[3]]);
    (protocol == 17 && group.is_multicast()).then(|| Message { group, port, ttl, data: udp[8..].into() })
}

/// Synchronises connections of both address families, and returns the messages sent.
fn capture_messages(options: &str) -> Vec<Message> {
    let directors = directors();
    let capture = Capture::start(&directors.second);
    directors.start_backup(options);
    directors.start_master(options);
    let _held = open_connections(&directors, 15);
    directors.wait_for_synchronisation(30);
    let messages: Vec<_> = capture.packets().filter_map(|packet| parse_message(&packet)).collect();
    assert!(!messages.is_empty());
    messages
}

#[test]
fn connections_of_the_first_director_appear_on_the_second() {
    for message in capture_messages("") {
        assert_eq!((message.group.to_string().as_str(), message.port, message.ttl), ("224.0.0.81", 8848, 1));
    }
}

#[test]
fn the_origin_tells_connections_of_another_director() {
    let directors = directors();
    directors.start_backup("");
    directors.start_master("");
    let _held = open_connections(&directors, 3);
    directors.wait_for_synchronisation(6);
    let count = |director: &super::machine::Machine, origin: &str| {
        director.ipvsadm(&format!("-L -c --state ESTABLISHED --origin {origin} --count"))
    };
    for (director, local, learnt) in
        [(&directors.network.director_machine, "6\n", "0\n"), (&directors.second, "0\n", "6\n")]
    {
        assert_eq!((count(director, "local").as_str(), count(director, "SYNC").as_str()), (local, learnt));
    }
    let document = directors.second.ipvsadm("-L -c --origin sync --json");
    assert_eq!(document.matches("\"origin\":\"sync\"").count(), 6, "{document}");
}

#[test]
fn synchronisation_uses_the_requested_group_port_ttl_and_length() {
    for group in ["224.0.0.99", "ff02::99"] {
        let options = format!("--mcast-group {group} --mcast-port 9000 --mcast-ttl 7");
        for message in capture_messages(&format!("{options} --sync-maxlen 200 --syncid 5")) {
            assert_eq!((message.group.to_string().as_str(), message.port, message.ttl), (group, 9000, 7));
            assert!(message.data.len() <= 200 && message.data[1] == 5, "{:?}", message.data);
        }
    }
}

#[test]
fn connections_with_another_syncid_are_ignored() {
    let mut directors = directors();
    let third = directors.network.second_director("third", 3);
    directors.start_backup("--syncid 7");
    start_daemon(&third, "backup", "--syncid 8");
    directors.start_master("--syncid 7");
    let mut held = open_connections(&directors, 1);
    directors.wait_for_synchronisation(2);
    assert_eq!(connections(&third), BTreeSet::new());

    for options in ["--syncid 7", ""] {
        third.ipvsadm("--stop-daemon backup");
        start_daemon(&third, "backup", options);
        let before = connections(&third).len();
        held.extend(open_connections(&directors, 1));
        assert!(
            wait_until(|| connections(&third).len() >= before + 2),
            "no connections arrive with {options:?}"
        );
    }
}
