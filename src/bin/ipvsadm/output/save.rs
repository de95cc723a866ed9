//! `-S`: the table as commands that `-R` reads. Programs cut these lines by position, so what the
//! original does not have comes last.

use std::fmt::Write;

use ipvs::{
    Destination, Family, Forwarding, Netmask, Protocol, Service, ServiceFlags, ServiceId, Table, Tunnel,
    TunnelFlags,
};

use super::{Names, scheduler_flags};

/// All commands that make the table.
pub fn save(table: &Table, names: &Names) -> String {
    let mut text = String::new();
    for entry in &table.entries {
        let service = &entry.service.service;
        add_service(&mut text, service, names);
        for state in &entry.destinations {
            add_server(&mut text, &service.id(), &state.destination, names);
        }
    }
    text
}

fn add_service(text: &mut String, service: &Service, names: &Names) {
    let Service { scheduler, persistence, engine, .. } = service;
    // Writing to a String cannot fail.
    let _ = write!(text, "-A {} -s {scheduler}", service_option(&service.id(), names));
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
        text.push_str(" -o");
    }
    let flags = scheduler_flags(service);
    if !flags.is_empty() {
        let _ = write!(text, " -b {flags}");
    }
    text.push('\n');
}

fn add_server(text: &mut String, service: &ServiceId, destination: &Destination, names: &Names) {
    let method = match destination.forwarding {
        Forwarding::Masquerade => "-m",
        Forwarding::Tunnel => "-i",
        // The kernel itself chooses the methods that have no option.
        _ => "-g",
    };
    let (endpoint, weight) = (names.server(service, &destination.id), destination.weight);
    let _ = write!(text, "-a {} -r {endpoint} {method} -w {weight}", service_option(service, names));
    if destination.forwarding == Forwarding::Tunnel {
        text.push_str(&tunnel(destination.tunnel));
    }
    for (option, threshold) in [("-x", destination.upper_threshold), ("-y", destination.lower_threshold)] {
        if threshold != 0 {
            let _ = write!(text, " {option} {threshold}");
        }
    }
    text.push('\n');
}

/// The option that names a service.
fn service_option(id: &ServiceId, names: &Names) -> String {
    let option = match *id {
        ServiceId::Fwmark { mark, family: Family::V4 } => return format!("-f {mark}"),
        ServiceId::Fwmark { mark, family: Family::V6 } => return format!("-f {mark} -6"),
        ServiceId::Address { protocol: Protocol::UDP, .. } => "-u",
        ServiceId::Address { protocol: Protocol::SCTP, .. } => "--sctp-service",
        ServiceId::Address { .. } => "-t",
    };
    format!("{option} {}", names.service(id))
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
