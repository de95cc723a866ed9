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
pub fn wanted(input: &Input, options: Replace) -> Result<Wanted, Failure> {
    if input.commands.is_empty() && !options.allow_empty {
        return Err(Failure::EmptyInput(input.name.clone()));
    }
    let mut draft = Draft::default();
    let mut mistakes = Mistakes::default();
    for (line, command) in &input.commands {
        if let Err(mistake) = draft.follow(*line, command) {
            mistakes.add(*line, || input.line(*line), mistake);
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
    places: HashMap<ServiceId, usize>,
    wanted: Wanted,
}

struct DraftService {
    service: Service,
    line: usize,
    servers: Vec<Option<(Destination, usize)>>,
    places: HashMap<DestinationId, usize>,
}

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
                if let Some(there) = self.find(id) {
                    return Err(Usage::DefinedTwice { what: format!("service {id}"), line: there.line });
                }
                self.places.insert(id, self.services.len());
                let places = HashMap::new();
                self.services.push(Some(DraftService { service, line, servers: Vec::new(), places }));
            }
            Change::SetService(service) => {
                let there = self.service(service.id())?;
                (there.service, there.line) = (service, line);
            }
            Change::DeleteService(id) => {
                self.service(id)?;
                if let Some(place) = self.places.remove(&id) {
                    self.services[place] = None;
                }
            }
            Change::AddDestination(id, server) => {
                let service = self.service(id)?;
                if let Some((_, line)) = service.find(server.id) {
                    let what = format!("server {} of service {id}", server.id);
                    return Err(Usage::DefinedTwice { what, line: *line });
                }
                service.places.insert(server.id, service.servers.len());
                service.servers.push(Some((server, line)));
            }
            Change::SetDestination(id, server) => {
                *self.service(id)?.server(id, server.id)? = (server, line);
            }
            Change::DeleteDestination(id, server) => {
                let service = self.service(id)?;
                service.server(id, server)?;
                if let Some(place) = service.places.remove(&server) {
                    service.servers[place] = None;
                }
            }
            Change::Flush => {
                self.services.clear();
                self.places.clear();
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

    fn find(&mut self, id: ServiceId) -> Option<&mut DraftService> {
        self.services[*self.places.get(&id)?].as_mut()
    }

    fn service(&mut self, id: ServiceId) -> Result<&mut DraftService, Usage> {
        self.find(id).ok_or_else(|| Usage::NotDefined(format!("service {id}")))
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

impl DraftService {
    fn find(&mut self, server: DestinationId) -> Option<&mut (Destination, usize)> {
        self.servers[*self.places.get(&server)?].as_mut()
    }

    fn server(&mut self, id: ServiceId, server: DestinationId) -> Result<&mut (Destination, usize), Usage> {
        self.find(server).ok_or_else(|| Usage::NotDefined(format!("server {server} of service {id}")))
    }
}
