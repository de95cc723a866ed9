//! Weights that follow the load: whether anybody still sets them.

use ipvs_netlink::Change;

use super::evidence::Evidence;
use super::finding::{Finding, Severity, command, list};

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    // If it is not known, nobody is blamed.
    if evidence.has_follower != Some(false) {
        return;
    }
    for entry in &evidence.table {
        let service = entry.service.id();
        let stuck = entry.destinations.iter().filter_map(|server| {
            let configured = evidence.momentary.get(service, &server.settings)?.configured;
            (configured != server.settings.weight).then_some((server.settings, configured))
        });
        let mut stuck: Vec<_> = stuck.collect();
        stuck.sort_by_key(|(server, _)| server.id);
        let removed: Vec<_> = evidence.momentary.removed(entry).map(|removed| removed.settings).collect();
        let mend = match (stuck.first(), removed.first()) {
            (Some((server, configured)), _) => {
                Change::SetDestination(service, server.with_weight(*configured))
            }
            (None, Some(&server)) => Change::AddDestination(service, server),
            (None, None) => continue,
        };
        let weights =
            stuck.iter().map(|(server, weight)| format!("{}: {} of {weight}", server.id, server.weight));
        let names = weights.chain(removed.iter().map(|server| format!("{}: removed", server.id)));
        findings.push(Finding::new(
            Severity::Warning,
            "load-not-followed",
            service,
            format!(
                "weights were set because of the load of servers ({}), and nothing follows it any more",
                list(names)
            ),
            "the servers keep the shares of a moment that is over",
            format!("start --follow-load again, or set the configured weights, as in: {}", command(&mend)),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::super::evidence::tests::{found, healthy};
    use super::*;
    use crate::momentary::Momentary;

    /// Makes the present weight of the first server one that was set in place of this one.
    fn following(configured: u32, has_follower: Option<bool>) -> Evidence {
        let mut evidence = Evidence { has_follower, ..healthy() };
        let entry = &evidence.table[0];
        let server = entry.destinations[0].settings;
        let why = Momentary { configured, answer: None, is_removed: false };
        evidence.momentary.insert(entry.service.id(), server.id, server.weight, why);
        evidence
    }

    #[test]
    fn momentary_weights_need_somebody_who_sets_them() {
        assert_eq!(found(&following(100, Some(false))), ["load-not-followed"]);
        assert_eq!(found(&following(100, Some(true))), [""; 0]);
        assert_eq!(found(&following(100, None)), [""; 0]);
        assert_eq!(found(&following(1, Some(false))), [""; 0]);
    }
}
