//! Command lines as commands, and changes as command lines.

use std::borrow::Cow;

use ipvs_netlink::Change;

use super::arguments::{Arguments, Line, Result, bad_value};
use super::clear::Clear;
use super::doctor::{self, Doctor};
use super::drain::{Drain, Undrain};
use super::edit::Edit;
use super::follow_load::{self, FollowLoad};
use super::lines::is_word;
use super::listing::{Format, Listing};
use super::restore::Restore;
use super::server::Unnamed;
use super::{clear, daemon, drain, edit, listing, restore, server, service, timeouts};
use crate::cli::{self, Opt, Scanner, Verb};
use crate::names::Hosts;
use crate::output::Output;
use crate::terminal::is_printable;

/// A command line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Invocation {
    /// Anything that a line of input for `-R` can ask for, too.
    Command(Command),
    /// Replaces the settings of a server. Those that are not named are worth a word to people, which lines of input do
    /// not need.
    EditServer(Change, Unnamed),
    /// Takes a server out.
    Drain(Drain),
    /// Brings a server back.
    Undrain(Undrain),
    /// Runs the commands in a file or on standard input.
    Restore(Restore),
    /// Examines this machine.
    Doctor(Doctor),
    /// Lets weights follow the load, until it is ended.
    FollowLoad(FollowLoad),
}

impl Invocation {
    /// Returns the change that it makes, if it makes exactly one.
    pub(crate) fn change(&self) -> Option<Change> {
        match *self {
            Self::Command(Command::Change(change)) | Self::EditServer(change, _) => Some(change),
            _ => None,
        }
    }
}

/// A command in the arguments of the program, or on a line of input for `-R`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// Makes one change to the table or the settings.
    Change(Change),
    /// Deletes a part of the table.
    Clear(Clear),
    /// Changes some settings of a service or a server, and keeps the others.
    Edit(Edit),
    /// Shows the table, or something else.
    List(Listing),
    /// Prints the table as commands, or saves it into a file; with `full` everything of it, and with `present_weights`
    /// momentary weights as they are.
    Save { numeric: bool, full: bool, present_weights: bool, format: Format, file: Option<String> },
    /// Shows the network namespaces that have services.
    Namespaces(Format),
    /// Explains the command that the word is, or lists all.
    Help(Option<String>),
    /// Shows the program's version.
    Version,
}

/// Reads command lines, one or many.
#[derive(Default)]
pub(crate) struct Parser {
    scanner: Scanner,
    hosts: Hosts,
    /// The namespace that the last command line names.
    namespace: Option<String>,
}

impl Parser {
    /// Reads the words of a command line, without the program's name. A line without words asks for a listing.
    pub(crate) fn parse(&mut self, words: &[&str]) -> Result<Invocation> {
        loop {
            let outcome = self.parse_provisionally(words);
            if !self.look_up_names() {
                return outcome;
            }
        }
    }

    /// Reads a command line as [`Self::parse`] does, but only collects the host names that are not known yet. The
    /// outcome counts only if [`Self::look_up_names`] finds none.
    pub(crate) fn parse_provisionally(&mut self, words: &[&str]) -> Result<Invocation> {
        let words = if words.is_empty() { &[Verb::List.name()] } else { words };
        self.parse_words(words).map_err(|mistake| cli::explain(mistake, words))
    }

    fn parse_words(&mut self, words: &[&str]) -> Result<Invocation> {
        let scanned = self.scanner.scan(words)?;
        let mut arguments = Arguments::new(scanned, &mut self.hosts)?;
        self.namespace = read_namespace(&mut arguments)?;
        read(&mut arguments)
    }

    /// Returns the network namespace that the last command line names. It has to be entered before names are looked up.
    pub(crate) fn take_namespace(&mut self) -> Option<String> {
        self.namespace.take()
    }

    /// Returns whether host names of the last command line are not known yet.
    pub(crate) fn misses_names(&self) -> bool {
        self.hosts.misses_any()
    }

    /// Looks up the collected host names together, and returns whether there were any.
    pub(crate) fn look_up_names(&mut self) -> bool {
        self.hosts.look_up()
    }
}

fn read_namespace(arguments: &mut Arguments<'_, '_>) -> Result<Option<String>> {
    match arguments.value(Opt::Netns) {
        Some(word) if word.is_empty() => {
            Err(bad_value(Opt::Netns, &word, "it is a name of 'ip netns', a path or a process id"))
        }
        word => Ok(word.map(Cow::into_owned)),
    }
}

