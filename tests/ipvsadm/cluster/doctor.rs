//! `--doctor` on working clusters, in which one thing after the other is broken: each is named, and nothing before.

mod director;
mod elsewhere;
mod kernel;
mod marks;
mod real_server;
mod traffic;

use std::path::Path;
use std::process::Command;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::machine::Machine;
use super::network::{Network, SERVERS, SERVERS6, VIP, VIP6, endpoint};
use super::tcp::{Connection, PATIENCE, TcpServer, count_answers};
use crate::support::{PROGRAM, Run, run};

const NOTHING: [&str; 0] = [];

/// Runs the doctor on a machine.
fn examine(machine: &Machine, words: &str) -> Run {
    machine.run_inside(|| run(Command::new(PROGRAM).arg("--doctor").args(words.split_whitespace())))
}

/// Runs a line of shell on a machine, with the program under test.
fn run_script(machine: &Machine, script: &str) {
    let folder = Path::new(PROGRAM).parent().unwrap().display();
    // Where nothing else is installed.
    machine.sh(&format!("PATH={folder}:$PATH; {}", script.replace("sysctl", "busybox sysctl")));
}

/// Returns the names of the checks that found something.
fn found(machine: &Machine, words: &str) -> Vec<String> {
    let run = examine(machine, &format!("{words} --json"));
    let document: Value =
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    let findings = document["ipvs"]["findings"].as_array().unwrap();
    let is_ill = findings.iter().any(|finding| finding["severity"] != "note");
    assert_eq!((run.status, run.stderr.as_str()), (i32::from(is_ill), ""), "{}", run.stdout);
    findings.iter().map(|finding| finding["check"].as_str().unwrap().to_owned()).collect()
}

/// Waits until exactly these checks find something: counters take two seconds.
fn wait_for(machine: &Machine, words: &str, expected: &[&str]) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = found(machine, words);
        if found == expected {
            return;
        }
        let lines = examine(machine, words).stdout;
        assert!(Instant::now() < deadline, "expected {expected:?}, found {found:?}: {lines}");
        sleep(Duration::from_millis(300));
    }
}

/// Runs the commands that findings print, until there are no findings any more. Words in capitals stand for what only
/// people know.
fn mend_as_printed(machine: &Machine, words: &str, known: &[(&str, &str)]) {
    const MAX_ROUNDS: usize = 3;
    for _ in 0..MAX_ROUNDS {
        for line in examine(machine, words).stdout.lines() {
            let mut mend = line.split_once(". Mend: ").unwrap().1.to_owned();
            known.iter().for_each(|(word, value)| mend = mend.replace(word, value));
            run_script(machine, &mend);
        }
    }
    assert_eq!(found(machine, words), NOTHING, "{}", examine(machine, words).stdout);
}

/// Lets clients wait in vain for an answer, at the same time.
fn wait_in_vain(client: &Machine, service: &str) {
    const CLIENTS: usize = 3;
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| assert!(Connection::open(client, service).is_err(), "{service}"));
        }
    });
}

/// A cluster behind NAT in which everything works.
fn cluster(servers: usize) -> (Network, Vec<TcpServer>) {
    let network = Network::new(servers);
    network.route_answers_through_director();
    let serving = network.serve(80);
    (network, serving)
}
