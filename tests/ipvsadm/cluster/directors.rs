//! Two directors of one cluster.

use std::collections::BTreeSet;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use super::machine::Machine;
use super::network::Network;
use super::soon;
use super::tcp::TcpServer;
use crate::support::PROGRAM;

/// A network with two directors and two servers that answer.
pub struct Directors {
    pub network: Network,
    pub second: Machine,
    _answering: Vec<TcpServer>,
}

impl Directors {
    /// Directors with this table: the first is given it, and the second what the first saves.
    pub fn with_table(table: &str) -> Self {
        let mut network = Network::new(2);
        let second = network.second_director("second", 2);
        let _answering = network.serve(80);
        assert_eq!(network.director.feed("-R", table).status, 0, "{table}");
        let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts");
        network.links.sh(&format!(
            "PATH={}:$PATH
            {scripts}/ipvsadm-save -n | nsenter --net={} {scripts}/ipvsadm-restore",
            Path::new(PROGRAM).parent().unwrap().display(),
            second.path(),
        ));
        assert_eq!(second.ipvsadm("-S -n"), table);
        Self { network, second, _answering }
    }

    /// Starts the first director's master, with these options.
    pub fn start_master(&self, options: &str) {
        start(&self.network.links, "master", options);
    }

    /// Starts the second director's backup, with these options.
    pub fn start_backup(&self, options: &str) {
        start(&self.second, "backup", options);
    }

    /// Waits until so many connections are established, and both directors know them, and returns them.
    pub fn wait_for_synchronisation(&self, number: usize) -> BTreeSet<String> {
        let both = || (connections(&self.network.links), connections(&self.second));
        let known = |(first, second): &(BTreeSet<_>, BTreeSet<_>)| first.len() == number && first == second;
        assert!(soon(|| known(&both())), "the directors' connections: {:#?}", both());
        both().0
    }
}

pub fn start(machine: &Machine, daemon: &str, options: &str) {
    machine.ipvsadm(&format!("--start-daemon {daemon} --mcast-interface inside {options}"));
    // Linux 6.1 cannot stop a daemon that has not run yet.
    sleep(Duration::from_millis(300));
}

/// The established connections, as `-L -n -c` shows them, without the time that they have left.
pub fn connections(machine: &Machine) -> BTreeSet<String> {
    let list = machine.ipvsadm("-L -n -c");
    let line = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        (words[2] == "ESTABLISHED").then(|| [&words[..1], &words[3..]].concat().join(" "))
    };
    list.lines().skip(2).filter_map(line).collect()
}
