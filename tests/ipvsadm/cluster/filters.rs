//! Filters of the list of connections against a count by hand, over random connections of all protocols.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, ipproto, socket_with};
use serde_json::Value;

use super::network::{Network, SERVERS, SERVERS6, VIP, VIP6, endpoint};
use super::tcp::Connection;
use crate::random::Random;
use crate::support::*;

/// The time in which 60 filters are checked, or fewer on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// A line of the kernel's list, read without any code of the program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    protocol: String,
    client: SocketAddr,
    service: SocketAddr,
    server: SocketAddr,
    state: String,
    origin: String,
}

impl Line {
    /// The words that a list has for it.
    fn words(&self) -> [String; 5] {
        let ends = [self.client, self.service, self.server].map(|end| end.to_string());
        let [client, service, server] = ends;
        [self.protocol.clone(), self.state.clone(), client, service, server]
    }

    fn is_template(&self) -> bool {
        self.client.port() == 0
    }
}

/// Reads the kernel's list, sorted and without times.
fn kernel_lines() -> Vec<Line> {
    let text = std::fs::read_to_string("/proc/thread-self/net/ip_vs_conn_sync").unwrap();
    let mut lines: Vec<Line> = text.lines().skip(1).map(parse).collect();
    lines.sort();
    lines
}

fn parse(line: &str) -> Line {
    let words: Vec<&str> = line.split_whitespace().collect();
    let end = |index: usize| {
        let address: IpAddr = match words[index].contains(':') {
            true => IpAddr::V6(words[index].parse().unwrap()),
            false => IpAddr::V4(u32::from_str_radix(words[index], 16).unwrap().into()),
        };
        SocketAddr::new(address, u16::from_str_radix(words[index + 1], 16).unwrap())
    };
    Line {
        protocol: words[0].into(),
        client: end(1),
        service: end(3),
        server: end(5),
        state: words[7].into(),
        origin: words[8].into(),
    }
}

/// Starts a connection without waiting for an answer.
fn call(from: SocketAddr, to: SocketAddr, protocol: Option<rustix::net::Protocol>) -> OwnedFd {
    let family = if to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::NONBLOCK, protocol).unwrap();
    bind(&socket, &from).unwrap();
    // It is in progress.
    let _ = connect(&socket, &to);
    socket
}

