//! `-L`: tables for people and for the programs that read them. Every blank is as in the original, also
//! those at the ends of lines.

use std::fmt::Write;

use ipvs::{
    Destination, DestinationState, Forwarding, Info, Netmask, Service, ServiceFlags, ServiceId, Stats, Table,
    Tunnel, TunnelFlags,
};

use super::{Names, Text, scheduler_flags, sort_services, sorted_servers};
use crate::args::{List, View};
use crate::error::Failure;

/// Appends the whole listing, and prints a long one bit by bit. The line with the version stands above it only
/// if `info` is given. Each service is done with before the next one, so that memory is touched once.
pub fn list(
    text: &mut Text,
    mut table: Table,
    info: Option<Info>,
    list: &List,
    names: &Names,
) -> Result<(), Failure> {
    if let Some(info) = info {
        let (version, size) = (info.version, info.connection_table_size);
        // Writing to a text cannot fail.
        let _ = writeln!(text, "IP Virtual Server version {version} (size={size})");
    }
    text.push(header(list.view));
    if list.sorted {
        sort_services(&mut table);
    }
    for entry in table.entries {
        let id = &entry.service.service.id();
        text.left(4, |text| protocol(text, id));
        text.push(" ");
        match list.view {
            View::Stats | View::Rate => {
                text.left(28, |text| names.service(text, id));
                counters(text, &entry.service.stats, list);
            }
            _ => {
                names.service(text, id);
                service_settings(text, &entry.service.service);
            }
        }
        text.push("\n");
        let servers = match list.sorted {
            true => sorted_servers(&entry.destinations),
            false => entry.destinations.iter().collect(),
        };
        for state in servers {
            text.push("  -> ");
            names.server(text, 28, id, &state.destination.id);
            server_columns(text, state, list);
            text.push("\n");
        }
        text.print_if_long()?;
    }
    Ok(())
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
fn server_columns(text: &mut Text, state: &DestinationState, list: &List) {
    let Destination { forwarding, weight, upper_threshold, lower_threshold, .. } = state.destination;
    match list.view {
        View::Stats | View::Rate => return counters(text, &state.stats, list),
        View::Plain | View::TunInfo => {
            text.push(" ");
            text.left(7, |text| method(text, forwarding));
            if list.view == View::TunInfo {
                text.push(" ");
                text.left(13, |text| tunnel(text, &state.destination));
            }
            text.column(6, weight);
        }
        View::Thresholds => {
            text.column(10, upper_threshold);
            text.column(10, lower_threshold);
        }
        View::PersistentConn => {
            text.column(9, weight);
            text.column(11, state.persistent_connections);
        }
    }
    text.column(10, state.active_connections);
    text.column(10, state.inactive_connections);
}

fn service_settings(text: &mut Text, service: &Service) {
    let Service { scheduler, persistence, engine, .. } = service;
    let netmask = service.netmask();
    text.push(" ");
    text.push(scheduler.as_bytes());
    let flags = scheduler_flags(service);
    if !flags.is_empty() {
        let _ = write!(text, " ({flags})");
    }
    if let Some(seconds) = persistence {
        let _ = write!(text, " persistent {seconds}");
        if netmask != Netmask::host(service.id().family()) {
            let _ = write!(text, " mask {netmask}");
        }
    }
    if let Some(engine) = engine {
        let _ = write!(text, " pe {engine}");
    }
    if service.flags.contains(ServiceFlags::ONE_PACKET) {
        text.push(" ops");
    }
}

fn protocol(text: &mut Text, id: &ServiceId) {
    let _ = match id {
        ServiceId::Address { protocol, .. } => write!(text, "{protocol}"),
        ServiceId::Fwmark { .. } => write!(text, "FWM"),
    };
}

fn method(text: &mut Text, forwarding: Forwarding) {
    match forwarding {
        Forwarding::Masquerade => text.push("Masq"),
        Forwarding::Local => text.push("Local"),
        Forwarding::Tunnel => text.push("Tunnel"),
        Forwarding::DirectRoute => text.push("Route"),
        Forwarding::Bypass => text.push("Bypass"),
        Forwarding::Other(other) => text.number(other),
    }
}

/// `ipip`, `gue:PORT:CHECKSUM`, `gre:CHECKSUM`; numbers stand for what is not known.
fn tunnel(text: &mut Text, destination: &Destination) {
    if destination.forwarding != Forwarding::Tunnel {
        return text.push("n/a");
    }
    let checksum = match destination.tunnel.flags() {
        TunnelFlags::NO_CHECKSUM => "-c".into(),
        TunnelFlags::CHECKSUM => "+c".into(),
        TunnelFlags::REMOTE_CHECKSUM => "r+c".into(),
        TunnelFlags(other) => other.to_string(),
    };
    let _ = match destination.tunnel {
        Tunnel::Ipip => write!(text, "ipip"),
        Tunnel::Gue { port, .. } => write!(text, "gue:{port}:{checksum}"),
        Tunnel::Gre { .. } => write!(text, "gre:{checksum}"),
        Tunnel::Other { kind, port, .. } => write!(text, "{kind}:{port}:{checksum}"),
    };
}

fn counters(text: &mut Text, stats: &Stats, list: &List) {
    let rates = &stats.rates;
    let counters = match list.view {
        View::Rate => {
            [rates.connections, rates.in_packets, rates.out_packets, rates.in_bytes, rates.out_bytes]
        }
        _ => [stats.connections, stats.in_packets, stats.out_packets, stats.in_bytes, stats.out_bytes],
    };
    for counter in counters {
        count(text, counter, list.exact);
    }
}

/// A number in a column of nine characters: from nine digits on in thousands, millions and so on, cut.
fn count(text: &mut Text, number: u64, exact: bool) {
    if number < 100_000_000 || exact {
        text.push(" ");
        return text.right(number);
    }
    let (divisor, unit) = match number {
        0..1_000_000_000 => (1_000, "K"),
        1_000_000_000..100_000_000_000 => (1_000_000, "M"),
        100_000_000_000..100_000_000_000_000 => (1_000_000_000, "G"),
        _ => (1_000_000_000_000, "T"),
    };
    text.right(number / divisor);
    text.push(unit);
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
            let mut counts = Text::default();
            count(&mut counts, number, false);
            counts.push(" ");
            count(&mut counts, number, true);
            assert_eq!(counts.to_string(), format!("{text}  {number:>8}"));
        }
    }
}
