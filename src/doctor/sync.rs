//! Sync daemons: whether their messages can leave and arrive.

use std::net::IpAddr;

use ipvs_netlink::{AddressFamily, DaemonState, SyncDaemon};

use super::evidence::Evidence;
use super::finding::{Finding, Severity, list, set, shell_word};

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    for daemon in &evidence.daemons {
        let subject = format!("{} sync daemon", daemon.state);
        findings.extend(interface(evidence, daemon, &subject));
    }
    version(evidence, findings);
}

/// Examines the interface of a daemon.
fn interface(evidence: &Evidence, daemon: &SyncDaemon, subject: &str) -> Option<Finding> {
    const BREAKS: &str = "no connection is handed from one director to the other";
    // Nobody has a name that is not UTF-8, but it would not be found.
    let name = std::str::from_utf8(daemon.interface.as_bytes()).ok()?;
    if evidence.interfaces.is_empty() {
        return None;
    }
    let Some(interface) = evidence.interfaces.iter().find(|interface| interface.name == name) else {
        return Some(Finding::new(
            Severity::Error,
            "sync-interface",
            subject,
            format!("its interface {name} does not exist any more"),
            BREAKS,
            format!("ipvsadm --stop-daemon {} # then start it on another interface", daemon.state),
        ));
    };
    if !interface.is_up || !interface.is_running {
        let (seen, mend) = if interface.is_up {
            ("has no carrier", "plug in the cable".to_owned())
        } else {
            ("is down", format!("ip link set {} up", shell_word(name)))
        };
        return Some(Finding::new(
            Severity::Error,
            "sync-interface",
            subject,
            format!("its interface {name} {seen}"),
            BREAKS,
            mend,
        ));
    }
    let headers = if matches!(daemon.group, Some(IpAddr::V6(_))) { 48 } else { 28 };
    let length = u32::from(daemon.max_length) + headers;
    (daemon.state == DaemonState::Master && length > interface.mtu).then(|| {
        Finding::new(
            Severity::Warning,
            "sync-length",
            subject,
            format!(
                "its messages are packets of up to {length} bytes, and the MTU of {name} is {}",
                interface.mtu
            ),
            "long messages are sent in fragments or not at all, and their connections are lost in a failover",
            format!("restart it with --sync-maxlen {}", interface.mtu.saturating_sub(headers)),
        )
    })
}

/// Finds services that messages of the old version have no place for.
fn version(evidence: &Evidence, findings: &mut Vec<Finding>) {
    const VERSION: &str = "net/ipv4/vs/sync_version";
    let is_master = evidence.daemons.iter().any(|daemon| daemon.state == DaemonState::Master);
    if !is_master || evidence.setting(VERSION) != Some(0) {
        return;
    }
    let services = evidence.table.iter().map(|entry| entry.service.id());
    let services: Vec<_> = services.filter(|id| id.family() == AddressFamily::V6).collect();
    if !services.is_empty() {
        findings.push(Finding::new(
            Severity::Warning,
            "sync-version",
            "master sync daemon",
            format!("net.ipv4.vs.sync_version is 0, and there are IPv6 services: {}", list(services)),
            "their connections are not handed to other directors",
            set(VERSION, 1),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::super::evidence::tests::{entry, found, healthy};
    use super::*;

    fn with_daemon(interface: &str, max_length: u16) -> Evidence {
        let mut daemon = SyncDaemon::new(DaemonState::Master, interface.parse().unwrap());
        daemon.max_length = max_length;
        Evidence { daemons: vec![daemon], ..healthy() }
    }

    #[test]
    fn the_interface_of_a_daemon_has_to_exist_and_to_be_up() {
        let mut evidence = with_daemon("inside", 1472);
        assert_eq!(found(&evidence), [""; 0]);
        evidence.interfaces[2].is_running = false;
        assert_eq!(found(&evidence), ["sync-interface"]);
        evidence.interfaces[2].is_running = true;
        evidence.interfaces[2].is_up = false;
        assert_eq!(found(&evidence), ["sync-interface"]);
        assert_eq!(found(&with_daemon("gone", 1472)), ["sync-interface"]);
    }

    #[test]
    fn messages_have_to_fit_the_mtu() {
        assert_eq!(found(&with_daemon("inside", 1473)), ["sync-length"]);
        let mut evidence = with_daemon("inside", 1472);
        evidence.daemons[0].group = Some("ff02::81".parse().unwrap());
        assert_eq!(found(&evidence), ["sync-length"]);
        evidence.daemons[0].state = DaemonState::Backup;
        assert_eq!(found(&evidence), [""; 0]);
    }

    #[test]
    fn old_messages_have_no_place_for_ipv6() {
        let mut evidence = with_daemon("inside", 1472);
        evidence.settings.insert("net/ipv4/vs/sync_version".into(), "0".into());
        assert_eq!(found(&evidence), [""; 0]);
        evidence.table = vec![entry("TCP [2001:db8::1]:80", &["[2001:db8:2::11]:80"])];
        assert_eq!(found(&evidence), ["sync-version"]);
    }
}