/// Makes connections of all protocols and families, and what binds clients to servers.
fn make_connections(network: &Network, random: &mut Random) -> Vec<OwnedFd> {
    network.route_answers_through_director();
    network.director_machine.sh("tc qdisc add dev outside ingress
        for protocol in ip ipv6; do
            tc filter add dev outside ingress protocol $protocol flower ip_proto tcp dst_port 90 \
                action skbedit mark 7
        done");
    for (vip, servers, six) in [(VIP, SERVERS, ""), (VIP6, SERVERS6, " -6")] {
        for service in [
            format!("-t {}", endpoint(vip, 80)),
            format!("-u {}", endpoint(vip, 53)),
            format!("--sctp-service {}", endpoint(vip, 80)),
        ] {
            network.add_service(&format!("{service} -s rr"), servers, 80, "-m");
        }
        network.add_service(&format!("-t {} -s rr -p 300", endpoint(vip, 443)), servers, 443, "-m");
        let mask = if six.is_empty() { "255.255.255.0" } else { "64" };
        network.add_service(&format!("-u {} -s rr -p 300 -M {mask}", endpoint(vip, 0)), servers, 0, "-m");
        network.add_service(&format!("-f 7{six} -s rr -p 300"), servers, 0, "-m");
    }
    network.client.run_inside(|| {
        let mut sockets = Vec::new();
        for _ in 0..90 {
            let six = random.one_in(3);
            let client: IpAddr = match six {
                false => format!("198.18.{}.{}", random.below(3), 1 + random.below(4)).parse().unwrap(),
                true => format!("2001:db8:99::{:x}", 1 + random.below(4)).parse().unwrap(),
            };
            let vip: IpAddr = if six { VIP6 } else { VIP }.parse().unwrap();
            let (from, to) = (SocketAddr::new(client, 0), |port| SocketAddr::new(vip, port));
            match random.below(6) {
                0 => sockets.push(call(from, to(80), None)),
                1 => sockets.push(call(from, to(443), None)),
                2 => sockets.push(call(from, to(90), None)),
                3 => sockets.push(call(from, to(80), Some(ipproto::SCTP))),
                _ => {
                    let port = if random.one_in(2) { 53 } else { 5000 + random.below(2) as u16 };
                    let socket = UdpSocket::bind(from).unwrap();
                    socket.send_to(b"?", to(port)).unwrap();
                    sockets.push(socket.into());
                }
            }
        }
        sockets
    })
}

type Condition = Box<dyn Fn(&Line) -> bool>;

/// Returns random options that choose connections, and the same as a condition.
fn random_filter(random: &mut Random, lines: &[Line]) -> (String, Vec<Condition>) {
    let (mut words, mut conditions) = (String::new(), Vec::<Condition>::new());
    let line = lines[random.below(lines.len() as u64) as usize].clone();
    if random.one_in(3) {
        let (option, every_port) = match line.protocol.as_str() {
            "TCP" => ("-t", random.one_in(2)),
            "UDP" => ("-u", random.one_in(2)),
            "SCTP" => ("--sctp-service", random.one_in(2)),
            _ => ("-f", false),
        };
        let service = line.service;
        if option == "-f" {
            let six = if service.is_ipv6() { " -6" } else { "" };
            words += &format!(" -f 7{six} --templates");
            conditions.push(Box::new(move |line| line.protocol == "IP" && line.service == service));
        } else if every_port {
            words += &format!(" {option} {}", service.ip());
            let protocol = line.protocol.clone();
            conditions
                .push(Box::new(move |line| line.protocol == protocol && line.service.ip() == service.ip()));
        } else {
            words += &format!(" {option} {service}");
            let protocol = line.protocol.clone();
            let every_port = service.port() == 0;
            conditions.push(Box::new(move |line| {
                line.protocol == protocol
                    && line.service.ip() == service.ip()
                    && (every_port || line.service == service)
            }));
        }
    }
    let server = line.server;
    match random.below(5) {
        0 => {
            words += &format!(" -r {}", server.ip());
            conditions.push(Box::new(move |line| line.server.ip() == server.ip()));
        }
        1 if server.port() != 0 => {
            words += &format!(" -r {server}");
            conditions.push(Box::new(move |line| line.server == server));
        }
        _ => {}
    }
    let client = line.client.ip();
    match (random.below(4), client) {
        (0, _) => {
            words += &format!(" --client {client}");
            conditions.push(Box::new(move |line| line.client.ip() == client));
        }
        (1, IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            words += &format!(" --client {a}.{b}.{c}.0/24");
            let is_inside = move |other: IpAddr| match other {
                IpAddr::V4(other) => other.octets()[..3] == [a, b, c],
                IpAddr::V6(_) => false,
            };
            conditions.push(Box::new(move |line| is_inside(line.client.ip())));
        }
        (1, IpAddr::V6(_)) => {
            words += " --client 2001:db8:99::/126";
            let end: u128 = "2001:db8:99::4".parse::<std::net::Ipv6Addr>().unwrap().into();
            conditions.push(Box::new(move |line| match line.client.ip() {
                IpAddr::V6(other) => (end - 4..end).contains(&u128::from(other)),
                IpAddr::V4(_) => false,
            }));
        }
        _ => {}
    }
    if random.one_in(4) {
        let other = lines[random.below(lines.len() as u64) as usize].state.clone();
        let state = line.state.clone();
        words += &format!(" --state {},{other}", state.to_lowercase());
        conditions.push(Box::new(move |line| line.state == state || line.state == other));
    }
    if random.one_in(4) {
        let names = [&["tcp"][..], &["UDP"], &["sctp"], &["tcp", "udp"]][random.below(4) as usize];
        words += &format!(" --proto {}", names.join(","));
        conditions.push(Box::new(|line| names.iter().any(|name| line.protocol.eq_ignore_ascii_case(name))));
    }
    if random.one_in(4) {
        let local = random.one_in(2);
        words += if local { " --origin LOCAL" } else { " --origin sync" };
        conditions.push(Box::new(move |line| (line.origin == "LOCAL") == local));
    }
    if !words.contains("--templates") && random.one_in(4) {
        let templates = random.one_in(2);
        words += if templates { " --templates" } else { " --no-templates" };
        conditions.push(Box::new(move |line| line.is_template() == templates));
    }
    (words, conditions)
}

fn sorted<const N: usize>(mut rows: Vec<[String; N]>) -> Vec<[String; N]> {
    rows.sort();
    rows
}

/// Returns the connections of the plain list.
fn plain(text: &str) -> Vec<[String; 5]> {
    let rows = text.lines().skip(2).map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        [0, 2, 3, 4, 5].map(|index| words[index].to_owned())
    });
    sorted(rows.collect())
}

/// Returns the connections of a table with these five columns.
fn table(text: &str) -> Vec<[String; 5]> {
    let rows = text.lines().skip(2).map(|line| {
        let words: Vec<String> = line.split_whitespace().map(String::from).collect();
        words.try_into().unwrap()
    });
    sorted(rows.collect())
}

fn json_endpoint(value: &Value) -> String {
    let address: IpAddr = value["address"].as_str().unwrap().parse().unwrap();
    SocketAddr::new(address, value["port"].as_u64().unwrap() as u16).to_string()
}

