//! Messages of other directors: whether the daemons of this one and of those belong together.

use ipvs_netlink::{DaemonState, SyncDaemon};

use super::evidence::Evidence;
use super::finding::{Finding, Severity, list, shell_word};
use super::heard::{DEFAULT_GROUP, SyncMessage, group};

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let daemon = |state| evidence.daemons.iter().find(|daemon| daemon.state == state);
    match (daemon(DaemonState::Backup), daemon(DaemonState::Master)) {
        (Some(backup), _) => findings.extend(deaf_backup(evidence, backup)),
        (None, Some(master)) => findings.extend(second_master(evidence, master)),
        (None, None) => {}
    }
}

/// Returns the messages of other machines.
fn messages(evidence: &Evidence) -> impl Iterator<Item = &SyncMessage> {
    evidence.sync_messages.iter().filter(|message| evidence.places(message.sender).next().is_none())
}

/// Finds a backup that has learnt nothing, although others send. Other clusters may do so in the same network, and then
/// its own master is only quiet; so one that knows connections is not blamed.
fn deaf_backup(evidence: &Evidence, backup: &SyncDaemon) -> Option<Finding> {
    let own = group(backup);
    let is_understood = |message: &&SyncMessage| {
        message.group == own && (backup.sync_id == 0 || u32::from(message.id) == backup.sync_id)
    };
    if evidence.connections.total > 0 || messages(evidence).any(|message| is_understood(&message)) {
        return None;
    }
    let here: Vec<_> = messages(evidence).filter(|message| message.group == own).collect();
    let (check, others, mend) = if here.is_empty() {
        ("sync-group", messages(evidence).collect(), "--mcast-group and --mcast-port")
    } else {
        ("sync-id", here, "--syncid")
    };
    let first = others.first()?;
    let senders = others.iter().map(|message| format!("{} with the id {}", message.sender, message.id));
    Some(Finding::new(
        Severity::Warning,
        check,
        "backup sync daemon",
        format!(
            "it listens to {own} with the id {}, and knows no connection; others send to {}: {}",
            backup.sync_id,
            first.group,
            list(senders)
        ),
        "if one of them is the other director of this cluster, no connection is handed over in a failover",
        format!(
            "ipvsadm --stop-daemon backup # then start it with {mend} of that director's daemon (ipvsadm -L --daemon)"
        ),
    ))
}

/// Finds a second master where nobody is a backup: each director thinks that it is the active one.
fn second_master(evidence: &Evidence, master: &SyncDaemon) -> Option<Finding> {
    let own = group(master);
    let is_its = |message: &&SyncMessage| message.group == own && u32::from(message.id) == master.sync_id;
    let mut senders = messages(evidence).filter(is_its).map(|message| message.sender).peekable();
    senders.peek()?;
    let place = if own == DEFAULT_GROUP {
        String::new()
    } else {
        format!(" --mcast-group {} --mcast-port {}", own.ip(), own.port())
    };
    Some(Finding::new(
        Severity::Warning,
        "sync-masters",
        "master sync daemon",
        format!("another one sends to {own} with the same id {}: {}", master.sync_id, list(senders)),
        "this director has no backup daemon, and does not learn the connections of the other one",
        format!(
            "ipvsadm --start-daemon backup --mcast-interface {} --syncid {}{place} # or ipvsadm --stop-daemon master, if \
             the other director is the active one",
            shell_word(&master.interface.to_string()),
            master.sync_id
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::evidence::tests::{found, healthy};
    use super::super::heard::DEFAULT_GROUP;
    use super::*;

    const NOTHING: [&str; 0] = [];

    fn hearing(states: &[DaemonState], sync_id: u32, ids: &[u8]) -> Evidence {
        let daemon = |state: &DaemonState| {
            SyncDaemon::new(*state, "inside".parse().unwrap()).with_sync_id(sync_id).with_max_length(1400)
        };
        let message = |&id: &u8| SyncMessage { group: DEFAULT_GROUP, sender: [10, 0, 0, 2].into(), id };
        Evidence {
            daemons: states.iter().map(daemon).collect(),
            sync_messages: ids.iter().map(message).collect(),
            ..healthy()
        }
    }

    #[test]
    fn a_backup_hears_messages_with_its_id_alone() {
        use DaemonState::{Backup, Master};
        for states in [&[Backup][..], &[Master, Backup]] {
            assert_eq!(found(&hearing(states, 7, &[])), NOTHING);
            assert_eq!(found(&hearing(states, 7, &[8])), ["sync-id"]);
            assert_eq!(found(&hearing(states, 7, &[7])), NOTHING);
            // There are two clusters.
            assert_eq!(found(&hearing(states, 7, &[7, 8])), NOTHING);
            assert_eq!(found(&hearing(states, 0, &[8])), NOTHING);
            let mut evidence = hearing(states, 7, &[8]);
            evidence.connections.total = 1;
            assert_eq!(found(&evidence), NOTHING);
        }
    }

    #[test]
    fn a_backup_that_listens_elsewhere_hears_nothing() {
        let mut evidence = hearing(&[DaemonState::Backup], 7, &[7]);
        evidence.daemons[0].port = 8849;
        assert_eq!(found(&evidence), ["sync-group"]);
        evidence.daemons[0].port = 0;
        evidence.daemons[0].group = Some([224, 0, 0, 82].into());
        assert_eq!(found(&evidence), ["sync-group"]);
        evidence.daemons[0].group = Some(DEFAULT_GROUP.ip());
        assert_eq!(found(&evidence), NOTHING);
    }

    #[test]
    fn two_masters_need_backups() {
        use DaemonState::{Backup, Master};
        let mut second = hearing(&[Master], 7, &[7]);
        assert_eq!(found(&second), ["sync-masters"]);
        let mend = |evidence: &Evidence| crate::doctor::examine_director(evidence)[0].mend.clone();
        let start = "ipvsadm --start-daemon backup --mcast-interface inside --syncid 7";
        assert!(mend(&second).starts_with(&format!("{start} #")), "{}", mend(&second));
        // A backup that listens to another group would hear nothing.
        second.daemons[0].port = 9000;
        let heard = second.sync_messages.pop_first().unwrap();
        second.sync_messages.insert(SyncMessage { group: group(&second.daemons[0]), ..heard });
        let start = format!("{start} --mcast-group 224.0.0.81 --mcast-port 9000 #");
        assert!(mend(&second).starts_with(&start), "{}", mend(&second));
        assert_eq!(found(&hearing(&[Master], 7, &[8])), NOTHING);
        assert_eq!(found(&hearing(&[Master, Backup], 7, &[7])), NOTHING);
        let mut own = hearing(&[Master], 7, &[]);
        own.sync_messages.insert(SyncMessage { group: DEFAULT_GROUP, sender: [10, 0, 0, 1].into(), id: 7 });
        assert_eq!(found(&own), NOTHING);
    }
}
