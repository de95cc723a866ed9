//! From pairs of option and value to a [`Command`]. A verb takes what it understands; what the table does
//! not allow for it was refused before.

use std::net::IpAddr;
use std::num::{NonZeroU16, NonZeroU32};

use ipvs::{
    Change, DaemonState, Destination, DestinationId, Family, Forwarding, Netmask, Protocol, SchedulerFlag,
    Service, ServiceFlags, ServiceId, SyncDaemon, Timeouts, Tunnel, TunnelFlags,
};

use super::options::{Opt, Verb};
use super::scan::Scanned;
use super::values::{self, Endpoint};
use super::{Command, List, View};
use crate::error::Usage;

type Result<T> = std::result::Result<T, Usage>;

/// What a bare `-p` means, in seconds.
const PERSISTENCE: u32 = 360;
/// The longest persistence and the longest timeout, in seconds: 31 days.
const LONGEST_TIME: u32 = 31 * 24 * 3600;
/// The longest payload of a UDP datagram over IPv4.
const LONGEST_DATAGRAM: u32 = 65507;

/// Gives a scanned command line its meaning.
pub fn lower(scanned: Scanned) -> Result<Command> {
    let verb = scanned.verb;
    if let Some(&(option, _)) = scanned.options.iter().find(|(option, _)| !option.row().verbs.contains(&verb))
    {
        return Err(Usage::NotAllowed(option, verb));
    }
    if let Some(word) = scanned.words.get(if verb == Verb::SetTimeouts { 3 } else { 0 }) {
        return Err(Usage::ExtraWord(word.clone()));
    }
    let mut given = Given { verb, options: scanned.options };
    let daemon = || match scanned.value.as_deref().unwrap_or_default() {
        "master" => Ok(DaemonState::Master),
        "backup" => Ok(DaemonState::Backup),
        other => Err(Usage::DaemonState { verb, state: other.to_owned() }),
    };
    Ok(match verb {
        Verb::AddService => Command::Change(Change::AddService(given.service_settings()?)),
        Verb::EditService => Command::Change(Change::SetService(given.service_settings()?)),
        Verb::DeleteService => Command::Change(Change::DeleteService(given.service()?)),
        Verb::Clear => Command::Change(Change::Flush),
        Verb::AddServer => {
            let (id, destination) = given.server_settings()?;
            Command::Change(Change::AddDestination(id, destination))
        }
        Verb::EditServer => {
            let (id, destination) = given.server_settings()?;
            Command::Change(Change::SetDestination(id, destination))
        }
        Verb::DeleteServer => {
            let id = given.service()?;
            Command::Change(Change::DeleteDestination(id, given.server(id)?))
        }
        Verb::Zero => Command::Change(Change::Zero(given.optional_service()?)),
        Verb::List => given.listing()?,
        Verb::SetTimeouts => Command::Change(Change::SetTimeouts(timeouts(&scanned.words)?)),
        Verb::StartDaemon => Command::Change(Change::StartDaemon(given.daemon(daemon()?)?)),
        Verb::StopDaemon => {
            given.number(Opt::SyncId, 0, 255)?;
            Command::Change(Change::StopDaemon(daemon()?))
        }
        Verb::Save => Command::Save { numeric: given.flag(Opt::Numeric) },
        Verb::Restore => Command::Restore,
        Verb::Help => Command::Help,
        Verb::Version => Command::Version,
    })
}

/// What was given with a verb, until it is taken.
struct Given {
    verb: Verb,
    options: Vec<(Opt, Option<String>)>,
}

impl Given {
    fn take(&mut self, option: Opt) -> Option<Option<String>> {
        let place = self.options.iter().position(|&(given, _)| given == option)?;
        Some(self.options.swap_remove(place).1)
    }

    fn flag(&mut self, option: Opt) -> bool {
        self.take(option).is_some()
    }

    fn value(&mut self, option: Opt) -> Option<String> {
        self.take(option).flatten()
    }

    /// At most one of the options.
    fn one_of<const N: usize>(&mut self, options: [Opt; N]) -> Result<Option<(Opt, Option<String>)>> {
        let mut found: Option<(Opt, Option<String>)> = None;
        for option in options {
            if let Some(value) = self.take(option) {
                if let Some((first, _)) = found {
                    return Err(Usage::Conflict(first, option));
                }
                found = Some((option, value));
            }
        }
        Ok(found)
    }

