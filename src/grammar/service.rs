//! Services as options.

use std::borrow::Cow;
use std::num::NonZeroU32;

use ipvs_netlink::{AddressFamily, Netmask, Protocol, Scheduler, Service, ServiceFlags, ServiceId};

use super::arguments::{Arguments, Line, Result, bad_value, number};
use super::{endpoint, timeouts};
use crate::cli::{Opt, Usage};

/// The persistence of a bare `-p`, in seconds.
pub(super) const DEFAULT_PERSISTENCE: u32 = 360;

/// The options that name a service.
pub(super) const ID_OPTIONS: [Opt; 4] =
    [Opt::TcpService, Opt::UdpService, Opt::SctpService, Opt::FwmarkService];
/// The options that name a service by protocol, address and port.
const PROTOCOLS: [(Opt, Protocol); 3] =
    [(Opt::TcpService, Protocol::TCP), (Opt::UdpService, Protocol::UDP), (Opt::SctpService, Protocol::SCTP)];

pub(super) fn read_id(arguments: &mut Arguments<'_, '_>) -> Result<ServiceId> {
    read_optional_id(arguments)?.ok_or(Usage::NeedsService(arguments.verb))
}

pub(super) fn read_optional_id(arguments: &mut Arguments<'_, '_>) -> Result<Option<ServiceId>> {
    let service = arguments.exclusive(ID_OPTIONS)?;
    let ipv6 = arguments.flag(Opt::Ipv6);
    let Some((option, value)) = service else {
        return if ipv6 { Err(Usage::Ipv6WithoutFwmark) } else { Ok(None) };
    };
    if ipv6 && option != Opt::FwmarkService {
        return Err(Usage::Ipv6WithoutFwmark);
    }
    read_value(arguments, option, &value.unwrap_or_default(), ipv6).map(Some)
}

/// Reads any number of services. `-6` is for all firewall marks among them.
pub(super) fn read_ids(arguments: &mut Arguments<'_, '_>) -> Result<Vec<ServiceId>> {
    let ipv6 = arguments.flag(Opt::Ipv6);
    if ipv6 && arguments.find(&[Opt::FwmarkService]).is_none() {
        return Err(Usage::Ipv6WithoutFwmark);
    }
    let mut ids = Vec::new();
    for option in ID_OPTIONS {
        while let Some(value) = arguments.value(option) {
            ids.push(read_value(arguments, option, &value, ipv6)?);
        }
    }
    Ok(ids)
}

/// Reads the service that one of the options names.
fn read_value(arguments: &mut Arguments<'_, '_>, option: Opt, value: &str, ipv6: bool) -> Result<ServiceId> {
    let Some(&(_, protocol)) = PROTOCOLS.iter().find(|&&(existing, _)| existing == option) else {
        let mark = number(option, value, NonZeroU32::MIN..=NonZeroU32::MAX)?;
        let family = if ipv6 { AddressFamily::V6 } else { AddressFamily::V4 };
        return Ok(ServiceId::Fwmark { mark, family });
    };
    let (address, port) = endpoint::read(arguments.hosts, option, value, Some(protocol), None)?;
    Ok(ServiceId::Address { protocol, address, port: port.unwrap_or(0) })
}

pub(super) fn write_id(line: &mut Line<'_>, id: &ServiceId) {
    match *id {
        ServiceId::Fwmark { mark, family } => {
            line.number(Opt::FwmarkService, mark.get());
            if family == AddressFamily::V6 {
                line.flag(Opt::Ipv6);
            }
        }
        ServiceId::Address { protocol, .. } => {
            let option = PROTOCOLS.iter().find(|&&(_, existing)| existing == protocol);
            let option = option.map_or(Opt::TcpService, |&(option, _)| option);
            line.option(option, |output| output.service(0, id));
        }
    }
}

