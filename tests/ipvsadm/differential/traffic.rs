//! Listings of services under load.

use std::io::Write;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::thread::sleep;
use std::time::Duration;

use super::allowed::judge;
use super::case::Case;
use super::namespace::run_script;
use super::pair::Pair;
use super::step::Step;

/// Adds the addresses of a director that is also its own client and hosts the servers.
const ADDRESSES: &str = "\
for a in 10.9.9.9/32 10.2.0.2/32 2001:db8:9::9/128 2001:db8:2::2/128; do ip address add $a dev lo; done";

const BASELINE: &str = "\
-A -t 10.9.9.9:80 -s rr
-a -t 10.9.9.9:80 -r 10.2.0.2:80 -m
-A -t 10.9.9.9:443 -s rr -p 100
-a -t 10.9.9.9:443 -r 10.2.0.2:80 -m
-A -u 10.9.9.9:53 -s wlc
-a -u 10.9.9.9:53 -r 10.2.0.2:53 -m
-A -u 10.9.9.9:5060 -s rr -p 60 --pe sip
-a -u 10.9.9.9:5060 -r 10.2.0.2:5060 -m
-A -t [2001:db8:9::9]:80 -s rr -p 77 -M 64
-a -t [2001:db8:9::9]:80 -r [2001:db8:2::2]:80 -m
-A -u 10.9.9.9:54 -s rr -o
-a -u 10.9.9.9:54 -r 10.2.0.2:54 -m
";

/// The number and size of datagrams that carry enough bytes to be counted in thousands. The datagrams are
/// nearly as large as possible.
const LARGE_TRANSFER: (usize, usize) = (1700, 60_000);

/// The sockets that stay open until the end of the test.
#[derive(Default)]
struct Sockets {
    listeners: Vec<TcpListener>,
    connections: Vec<TcpStream>,
    datagram_sockets: Vec<UdpSocket>,
}

impl Sockets {
    fn tcp(&mut self, address: &str) {
        let address = address.parse().unwrap();
        self.connections.push(TcpStream::connect_timeout(&address, Duration::from_secs(60)).unwrap());
    }

    fn udp(&mut self, address: &str, datagrams: usize, datagram: &[u8]) {
        let socket = UdpSocket::bind("10.9.9.9:0").unwrap();
        for _ in 0..datagrams {
            socket.send_to(datagram, address).unwrap();
        }
        self.datagram_sockets.push(socket);
    }
}

fn generate_load(sockets: &mut Sockets) {
    run_script(ADDRESSES);
    for server in ["10.2.0.2:80", "[2001:db8:2::2]:80"] {
        sockets.listeners.push(TcpListener::bind(server).unwrap());
    }
    for server in ["10.2.0.2:53", "10.2.0.2:54", "10.2.0.2:5060"] {
        sockets.datagram_sockets.push(UdpSocket::bind(server).unwrap());
    }
    for _ in 0..3 {
        sockets.tcp("10.9.9.9:80");
    }
    drop(sockets.connections.pop());
    sockets.tcp("10.9.9.9:443");
    sockets.tcp("[2001:db8:9::9]:80");
    for connection in &mut sockets.connections {
        connection.write_all(b"something").unwrap();
    }
    sockets.udp("10.9.9.9:53", LARGE_TRANSFER.0, &vec![0; LARGE_TRANSFER.1]);
    sockets.udp("10.9.9.9:54", 7, b"one packet each");
    for call in ["abc123@client.example.com", &"long".repeat(20)] {
        let invite = format!("INVITE sip:x@10.9.9.9 SIP/2.0\r\nCall-ID: {call}\r\nContent-Length: 0\r\n\r\n");
        sockets.udp("10.9.9.9:5060", 1, invite.as_bytes());
    }
}

/// Runs a listing with both programs in the reference's namespace and in ours, repeating it if they differ:
/// a second may have passed between two listings.
fn compare(pair: &mut Pair, line: &str) -> [Case; 2] {
    let step = Step::parse(line);
    let mut cases = pair.run_in_each_namespace(&step);
    for _ in 0..10 {
        if cases.iter().all(|case| judge(case).is_ok()) {
            return cases;
        }
        cases = pair.run_in_each_namespace(&step);
    }
    for report in cases.iter().filter_map(|case| judge(case).err()) {
        pair.record_failure(&report);
    }
    cases
}

#[test]
fn listings_under_load_are_alike() {
    let mut pair = Pair::new();
    pair.set_baseline(BASELINE);
    let mut sockets = Sockets::default();
    pair.run_in_both_namespaces(|| generate_load(&mut sockets));
    // The kernel updates its counters every two seconds.
    sleep(Duration::from_millis(4500));
    // Soon, as connections that were closed are gone after a minute.
    assert_listings_show_traffic(&mut pair);
    for kind in
        ["", "--stats", "--stats --exact", "--rate", "--rate --exact", "--persistent-conn", "--thresholds"]
    {
        for selection in ["", "-t 10.9.9.9:80", "-u 10.9.9.9:53", "--nosort"] {
            compare(&mut pair, &format!("-L -n {kind} {selection}"));
        }
    }
    for line in ["-L -n -c", "-L -n -c --persistent-conn", "-L -c", "-L", "-L --stats"] {
        compare(&mut pair, line);
    }
    // Both namespaces have had the same traffic.
    for line in
        ["-L -n", "-L -n --persistent-conn", "-L -n --stats -u 10.9.9.9:53", "-L -n --stats -u 10.9.9.9:54"]
    {
        let [in_reference, in_ours] = compare(&mut pair, line);
        if in_reference.reference != in_ours.ours {
            let text = format!("{}\n{}", in_reference.reference.stdout, in_ours.ours.stdout);
            pair.record_failure(&format!("ipvsadm {line}, each in its namespace:\n{text}"));
        }
    }
    compare(&mut pair, "-Z -t 10.9.9.9:80");
    compare(&mut pair, "-L -n --stats");
    compare(&mut pair, "-Z");
    let [zeroed, _] = compare(&mut pair, "-L -n --stats -u 10.9.9.9:53");
    assert!(
        zeroed.reference.stdout.contains("10.9.9.9:53                         0        0"),
        "{}",
        zeroed.reference.stdout
    );
    pair.finish();
}

/// Checks that the listings show traffic, without which the comparisons would prove nothing.
fn assert_listings_show_traffic(pair: &mut Pair) {
    let [listing, _] = compare(pair, "-L -n");
    for line in [
        "  -> 10.2.0.2:80                  Masq    1      2          1",
        "  -> 10.2.0.2:53                  Masq    1      0          1",
    ] {
        assert!(listing.reference.stdout.contains(line), "{line}:\n{}", listing.reference.stdout);
    }
    let [stats, _] = compare(pair, "-L -n --stats");
    assert!(stats.reference.stdout.contains("K"), "{}", stats.reference.stdout);
    let [connections, _] = compare(pair, "-L -n -c --persistent-conn");
    for word in
        ["ESTABLISHED", "UDP ", "CLOSE_WAIT", "ASSURED", "[2001:db8:9::]:0", "abc123@client.example.com"]
    {
        assert!(connections.reference.stdout.contains(word), "{word}:\n{}", connections.reference.stdout);
    }
}