    fn service(&mut self) -> Result<ServiceId> {
        self.optional_service()?.ok_or(Usage::NeedsService(self.verb))
    }

    fn optional_service(&mut self) -> Result<Option<ServiceId>> {
        let service =
            self.one_of([Opt::TcpService, Opt::UdpService, Opt::SctpService, Opt::FwmarkService])?;
        let ipv6 = self.flag(Opt::Ipv6);
        let Some((option, value)) = service else {
            return if ipv6 { Err(Usage::Ipv6WithoutFwmark) } else { Ok(None) };
        };
        let value = value.unwrap_or_default();
        let protocol = match option {
            Opt::TcpService => Protocol::TCP,
            Opt::UdpService => Protocol::UDP,
            Opt::SctpService => Protocol::SCTP,
            _ => {
                let mark = values::number(option, &value, 1, u32::MAX)?;
                let mark = NonZeroU32::new(mark).unwrap_or(NonZeroU32::MIN);
                let family = if ipv6 { Family::V6 } else { Family::V4 };
                return Ok(Some(ServiceId::Fwmark { mark, family }));
            }
        };
        if ipv6 {
            return Err(Usage::Ipv6WithoutFwmark);
        }
        let Endpoint { address, port } = values::endpoint(option, &value, Some(protocol), None)?;
        Ok(Some(ServiceId::Address { protocol, address, port: port.unwrap_or(0) }))
    }

    /// A number, if the option is given.
    fn number(&mut self, option: Opt, least: u32, most: u32) -> Result<Option<u32>> {
        self.value(option).map(|text| values::number(option, &text, least, most)).transpose()
    }

    fn listing(&mut self) -> Result<Command> {
        self.number(Opt::SyncId, 0, 255)?;
        let service = self.options.iter().map(|&(option, _)| option).find(|option| {
            matches!(option, Opt::TcpService | Opt::UdpService | Opt::SctpService | Opt::FwmarkService)
        });
        let other = self.one_of([Opt::Connection, Opt::Timeout, Opt::Daemon])?.map(|(option, _)| option);
        if let (Some(other), Some(service)) = (other, service) {
            return Err(Usage::Conflict(other, service));
        }
        let service = self.optional_service()?;
        let numeric = self.flag(Opt::Numeric);
        let columns = [
            (Opt::Stats, View::Stats),
            (Opt::Rate, View::Rate),
            (Opt::Thresholds, View::Thresholds),
            (Opt::PersistentConn, View::PersistentConn),
            (Opt::TunInfo, View::TunInfo),
        ];
        // Of several columns the first of these is shown, as always.
        let columns = columns.map(|(option, view)| self.flag(option).then_some((option, view)));
        let columns = columns.into_iter().flatten().next();
        match (other, columns) {
            (None, _) => {}
            (_, None | Some((Opt::TunInfo, _))) | (Some(Opt::Connection), Some((Opt::PersistentConn, _))) => {
            }
            (Some(other), Some((option, _))) => return Err(Usage::Conflict(other, option)),
        }
        Ok(match other {
            Some(Opt::Connection) => {
                Command::Connections { engines: matches!(columns, Some((Opt::PersistentConn, _))), numeric }
            }
            Some(Opt::Timeout) => Command::Timeouts,
            Some(_) => Command::Daemons,
            None => Command::List(List {
                service,
                view: columns.map_or(View::Plain, |(_, view)| view),
                numeric,
                exact: self.flag(Opt::Exact),
                sorted: !self.flag(Opt::Nosort),
            }),
        })
    }

    fn daemon(&mut self, state: DaemonState) -> Result<SyncDaemon> {
        let interface = self.value(Opt::McastInterface).filter(|name| !name.is_empty());
        let interface = interface.ok_or(Usage::NeedsInterface)?;
        let mut daemon = SyncDaemon::new(state, values::name(Opt::McastInterface, &interface)?);
        daemon.sync_id = self.number(Opt::SyncId, 0, 255)?.unwrap_or(0);
        daemon.max_length = self.number(Opt::SyncMaxlen, 1, LONGEST_DATAGRAM)?.unwrap_or(0) as u16;
        daemon.port = self.number(Opt::McastPort, 1, u16::MAX.into())?.unwrap_or(0) as u16;
        daemon.ttl = self.number(Opt::McastTtl, 1, u8::MAX.into())?.unwrap_or(0) as u8;
        if let Some(group) = self.value(Opt::McastGroup) {
            let address = group.parse().ok().filter(IpAddr::is_multicast);
            let why = "it is a multicast address, such as 224.0.0.81 or ff02::81";
            daemon.group = Some(address.ok_or_else(|| values::bad(Opt::McastGroup, &group, why))?);
        }
        Ok(daemon)
    }

