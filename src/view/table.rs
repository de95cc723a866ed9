//! `-L`: services and servers.

use std::fmt::Write;
use std::io;

use ipvs_netlink::{
    Destination, DestinationState, Forwarding, Info, Netmask, Service, ServiceFlags, ServiceId, Table,
};

use super::counters::counters;
use super::order::{sort_services, sorted_servers};
use crate::grammar::{Columns, List, list_tunnel, scheduler_flags};
use crate::output::Output;

/// Appends the whole listing, and prints it part by part if it is long. The line with the version is above
/// it only if `info` is given.
pub(crate) fn table(
    output: &mut Output,
    mut table: Table,
    info: Option<Info>,
    list: &List,
) -> io::Result<()> {
    if let Some(info) = info {
        let (version, size) = (info.version, info.connection_table_size);
        // Writing to memory cannot fail.
        let _ = writeln!(output, "IP Virtual Server version {version} (size={size})");
    }
    output.push(header(list.columns));
    if list.sorted {
        sort_services(&mut table);
    }
    for entry in table.entries {
        let id = entry.service.id();
        output.left(4, |output| protocol(output, &id));
        output.push(" ");
        if matches!(list.columns, Columns::Stats | Columns::Rate) {
            output.service(28, &id);
            counters(output, &entry.service.stats, list);
        } else {
            output.service(0, &id);
            service_settings(output, &entry.service.settings);
        }
        output.push("\n");
        let servers = if list.sorted {
            sorted_servers(&entry.destinations)
        } else {
            entry.destinations.iter().collect()
        };
        for state in servers {
            output.push("  -> ");
            output.server(28, &id, state.id());
            server_columns(output, state, list);
            output.push("\n");
        }
        output.print_if_long()?;
    }
    Ok(())
}

fn header(columns: Columns) -> &'static str {
    match columns {
        Columns::Plain => {
            "Prot LocalAddress:Port Scheduler Flags\n  \
             -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n"
        }
        Columns::TunInfo => {
            "Prot LocalAddress:Port Scheduler Flags\n  \
             -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn\n"
        }
        Columns::Stats => {
            "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n  \
             -> RemoteAddress:Port\n"
        }
        Columns::Rate => {
            "Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS\n  \
             -> RemoteAddress:Port\n"
        }
        // The original has a blank at the end of these two.
        Columns::Thresholds => {
            "Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn \n  \
             -> RemoteAddress:Port\n"
        }
        Columns::PersistentConn => {
            "Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn \n  \
             -> RemoteAddress:Port\n"
        }
    }
}

/// Appends the columns after a server's address.
fn server_columns(output: &mut Output, state: &DestinationState, list: &List) {
    let Destination { forwarding, weight, upper_threshold, lower_threshold, tunnel, .. } = state.settings;
    match list.columns {
        Columns::Stats | Columns::Rate => return counters(output, &state.stats, list),
        Columns::Plain | Columns::TunInfo => {
            output.push(" ");
            output.left(7, |output| method(output, forwarding));
            if list.columns == Columns::TunInfo {
                output.push(" ");
                output.left(13, |output| match forwarding {
                    Forwarding::Tunnel => list_tunnel(output, tunnel),
                    _ => output.push("n/a"),
                });
            }
            output.column(6, weight);
        }
        Columns::Thresholds => {
            output.column(10, upper_threshold);
            output.column(10, lower_threshold);
        }
        Columns::PersistentConn => {
            output.column(9, weight);
            output.column(11, state.persistent_connections);
        }
    }
    output.column(10, state.active_connections);
    output.column(10, state.inactive_connections);
}

fn service_settings(output: &mut Output, service: &Service) {
    output.push(" ");
    output.foreign(service.scheduler.as_bytes());
    let flags = scheduler_flags(service);
    if !flags.is_empty() {
        let _ = write!(output, " ({flags})");
    }
    if let Some(seconds) = service.persistence {
        let _ = write!(output, " persistent {seconds}");
        let netmask = service.netmask();
        if netmask != Netmask::host(service.id().family()) {
            let _ = write!(output, " mask {netmask}");
        }
    }
    if let Some(engine) = service.engine {
        output.push(" pe ");
        output.foreign(engine.as_bytes());
    }
    if service.flags.contains(ServiceFlags::ONE_PACKET) {
        output.push(" ops");
    }
}

fn protocol(output: &mut Output, id: &ServiceId) {
    match id.protocol() {
        // Writing to memory cannot fail.
        Some(protocol) => drop(write!(output, "{protocol}")),
        None => output.push("FWM"),
    }
}

fn method(output: &mut Output, forwarding: Forwarding) {
    output.push(match forwarding {
        Forwarding::Masquerade => "Masq",
        Forwarding::Local => "Local",
        Forwarding::Tunnel => "Tunnel",
        Forwarding::DirectRoute => "Route",
        Forwarding::Bypass => "Bypass",
        unknown => return output.number(unknown.to_raw()),
    });
}
