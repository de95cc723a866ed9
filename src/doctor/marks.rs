//! Services of firewall marks: whether any packet has the mark.

use ipvs_netlink::{AddressFamily, ServiceId, TableEntry};

use super::evidence::Evidence;
use super::finding::{Finding, Severity};

/// Names services that no packet has been counted for. Who marks packets is not asked: that may be a packet filter, tc, a
/// program in the kernel or a route. So it is not known whether anybody does, or no client has come yet.
pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    if evidence.setting("net/ipv4/vs/run_estimation") == Some(0) {
        return;
    }
    for entry in &evidence.table {
        let id @ ServiceId::Fwmark { mark, family } = entry.service.id() else { continue };
        if !is_unused(evidence, entry) {
            continue;
        }
        let packets = if family == AddressFamily::V6 { "IPv6 packet" } else { "IPv4 packet" };
        findings.push(Finding::new(
            Severity::Note,
            "mark-unseen",
            id,
            format!("no {packets} has come with the mark {mark} since the service was added or its counters were zeroed"),
            "if clients have sent requests already, they were not marked, or not for an address of this machine",
            "see where packets are marked: tc -s filter show dev INTERFACE ingress; iptables -t mangle -L -v -n; \
             nft list ruleset",
        ));
    }
}

/// Returns whether nothing was counted, although there are servers to forward to. Counters come every two seconds, and
/// connections are there at once.
fn is_unused(evidence: &Evidence, entry: &TableEntry) -> bool {
    let stats = &entry.service.stats;
    let is_known = |ip| evidence.connections.servers.contains_key(&ip);
    stats.connections == 0
        && stats.in_packets == 0
        && entry.destinations.iter().any(|server| server.settings.weight > 0)
        && !entry.destinations.iter().any(|server| is_known(server.id().address))
}

#[cfg(test)]
mod tests {
    use super::super::evidence::Counts;
    use super::super::evidence::tests::{entry, found, healthy};
    use super::*;

    #[test]
    fn marks_are_named_until_a_packet_has_one() {
        let unseen = || Evidence { table: vec![entry("FWM 7", &["10.0.0.11:0"])], ..healthy() };
        let mut evidence = unseen();
        assert_eq!(found(&evidence), ["mark-unseen"]);
        evidence.table[0].service.stats.in_packets = 1;
        assert_eq!(found(&evidence), [""; 0]);
        let mut evidence = unseen();
        evidence.connections.servers.insert([10, 0, 0, 11].into(), Counts::default());
        assert_eq!(found(&evidence), [""; 0]);
        // Of these something else is said.
        let mut evidence = unseen();
        evidence.settings.insert("net/ipv4/vs/run_estimation".into(), "0".into());
        assert_eq!(found(&evidence), ["counters-frozen"]);
        let mut evidence = unseen();
        evidence.table[0].destinations[0].settings.weight = 0;
        assert_eq!(found(&evidence), ["all-drained"]);
    }
}
