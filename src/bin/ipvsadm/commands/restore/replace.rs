//! `-R --replace`: the table becomes what the input says, by the smallest change, or stays as it is.

use std::collections::HashMap;

use ipvs::reconcile::{self, ApplyError, Others, Snapshot, Wanted, WantedService};
use ipvs::{Change, Destination, DestinationId, Error, Ipvs, Service, ServiceId};
use nix::sys::signal::{SigSet, Signal};

use super::input::Input;
use crate::args::{Command, Replace, Verb};
use crate::error::{Failure, Mistakes, RefusedLine, Usage};
use crate::output::{self, Text};

/// The table that the commands make of an empty one.
pub fn wanted(input: &mut Input, options: Replace) -> Result<Wanted, Failure> {
    if input.commands.is_empty() && !options.allow_empty {
        return Err(Failure::EmptyInput(input.name.clone()));
    }
    let mut draft = Draft::default();
    let mut mistakes = Mistakes::default();
    // They are not needed any more, and may be many.
    for (line, command) in std::mem::take(&mut input.commands) {
        if let Err(mistake) = draft.follow(line, &command) {
            mistakes.add(line, || input.line(line), mistake);
        }
    }
    input.check(mistakes)?;
    Ok(draft.finish())
}

/// Replaces the table, or only says how.
pub fn run(
    ipvs: &mut Ipvs,
    input: &Input,
    wanted: &Wanted,
    options: Replace,
    text: &mut Text,
) -> Result<(), Failure> {
    ipvs.read_stats(false);
    let before = Snapshot::take(ipvs)?;
    let others = if options.keep_others { Others::Keep } else { Others::Delete };
    let plan = reconcile::plan(&before, wanted, others);
    if options.dry_run {
        for step in &plan.steps {
            text.push(format!("ipvsadm {}\n", output::command(&step.change)));
        }
        text.push(format!("# {}\n", plan.summary));
        return Ok(());
    }
    let outcome = without_signals(|| reconcile::apply(ipvs, &plan, &before));
    match outcome {
        Ok(()) => Ok(()),
        Err(ApplyError::Undone(refused)) => {
            let line = |(step, refused): (usize, _)| RefusedLine {
                number: plan.steps[step].origin,
                error: Error::from(refused).into(),
            };
            Err(Failure::NothingChanged(input.name.clone(), refused.into_iter().map(line).collect()))
        }
        Err(error) => Err(error.into()),
    }
}

/// Puts off signals that would end the program half-way until the work is done.
fn without_signals<T>(work: impl FnOnce() -> T) -> T {
    let signals: SigSet =
        [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT].into_iter().collect();
    // Where signals cannot be put off the work is done all the same.
    let before = signals.thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_BLOCK);
    let result = work();
    if let Ok(before) = before {
        let _ = before.thread_set_mask();
    }
    result
}

/// A table in the making. The order of lines is kept, and finding something takes no time.
#[derive(Default)]
struct Draft {
    services: Vec<Option<DraftService>>,
    /// Where services are.
    places: HashMap<ServiceId, usize>,
    /// Where servers are in their service, which is named by its place.
    server_places: HashMap<(usize, DestinationId), usize>,
    wanted: Wanted,
}

struct DraftService {
    service: Service,
    line: usize,
    servers: Vec<DraftServer>,
}

/// A server and its line, as long as it is not deleted.
type DraftServer = Option<(Destination, usize)>;

impl Draft {
    fn follow(&mut self, line: usize, command: &Command) -> Result<(), Usage> {
        match command {
            Command::Change(change) => self.change(line, change),
            Command::Save { .. } => Err(Usage::NotForReplace(Verb::Save)),
            _ => Err(Usage::NotForReplace(Verb::List)),
        }
    }

    fn change(&mut self, line: usize, change: &Change) -> Result<(), Usage> {
        match *change {
            Change::AddService(service) => {
                let id = service.id();
                if let Some(there) = self.places.get(&id).and_then(|&place| self.services[place].as_ref()) {
                    return Err(Usage::DefinedTwice { what: format!("service {id}"), line: there.line });
                }
                self.places.insert(id, self.services.len());
                self.services.push(Some(DraftService { service, line, servers: Vec::new() }));
            }
            Change::SetService(service) => {
                let (_, there) = self.service(service.id())?;
                (there.service, there.line) = (service, line);
            }
            Change::DeleteService(id) => {
                let (place, _) = self.service(id)?;
                self.services[place] = None;
                self.places.remove(&id);
            }
            Change::AddDestination(id, server) => {
                let (place, _) = self.service(id)?;
                if let Some(Some((_, line))) = self.find_server(place, server.id) {
                    let what = format!("server {} of service {id}", server.id);
                    return Err(Usage::DefinedTwice { what, line: *line });
                }
                let (_, service) = self.service(id)?;
                service.servers.push(Some((server, line)));
                let last = service.servers.len() - 1;
                self.server_places.insert((place, server.id), last);
            }
            Change::SetDestination(id, server) => {
                let (_, there) = self.server(id, server.id)?;
                *there = Some((server, line));
            }
            Change::DeleteDestination(id, server) => {
                let (service, there) = self.server(id, server)?;
                *there = None;
                self.server_places.remove(&(service, server));
            }
            Change::Flush => {
                self.services.clear();
                self.places.clear();
                self.server_places.clear();
            }
            Change::SetTimeouts(timeouts) => {
                let (mut all, _) = self.wanted.timeouts.unwrap_or_default();
                for (all, timeout) in [
                    (&mut all.tcp, timeouts.tcp),
                    (&mut all.tcp_fin, timeouts.tcp_fin),
                    (&mut all.udp, timeouts.udp),
                ] {
                    if timeout != 0 {
                        *all = timeout;
                    }
                }
                self.wanted.timeouts = Some((all, line));
            }
            Change::StartDaemon(daemon) => {
                let daemons = &mut self.wanted.daemons;
                if let Some((_, line)) = daemons.iter().find(|(there, _)| there.state == daemon.state) {
                    let what = format!("the {} sync daemon", daemon.state);
                    return Err(Usage::DefinedTwice { what, line: *line });
                }
                daemons.push((daemon, line));
            }
            Change::StopDaemon(_) => return Err(Usage::NotForReplace(Verb::StopDaemon)),
            Change::Zero(_) => return Err(Usage::NotForReplace(Verb::Zero)),
        }
        Ok(())
    }

    /// A service and its place.
    fn service(&mut self, id: ServiceId) -> Result<(usize, &mut DraftService), Usage> {
        let place = self.places.get(&id).copied();
        place
            .and_then(|place| Some((place, self.services[place].as_mut()?)))
            .ok_or_else(|| Usage::NotDefined(format!("service {id}")))
    }

    /// A server, and the place of its service.
    fn server(&mut self, id: ServiceId, server: DestinationId) -> Result<(usize, &mut DraftServer), Usage> {
        let (service, _) = self.service(id)?;
        self.find_server(service, server)
            .map(|there| (service, there))
            .ok_or_else(|| Usage::NotDefined(format!("server {server} of service {id}")))
    }

    fn find_server(&mut self, service: usize, server: DestinationId) -> Option<&mut DraftServer> {
        let place = *self.server_places.get(&(service, server))?;
        Some(&mut self.services[service].as_mut()?.servers[place])
    }

    fn finish(mut self) -> Wanted {
        self.wanted.services = self
            .services
            .into_iter()
            .flatten()
            .map(|service| WantedService {
                service: service.service,
                origin: service.line,
                destinations: service.servers.into_iter().flatten().collect(),
            })
            .collect();
        self.wanted
    }
}
