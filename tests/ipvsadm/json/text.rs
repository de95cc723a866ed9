//! Documents as the lines that the program prints without `--json`, made of the documents alone.

mod lines;

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::validator::assert_valid;
use super::{document, list};
use crate::random::{restore, seeds, table};
use crate::support::*;
use lines::{endpoint, listed, number, saved, service_id, text};

const STATS: [&str; 5] =
    ["/stats/connections", "/stats/in_packets", "/stats/out_packets", "/stats/in_bytes", "/stats/out_bytes"];
const RATES: [&str; 5] = [
    "/stats/rates/connections",
    "/stats/rates/in_packets",
    "/stats/rates/out_packets",
    "/stats/rates/in_bytes",
    "/stats/rates/out_bytes",
];
const THRESHOLDS: [&str; 4] =
    ["/upper_threshold", "/lower_threshold", "/active_connections", "/inactive_connections"];
const PERSISTENT: [&str; 4] =
    ["/weight", "/persistent_connections", "/active_connections", "/inactive_connections"];

/// Returns all listings and the document, which were made while nothing changed.
fn quiet_listings(director: &Director) -> ([String; 5], Value) {
    let listings = || {
        ["--stats --exact", "--rate --exact", "--thresholds", "--persistent-conn", "--tun-info"]
            .map(|columns| director.ok(&format!("-L -n {columns}")))
    };
    for _ in 0..50 {
        let (before, ipvs, after) = (listings(), document(director, "-L --json"), listings());
        if before == after {
            return (before, ipvs);
        }
        sleep(Duration::from_millis(200));
    }
    panic!("the table never is quiet");
}

/// Fails if a document differs from the listings in any field.
fn assert_equal_to_listings(director: &Director) -> Value {
    let ([stats, rates, thresholds, persistent, tunnels], ipvs) = quiet_listings(director);
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    for (listing, service_columns, server_columns) in
        [(&stats, &STATS[..], &STATS[..]), (&rates, &RATES, &RATES)]
    {
        let lines: Vec<String> = listing.lines().skip(3).map(words).collect();
        assert_eq!(listed(&ipvs, service_columns, server_columns), lines);
    }
    for (listing, columns) in [(thresholds, THRESHOLDS), (persistent, PERSISTENT)] {
        let servers = |lines: Vec<String>| lines.into_iter().filter(|line| line.starts_with("->"));
        let lines = listing.lines().skip(3).map(words).collect();
        assert!(servers(listed(&ipvs, &[], &columns)).eq(servers(lines)), "{listing}\n{ipvs}");
    }
    let kernel = &ipvs["kernel"];
    let first = format!(
        "IP Virtual Server version {} (size={})",
        text(kernel, "version"),
        number(kernel, "connection_table_size")
    );
    assert_eq!(tunnels.lines().next(), Some(first.as_str()));
    assert_eq!(saved(&ipvs), director.saved());
    ipvs
}

#[test]
fn documents_of_random_tables_say_what_the_listings_say() {
    let director = Director::new();
    let mut documents = Vec::new();
    for seed in seeds().step_by(50) {
        director.ok("-C");
        restore(&director, "-R", &table(seed), seed);
        assert_equal_to_listings(&director);
        for (words, text) in [
            ("-S --json", director.saved()),
            ("-S --json --full", director.ok("-S -n --full")),
            ("-S --full -n --json", director.ok("-S -n --full")),
        ] {
            assert_eq!(saved(&document(&director, words)), text, "seed {seed}: {words}");
        }
        // The options for listings make no difference, except for the order.
        let all = director.ok("-L --json");
        for options in ["--stats", "--rate", "--thresholds", "--persistent-conn", "--tun-info --exact -n"] {
            assert_eq!(director.ok(&format!("-L --json {options}")), all, "seed {seed}: {options}");
        }
        let mut whole = document(&director, "-L --json");
        for service in std::mem::take(&mut whole["services"]).as_array().unwrap() {
            let id = service_id(service);
            let alone = document(&director, &format!("-L {id} --json"));
            assert_eq!(list(&alone, "services"), std::slice::from_ref(service), "seed {seed}");
        }
        let unsorted = listed(&document(&director, "-L --json --nosort"), &[], &[]);
        let listing = director.ok("-L -n --nosort");
        let names = |line: &str| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        let lines: Vec<String> = listing.lines().skip(3).map(names).collect();
        assert_eq!(unsorted.iter().map(|line| names(line)).collect::<Vec<_>>(), lines, "seed {seed}");
        documents.extend([all, director.ok("-S --json"), director.ok("-S --json --full")]);
    }
    assert_valid(&documents);
}

