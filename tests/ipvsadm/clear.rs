//! `-C` with conditions: random tables against a model, other writers, and what is said.

use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use ipvs_netlink::{Ipvs, Service};

use crate::random::{Random, restore, seeds, table};
use crate::support::*;

/// The end of a saved line's `-t`, `-u`, `--sctp-service` or `-r`, or nothing for a firewall mark.
fn endpoint(line: &str, option: &str) -> Option<IpAddr> {
    let value = line.split_once(&format!(" {option} "))?.1.split(' ').next()?;
    Some(value.parse::<SocketAddr>().unwrap().ip())
}

/// Returns the words that name the service of a saved line, such as `-f 7 -6`.
fn service_of(line: &str) -> &str {
    let end = line.find(" -s ").or(line.find(" -r ")).unwrap();
    &line[3..end]
}

fn virtual_address(line: &str) -> Option<IpAddr> {
    ["-t", "-u", "--sctp-service"].iter().find_map(|option| endpoint(line, option))
}

/// Returns whether an address is in a network, compared bit by bit.
fn is_inside(address: IpAddr, network: &str) -> bool {
    let (base, length) = network.split_once('/').unwrap_or((network, "128"));
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => format!("{:032b}", u32::from(address)),
        IpAddr::V6(address) => format!("{:0128b}", u128::from(address)),
    };
    let (address, base) = (bits(address), bits(base.parse().unwrap()));
    let length = length.parse::<usize>().unwrap().min(base.len());
    address.len() == base.len() && address[..length] == base[..length]
}

/// The table that has to be left of a saved one.
fn model(saved: &str, vips: &[&str], services: &[&str], servers: &[&str]) -> String {
    let is_meant = |line: &str| {
        (services.is_empty() || services.contains(&service_of(line)))
            && (vips.is_empty()
                || virtual_address(line)
                    .is_some_and(|address| vips.iter().any(|vip| is_inside(address, vip))))
    };
    let is_left = |line: &&str| {
        !is_meant(line)
            || !servers.is_empty()
                && endpoint(line, "-r")
                    .is_none_or(|address| !servers.iter().any(|net| is_inside(address, net)))
    };
    saved.lines().filter(is_left).map(|line| format!("{line}\n")).collect()
}

const VIPS: [&str; 8] = [
    "192.0.2.0/30",
    "192.0.2.4/31",
    "192.0.2.3",
    "192.0.2.0/24",
    "0.0.0.0/0",
    "2001:db8::/125",
    "2001:db8::2",
    "203.0.113.0/24",
];
const SERVERS: [&str; 6] =
    ["198.51.100.0/30", "198.51.100.4", "198.51.100.0/24", "2001:db8:1::/126", "::/0", "203.0.113.1"];

