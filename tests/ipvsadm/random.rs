//! Random tables: saved, restored and turned into each other. `IPVSADM_RANDOM_TABLES` sets their number and
//! `IPVSADM_RANDOM_SEED` the first seed; a failure reports its seed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use ipvs_netlink::Ipvs;

use crate::differential::reference::Reference;
use crate::support::*;

/// A small random number generator (xorshift64*) that is determined by its seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len() as u64) as usize]
    }
}

/// Generates a table, as lines for `-R`.
pub fn table(seed: u64) -> String {
    let random = &mut Random::new(seed);
    let mut lines = String::new();
    for number in 0..random.below(9) {
        let v6 = random.one_in(3);
        let kind = random.below(4);
        let port = if random.one_in(5) { 0 } else { 1 + random.below(65535) };
        let address = match v6 {
            false => format!("192.0.2.{}:{port}", 1 + number),
            true => format!("[2001:db8::{:x}]:{port}", 1 + number),
        };
        let service = match kind {
            0 => format!("-t {address}"),
            1 => format!("-u {address}"),
            2 => format!("--sctp-service {address}"),
            _ => format!("-f {}{}", 1 + number + (random.below(2) << 31), if v6 { " -6" } else { "" }),
        };
        let scheduler = random
            .pick(&["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh"]);
        lines += &format!("-A {service} -s {scheduler}");
        if random.one_in(3) || (port == 0 && kind < 3) {
            lines += &format!(" -p {}", 1 + random.below(10_000));
            if random.one_in(2) {
                lines += &match v6 {
                    false => format!(" -M 255.255.{}.0", random.below(256)),
                    true => format!(" -M {}", 1 + random.below(128)),
                };
            }
        }
        if kind == 1 && random.one_in(3) {
            lines += " -o";
        }
        if random.one_in(3) {
            lines += match scheduler {
                "sh" => random.pick(&[" -b sh-port", " -b sh-fallback,sh-port"]),
                "mh" => random.pick(&[" -b mh-port", " -b mh-fallback"]),
                _ => random.pick(&[" -b flag-1", " -b flag-2,flag-3"]),
            };
        }
        lines += "\n";
        for server in 0..random.below(6) {
            let method = random.below(4);
            let other_family = method == 2 && random.one_in(4);
            let server_port = if port == 0 { 0 } else { 1 + random.below(65535) };
            let address = match v6 != other_family {
                false => format!("198.51.100.{}:{server_port}", 1 + server),
                true => format!("[2001:db8:1::{:x}]:{server_port}", 1 + server),
            };
            lines += &format!("-a {service} -r {address} -w {}", random.below(1000) * random.below(1000));
            lines += match method {
                0 => " -g",
                1 => " -m",
                2 => " -i",
                _ => random.pick(&[
                    " -i --tun-type gue --tun-port 6080",
                    " -i --tun-type gue --tun-port 6081 --tun-csum",
                    " -i --tun-type gue --tun-port 6082 --tun-remcsum",
                    " -i --tun-type gre",
                    " -i --tun-type gre --tun-csum",
                ]),
            };
            if random.one_in(3) {
                let upper = random.below(1000);
                lines += &format!(" -x {upper} -y {}", random.below(upper + 1));
            }
            lines += "\n";
        }
    }
    lines
}

pub fn env_or(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

pub fn seeds() -> Range<u64> {
    let first = env_or("IPVSADM_RANDOM_SEED", 1);
    first..first + env_or("IPVSADM_RANDOM_TABLES", 400)
}

/// Feeds these lines to the program, which must accept all of them.
pub fn restore(director: &Director, words: &str, lines: &str, seed: u64) {
    let run = director.feed(words, lines);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "seed {seed}, {words}\n{lines}");
}

fn lines_are_distinct(lines: &str) -> bool {
    lines.lines().collect::<BTreeSet<_>>().len() == lines.lines().count()
}

/// Describes everything that the kernel reports about its table.
pub fn kernel_state(ipvs: &mut Ipvs) -> String {
    format!("{:?}", ipvs.table().unwrap())
}

#[test]
fn a_table_is_saved_identically_after_being_restored() {
    let director = Director::new();
    let mut ipvs = director.ipvs();
    for seed in seeds() {
        ipvs.flush().unwrap();
        restore(&director, "-R", &table(seed), seed);
        let words = if seed % 2 == 1 { "-S -n" } else { "-S -n --full" };
        let saved = director.ok(words);
        ipvs.flush().unwrap();
        restore(&director, "-R", &saved, seed);
        assert_eq!(director.ok(words), saved, "seed {seed}");
    }
}

