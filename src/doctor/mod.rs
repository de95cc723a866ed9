//! `--doctor`: what is wrong with a director or a real server, judged by what was seen.
//!
//! Checks are pure functions of [`Evidence`], which `commands/doctor` reads. Each adds its findings, and only what is
//! sure to hurt: whoever is told of faults that are none stops listening.

mod addresses;
mod connections;
mod evidence;
mod finding;
mod heard;
mod holders;
mod host;
mod load;
mod marks;
mod real_server;
mod rules;
mod servers;
mod services;
mod sync;
mod sync_messages;

pub(crate) use evidence::{
    Address, ConnectionCounts, Evidence, Flow, Interface, Listener, Probe, Program, Route, Rules, RulesState,
};
pub(crate) use finding::{Finding, Severity};
pub(crate) use heard::{DEFAULT_GROUP, Holder, SyncMessage, group};
pub(crate) use servers::is_probed;

/// Examines a director and returns what is wrong, worst first.
pub(crate) fn examine_director(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    host::check(evidence, &mut findings);
    addresses::check(evidence, &mut findings);
    services::check(evidence, &mut findings);
    holders::check(evidence, &mut findings);
    marks::check(evidence, &mut findings);
    servers::check(evidence, &mut findings);
    connections::check(evidence, &mut findings);
    sync::check(evidence, &mut findings);
    sync_messages::check(evidence, &mut findings);
    rules::check(evidence, &mut findings);
    load::check(evidence, &mut findings);
    sorted(evidence, findings)
}

/// Examines a real server and returns what is wrong, worst first.
pub(crate) fn examine_real_server(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    real_server::check(evidence, &mut findings);
    sorted(evidence, findings)
}

/// Puts the worst first. Findings of one severity stay in the order of the checks.
fn sorted(evidence: &Evidence, mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.extend(evidence.unread.iter().map(|what| {
        Finding::new(
            Severity::Note,
            "not-examined",
            "this machine",
            format!("{what} cannot be read"),
            "faults that only it shows were not looked for",
            "run ipvsadm as root, in a namespace that has /proc and /proc/sys",
        )
    }));
    findings.sort_by_key(|finding| finding.severity);
    findings
}