/// Returns the connections of a document.
fn json(text: &str) -> Vec<[String; 5]> {
    let document: Value = serde_json::from_str(text).unwrap();
    let connections = document["ipvs"]["connections"].as_array().unwrap();
    let rows = connections.iter().map(|connection| {
        let text = |name: &str| connection[name].as_str().unwrap().to_owned();
        let end = |name: &str| json_endpoint(&connection[name]);
        [text("protocol"), text("state"), end("client"), end("service"), end("destination")]
    });
    sorted(rows.collect())
}

/// Returns the words by which a part of a connection is counted.
fn counted(line: &Line, what: &str) -> String {
    match what {
        "client" => line.client.ip().to_string(),
        "server" => line.server.to_string(),
        "state" => line.state.clone(),
        _ if line.protocol == "IP" && line.service.is_ipv6() => "FWM 7 IPv6".into(),
        _ if line.protocol == "IP" => "FWM 7".into(),
        _ => format!("{} {}", line.protocol, line.service),
    }
}

/// Checks every form of the list with these options, and the numbers by one part of connections. Returns whether the kernel's list stayed the same meanwhile.
fn check(director: &Director, what: &str, words: &str, conditions: &[Condition]) -> bool {
    let before = kernel_lines();
    let wanted: Vec<&Line> = before.iter().filter(|line| conditions.iter().all(|it| it(line))).collect();
    let run = |options: &str| director.ok(&format!("-L -n -c {options}{words}"));
    let unprivileged = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups", PROGRAM, "-L", "-n", "-c"])
        .args(words.split_whitespace())
        .output();
    let lists = [
        plain(&run("")),
        plain(&String::from_utf8(unprivileged.unwrap().stdout).unwrap()),
        table(&run("--table --columns protocol,state,client,service,server")),
        json(&run("--json")),
    ];
    let count = run("--count");
    let json_count: Value = serde_json::from_str(&run("--count --json")).unwrap();
    let counts = run(&format!("--count-by {what}"));
    let document = run(&format!("--json --count-by {what}"));
    if kernel_lines() != before {
        return false;
    }
    let expected = sorted(wanted.iter().map(|line| line.words()).collect());
    for list in lists {
        assert_eq!(list, expected, "{words}");
    }
    assert_eq!(count, format!("{}\n", wanted.len()), "{words}");
    assert_eq!(json_count["ipvs"]["count"], wanted.len(), "{words}");
    let mut numbers = BTreeMap::new();
    for line in &wanted {
        *numbers.entry(counted(line, what)).or_insert(0_u64) += 1;
    }
    let lines = counts.lines().map(|line| line.trim_start().split_once(' ').unwrap());
    let found: Vec<(u64, String)> =
        lines.map(|(count, name)| (count.parse().unwrap(), name.to_owned())).collect();
    assert!(found.is_sorted_by(|(one, _), (other, _)| one >= other), "{counts}");
    let document: Value = serde_json::from_str(&document).unwrap();
    let listed = document["ipvs"]["counts"].as_array().unwrap();
    let listed: Vec<u64> = listed.iter().map(|it| it["connections"].as_u64().unwrap()).collect();
    assert_eq!(listed, found.iter().map(|(count, _)| *count).collect::<Vec<_>>(), "{words} {what}");
    let found: BTreeMap<String, u64> = found.into_iter().map(|(count, name)| (name, count)).collect();
    assert_eq!(found, numbers, "{words} --count-by {what}");
    true
}

#[test]
fn filters_choose_what_a_count_by_hand_finds() {
    let random = &mut Random::new(17);
    // Up to Linux 6.x, connections of other namespaces that come or go make a reading of the list miss some.
    let network = Network::with_director(Director::alone(), 2);
    let _servers = [80, 443].map(|port| network.serve(port));
    let _sockets = make_connections(&network, random);
    let _held: Vec<Connection> = [(VIP, 80), (VIP6, 443)]
        .map(|(vip, port)| Connection::open(&network.client, &endpoint(vip, port)).unwrap())
        .into();
    let protocols: Vec<String> = kernel_lines().into_iter().map(|line| line.protocol).collect();
    for protocol in ["TCP", "UDP", "SCTP", "IP"] {
        assert!(protocols.iter().any(|found| found == protocol), "no {protocol}");
    }
    let (mut checked, mut found) = (0, 0);
    let deadline = Instant::now() + LIMIT;
    while checked < 60 && (checked < 20 || Instant::now() < deadline) {
        assert!(Instant::now() < deadline + 4 * LIMIT, "the list changes all the time");
        let lines = kernel_lines();
        let (words, conditions) = random_filter(random, &lines);
        let what = ["client", "service", "server", "state"][checked % 4];
        if check(&network.director, what, &words, &conditions) {
            checked += 1;
            let wanted = lines.iter().filter(|line| conditions.iter().all(|it| it(line))).count();
            found += usize::from((1..lines.len()).contains(&wanted));
        }
    }
    assert!(found * 3 > checked, "{checked} filters were checked, {found} chose a part");
}