#[test]
fn a_part_of_a_random_table_is_deleted_as_a_model_says() {
    let director = Director::new();
    let (mut changed, mut partly) = (0, 0);
    for seed in seeds().step_by(6) {
        director.ok("-C");
        restore(&director, "-R", &table(seed), seed);
        let before = director.saved();
        let random = &mut Random::new(seed);
        let mut pick = |list: &[&'static str], one_in| -> Vec<&'static str> {
            if random.one_in(one_in) {
                (0..1 + random.below(2)).map(|_| random.pick(list)).collect()
            } else {
                vec![]
            }
        };
        let (vips, servers) = (pick(&VIPS, 2), pick(&SERVERS, 2));
        // A service of the table, one of its neighbours, and one that is not there.
        let known: Vec<&str> = before.lines().map(service_of).collect();
        let mut services = Vec::new();
        if !known.is_empty() && random.one_in(2) {
            services.push(known[random.below(known.len() as u64) as usize]);
            services.push(random.pick(&["-t 192.0.2.1:1", "-f 99", "--sctp-service [2001:db8::1]:5"]));
        }
        // -6 is for all marks of a command.
        services.retain(|service| !service.ends_with(" -6"));
        if vips.is_empty() && services.is_empty() && servers.is_empty() {
            continue;
        }
        let mut words = String::from("-C");
        services.iter().for_each(|service| words += &format!(" {service}"));
        vips.iter().for_each(|vip| words += &format!(" --vip {vip}"));
        servers.iter().for_each(|server| words += &format!(" --server={server}"));
        let expected = model(&before, &vips, &services, &servers);

        let dry = director.ok(&format!("{words} --dry-run"));
        assert_eq!(director.saved(), before, "seed {seed}: {words} --dry-run changed something");
        let commands: String =
            dry.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
        let said = dry.lines().last().unwrap();
        let count = commands.lines().count();
        let kind = if servers.is_empty() { "service" } else { "server" };
        let sentence = match count {
            0 => "# nothing there, nothing to do".to_owned(),
            1 => format!("# 1 {kind} deleted"),
            count => format!("# {count} {kind}s deleted"),
        };
        assert_eq!(said, sentence, "seed {seed}: {words}");
        // The commands have the same effect, which is no other than what the model says.
        restore(&director, "-R", &commands, seed);
        assert_eq!(director.saved(), expected, "seed {seed}: {words}\n{before}");
        director.ok("-C");
        restore(&director, "-R", &before, seed);
        if seed % 2 == 0 {
            assert_eq!(director.ok(&words), "", "seed {seed}: {words}");
        } else {
            // A line for -R does the same.
            restore(&director, "-R", &format!("{words}\n"), seed);
        }
        assert_eq!(director.saved(), expected, "seed {seed}: {words}\n{before}");
        changed += usize::from(count > 0);
        partly += usize::from(count > 0 && !expected.is_empty());
    }
    assert!(changed > 15 && partly > 12, "{changed} tables were changed, {partly} in part");
}

#[test]
fn marks_of_ipv6_and_host_names_are_understood() {
    let director = Director::new();
    let all = "-A -f 7 -s wlc\n-A -f 7 -6 -s wlc\n-A -f 8 -6 -s wlc\n-A -t 127.0.0.1:80 -s wlc\n";
    for (words, left) in [
        ("-C -f 7", &[1, 2, 3][..]),
        ("-C -f 7 -f 8 -6", &[0, 3]),
        ("-C -t localhost:http", &[0, 1, 2]),
        ("-C --vip localhost", &[0, 1, 2]),
        ("-C --vip 0.0.0.0/0 --vip ::/0", &[0, 1, 2]),
        // What is not there counts as gone.
        ("-C -t 203.0.113.1:80 --vip 203.0.113.0/24", &[0, 1, 2, 3]),
        ("-C", &[]),
    ] {
        director.ok("-C");
        assert_eq!(director.feed("-R", all).status, 0);
        assert_eq!(director.ok(words), "");
        let lines: Vec<&str> = all.lines().collect();
        let mut expected: Vec<&str> = left.iter().map(|&index| lines[index]).collect();
        expected.sort_unstable();
        let saved = director.saved();
        let mut saved: Vec<&str> = saved.lines().collect();
        saved.sort_unstable();
        assert_eq!(saved, expected, "{words}");
    }
}

#[test]
fn a_terminal_is_told_how_many_and_nobody_else() {
    let director = Director::new();
    let on_terminal = |words: &str| {
        let line = format!("exec {PROGRAM} {words}");
        director.system(&format!("script -q -e -c '{line}' /dev/null </dev/null")).replace("\r\n", "\n")
    };
    let lines = "-A -f 1\n-A -f 2\n-a -f 2 -r 127.0.0.1\n-a -f 2 -r 127.0.0.2\n-A -t 192.0.2.1:80\n";
    assert_eq!(director.feed("-R", lines).status, 0);
    assert_eq!(on_terminal("-C --server 127.0.0.0/30"), "ipvsadm: 2 servers deleted\n");
    assert_eq!(on_terminal("-C --vip 192.0.2.0/24"), "ipvsadm: 1 service deleted\n");
    assert_eq!(on_terminal("-C --vip 192.0.2.0/24"), "ipvsadm: nothing there, nothing to do\n");
    assert_eq!(
        on_terminal("-C -f 1 -f 2 --dry-run"),
        "ipvsadm -D -f 1\nipvsadm -D -f 2\n# 2 services deleted\n"
    );
    // The bare command says as little as ever.
    assert_eq!(on_terminal("-C"), "");
    assert_eq!((director.ok("-C -f 1").as_str(), director.saved().as_str()), ("", ""));
}

#[test]
fn a_desired_table_cannot_depend_on_the_present_one() {
    let director = Director::new();
    director.ok("-A -f 1");
    for line in ["-C --vip 192.0.2.0/24", "-C --dry-run", "-C -f 1"] {
        for words in ["-R --replace", "-R --replace --check", "-R --replace --dry-run"] {
            let run = director.feed(words, &format!("-A -f 2\n{line}\n"));
            let sentence = "<stdin>:2: -C with conditions depends on the table that is there: \
                            it cannot stand in input for --replace\n";
            assert!(run.status == 2 && run.stderr.starts_with(sentence), "{words}: {run:?}");
        }
    }
    assert_eq!(director.saved(), "-A -f 1 -s wlc\n");
    let run =
        run(Command::new("setpriv").args(["--reuid", "65534", "--clear-groups", PROGRAM, "-C", "-f", "1"]));
    assert!(run.status == 2 && run.stderr.contains("permission denied"), "{run:?}");
}

#[test]
fn other_writers_may_be_faster() {
    let director = Director::alone();
    let mut lines = String::new();
    for port in 1..=400 {
        lines += &format!("-A -t 192.0.2.1:{port} -s rr\n-a -t 192.0.2.1:{port} -r 127.0.0.1 -m\n");
    }
    lines += "-A -t 192.0.2.2:80 -s rr\n-a -t 192.0.2.2:80 -r 127.0.0.2:80 -m\n";
    let (mut raced, is_done) = (0, AtomicBool::new(false));
    thread::scope(|scope| {
        // Deletes services and adds some again. It is in the namespace of the thread that starts it.
        let writer = scope.spawn(|| {
            let mut ipvs = Ipvs::connect().unwrap();
            let mut deleted = 0;
            while !is_done.load(Ordering::Relaxed) {
                for port in (1..=400).rev() {
                    deleted += usize::from(ipvs.delete_service(tcp("192.0.2.1", port)).is_ok());
                }
                // Elsewhere nothing may be touched.
                let _ = ipvs.add_service(Service::new(tcp("192.0.2.3", 80)));
            }
            deleted
        });
        for round in 0..15 {
            let run = director.feed("-R", &lines);
            assert!(run.status == 0 || run.status == 255, "{run:?}");
            let words =
                if round % 2 == 0 { "-C --vip 192.0.2.1" } else { "-C --vip 192.0.2.1 --server 127.0.0.1" };
            assert_eq!(director.ok(words), "", "{words}");
            assert!(director.saved().contains("-r 127.0.0.2:80"), "{}", director.saved());
        }
        is_done.store(true, Ordering::Relaxed);
        raced = writer.join().unwrap();
    });
    assert!(raced > 100, "{raced}");
    director.ok("-C --vip 192.0.2.1");
    let saved = director.saved();
    assert!(!saved.contains("192.0.2.1:") && saved.contains("192.0.2.3:80"), "{saved}");
}
