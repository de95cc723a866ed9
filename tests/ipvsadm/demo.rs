//! The guided tours, run as they are; what they promise is looked up in what they print.

use std::process::Command;

use crate::support::{Director, PROGRAM, run};

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/demo");

#[test]
fn the_cluster_with_nat_answers_every_request_and_spreads_them_by_weight() {
    let _director = Director::new();
    let tour = run(Command::new(DEMO).args(["nat", "--inside", PROGRAM]));
    assert_eq!(tour.status, 0, "{}\n{}", tour.stdout, tour.stderr);
    let has =
        |line: &str| assert!(tour.stdout.lines().any(|printed| printed == line), "{line}\n{}", tour.stdout);

    has("300 of 300 requests answered: web1 150, web2 100, web3 50");
    has("After the restore, 60 of 60 requests answered: web1 30, web2 20, web3 10");
    // The kernel's own numbers agree with those of the client.
    for (server, weight, requests) in
        [("10.0.0.11:80", 3, 150), ("10.0.0.12:80", 2, 100), ("10.0.0.13:80", 1, 50)]
    {
        has(&format!("  -> {server:<28} Masq    {weight:<6} 0          {requests:<10}"));
        let counters = tour.stdout.lines().find(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            matches!(words[..], ["->", address, connections, _, _, _, _]
                if address == server && connections == requests.to_string())
        });
        assert!(counters.is_some(), "no counters of {server}\n{}", tour.stdout);
    }
    has("director# ipvsadm -S -n | cmp - web.rules && echo the same");
    has("the same");
}