#[test]
fn each_program_restores_what_the_other_saves() {
    let director = Director::new();
    let mut ipvs = director.ipvs();
    let reference = Reference::locate();
    let original = |words: &str, input: &str| {
        let run = feed(reference.command().args(words.split(' ')), input.as_bytes());
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "original {words}\n{input}");
        run.stdout
    };
    for seed in seeds().step_by(10) {
        ipvs.flush().unwrap();
        restore(&director, "-R", &table(seed), seed);
        let saved = director.saved();
        let full = director.ok("-S -n --full");
        for input in [&saved, &full] {
            ipvs.flush().unwrap();
            original("-R", input);
            assert_eq!(director.saved(), saved, "seed {seed}");
        }
        assert_eq!(director.ok("-S -n --full"), full, "seed {seed}");
        // The original loses thresholds and prints large marks as negative numbers, which it does not accept
        // again. It lists a service twice when another test adds services at the wrong moment.
        let mut attempts = (0..9).map(|_| original("-S -n", ""));
        let saved_by_original =
            attempts.find(|saved| lines_are_distinct(saved)).expect("every attempt listed a line twice");
        if !saved_by_original.contains("-f -") {
            ipvs.flush().unwrap();
            restore(&director, "-R", &saved_by_original, seed);
            let line = |line: &str| {
                line.split(" -x ").next().unwrap_or(line).split(" -y ").next().unwrap().to_owned()
            };
            let without_thresholds: Vec<String> = saved.lines().map(line).collect();
            assert_eq!(director.saved().lines().collect::<Vec<_>>(), without_thresholds, "seed {seed}");
        }
    }
}

#[test]
fn any_table_becomes_any_other_by_the_smallest_change() {
    let director = Director::new();
    let mut ipvs = director.ipvs();
    for seed in seeds().skip(1).step_by(2) {
        let [from, to] = [seed, seed + 1_000_000].map(|seed| {
            ipvs.flush().unwrap();
            restore(&director, "-R", &table(seed), seed);
            director.saved()
        });
        restore(&director, "-R --replace --allow-empty", &from, seed);
        assert_eq!(director.saved(), from, "seed {seed}");
        let before = kernel_state(&mut ipvs);
        let dry = director.feed("-R --replace --allow-empty --dry-run", &to).stdout;
        assert_eq!(kernel_state(&mut ipvs), before, "seed {seed}: a dry run changed something");
        let commands = dry.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(commands, min_changes(&from, &to), "seed {seed}\nfrom\n{from}to\n{to}by\n{dry}");
        restore(&director, "-R --replace --allow-empty", &to, seed);
        assert_eq!(director.saved(), to, "seed {seed}");
        let again = director.feed("-R --replace --allow-empty --dry-run", &to).stdout;
        assert_eq!(again.lines().count(), 1, "seed {seed}\n{again}");

        // Running the commands of the dry run one by one has the same effect.
        if seed % 20 == 0 {
            restore(&director, "-R --replace --allow-empty", &from, seed);
            for line in dry.lines().filter(|line| !line.starts_with('#')) {
                director.ok(line.strip_prefix("ipvsadm ").unwrap());
            }
            assert_eq!(director.saved(), to, "seed {seed}\n{dry}");
        }
    }
}

/// Counts the smallest number of changes between two saved tables: one for each service that is missing,
/// different or superfluous, and one for each such server, except for servers of a deleted service.
pub fn min_changes(from: &str, to: &str) -> usize {
    /// Maps the words that name a service to its settings and to its servers' settings by address.
    fn parse_saved(saved: &str) -> BTreeMap<String, (String, BTreeMap<String, String>)> {
        let mut services: BTreeMap<String, (String, BTreeMap<String, String>)> = BTreeMap::new();
        for line in saved.lines() {
            let (name, rest) = match line.split_once(" -s ").or(line.split_once(" -r ")) {
                Some((name, rest)) => (name[3..].to_owned(), rest.to_owned()),
                None => panic!("{line}"),
            };
            if line.starts_with("-A") {
                services.insert(name, (rest, BTreeMap::new()));
            } else {
                let (server, settings) = rest.split_once(' ').unwrap();
                services.get_mut(&name).unwrap().1.insert(server.to_owned(), settings.to_owned());
            }
        }
        services
    }
    fn keys<V>(map: &BTreeMap<String, V>) -> BTreeSet<&String> {
        map.keys().collect()
    }
    let (from, to) = (parse_saved(from), parse_saved(to));
    let deleted = keys(&from).difference(&keys(&to)).count();
    let none = (String::new(), BTreeMap::new());
    let changed: usize = to
        .iter()
        .map(|(name, (settings, servers))| {
            let (old_settings, old_servers) = from.get(name).unwrap_or(&none);
            let deleted = keys(old_servers).difference(&keys(servers)).count();
            let changed_servers =
                servers.iter().filter(|(server, settings)| old_servers.get(*server) != Some(settings));
            usize::from(settings != old_settings) + changed_servers.count() + deleted
        })
        .sum();
    deleted + changed
}
