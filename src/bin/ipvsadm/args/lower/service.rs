//! The settings of a service.

use ipvs::{Family, Netmask, Protocol, SchedulerFlag, Service, ServiceFlags, ServiceId};

use super::{Given, LONGEST_TIME, Opt, Result, Usage, values};

/// What a bare `-p` means, in seconds.
const PERSISTENCE: u32 = 360;

impl Given<'_> {
    pub(super) fn service_settings(&mut self) -> Result<Service> {
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
