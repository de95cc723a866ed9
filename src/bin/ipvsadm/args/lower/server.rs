//! The settings of a server.

use std::num::NonZeroU16;

use ipvs::{Destination, DestinationId, Family, Forwarding, ServiceId, Tunnel, TunnelFlags};

use super::values::Endpoint;
use super::{Given, Opt, Result, Usage, values};

impl Given<'_> {
    pub(super) fn server(&mut self, service: ServiceId) -> Result<DestinationId> {
        let value = self.value(Opt::RealServer).ok_or(Usage::NeedsServer(self.verb))?;
        let (protocol, default_port) = match service {
            ServiceId::Address { protocol, port, .. } => (Some(protocol), port),
            ServiceId::Fwmark { .. } => (None, 0),
        };
        let Endpoint { address, port } =
            values::endpoint(Opt::RealServer, &value, protocol, Some(service.family()))?;
        Ok(DestinationId { address, port: port.unwrap_or(default_port) })
    }

    pub(super) fn server_settings(&mut self) -> Result<(ServiceId, Destination)> {
        let service = self.service()?;
        let mut destination = Destination::new(self.server(service)?);
        let method = self.one_of([Opt::Gatewaying, Opt::Ipip, Opt::Masquerading])?;
        destination.forwarding = match method {
            Some((Opt::Ipip, _)) => Forwarding::Tunnel,
            Some((Opt::Masquerading, _)) => Forwarding::Masquerade,
            _ => Forwarding::DirectRoute,
        };
        // Only masquerading can send to another port: the other methods leave packets as they are.
        if let (ServiceId::Address { port, .. }, Forwarding::Tunnel | Forwarding::DirectRoute) =
            (service, destination.forwarding)
        {
            destination.id.port = port;
        }
        if destination.forwarding != Forwarding::Tunnel
            && Family::from(destination.id.address) != service.family()
        {
            return Err(Usage::OtherFamily(destination.id));
        }
        destination.tunnel = self.tunnel(destination.forwarding)?;
        let most = i32::MAX as u32;
        destination.weight = self.number(Opt::Weight, 0, most)?.unwrap_or(destination.weight);
        destination.upper_threshold = self.number(Opt::UpperThreshold, 0, most)?.unwrap_or(0);
        destination.lower_threshold = self.number(Opt::LowerThreshold, 0, most)?.unwrap_or(0);
        Ok((service, destination))
    }

    fn tunnel(&mut self, forwarding: Forwarding) -> Result<Tunnel> {
        let kind = self.value(Opt::TunType);
        let port = self.number(Opt::TunPort, 1, u16::MAX.into())?;
        let port = port.and_then(|port| NonZeroU16::new(port as u16));
        let checksum =
            self.one_of([Opt::TunNocsum, Opt::TunCsum, Opt::TunRemcsum])?.map(|(option, _)| option);
        let flags = match checksum {
            Some(Opt::TunCsum) => TunnelFlags::CHECKSUM,
            Some(Opt::TunRemcsum) => TunnelFlags::REMOTE_CHECKSUM,
            _ => TunnelFlags::NO_CHECKSUM,
        };
        let given = [kind.as_ref().map(|_| Opt::TunType), port.map(|_| Opt::TunPort), checksum];
        if let (false, Some(&Some(option))) =
            (forwarding == Forwarding::Tunnel, given.iter().find(|option| option.is_some()))
        {
            return Err(Usage::NeedsTunnelling(option));
        }
        let only_for = |option, kinds| Err(Usage::NotForTunnel { option, kinds });
        match (kind.as_deref().unwrap_or("ipip"), port, checksum) {
            ("ipip", None, None) => Ok(Tunnel::Ipip),
            ("gue", Some(port), _) => Ok(Tunnel::Gue { port, flags }),
            ("gue", None, _) => Err(Usage::TunnelPortMissing),
            ("gre", None, None | Some(Opt::TunNocsum | Opt::TunCsum)) => Ok(Tunnel::Gre { flags }),
            ("ipip" | "gre", Some(_), _) => only_for(Opt::TunPort, "gue"),
            ("gre", _, Some(option)) => only_for(option, "gue"),
            ("ipip", _, Some(option)) => {
                only_for(option, if option == Opt::TunRemcsum { "gue" } else { "gue or gre" })
            }
            (kind, ..) => Err(values::bad(Opt::TunType, kind, "it is ipip, gue or gre")),
        }
    }
}