fn read(arguments: &mut Arguments<'_, '_>) -> Result<Invocation> {
    if arguments.flag(Opt::Keep) {
        return Ok(Invocation::Command(Command::Edit(edit::read(arguments)?)));
    }
    let change = match arguments.verb {
        Verb::AddService => Change::AddService(service::read(arguments)?),
        Verb::EditService => Change::SetService(service::read(arguments)?),
        Verb::DeleteService => Change::DeleteService(service::read_id(arguments)?),
        Verb::AddServer => {
            let service = service::read_id(arguments)?;
            Change::AddDestination(service, server::read(arguments, service)?)
        }
        Verb::EditServer => {
            let unnamed = Unnamed::find(arguments);
            let service = service::read_id(arguments)?;
            let change = Change::SetDestination(service, server::read(arguments, service)?);
            return Ok(Invocation::EditServer(change, unnamed));
        }
        Verb::DeleteServer => {
            let service = service::read_id(arguments)?;
            Change::DeleteDestination(service, server::read_id(arguments, service)?)
        }
        Verb::Zero => Change::Zero(service::read_optional_id(arguments)?),
        Verb::Clear => match clear::read(arguments)? {
            None => Change::Flush,
            Some(clear) => return Ok(Invocation::Command(Command::Clear(clear))),
        },
        Verb::SetTimeouts => Change::SetTimeouts(timeouts::read(arguments)?),
        Verb::StartDaemon => Change::StartDaemon(daemon::read(arguments)?),
        Verb::StopDaemon => Change::StopDaemon(daemon::read_stop(arguments)?),
        Verb::List => return Ok(Invocation::Command(Command::List(listing::read(arguments)?))),
        Verb::Save => {
            let (numeric, full) = (arguments.flag(Opt::Numeric), arguments.flag(Opt::Full));
            let present_weights = arguments.flag(Opt::PresentWeights);
            let format = listing::read_format(arguments);
            let file = arguments.value(Opt::Output).map(Cow::into_owned);
            return Ok(Invocation::Command(Command::Save { numeric, full, present_weights, format, file }));
        }
        Verb::Drain => return Ok(Invocation::Drain(drain::read(arguments)?)),
        Verb::Undrain => return Ok(Invocation::Undrain(drain::read_end(arguments)?)),
        Verb::Restore => return Ok(Invocation::Restore(restore::read(arguments)?)),
        Verb::Doctor => return Ok(Invocation::Doctor(doctor::read(arguments)?)),
        Verb::FollowLoad => return Ok(Invocation::FollowLoad(follow_load::read(arguments)?)),
        Verb::NetnsList => {
            let format = listing::read_format(arguments);
            return Ok(Invocation::Command(Command::Namespaces(format)));
        }
        Verb::Help => {
            let word = arguments.words.pop().map(Cow::into_owned);
            return Ok(Invocation::Command(Command::Help(word)));
        }
        Verb::Version => return Ok(Invocation::Command(Command::Version)),
    };
    Ok(Invocation::Command(Command::Change(change)))
}

/// Returns the verb that makes a change.
pub(crate) fn verb(change: &Change) -> Verb {
    match change {
        Change::AddService(_) => Verb::AddService,
        Change::SetService(_) => Verb::EditService,
        Change::DeleteService(_) => Verb::DeleteService,
        Change::AddDestination(..) => Verb::AddServer,
        Change::SetDestination(..) => Verb::EditServer,
        Change::DeleteDestination(..) => Verb::DeleteServer,
        Change::Zero(_) => Verb::Zero,
        Change::Flush => Verb::Clear,
        Change::SetTimeouts(_) => Verb::SetTimeouts,
        Change::StartDaemon(_) => Verb::StartDaemon,
        Change::StopDaemon(_) => Verb::StopDaemon,
    }
}

/// Returns the name in a change that no command line can give: it is not printable, or reads as something else.
pub(crate) fn unreadable_name(change: &Change) -> Option<Vec<u8>> {
    let names = match change {
        Change::AddService(service) | Change::SetService(service) => {
            [Some(service.scheduler.as_bytes()), service.engine.as_ref().map(|engine| engine.as_bytes())]
        }
        Change::StartDaemon(daemon) => [Some(daemon.interface.as_bytes()), None],
        _ => return None,
    };
    let is_readable = |name: &[u8]| {
        let name = std::str::from_utf8(name);
        name.is_ok_and(|name| is_printable(name) && is_word(name) && name != "--")
    };
    names.into_iter().flatten().find(|name| !is_readable(name)).map(<[u8]>::to_vec)
}

/// Appends the command line that makes a change, without the program's name.
pub(crate) fn write(output: &mut Output, change: &Change) {
    let mut line = Line::start(output, verb(change));
    match change {
        Change::AddService(service) | Change::SetService(service) => service::write(&mut line, service),
        Change::DeleteService(id) | Change::Zero(Some(id)) => service::write_id(&mut line, id),
        Change::AddDestination(service, server) | Change::SetDestination(service, server) => {
            service::write_id(&mut line, service);
            server::write(&mut line, service, server);
        }
        Change::DeleteDestination(service, server) => {
            service::write_id(&mut line, service);
            server::write_id(&mut line, service, *server);
        }
        Change::Zero(None) | Change::Flush => {}
        Change::SetTimeouts(timeouts) => timeouts::write(&mut line, *timeouts),
        Change::StartDaemon(daemon) => daemon::write(&mut line, daemon),
        Change::StopDaemon(state) => line.word(state),
    }
}
