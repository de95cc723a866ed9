//! Real servers as options.

use ipvs_netlink::{AddressFamily, Destination, DestinationId, Forwarding, ServiceId};

use super::arguments::{Arguments, Line, Result};
use super::{endpoint, tunnel};
use crate::cli::{Opt, Usage};

/// The largest weight and threshold that the kernel takes.
pub(super) const MAX: u32 = i32::MAX as u32;

/// The forwarding methods that have an option. The kernel itself chooses the others.
const METHODS: [(Opt, Forwarding); 3] = [
    (Opt::Gatewaying, Forwarding::DirectRoute),
    (Opt::Ipip, Forwarding::Tunnel),
    (Opt::Masquerading, Forwarding::Masquerade),
];

pub(super) fn read_id(arguments: &mut Arguments<'_, '_>, service: ServiceId) -> Result<DestinationId> {
    let value = arguments.value(Opt::RealServer).ok_or(Usage::NeedsServer(arguments.verb))?;
    let (protocol, family) = (service.protocol(), Some(service.family()));
    let (address, port) = endpoint::read(arguments.hosts, Opt::RealServer, &value, protocol, family)?;
    Ok(DestinationId::new(address, port.unwrap_or_else(|| service_port(service))))
}

pub(super) fn write_id(line: &mut Line<'_>, service: &ServiceId, id: DestinationId) {
    line.option(Opt::RealServer, |output| output.server(0, service, id));
}

pub(super) fn read(arguments: &mut Arguments<'_, '_>, service: ServiceId) -> Result<Destination> {
    let mut server = Destination::new(read_id(arguments, service)?);
    let option = arguments.exclusive(METHODS.map(|(option, _)| option))?.map(|(option, _)| option);
    let method = METHODS.iter().find(|&&(existing, _)| Some(existing) == option);
    server.forwarding = method.map_or(Forwarding::DirectRoute, |&(_, forwarding)| forwarding);
    // Only masquerading can change the port of a packet.
    if let (ServiceId::Address { port, .. }, Forwarding::Tunnel | Forwarding::DirectRoute) =
        (service, server.forwarding)
    {
        server.id.port = port;
    }
    if server.forwarding != Forwarding::Tunnel && AddressFamily::from(server.id.address) != service.family() {
        return Err(Usage::MixedFamilies(server.id));
    }
    server.tunnel = tunnel::read(arguments, server.forwarding)?;
    server.weight = arguments.number(Opt::Weight, 0..=MAX)?.unwrap_or(server.weight);
    server.upper_threshold = arguments.number(Opt::UpperThreshold, 0..=MAX)?.unwrap_or(0);
    server.lower_threshold = arguments.number(Opt::LowerThreshold, 0..=MAX)?.unwrap_or(0);
    Ok(server)
}

/// Returns whether a saved server is restored as it is.
pub(crate) fn is_describable(server: &Destination) -> bool {
    has_option(server.forwarding)
        && (server.forwarding != Forwarding::Tunnel || tunnel::describable(server.tunnel) == server.tunnel)
}

/// Returns whether a saved server gets its forwarding method back. A local server does: the kernel finds that out.
pub(crate) fn has_option(method: Forwarding) -> bool {
    method == Forwarding::Local || METHODS.iter().any(|&(_, existing)| existing == method)
}

/// Programs cut saved lines by position, so the order of these options is fixed, and new ones come last.
pub(super) fn write(line: &mut Line<'_>, service: &ServiceId, server: &Destination) {
    write_id(line, service, server.id);
    let method = METHODS.iter().find(|&&(_, existing)| existing == server.forwarding);
    line.flag(method.map_or(Opt::Gatewaying, |&(option, _)| option));
    line.number(Opt::Weight, server.weight);
    if server.forwarding == Forwarding::Tunnel {
        tunnel::write(line, server.tunnel);
    }
    for (option, threshold) in
        [(Opt::UpperThreshold, server.upper_threshold), (Opt::LowerThreshold, server.lower_threshold)]
    {
        if threshold != 0 {
            line.number(option, threshold);
        }
    }
}

fn service_port(service: ServiceId) -> u16 {
    match service {
        ServiceId::Address { port, .. } => port,
        ServiceId::Fwmark { .. } => 0,
    }
}
