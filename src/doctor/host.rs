//! Settings of the machine that concern all services.

use std::net::IpAddr;

use ipvs_netlink::{Forwarding, ServiceFlags};

use super::evidence::{Evidence, Route};
use super::finding::{Finding, Severity, dotted, list, set};

const MACHINE: &str = "this machine";
/// The number of connections in a row of the table from which looking one up takes noticeably longer.
const LONG_ROW: u64 = 8;

pub(super) fn check(evidence: &Evidence, findings: &mut Vec<Finding>) {
    forwarding(evidence, findings);
    conntrack_table(evidence, findings);
    untracked(evidence, findings);
    connection_reuse(evidence, findings);
    estimation(evidence, findings);
    connection_table(evidence, findings);
    managers(evidence, findings);
}

/// Returns the setting that keeps the answers of a server behind NAT from being forwarded, if there is one.
pub(super) fn obstacle(evidence: &Evidence, server: IpAddr) -> Option<String> {
    // For IPv4 the interface counts that the answer arrives on, which is the one that leads to the server. IPv6 has
    // one switch for all.
    let path = match (server, evidence.routes.get(&server)) {
        (IpAddr::V6(_), Some(Route::Over { .. })) => "net/ipv6/conf/all/forwarding".to_owned(),
        (IpAddr::V4(_), Some(&Route::Over { interface, .. })) => {
            let path = format!("net/ipv4/conf/{}/forwarding", evidence.interface_name(interface));
            match evidence.setting("net/ipv4/ip_forward") {
                Some(0) if evidence.setting(&path) != Some(1) => "net/ipv4/ip_forward".to_owned(),
                _ => path,
            }
        }
        _ => return None,
    };
    (evidence.setting(&path) == Some(0)).then_some(path)
}

/// Finds servers behind NAT whose answers are not forwarded. Direct routing and tunnelling need no forwarding.
fn forwarding(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let mut obstacles: Vec<(String, Vec<String>)> = Vec::new();
    for entry in &evidence.table {
        for server in &entry.destinations {
            if server.settings.forwarding != Forwarding::Masquerade {
                continue;
            }
            let Some(path) = obstacle(evidence, server.id().address) else { continue };
            let server = format!("{} of {}", server.id(), entry.service.id());
            match obstacles.iter_mut().find(|(known, _)| *known == path) {
                Some((_, servers)) => servers.push(server),
                None => obstacles.push((path, vec![server])),
            }
        }
    }
    findings.extend(obstacles.into_iter().map(|(path, servers)| {
        // The kernel forgets what routers have announced as soon as it forwards.
        let hint = if path.starts_with("net/ipv6") {
            " # default routes that routers have announced are lost, unless accept_ra of the interface is 2"
        } else {
            ""
        };
        Finding::new(
            Severity::Error,
            "forwarding-off",
            MACHINE,
            format!("{} is 0, and there are servers behind NAT: {}", dotted(&path), list(servers)),
            "their answers are dropped here instead of being sent to the clients",
            format!("{}{hint}", set(&path, 1)),
        )
    }));
}

/// Finds a table of tracked connections that is (nearly) full. FTP, and NAT with `conntrack`, need it; others lose
/// packets all the same.
fn conntrack_table(evidence: &Evidence, findings: &mut Vec<Finding>) {
    const COUNT: &str = "net/netfilter/nf_conntrack_count";
    const MAX: &str = "net/netfilter/nf_conntrack_max";
    let (Some(count), Some(max)) = (evidence.setting(COUNT), evidence.setting(MAX)) else { return };
    // 0 stands for no limit.
    if max > 0 && count >= max / 10 * 9 {
        let severity = if count >= max { Severity::Error } else { Severity::Warning };
        findings.push(Finding::new(
            severity,
            "conntrack-full",
            MACHINE,
            format!("netfilter tracks {count} connections of {max} at most"),
            "when the table is full, new connections are dropped, whatever they are for",
            set(MAX, max.saturating_mul(2)),
        ));
    }
}

/// Finds rules of packet filters that look at tracked connections, which those of IPVS are not by default.
fn untracked(evidence: &Evidence, findings: &mut Vec<Finding>) {
    const TRACKING: &str = "net/ipv4/vs/conntrack";
    let mut servers = evidence.table.iter().flat_map(|entry| &entry.destinations);
    let is_natted = servers.any(|server| server.settings.forwarding == Forwarding::Masquerade);
    if is_natted && evidence.setting(TRACKING) == Some(0) && !evidence.tracking_rules.is_empty() {
        findings.push(Finding::new(
            Severity::Note,
            "untracked",
            MACHINE,
            format!(
                "{} is 0, there are servers behind NAT, and rules of a packet filter use tracked connections ({})",
                dotted(TRACKING),
                list(&evidence.tracking_rules)
            ),
            "for these rules packets of IPVS are untracked: they match no established connection, and their addresses \
             are not translated",
            format!("{} # if the rules are meant for them", set(TRACKING, 1)),
        ));
    }
}

