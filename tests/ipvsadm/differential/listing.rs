//! Listings with every pair of options, and every view of a table with one service of each kind.

use super::pair::Pair;
use super::step::Step;

/// One service of each kind, with servers of each kind.
pub const TABLE: &str = include_str!("table.txt");

/// The options that select a listing.
const OPTIONS: [&str; 16] = [
    "-n",
    "-c",
    "--timeout",
    "--daemon",
    "--stats",
    "--rate",
    "--thresholds",
    "--persistent-conn",
    "--tun-info",
    "--exact",
    "--sort",
    "--nosort",
    "--syncid 5",
    "-t 10.0.0.1:80",
    "-f 1",
    "-f 1 -6",
];

/// Servers with thresholds, which the reference does not save.
const THRESHOLDS: [&str; 2] = [
    "-a -t 10.0.0.3:80 -r 10.1.1.1 -m -x 100 -y 50",
    "-a -u 10.0.0.3:5060 -r 10.1.1.1:65535 -m -x 2147483647 -y 2147483647",
];

#[test]
fn every_pair_of_list_options_behaves_alike() {
    let mut pair = Pair::new();
    pair.set_baseline("-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.1.1.1:80 -m\n-A -f 1\n-A -f 1 -6\n");
    pair.step(&Step::parse("--start-daemon master --mcast-interface d0 --syncid 7"));
    for first in OPTIONS {
        pair.step(&Step::parse(&format!("-L {first}")));
        for second in OPTIONS {
            pair.step(&Step::parse(&format!("-L {first} {second}")));
        }
    }
    for several in [
        "-c --stats --rate",
        "--timeout --daemon -n",
        "--timeout --daemon --stats -c",
        "--stats --rate --thresholds --persistent-conn --tun-info --exact --nosort -n",
        "-c -n --persistent-conn --sort",
        "-c -n --persistent-conn --timeout",
        "-n --tun-info --thresholds --persistent-conn",
        "-t 10.0.0.1:80 -u 10.0.0.1:53",
        "-t 10.0.0.1:80 --stats -n --exact --nosort",
        "-f 1 -6 -t 10.0.0.1:80",
    ] {
        pair.step(&Step::parse(&format!("-L {several}")));
    }
    pair.finish();
}

#[test]
fn every_listing_of_a_full_table_is_alike() {
    let mut pair = Pair::new();
    pair.set_baseline(TABLE);
    for words in THRESHOLDS {
        pair.step(&Step::parse(words));
    }
    for kind in
        ["", "--stats", "--stats --exact", "--rate", "--thresholds", "--persistent-conn", "--tun-info"]
    {
        for numeric in ["-n", ""] {
            for service in
                ["", "--nosort", "-t 10.0.0.1:80", "-u 10.0.0.3:5060", "-f 1 -6", "-t [2001:db8::1]:80"]
            {
                pair.step(&Step::parse(&format!("-L {numeric} {kind} {service}")));
            }
        }
    }
    for words in
        ["-S", "-S -n", "--save --numeric", "-Sn", "", "-l", "--list", "-L -t 9.9.9.9:9", "-Ln -f 99"]
    {
        pair.step(&Step::parse(words));
    }
    pair.finish();
}

/// Uses each address in names/hosts whose host name has a remarkable length.
#[test]
fn listings_with_long_host_names_are_alike() {
    let mut pair = Pair::new();
    let mut baseline = "-A -t 10.0.0.98:80 -s rr\n-A -f 5\n-A -t [2001:db8::90]:80 -s rr\n".to_owned();
    for last in 90..=99 {
        baseline += &format!("-a -t 10.0.0.98:80 -r 10.0.0.{last} -m\n-a -f 5 -r 10.0.0.{last}:12345 -m\n");
    }
    for server in ["[2001:db8::90]:80", "[2001:db8::91]:12345", "[2001:db8:7::7]:80", "[2001:db8:1::2]:8080"]
    {
        baseline += &format!("-a -t [2001:db8::90]:80 -r {server} -m\n");
    }
    for service in ["-u 10.0.0.99:69", "-u 10.0.0.99:53", "--sctp-service 10.0.0.99:80", "-t 10.7.7.9:69"] {
        baseline += &format!("-A {service}\n");
    }
    pair.set_baseline(&baseline);
    for words in
        ["-L", "-L --stats", "-L --thresholds", "-L -t 10.0.0.98:80", "-S", "-L -t localhost:80", "-Ln"]
    {
        pair.step(&Step::parse(words));
    }
    pair.finish();
}