pub(super) fn read(arguments: &mut Arguments<'_, '_>) -> Result<Service> {
    let id = read_id(arguments)?;
    let mut service = Service::new(id);
    if let Some(scheduler) = arguments.name(Opt::Scheduler)? {
        service.scheduler = scheduler;
    }
    if let Some(seconds) = read_persistence(arguments)? {
        service.persistence = seconds.or(Some(DEFAULT_PERSISTENCE));
    }
    if let Some(netmask) = read_netmask(arguments, id)? {
        // Its address family is that of the id.
        let _ = service.set_netmask(netmask);
    }
    service.engine = arguments.name(Opt::Engine)?;
    if let Some(flags) = arguments.value(Opt::SchedFlags) {
        service.flags |= read_scheduler_flags(service.scheduler, &flags)?;
    }
    if read_one_packet(arguments, id)? {
        service.flags |= ServiceFlags::ONE_PACKET;
    }
    if matches!(id, ServiceId::Address { port: 0, .. }) && service.persistence.is_none() {
        return Err(Usage::ZeroPort(id));
    }
    Ok(service)
}

/// Reads `-p`, with or without a time in seconds.
pub(super) fn read_persistence(arguments: &mut Arguments<'_, '_>) -> Result<Option<Option<u32>>> {
    let read = |text: Cow<'_, str>| number(Opt::Persistent, &text, 1..=timeouts::MAX_SECONDS);
    arguments.take(Opt::Persistent).map(|seconds| seconds.map(read).transpose()).transpose()
}

/// Reads a netmask of the address family of the service.
pub(super) fn read_netmask(arguments: &mut Arguments<'_, '_>, id: ServiceId) -> Result<Option<Netmask>> {
    let Some(mask) = arguments.value(Opt::Netmask) else { return Ok(None) };
    let netmask = match id.family() {
        AddressFamily::V4 => Netmask::V4(endpoint::read_mask(arguments.hosts, Opt::Netmask, &mask)?),
        AddressFamily::V6 => {
            let length = number(Opt::Netmask, &mask, 1..=128)?;
            Netmask::prefix(length).map_err(|error| bad_value(Opt::Netmask, &mask, error))?
        }
    };
    Ok(Some(netmask))
}

/// Reads `-o`.
pub(super) fn read_one_packet(arguments: &mut Arguments<'_, '_>, id: ServiceId) -> Result<bool> {
    let is_given = arguments.flag(Opt::OnePacket);
    if is_given
        && !matches!(id, ServiceId::Fwmark { .. } | ServiceId::Address { protocol: Protocol::UDP, .. })
    {
        return Err(Usage::OnePacketNotUdp);
    }
    Ok(is_given)
}

/// Programs cut saved lines by position, so the order of these options is fixed, and new ones come last.
pub(super) fn write(line: &mut Line<'_>, service: &Service) {
    write_id(line, &service.id());
    line.name(Opt::Scheduler, service.scheduler.as_bytes());
    if let Some(seconds) = service.persistence {
        line.number(Opt::Persistent, seconds);
        if service.netmask() != Netmask::host(service.id().family()) {
            line.text(Opt::Netmask, service.netmask());
        }
    }
    if let Some(engine) = service.engine {
        line.name(Opt::Engine, engine.as_bytes());
    }
    if service.flags.contains(ServiceFlags::ONE_PACKET) {
        line.flag(Opt::OnePacket);
    }
    let flags = scheduler_flags(service);
    if !flags.is_empty() {
        line.text(Opt::SchedFlags, flags);
    }
}

/// Reads the names of flags, as this scheduler has them.
pub(super) fn read_scheduler_flags(scheduler: Scheduler, text: &str) -> Result<ServiceFlags> {
    let words = text.split(',').filter(|word| !word.is_empty());
    if words.clone().next().is_none() && !text.is_empty() {
        return Err(bad_value(Opt::SchedFlags, text, "it names no flag"));
    }
    let names = ServiceFlags::scheduler_names(scheduler);
    let mut flags = ServiceFlags::default();
    for word in words {
        let mut names = names.into_iter().chain(ServiceFlags::SCHEDULER_NAMES);
        let (flag, _) = names.find(|&(_, name)| word == name).ok_or_else(|| {
            bad_value(Opt::SchedFlags, word, format_args!("it is not a flag of the scheduler {scheduler}"))
        })?;
        flags |= flag;
    }
    Ok(flags)
}

/// Returns the flags of a service's scheduler, as `-b` takes them; empty if none is set.
pub(crate) fn scheduler_flags(service: &Service) -> String {
    let names = ServiceFlags::scheduler_names(service.scheduler).into_iter();
    let set = names.filter(|&(flag, _)| service.flags.contains(flag)).map(|(_, name)| name);
    set.collect::<Vec<_>>().join(",")
}
