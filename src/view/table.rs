//! `-L`: services and servers.

use std::fmt::{Display, Write};
use std::io;

use ipvs_netlink::{
    Destination, DestinationState, DestinationSummary, Forwarding, Info, Netmask, ProcService, Protocol,
    Service, ServiceFlags, ServiceId, ServiceSummary, TableEntry,
};

use super::counters::counters;
use super::order::{Entry, Server, sort_servers, sort_services};
use crate::grammar::{Columns, List, list_tunnel, scheduler_flags};
use crate::output::Output;

/// Appends the listing of a table with any columns.
pub(crate) fn table(
    output: &mut Output,
    entries: Vec<TableEntry>,
    info: Option<Info>,
    list: &List,
) -> io::Result<()> {
    let service = |output: &mut Output, entry: &TableEntry| {
        if matches!(list.columns, Columns::Stats | Columns::Rate) {
            output.service(28, &entry.service.id());
            counters(output, &entry.service.stats, list);
        } else {
            output.service(0, &entry.service.id());
            service_settings(output, &entry.service.settings);
        }
    };
    listing(output, entries, info, list, service, |output, state| server_columns(output, state, list))
}

/// Appends the plain listing.
pub(crate) fn summary(
    output: &mut Output,
    entries: Vec<ServiceSummary>,
    info: Option<Info>,
    list: &List,
) -> io::Result<()> {
    let service = |output: &mut Output, entry: &ServiceSummary| {
        output.service(0, &entry.id());
        service_settings(output, &entry.service);
    };
    listing(output, entries, info, list, service, plain_columns)
}

/// Appends the plain listing as far as the kernel shows it to everyone.
pub(crate) fn public_part(
    output: &mut Output,
    entries: Vec<ProcService>,
    info: Option<Info>,
    list: &List,
) -> io::Result<()> {
    let service = |output: &mut Output, entry: &ProcService| {
        output.service(0, &entry.id());
        output.push(" ");
        output.foreign(entry.scheduler.as_bytes());
        if let Some(found) = entry.persistence {
            persistence(output, "?", found.netmask(entry.id.family()).filter(|_| entry.has_known_family));
        }
        if entry.one_packet {
            output.push(" ops");
        }
    };
    listing(output, entries, info, list, service, plain_columns)
}

/// Appends the whole listing, and prints it part by part if it is long. The line with the version is above it only if
/// `info` is given.
fn listing<E: Entry>(
    output: &mut Output,
    mut entries: Vec<E>,
    info: Option<Info>,
    list: &List,
    service: impl Fn(&mut Output, &E),
    server: impl Fn(&mut Output, &E::Server),
) -> io::Result<()> {
    if let Some(info) = info {
        let (version, size) = (info.version, info.connection_table_size);
        // Writing to memory cannot fail.
        let _ = writeln!(output, "IP Virtual Server version {version} (size={size})");
    }
    output.push(header(list.columns));
    if list.sorted {
        sort_services(&mut entries);
    }
    let mut servers = Vec::new();
    for entry in &entries {
        let id = entry.id();
        protocol(output, &id);
        output.push(" ");
        service(output, entry);
        output.push("\n");
        servers.clear();
        servers.extend(entry.servers());
        if list.sorted {
            sort_servers(&mut servers);
        }
        for state in &servers {
            output.push("  -> ");
            output.server(28, &id, state.id());
            server(output, state);
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
        Columns::Plain => return plain_columns(output, &(*state).into()),
        Columns::TunInfo => {
            method(output, forwarding);
            output.push(" ");
            output.left(13, |output| match forwarding {
                Forwarding::Tunnel => list_tunnel(output, tunnel),
                _ => output.push("n/a"),
            });
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

fn plain_columns(output: &mut Output, server: &DestinationSummary) {
    method(output, server.forwarding);
    output.column(6, server.weight);
    output.column(10, server.active_connections);
    output.column(10, server.inactive_connections);
}

fn service_settings(output: &mut Output, service: &Service) {
    output.push(" ");
    output.foreign(service.scheduler.as_bytes());
    let flags = scheduler_flags(service);
    if !flags.is_empty() {
        let _ = write!(output, " ({flags})");
    }
    if let Some(seconds) = service.persistence {
        persistence(output, seconds, Some(service.netmask()));
    }
    if let Some(engine) = service.engine {
        output.push(" pe ");
        output.foreign(engine.as_bytes());
    }
    if service.flags.contains(ServiceFlags::ONE_PACKET) {
        output.push(" ops");
    }
}

/// Appends the time of persistence, and its netmask if that is not the whole address.
fn persistence(output: &mut Output, seconds: impl Display, netmask: Option<Netmask>) {
    let _ = write!(output, " persistent {seconds}");
    if let Some(netmask) = netmask.filter(|netmask| *netmask != Netmask::host(netmask.family())) {
        let _ = write!(output, " mask {netmask}");
    }
}

/// Appends the column of the protocol.
fn protocol(output: &mut Output, id: &ServiceId) {
    match id.protocol() {
        None => output.push("FWM "),
        Some(Protocol::TCP) => output.push("TCP "),
        Some(Protocol::UDP) => output.push("UDP "),
        // Writing to memory cannot fail.
        Some(protocol) => drop(write!(output, "{protocol:<4}")),
    }
}

/// Appends the column of the forwarding method.
fn method(output: &mut Output, forwarding: Forwarding) {
    output.push(match forwarding {
        Forwarding::Masquerade => b" Masq   ",
        Forwarding::Local => b" Local  ",
        Forwarding::Tunnel => b" Tunnel ",
        Forwarding::DirectRoute => b" Route  ",
        Forwarding::Bypass => b" Bypass ",
        unknown => return output.column(7, unknown.to_raw()),
    });
}
