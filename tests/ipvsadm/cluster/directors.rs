//! Two directors of one cluster.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;

use super::machine::Machine;
use super::network::Network;
use super::tcp::TcpServer;
use super::wait_until;
use crate::support::PROGRAM;

/// A network with two directors and two servers that answer.
pub struct Directors {
    pub network: Network,
    pub second: Machine,
    _answering: Vec<TcpServer>,
}

impl Directors {
    /// Creates directors with this table: the first restores it, and the second restores the rules that the
    /// first saves.
    pub fn with_table(table: &str) -> Self {
        let mut network = Network::new(2);
        let second = network.second_director("second", 2);
        let _answering = network.serve(80);
        assert_eq!(network.director.feed("-R", table).status, 0, "{table}");
        let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts");
        network.director_machine.sh(&format!(
            "folder=$(mktemp -d)
            ln -s {PROGRAM} {scripts}/ipvsadm-save {scripts}/ipvsadm-restore $folder
            $folder/ipvsadm-save -n | nsenter --net={} $folder/ipvsadm-restore
            rm -r $folder",
            second.namespace_path(),
        ));
        assert_eq!(second.ipvsadm("-S -n"), table);
        Self { network, second, _answering }
    }

    /// Starts the master daemon on the first director, with these options.
    pub fn start_master(&self, options: &str) {
        start_daemon(&self.network.director_machine, "master", options);
    }

    /// Starts the backup daemon on the second director, with these options.
    pub fn start_backup(&self, options: &str) {
        start_daemon(&self.second, "backup", options);
    }

    /// Waits until both directors list the same `count` established connections, and returns them.
    pub fn wait_for_synchronisation(&self, count: usize) -> BTreeSet<String> {
        let list_both = || (connections(&self.network.director_machine), connections(&self.second));
        let in_sync = |(first, second): &(BTreeSet<_>, BTreeSet<_>)| first.len() == count && first == second;
        assert!(
            wait_until(|| in_sync(&list_both())),
            "the directors list different connections: {:#?}",
            list_both()
        );
        list_both().0
    }
}

/// Starts a sync daemon on a machine.
pub fn start_daemon(machine: &Machine, daemon: &str, options: &str) {
    machine.ipvsadm(&format!("--start-daemon {daemon} --mcast-interface inside {options}"));
    // Linux 6.1 hangs if a daemon is stopped before its thread has run.
    sleep(Duration::from_millis(300));
}

/// Returns the established connections as listed by `-L -n -c`, without their remaining time.
pub fn connections(machine: &Machine) -> BTreeSet<String> {
    let list = machine.ipvsadm("-L -n -c");
    let line = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        (words[2] == "ESTABLISHED").then(|| [&words[..1], &words[3..]].concat().join(" "))
    };
    list.lines().skip(2).filter_map(line).collect()
}
