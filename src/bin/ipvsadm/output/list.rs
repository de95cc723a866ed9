//! `-L`: tables for people and for the programs that read them. Every blank is as in the original, also
//! those at the ends of lines.

use std::fmt::Write;

use ipvs::{
    Destination, DestinationState, Forwarding, Info, Netmask, Service, ServiceFlags, ServiceId, Stats, Table,
    Tunnel, TunnelFlags,
};

use super::{Names, scheduler_flags};
use crate::args::{List, View};

/// The whole listing. The line with the version stands above it only if `info` is given.
pub fn list(table: &Table, info: Option<Info>, list: &List, names: &Names) -> String {
    let mut text = String::new();
    let lines = &mut text;
    if let Some(info) = info {
        let (version, size) = (info.version, info.connection_table_size);
        push(lines, format_args!("IP Virtual Server version {version} (size={size})"));
    }
    lines.push_str(header(list.view));
    for entry in &table.entries {
        let id = &entry.service.service.id();
        let service = names.service(id);
        match list.view {
            View::Stats | View::Rate => {
                let counters = counters(&entry.service.stats, list);
                push(lines, format_args!("{} {service:<28}{counters}", protocol(id)));
            }
            _ => plain_service(lines, &entry.service.service, &service),
        }
        for state in &entry.destinations {
            let server = names.server(id, &state.destination.id);
            push(lines, format_args!("  -> {server:<28}{}", server_columns(state, list)));
        }
    }
    text
}

fn header(view: View) -> &'static str {
    match view {
        View::Plain => {
            "Prot LocalAddress:Port Scheduler Flags\n  \
             -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n"
        }
        View::TunInfo => {
            "Prot LocalAddress:Port Scheduler Flags\n  \
             -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn\n"
        }
        View::Stats => {
            "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n  \
             -> RemoteAddress:Port\n"
        }
        View::Rate => {
            "Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS\n  \
             -> RemoteAddress:Port\n"
        }
        // The blanks at the ends of these two are the original's.
        View::Thresholds => {
            "Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn \n  \
             -> RemoteAddress:Port\n"
        }
        View::PersistentConn => {
            "Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn \n  \
             -> RemoteAddress:Port\n"
        }
    }
}

/// What stands behind a server's address.
fn server_columns(state: &DestinationState, list: &List) -> String {
    let Destination { forwarding, weight, upper_threshold, lower_threshold, .. } = state.destination;
    let (active, inactive) = (state.active_connections, state.inactive_connections);
    let connections = format!("{active:<10} {inactive:<10}");
    let method = method(forwarding);
    match list.view {
        View::Plain => format!(" {method:<7} {weight:<6} {connections}"),
        View::TunInfo => {
            let tunnel = tunnel(&state.destination);
            format!(" {method:<7} {tunnel:<13} {weight:<6} {connections}")
        }
        View::Thresholds => format!(" {upper_threshold:<10} {lower_threshold:<10} {connections}"),
        View::PersistentConn => {
            let persistent = state.persistent_connections;
            format!(" {weight:<9} {persistent:<11} {connections}")
        }
        View::Stats | View::Rate => counters(&state.stats, list),
    }
}

fn plain_service(lines: &mut String, service: &Service, name: &str) {
    let Service { scheduler, persistence, engine, .. } = service;
    let (id, netmask) = (service.id(), service.netmask());
    let _ = write!(lines, "{} {name} {scheduler}", protocol(&id));
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

fn method(forwarding: Forwarding) -> String {
    match forwarding {
        Forwarding::Masquerade => "Masq".into(),
        Forwarding::Local => "Local".into(),
        Forwarding::Tunnel => "Tunnel".into(),
        Forwarding::DirectRoute => "Route".into(),
        Forwarding::Bypass => "Bypass".into(),
        Forwarding::Other(number) => number.to_string(),
    }
}

/// `ipip`, `gue:PORT:CHECKSUM`, `gre:CHECKSUM`; numbers stand for what is not known.
fn tunnel(destination: &Destination) -> String {
    if destination.forwarding != Forwarding::Tunnel {
        return "n/a".into();
    }
    let checksum = match destination.tunnel.flags() {
        TunnelFlags::NO_CHECKSUM => "-c".into(),
        TunnelFlags::CHECKSUM => "+c".into(),
        TunnelFlags::REMOTE_CHECKSUM => "r+c".into(),
        TunnelFlags(other) => other.to_string(),
    };
    match destination.tunnel {
        Tunnel::Ipip => "ipip".into(),
        Tunnel::Gue { port, .. } => format!("gue:{port}:{checksum}"),
        Tunnel::Gre { .. } => format!("gre:{checksum}"),
        Tunnel::Other { kind, port, .. } => format!("{kind}:{port}:{checksum}"),
    }
}

fn counters(stats: &Stats, list: &List) -> String {
    let rates = &stats.rates;
    let counters = match list.view {
        View::Rate => {
            [rates.connections, rates.in_packets, rates.out_packets, rates.in_bytes, rates.out_bytes]
        }
        _ => [stats.connections, stats.in_packets, stats.out_packets, stats.in_bytes, stats.out_bytes],
    };
    counters.map(|number| count(number, list.exact)).concat()
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
