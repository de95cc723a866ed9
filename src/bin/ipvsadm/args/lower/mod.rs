//! From pairs of option and value to a [`Command`]. A verb takes what it understands; what the table does
//! not allow for it was refused before.

mod listing;
mod restore;
mod server;
mod service;
mod settings;

use std::borrow::Cow;
use std::num::NonZeroU32;

use ipvs::{Change, DaemonState, Family, Protocol, ServiceId};

use super::options::{Opt, Verb};
use super::scan::{Scanned, Text};
use super::values::{self, Endpoint};
use super::{Command, List, Replace, Restore, View};
use crate::error::Usage;

type Result<T> = std::result::Result<T, Usage>;

/// The longest persistence and the longest timeout, in seconds: 31 days.
const LONGEST_TIME: u32 = 31 * 24 * 3600;

/// Gives a scanned command line its meaning.
pub fn lower(scanned: Scanned<'_>) -> Result<Command> {
    let verb = scanned.verb;
    if let Some(&(option, _)) = scanned.options.iter().find(|(option, _)| !option.row().verbs.contains(&verb))
    {
        return Err(Usage::NotAllowed(option, verb));
    }
    let most_words = match verb {
        Verb::SetTimeouts => 3,
        Verb::Restore => 1,
        _ => 0,
    };
    if let Some(word) = scanned.words.get(most_words) {
        return Err(Usage::ExtraWord(word.to_string()));
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
        Verb::SetTimeouts => Command::Change(Change::SetTimeouts(settings::timeouts(&scanned.words)?)),
        Verb::StartDaemon => Command::Change(Change::StartDaemon(given.daemon(daemon()?)?)),
        Verb::StopDaemon => {
            given.number(Opt::SyncId, 0, 255)?;
            Command::Change(Change::StopDaemon(daemon()?))
        }
        Verb::Save => Command::Save { numeric: given.flag(Opt::Numeric), full: given.flag(Opt::Full) },
        Verb::Restore => {
            Command::Restore(given.restore(scanned.words.into_iter().next().map(Cow::into_owned))?)
        }
        Verb::Help => Command::Help,
        Verb::Version => Command::Version,
    })
}

/// What was given with a verb, until it is taken.
struct Given<'a> {
    verb: Verb,
    options: Vec<(Opt, Text<'a>)>,
}

impl<'a> Given<'a> {
    fn take(&mut self, option: Opt) -> Option<Text<'a>> {
        let place = self.options.iter().position(|&(given, _)| given == option)?;
        Some(self.options.swap_remove(place).1)
    }

    fn flag(&mut self, option: Opt) -> bool {
        self.take(option).is_some()
    }

    fn value(&mut self, option: Opt) -> Text<'a> {
        self.take(option).flatten()
    }

    /// At most one of the options.
    fn one_of<const N: usize>(&mut self, options: [Opt; N]) -> Result<Option<(Opt, Text<'a>)>> {
        let mut found: Option<(Opt, Text<'a>)> = None;
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
}