#[test]
fn documents_of_timeouts_and_daemons_say_what_the_listings_say() {
    let director = Director::new();
    director
        .system("ip link add d0 type dummy; ip link set d0 multicast on up; ip addr add 192.0.2.1/24 dev d0");
    director.ok("--set 901 121 301");
    let daemons = "[{\"ipvs\"";
    assert!(!director.ok("-L --daemon --json").contains(daemons));
    director.ok("--start-daemon master --mcast-interface d0 --syncid 7 --sync-maxlen 1000 --mcast-ttl 3");
    director.ok("--start-daemon backup --mcast-interface d0 --mcast-group ff02::99 --mcast-port 9000");
    let shown = document(&director, "-L --timeout --json");
    let [tcp, tcp_fin, udp] = ["tcp", "tcp_fin", "udp"].map(|field| number(&shown["timeouts"], field));
    let line = format!("Timeout (tcp tcpfin udp): {tcp} {tcp_fin} {udp}\n");
    assert_eq!(line, director.ok("-L --timeout"));
    let line = |daemon: &Value| {
        let group =
            daemon.get("group").map_or(String::new(), |_| format!(", group={}", text(daemon, "group")));
        format!(
            "{} sync daemon (mcast={}, syncid={}, maxlen={}{group}, port={}, ttl={})\n",
            text(daemon, "state"),
            text(daemon, "interface"),
            number(daemon, "sync_id"),
            number(daemon, "max_length"),
            number(daemon, "port"),
            number(daemon, "ttl")
        )
    };
    let shown = document(&director, "-L --daemon --json");
    let lines: String = list(&shown, "daemons").iter().map(line).collect();
    assert_eq!(lines, director.ok("-L --daemon"));
    assert_eq!(lines.lines().count(), 2, "{lines}");

    director.ok("-A -f 1");
    let full = director.ok("-S --json --full");
    assert_eq!(saved(&super::parse(&full)), director.ok("-S -n --full"));
    assert_eq!(document(&director, "-S --json").get("timeouts"), None);
    let plan = director.feed("-R --json --replace --dry-run", &full);
    assert_eq!((plan.status, plan.stderr.as_str()), (0, ""));
    assert_eq!(list(&super::parse(&plan.stdout), "plan"), [] as [Value; 0], "{}", plan.stdout);
    let changed = full.replace("\"sync_id\":7", "\"sync_id\":8").replace("\"tcp\":901", "\"tcp\":902");
    let plan = director.feed("-R --json --replace --dry-run", &changed);
    let steps = super::parse(&plan.stdout);
    let steps: Vec<(&str, &str)> = list(&steps, "plan")
        .iter()
        .map(|step| (text(step, "change"), step["path"].as_str().unwrap_or("none")))
        .collect();
    assert_eq!(
        steps,
        [("set-timeouts", "timeouts"), ("stop-daemon", "daemons[0]"), ("start-daemon", "daemons[0]")]
    );
    assert_valid(&[full, plan.stdout, director.ok("-L --daemon --json"), director.ok("-L --timeout --json")]);
    // Linux 6.1 hangs if a daemon is stopped before its thread has run.
    sleep(Duration::from_millis(500));
    let run = director.feed("-R --json --replace", &changed);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert!(director.ok("-L --daemon").contains("syncid=8"));
    assert!(director.ok("-L --timeout").ends_with("902 121 301\n"));
    sleep(Duration::from_millis(500));
    director.ok("--stop-daemon master");
    director.ok("--stop-daemon backup");
}

/// A director that is its own client, and hosts the servers.
const LOAD: &str = "\
-A -t 10.9.9.9:80 -s rr
-a -t 10.9.9.9:80 -r 10.2.0.2:80 -m -x 100 -y 50
-A -t 10.9.9.9:443 -s rr -p 100 -M 255.255.255.0
-a -t 10.9.9.9:443 -r 10.2.0.2:80 -m
-A -u 10.9.9.9:5060 -s rr -p 60 --pe sip
-a -u 10.9.9.9:5060 -r 10.2.0.2:5060 -m
-A -u [2001:db8:9::9]:53 -s wlc
-a -u [2001:db8:9::9]:53 -r [2001:db8:2::2]:53 -m
";

