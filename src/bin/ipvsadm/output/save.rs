//! `-S`: the table as commands that `-R` reads. Programs cut these lines by position, so what the
//! original does not have comes last.

use std::fmt::Write;

use ipvs::{
    Change, Destination, Family, Forwarding, Netmask, Protocol, Service, ServiceFlags, ServiceId, SyncDaemon,
    Table, Timeouts, Tunnel, TunnelFlags,
};

use super::{Names, Text, scheduler_flags, sort_services, sorted_servers};
use crate::error::Failure;

/// Appends all commands that make the table, and prints many bit by bit. With `turns` they are in the order that
/// leaves the servers in the one they have in the kernel.
pub fn save(text: &mut Text, mut table: Table, turns: bool, names: &Names) -> Result<(), Failure> {
    sort_services(&mut table);
    for entry in table.entries {
        let service = &entry.service.service;
        put_service(text, "-A", service, names);
        text.push("\n");
        let id = service.id();
        let mut adding = Text::default();
        put_id(&mut adding, "-a", &id, names);
        let servers = match turns {
            true => entry.destinations.iter().rev().collect(),
            false => sorted_servers(&entry.destinations),
        };
        for state in servers {
            text.push(&adding);
            put_server(text, &id, &state.destination, names);
            text.push("\n");
        }
        text.print_if_long()?;
    }
    Ok(())
}

/// The command that sets the timeouts.
pub fn save_timeouts(timeouts: Timeouts) -> String {
    format!("{}\n", command(&Change::SetTimeouts(timeouts)))
}

/// The commands that start the sync daemons.
pub fn save_daemons(daemons: &[SyncDaemon]) -> String {
    daemons.iter().map(|&daemon| format!("{}\n", command(&Change::StartDaemon(daemon)))).collect()
}

/// The words that make a change, with numbers for addresses and ports.
pub fn command(change: &Change) -> String {
    let names = &Names::new(true);
    let mut text = Text::default();
    match change {
        Change::AddService(service) => put_service(&mut text, "-A", service, names),
        Change::SetService(service) => put_service(&mut text, "-E", service, names),
        Change::DeleteService(id) => put_id(&mut text, "-D", id, names),
        Change::AddDestination(id, server) => {
            put_id(&mut text, "-a", id, names);
            put_server(&mut text, id, server, names);
        }
        Change::SetDestination(id, server) => {
            put_id(&mut text, "-e", id, names);
            put_server(&mut text, id, server, names);
        }
        Change::DeleteDestination(id, server) => {
            put_id(&mut text, "-d", id, names);
            text.push(" -r ");
            names.server(&mut text, 0, id, server);
        }
        Change::Zero(None) => text.push("-Z"),
        Change::Zero(Some(id)) => put_id(&mut text, "-Z", id, names),
        Change::Flush => text.push("-C"),
        Change::SetTimeouts(Timeouts { tcp, tcp_fin, udp }) => {
            text.push(format!("--set {tcp} {tcp_fin} {udp}"));
        }
        Change::StartDaemon(daemon) => text.push(start_daemon(daemon)),
        Change::StopDaemon(state) => text.push(format!("--stop-daemon {state}")),
    }
    text.to_string()
}

fn put_service(text: &mut Text, verb: &str, service: &Service, names: &Names) {
    let Service { scheduler, persistence, engine, .. } = service;
    // Writing to a text cannot fail.
    put_id(text, verb, &service.id(), names);
    let _ = write!(text, " -s {scheduler}");
    if let Some(seconds) = persistence {
        let _ = write!(text, " -p {seconds}");
        if service.netmask() != Netmask::host(service.id().family()) {
            let _ = write!(text, " -M {}", service.netmask());
        }
    }
    if let Some(engine) = engine {
        let _ = write!(text, " --pe {engine}");
    }
    if service.flags.contains(ServiceFlags::ONE_PACKET) {
        text.push(" -o");
    }
    let flags = scheduler_flags(service);
    if !flags.is_empty() {
        let _ = write!(text, " -b {flags}");
    }
}

/// What stands behind the service.
fn put_server(text: &mut Text, id: &ServiceId, server: &Destination, names: &Names) {
    let method = match server.forwarding {
        Forwarding::Masquerade => " -m -w ",
        Forwarding::Tunnel => " -i -w ",
        // The kernel itself chooses the methods that have no option.
        _ => " -g -w ",
    };
    text.push(" -r ");
    names.server(text, 0, id, &server.id);
    text.push(method);
    text.number(server.weight);
    if server.forwarding == Forwarding::Tunnel {
        text.push(tunnel(server.tunnel));
    }
    for (option, threshold) in [("-x", server.upper_threshold), ("-y", server.lower_threshold)] {
        if threshold != 0 {
            let _ = write!(text, " {option} {threshold}");
        }
    }
}

fn start_daemon(daemon: &SyncDaemon) -> String {
    let &SyncDaemon { state, interface, sync_id, max_length, group, port, ttl } = daemon;
    let mut text = format!("--start-daemon {state} --mcast-interface {interface} --syncid {sync_id}");
    if max_length != 0 {
        let _ = write!(text, " --sync-maxlen {max_length}");
    }
    if let Some(group) = group {
        let _ = write!(text, " --mcast-group {group}");
    }
    if port != 0 {
        let _ = write!(text, " --mcast-port {port}");
    }
    if ttl != 0 {
        let _ = write!(text, " --mcast-ttl {ttl}");
    }
    text
}

/// A verb and the option that names a service.
fn put_id(text: &mut Text, verb: &str, id: &ServiceId, names: &Names) {
    text.push(verb);
    text.push(match *id {
        ServiceId::Fwmark { mark, family } => {
            text.push(" -f ");
            text.number(mark.get());
            return text.push(if family == Family::V6 { " -6" } else { "" });
        }
        ServiceId::Address { protocol: Protocol::UDP, .. } => " -u ",
        ServiceId::Address { protocol: Protocol::SCTP, .. } => " --sctp-service ",
        ServiceId::Address { .. } => " -t ",
    });
    names.service(text, id);
}

fn tunnel(tunnel: Tunnel) -> String {
    let checksum = match tunnel.flags() {
        TunnelFlags::CHECKSUM => "--tun-csum",
        TunnelFlags::REMOTE_CHECKSUM => "--tun-remcsum",
        _ => "--tun-nocsum",
    };
    match tunnel {
        Tunnel::Ipip => " --tun-type ipip".into(),
        Tunnel::Gue { port, .. } => format!(" --tun-type gue --tun-port {port} {checksum}"),
        Tunnel::Gre { .. } => format!(" --tun-type gre {checksum}"),
        Tunnel::Other { kind, port, .. } => format!(" --tun-type {kind} --tun-port {port} {checksum}"),
    }
}