    fn service_settings(&mut self) -> Result<Service> {
        let id = self.service()?;
        let mut service = Service::new(id);
        // An empty name stands for the default, here and with engines.
        if let Some(name) = self.value(Opt::Scheduler).filter(|name| !name.is_empty()) {
            service.scheduler = values::name(Opt::Scheduler, &name)?;
        }
        if let Some(timeout) = self.take(Opt::Persistent) {
            service.persistence = Some(match timeout {
                None => PERSISTENCE,
                Some(text) => values::number(Opt::Persistent, &text, 1, LONGEST_TIME)?,
            });
        }
        if let Some(mask) = self.value(Opt::Netmask) {
            let netmask = match id.family() {
                Family::V4 => Netmask::V4(values::ipv4_mask(&mask)?),
                Family::V6 => {
                    let length = values::number(Opt::Netmask, &mask, 1, 128)?;
                    Netmask::prefix(length).map_err(|error| values::bad(Opt::Netmask, &mask, error))?
                }
            };
            service.set_netmask(netmask).map_err(|error| values::bad(Opt::Netmask, &mask, error))?;
        }
        if let Some(name) = self.value(Opt::Engine).filter(|name| !name.is_empty()) {
            service.engine = Some(values::name(Opt::Engine, &name)?);
        }
        if let Some(flags) = self.value(Opt::SchedFlags) {
            service.flags |= scheduler_flags(&service, &flags)?;
        }
        if self.flag(Opt::OnePacket) {
            if !matches!(id, ServiceId::Fwmark { .. } | ServiceId::Address { protocol: Protocol::UDP, .. }) {
                return Err(Usage::OnePacketNotUdp);
            }
            service.flags |= ServiceFlags::ONE_PACKET;
        }
        if matches!(id, ServiceId::Address { port: 0, .. }) && service.persistence.is_none() {
            return Err(Usage::ZeroPort(id));
        }
        Ok(service)
    }

    fn server(&mut self, service: ServiceId) -> Result<DestinationId> {
        let value = self.value(Opt::RealServer).ok_or(Usage::NeedsServer(self.verb))?;
        let (protocol, default_port) = match service {
            ServiceId::Address { protocol, port, .. } => (Some(protocol), port),
            ServiceId::Fwmark { .. } => (None, 0),
        };
        let Endpoint { address, port } =
            values::endpoint(Opt::RealServer, &value, protocol, Some(service.family()))?;
        Ok(DestinationId { address, port: port.unwrap_or(default_port) })
    }

    fn server_settings(&mut self) -> Result<(ServiceId, Destination)> {
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

/// The three words after `--set`.
fn timeouts(words: &[String]) -> Result<Timeouts> {
    let [tcp, tcp_fin, udp] = words else { return Err(Usage::ThreeTimeouts) };
    let seconds = |text: &String| {
        values::decimal(text, 0, LONGEST_TIME).ok_or_else(|| Usage::BadTimeout(text.clone(), LONGEST_TIME))
    };
    Ok(Timeouts { tcp: seconds(tcp)?, tcp_fin: seconds(tcp_fin)?, udp: seconds(udp)? })
}

/// Flags may be named for their scheduler or numbered.
fn scheduler_flags(service: &Service, text: &str) -> Result<ServiceFlags> {
    let scheduler = service.scheduler.to_string();
    let mut flags = ServiceFlags::default();
    let words = text.split(',').filter(|word| !word.is_empty());
    if words.clone().next().is_none() && !text.is_empty() {
        return Err(values::bad(Opt::SchedFlags, text, "it names no flag"));
    }
    for word in words {
        let flag = match (scheduler.as_str(), word) {
            ("sh", "sh-fallback") | ("mh", "mh-fallback") | (_, "flag-1") => SchedulerFlag::One,
            ("sh", "sh-port") | ("mh", "mh-port") | (_, "flag-2") => SchedulerFlag::Two,
            (_, "flag-3") => SchedulerFlag::Three,
            _ => {
                return Err(values::bad(
                    Opt::SchedFlags,
                    word,
                    format_args!("it is not a flag of the scheduler {scheduler}"),
                ));
            }
        };
        flags |= flag;
    }
    Ok(flags)
}