#[test]
fn documents_under_load_say_what_the_listings_say() {
    let director = Director::alone();
    director.system(
        "for a in 10.9.9.9/32 10.2.0.2/32 2001:db8:9::9/128 2001:db8:2::2/128; do ip address add $a dev lo; done; \
         echo 1 >/proc/sys/net/ipv4/vs/conntrack",
    );
    assert_eq!(director.feed("-R", LOAD).status, 0);
    let _listener = TcpListener::bind("10.2.0.2:80").unwrap();
    let mut streams = Vec::new();
    for address in ["10.9.9.9:80", "10.9.9.9:80", "10.9.9.9:443"] {
        let mut stream =
            TcpStream::connect_timeout(&address.parse().unwrap(), Duration::from_secs(60)).unwrap();
        stream.write_all(&[b'x'; 1000]).unwrap();
        streams.push(stream);
    }
    let _server = UdpSocket::bind("10.2.0.2:5060").unwrap();
    for call in [&b"call@example.com"[..], b"\xff\"\\\xe9"] {
        let request = [b"INVITE sip:you@example.com SIP/2.0\r\nCall-ID: ", call, b"\r\n\r\n"].concat();
        // A second call of the same socket would be the same connection.
        let phone = UdpSocket::bind("10.9.9.9:0").unwrap();
        phone.send_to(&request, "10.9.9.9:5060").unwrap();
    }
    let resolver = UdpSocket::bind("[2001:db8:9::9]:0").unwrap();
    resolver.send_to(b"question", "[2001:db8:9::9]:53").unwrap();
    // The kernel counts every two seconds, and may be late on a busy machine.
    sleep(Duration::from_millis(4500));

    let ipvs = assert_equal_to_listings(&director);
    let web = &list(&ipvs, "services")[0];
    assert_eq!(number(&web["stats"], "connections"), 2, "{web}");
    assert!(number(&web["stats"], "in_bytes") > 2000 && number(&web["stats"], "out_packets") > 0, "{web}");
    let sum = |field: &str| -> u64 {
        let servers = list(&ipvs, "services").iter().flat_map(|service| list(service, "destinations"));
        servers.map(|server| number(server, field)).sum()
    };
    assert!(sum("active_connections") >= 3 && sum("inactive_connections") > 0, "{ipvs}");
    assert!(sum("persistent_connections") > 0, "{ipvs}");

    let start = Instant::now();
    let listing = director.ok("-L -c -n --persistent-conn");
    let document = director.ok("-L -c --json");
    let passed = start.elapsed().as_secs();
    let shown = super::parse(&document);
    let lines: Vec<&str> = listing.lines().skip(2).collect();
    assert!(lines.len() >= 7, "{listing}");
    assert_eq!(list(&shown, "connections").len(), lines.len(), "{document}\n{listing}");
    let mut lossy = 0;
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let fits = |connection: &&Value| {
            let fields = [text(connection, "protocol"), text(connection, "state")];
            let endpoints = ["client", "service", "destination"].map(|field| endpoint(&connection[field]));
            // The kernel's list is not sorted, and the client of two calls is the same.
            let data = connection.get("engine_data").map(|_| text(connection, "engine_data"));
            let same_data = match (words.get(7), data) {
                (Some(&"\\xff\"\\\\xe9"), Some(_)) => connection["engine_data_hex"] == "ff225ce9",
                (Some(shown), Some(data)) => data == *shown,
                (shown, data) => shown.is_none() == data.is_none(),
            };
            fields == [words[0], words[2]] && endpoints == words[3..6] && same_data
        };
        let connection = list(&shown, "connections").iter().find(fits);
        let connection = connection.unwrap_or_else(|| panic!("no {line}: {document}"));
        let (minutes, seconds) = words[1].split_once(':').unwrap();
        let expires = minutes.parse::<u64>().unwrap() * 60 + seconds.parse::<u64>().unwrap();
        assert!(number(connection, "expires").abs_diff(expires) <= passed + 2, "{line}: {connection}");
        lossy += usize::from(connection.get("engine_data_hex").is_some());
    }
    assert!(lossy > 0, "{document}");
    assert_valid(&[document, director.ok("-L --json"), director.ok("-L -c --json --names")]);
}

#[test]
fn names_are_added_only_if_they_are_asked_for() {
    let director = Director::new();
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).unwrap();
    director.system(
        "mount --make-rprivate / && mount -t tmpfs none /mnt && echo hosts: files >/mnt/nsswitch && \
         mount --bind /mnt/nsswitch /etc/nsswitch.conf && echo 192.0.2.1 www.example.com >/mnt/hosts && \
         mount --bind /mnt/hosts /etc/hosts && printf 'http 80/tcp\\nalt 81/tcp\\n' >/mnt/services && \
         mount --bind /mnt/services /etc/services",
    );
    assert!(fs::read_to_string("/etc/hosts").unwrap().contains("www"));
    director.ok("-A -t 192.0.2.1:80");
    director.ok("-a -t 192.0.2.1:80 -r 192.0.2.9:81 -m");
    assert!(!director.ok("-L --json").contains("name"));
    let named = director.ok("-L --json --names");
    let ipvs = super::parse(&named);
    let service = &list(&ipvs, "services")[0];
    assert_eq!((text(service, "address_name"), text(service, "port_name")), ("www.example.com", "http"));
    let server = &list(service, "destinations")[0];
    assert_eq!((server.get("address_name"), text(server, "port_name")), (None, "alt"));
    assert_valid(&[named]);
    director.refuses("-L --names", 2, "--names needs --json");
    director.refuses("-L --json --names -n", 2, "-n and --names exclude each other");
    director.refuses("-S --json --names", 2, "--names is not possible with -S; it goes with -L");
}