/// Finds settings by which clients that use a port again are delayed, or sent to a server that was taken out.
fn connection_reuse(evidence: &Evidence, findings: &mut Vec<Finding>) {
    const MODE: &str = "net/ipv4/vs/conn_reuse_mode";
    match evidence.setting(MODE) {
        Some(0) => {
            let drained = evidence.table.iter().flat_map(|entry| {
                let is_one_packet = entry.service.settings.flags.contains(ServiceFlags::ONE_PACKET);
                entry.destinations.iter().filter(move |server| {
                    let connections =
                        u64::from(server.active_connections) + u64::from(server.inactive_connections);
                    server.settings.weight == 0 && connections > 0 && !is_one_packet
                })
            });
            let drained: Vec<String> = drained.map(|server| server.id().to_string()).collect();
            if !drained.is_empty() {
                findings.push(Finding::new(
                    Severity::Warning,
                    "reused-ports",
                    MACHINE,
                    format!(
                        "{} is 0, and servers with weight 0 still have connections: {}",
                        dotted(MODE),
                        list(drained)
                    ),
                    "a client that soon uses its port again gets the server of its last connection, even if that server \
                     was taken out",
                    set(MODE, 1),
                ));
            }
        }
        // Linux 5.9 has mended it.
        Some(_)
            if evidence.setting("net/ipv4/vs/conntrack") == Some(1)
                && evidence.kernel.is_some_and(|version| version < (5, 9)) =>
        {
            findings.push(Finding::new(
                Severity::Warning,
                "reuse-delay",
                MACHINE,
                format!("{} is not 0 and net.ipv4.vs.conntrack is 1, on a kernel before 5.9", dotted(MODE)),
                "a client that soon uses its port again has to wait for a second",
                format!("{} # or a newer kernel", set(MODE, 0)),
            ));
        }
        _ => {}
    }
}

fn estimation(evidence: &Evidence, findings: &mut Vec<Finding>) {
    const ESTIMATION: &str = "net/ipv4/vs/run_estimation";
    if evidence.setting(ESTIMATION) == Some(0) {
        findings.push(Finding::new(
            Severity::Warning,
            "counters-frozen",
            MACHINE,
            format!("{} is 0", dotted(ESTIMATION)),
            "counters and rates stand still, and monitoring shows no traffic",
            set(ESTIMATION, 1),
        ));
    }
}

fn connection_table(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let (size, total) = (u64::from(evidence.connection_table_size), evidence.connections.total);
    if size > 0 && total >= size * LONG_ROW {
        // The parameter is a power of two, at most 27.
        let bits = u64::BITS - total.leading_zeros();
        findings.push(Finding::new(
            Severity::Warning,
            "table-small",
            MACHINE,
            format!("there are {total} connections in a table of {size} rows"),
            "each packet searches a long row, which takes time",
            format!(
                "echo options ip_vs conn_tab_bits={} >>/etc/modprobe.d/ip_vs.conf # then load the module anew, such as \
                 by a reboot",
                bits.min(20)
            ),
        ));
    }
}

