//! `-L`: tables for people and for the programs that read them. Every blank is as in the original, also
//! those at the ends of lines.

use std::fmt::Write;

use ipvs::{
    DestinationState, Forwarding, Info, Netmask, Service, ServiceFlags, ServiceId, ServiceState, Stats, Table,
};

use super::address::{self, Endpoint};
use super::scheduler_flags;
use crate::args::{List, View};

/// The whole listing. The line with the version stands above it only if `info` is given.
pub fn list(table: &Table, info: Option<Info>, list: &List) -> String {
    let mut text = String::new();
    let lines = &mut text;
    if let Some(info) = info {
        let (version, size) = (info.version, info.connection_table_size);
        push(lines, format_args!("IP Virtual Server version {version} (size={size})"));
    }
    lines.push_str(match list.view {
        View::Plain => {
            "Prot LocalAddress:Port Scheduler Flags\n  \
             -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n"
        }
        View::Stats => {
            "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n  \
             -> RemoteAddress:Port\n"
        }
    });
    for entry in &table.entries {
        match list.view {
            View::Plain => plain_service(lines, &entry.service.service),
            View::Stats => stats_service(lines, &entry.service, list.exact),
        }
        for state in &entry.destinations {
            match list.view {
                View::Plain => plain_server(lines, state),
                View::Stats => stats_server(lines, state, list.exact),
            }
        }
    }
    text
}

fn plain_service(lines: &mut String, service: &Service) {
    let Service { scheduler, persistence, engine, .. } = service;
    let (id, netmask) = (service.id(), service.netmask());
    let _ = write!(lines, "{} {} {scheduler}", protocol(&id), address::service(&id));
    let flags = scheduler_flags(service);
    if !flags.is_empty() {
        let _ = write!(lines, " ({flags})");
    }
    if let Some(seconds) = persistence {
        let _ = write!(lines, " persistent {seconds}");
        if netmask != Netmask::host(id.family()) {
            let _ = write!(lines, " mask {netmask}");
        }
    }
    if let Some(engine) = engine {
        let _ = write!(lines, " pe {engine}");
    }
    if service.flags.contains(ServiceFlags::ONE_PACKET) {
        lines.push_str(" ops");
    }
    lines.push('\n');
}

fn plain_server(lines: &mut String, state: &DestinationState) {
    let endpoint = Endpoint::from(&state.destination.id);
    let (forwarding, weight) = (forwarding(state.destination.forwarding), state.destination.weight);
    let (active, inactive) = (state.active_connections, state.inactive_connections);
    push(lines, format_args!("  -> {endpoint:<28} {forwarding:<7} {weight:<6} {active:<10} {inactive:<10}"));
}

fn stats_service(lines: &mut String, state: &ServiceState, exact: bool) {
    let id = state.service.id();
    let counters = counters(&state.stats, exact);
    push(lines, format_args!("{} {:<28}{counters}", protocol(&id), address::service(&id)));
}

fn stats_server(lines: &mut String, state: &DestinationState, exact: bool) {
    let endpoint = Endpoint::from(&state.destination.id);
    let counters = counters(&state.stats, exact);
    push(lines, format_args!("  -> {endpoint:<28}{counters}"));
}

/// Appends a line.
fn push(lines: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = lines.write_fmt(line);
    lines.push('\n');
}

/// The four letters that a service's line begins with.
fn protocol(id: &ServiceId) -> String {
    match id {
        ServiceId::Address { protocol, .. } => format!("{protocol:<4}"),
        ServiceId::Fwmark { .. } => "FWM ".into(),
    }
}

fn forwarding(forwarding: Forwarding) -> String {
    match forwarding {
        Forwarding::Masquerade => "Masq".into(),
        Forwarding::Local => "Local".into(),
        Forwarding::Tunnel => "Tunnel".into(),
        Forwarding::DirectRoute => "Route".into(),
        Forwarding::Bypass => "Bypass".into(),
        Forwarding::Other(number) => number.to_string(),
    }
}

fn counters(stats: &Stats, exact: bool) -> String {
    let counters = [stats.connections, stats.in_packets, stats.out_packets, stats.in_bytes, stats.out_bytes];
    counters.map(|number| count(number, exact)).concat()
}

/// A number in a column of nine characters: from nine digits on in thousands, millions and so on, cut.
fn count(number: u64, exact: bool) -> String {
    match number {
        _ if exact => format!(" {number:>8}"),
        0..100_000_000 => format!(" {number:>8}"),
        100_000_000..1_000_000_000 => format!("{:>8}K", number / 1_000),
        1_000_000_000..100_000_000_000 => format!("{:>8}M", number / 1_000_000),
        100_000_000_000..100_000_000_000_000 => format!("{:>8}G", number / 1_000_000_000),
        _ => format!("{:>8}T", number / 1_000_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_counters_are_shortened() {
        for (number, text) in [
            (0, "        0"),
            (99_999_999, " 99999999"),
            (199_999_999, "  199999K"),
            (1_000_000_000, "    1000M"),
            (99_999_999_999, "   99999M"),
            (100_000_000_000, "     100G"),
            (99_999_999_999_999, "   99999G"),
            (u64::MAX, "18446744T"),
        ] {
            assert_eq!(count(number, false), text);
            assert_eq!(count(number, true), format!(" {number:>8}"));
        }
    }
}
