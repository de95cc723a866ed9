//! Real servers as options.

use std::fmt;
use std::net::IpAddr;

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

/// A server, or all servers at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServerName {
    pub(crate) address: IpAddr,
    pub(crate) port: Option<u16>,
}

impl ServerName {
    /// Returns whether the name fits a server.
    pub(crate) fn fits(&self, id: DestinationId) -> bool {
        id.address == self.address && self.port.is_none_or(|port| port == id.port)
    }

    /// Returns the one server of a service that the name fits.
    ///
    /// # Errors
    /// If none fits, or several do. They are named.
    pub(crate) fn pick(
        &self,
        service: ServiceId,
        servers: impl Iterator<Item = Destination>,
    ) -> Result<Destination> {
        let mut servers: Vec<Destination> =
            servers.filter(|server| server.id.address == self.address).collect();
        servers.sort_by_key(|server| server.id.port);
        let mut fitting = servers.iter().filter(|server| self.fits(server.id));
        match (fitting.next(), fitting.next()) {
            (Some(server), None) => Ok(*server),
            (None, _) => {
                let others = servers.iter().map(|server| server.id).collect();
                Err(Usage::NoSuchServer { service, name: self.to_string(), others })
            }
            (Some(_), Some(_)) => {
                let servers = servers.iter().map(|server| server.id).collect();
                Err(Usage::SeveralServers { service, address: self.address, servers })
            }
        }
    }
}

impl fmt::Display for ServerName {
    /// Writes `10.0.0.1:80`, or `10.0.0.1` without a port.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => DestinationId::new(self.address, port).fmt(f),
            None => self.address.fmt(f),
        }
    }
}

pub(super) fn read_id(arguments: &mut Arguments<'_, '_>, service: ServiceId) -> Result<DestinationId> {
    let ServerName { address, port } = read_name(arguments, Some(service))?;
    Ok(DestinationId::new(address, port.unwrap_or_else(|| service_port(service))))
}

/// Reads the name of a server, of one service or any.
pub(super) fn read_name(arguments: &mut Arguments<'_, '_>, service: Option<ServiceId>) -> Result<ServerName> {
    let value = arguments.value(Opt::RealServer).ok_or(Usage::NeedsServer(arguments.verb))?;
    let (protocol, family) = (service.and_then(|id| id.protocol()), service.map(|id| id.family()));
    let (address, port) = endpoint::read(arguments.hosts, Opt::RealServer, &value, protocol, family)?;
    Ok(ServerName { address, port })
}

pub(super) fn write_id(line: &mut Line<'_>, service: &ServiceId, id: DestinationId) {
    line.option(Opt::RealServer, |output| output.server(0, service, id));
}

pub(super) fn read(arguments: &mut Arguments<'_, '_>, service: ServiceId) -> Result<Destination> {
    let mut server = Destination::new(read_id(arguments, service)?);
    server.forwarding = read_forwarding(arguments)?.unwrap_or(Forwarding::DirectRoute);
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

/// Reads the option for a forwarding method, if there is one.
pub(super) fn read_forwarding(arguments: &mut Arguments<'_, '_>) -> Result<Option<Forwarding>> {
    let option = arguments.exclusive(METHODS.map(|(option, _)| option))?.map(|(option, _)| option);
    let method = METHODS.iter().find(|&&(existing, _)| Some(existing) == option);
    Ok(method.map(|&(_, forwarding)| forwarding))
}

/// Settings of a server that a command line for `-e` does not name, and so resets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unnamed {
    pub(crate) method: bool,
    pub(crate) thresholds: bool,
}

impl Unnamed {
    pub(super) fn find(arguments: &Arguments<'_, '_>) -> Self {
        Self {
            method: arguments.find(&METHODS.map(|(option, _)| option)).is_none(),
            thresholds: arguments.find(&[Opt::UpperThreshold, Opt::LowerThreshold]).is_none(),
        }
    }
}

/// Returns the option for a forwarding method, if it has one.
pub(crate) fn method_option(method: Forwarding) -> Option<Opt> {
    METHODS.iter().find(|&&(_, existing)| existing == method).map(|&(option, _)| option)
}

/// Returns whether a saved server is restored as it is.
pub(crate) fn is_describable(server: &Destination) -> bool {
    has_option(server.forwarding)
        && (server.forwarding != Forwarding::Tunnel || tunnel::describable(server.tunnel) == server.tunnel)
}

/// Returns whether a saved server gets its forwarding method back. A local server does: the kernel finds that out.
pub(crate) fn has_option(method: Forwarding) -> bool {
    method == Forwarding::Local || method_option(method).is_some()
}

/// Programs cut saved lines by position, so the order of these options is fixed, and new ones come last.
pub(super) fn write(line: &mut Line<'_>, service: &ServiceId, server: &Destination) {
    write_id(line, service, server.id);
    line.flag(method_option(server.forwarding).unwrap_or(Opt::Gatewaying));
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