/// Names other programs that change the table: they undo what people change.
fn managers(evidence: &Evidence, findings: &mut Vec<Finding>) {
    let managers = evidence.programs.iter().filter(|program| program.manages_table);
    let mut names: Vec<&str> = managers.map(|program| program.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if !names.is_empty() {
        findings.push(Finding::new(
            Severity::Note,
            "managed",
            "the table",
            format!("{} changes it", list(names)),
            "what is changed by other means may be undone at any time",
            "change the settings of that program instead of the table",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::super::evidence::Program;
    use super::super::evidence::tests::{entry, found, healthy};
    use super::*;

    fn with(settings: &[(&str, &str)]) -> Evidence {
        let mut evidence = healthy();
        for (path, value) in settings {
            evidence.settings.insert((*path).into(), (*value).into());
        }
        evidence
    }

    #[test]
    fn answers_of_servers_behind_nat_have_to_be_forwarded() {
        let off = with(&[("net/ipv4/ip_forward", "0"), ("net/ipv4/conf/inside/forwarding", "0")]);
        assert_eq!(found(&off), ["forwarding-off"]);
        let findings = crate::doctor::examine_director(&off);
        assert_eq!(findings[0].mend, "sysctl -w net.ipv4.ip_forward=1");
        // One interface alone may be set.
        let on = with(&[("net/ipv4/ip_forward", "0"), ("net/ipv4/conf/inside/forwarding", "1")]);
        assert_eq!(found(&on), [""; 0]);
        let off = with(&[("net/ipv4/ip_forward", "1"), ("net/ipv4/conf/inside/forwarding", "0")]);
        let findings = crate::doctor::examine_director(&off);
        assert_eq!(findings[0].mend, "sysctl -w net.ipv4.conf.inside.forwarding=1");

        let mut direct = with(&[("net/ipv4/ip_forward", "0")]);
        for server in &mut direct.table[0].destinations {
            server.settings.forwarding = Forwarding::DirectRoute;
        }
        assert_eq!(found(&direct), [""; 0]);
    }

    #[test]
    fn rules_for_tracked_connections_do_not_see_those_of_ipvs() {
        let mut evidence = healthy();
        evidence.tracking_rules = vec!["xt_MASQUERADE".into(), "xt_conntrack".into()];
        assert_eq!(found(&evidence), ["untracked"]);
        evidence.settings.insert("net/ipv4/vs/conntrack".into(), "1".into());
        assert_eq!(found(&evidence), [""; 0]);
        evidence.settings.insert("net/ipv4/vs/conntrack".into(), "0".into());
        for server in &mut evidence.table[0].destinations {
            server.settings.forwarding = Forwarding::DirectRoute;
        }
        assert_eq!(found(&evidence), [""; 0]);
    }

    #[test]
    fn ipv6_has_one_switch_for_forwarding() {
        let mut evidence = with(&[("net/ipv6/conf/all/forwarding", "0")]);
        evidence.table = vec![entry("TCP [2001:db8::1]:80", &["[2001:db8:2::11]:80"])];
        evidence.routes.insert("2001:db8::1".parse().unwrap(), Route::Local);
        evidence
            .routes
            .insert("2001:db8:2::11".parse().unwrap(), Route::Over { interface: 3, gateway: None });
        assert_eq!(found(&evidence), ["forwarding-off"]);
        evidence.settings.insert("net/ipv6/conf/all/forwarding".into(), "1".into());
        assert_eq!(found(&evidence), [""; 0]);
    }

    #[test]
    fn a_conntrack_table_counts_as_full_from_nine_tenths_on() {
        let table = |count| {
            with(&[("net/netfilter/nf_conntrack_count", count), ("net/netfilter/nf_conntrack_max", "1000")])
        };
        assert_eq!(found(&table("899")), [""; 0]);
        assert_eq!(found(&table("900")), ["conntrack-full"]);
        let severity = |count| crate::doctor::examine_director(&table(count))[0].severity;
        assert_eq!((severity("999"), severity("1000")), (Severity::Warning, Severity::Error));
    }

    #[test]
    fn reused_ports_matter_if_a_server_is_being_drained_or_the_kernel_is_old() {
        let mut evidence = with(&[("net/ipv4/vs/conn_reuse_mode", "0")]);
        assert_eq!(found(&evidence), [""; 0]);
        evidence.table[0].destinations[0].settings.weight = 0;
        assert_eq!(found(&evidence), [""; 0]);
        evidence.table[0].destinations[0].inactive_connections = 1;
        assert_eq!(found(&evidence), ["reused-ports"]);

        let mut evidence = with(&[("net/ipv4/vs/conntrack", "1")]);
        assert_eq!(found(&evidence), [""; 0]);
        evidence.kernel = Some((4, 19));
        assert_eq!(found(&evidence), ["reuse-delay"]);
        evidence.settings.insert("net/ipv4/vs/conn_reuse_mode".into(), "0".into());
        assert_eq!(found(&evidence), [""; 0]);
    }

    #[test]
    fn frozen_counters_and_small_tables_are_found() {
        assert_eq!(found(&with(&[("net/ipv4/vs/run_estimation", "0")])), ["counters-frozen"]);
        let mut evidence = healthy();
        evidence.connections.total = 4096 * 8 - 1;
        assert_eq!(found(&evidence), [""; 0]);
        evidence.connections.total += 1;
        assert_eq!(found(&evidence), ["table-small"]);
        evidence.connection_table_size = 0;
        assert_eq!(found(&evidence), [""; 0]);
    }

    #[test]
    fn programs_are_named_only_if_they_change_the_table() {
        let mut evidence = healthy();
        let program = Program { name: "keepalived".into(), manages_table: false, moves_addresses: true };
        evidence.programs = vec![program.clone(), Program { manages_table: true, ..program }];
        assert_eq!(found(&evidence), ["managed"]);
        evidence.programs.pop();
        assert_eq!(found(&evidence), [""; 0]);
    }
}
