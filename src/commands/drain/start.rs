//! `--drain`.

use std::time::{Duration, SystemTime};

use ipvs_netlink::DestinationId;

use super::{Found, apply, find, fitting, name, servers_of, with_weight};
use crate::cli::Verb;
use crate::commands::interruption::Interruption;
use crate::commands::lock::Lock;
use crate::commands::notes::{DrainNote, Notes};
use crate::commands::session::Session;
use crate::commands::waiting::{
    Outcome, TEMPLATE_SETTING, Target, Waited, templates_expire, wait_for_connections,
};
use crate::failure::{self, Failure, MAX_SHOWN};
use crate::grammar::Drain;

/// Gives a server the weight 0 in its services, and waits for its connections if so asked.
pub(crate) fn run(session: &mut Session, drain: &Drain) -> Result<(), Failure> {
    session.kernel()?;
    let lock = Lock::acquire(drain.servers.lock_wait)?;
    // From here on nothing is left half done.
    let mut interruption = Interruption::hold();
    let found = find(session.kernel()?, &drain.servers)?;
    let found = fitting(&drain.servers, found)?;
    set_to_zero(session, &found, drain.reason.as_ref())?;
    drop(lock);
    say_of_templates(&found);
    say_of_last_servers(session, &found)?;
    let targets: Vec<Target> = found.iter().map(|(service, state)| (*service, state.id())).collect();
    match drain.wait {
        None => Ok(()),
        Some(limit) => wait(session, &mut interruption, &targets, limit),
    }
}

/// Notes the weights and sets them to 0. Fails if that was not possible for all servers.
fn set_to_zero(session: &mut Session, found: &[Found], reason: Option<&String>) -> Result<(), Failure> {
    let mut notes = Notes::read_for_change()?;
    note_weights(&mut notes, found, reason);
    if let Err(error) = notes.write() {
        let undrain = Verb::Undrain.name();
        failure::note(&format!("cannot note the weights ({error}): {undrain} will need -w WEIGHT"));
    }
    let (heavy, idle): (Vec<&Found>, Vec<&Found>) =
        found.iter().partition(|(_, state)| state.settings.weight > 0);
    let changes: Vec<_> = heavy.iter().map(|&server| with_weight(server, 0)).collect();
    let outcomes = apply(session.kernel()?, &changes)?;
    let mut refused = Vec::new();
    for (&server, outcome) in heavy.iter().zip(outcomes) {
        let (service, state) = server;
        if let Some(sentence) = outcome {
            notes.remove_drain(*service, state.id());
            refused.push(sentence);
        } else {
            let before = state.settings.weight;
            let of = match notes.drain(*service, state.id()).map(|note| note.weight) {
                Some(configured) if configured != before => format!(" of {configured}"),
                _ => String::new(),
            };
            session.output.push(format!("{}: weight 0, was {before}{of}\n", name(server)));
        }
    }
    for server in idle {
        let line = match notes.drain(server.0, server.1.id()) {
            Some(note) => format!("{}: drained already, weight {} before\n", name(server), note.weight),
            None => format!(
                "{}: weight 0 already, and no note of another: {} will need -w WEIGHT\n",
                name(server),
                Verb::Undrain.name()
            ),
        };
        session.output.push(line);
    }
    // The load has no say in a weight of 0 that somebody wants.
    let mut is_stale = !refused.is_empty();
    for (service, state) in found {
        let (service, server) = (*service, state.id());
        if notes.drain(service, server).is_some() && notes.load(service, server).is_some() {
            notes.remove_load(service, server);
            is_stale = true;
        }
    }
    if is_stale {
        // A note too many is found to be stale.
        let _ = notes.write();
    }
    if refused.is_empty() {
        return Ok(());
    }
    let all = refused.len() == found.len();
    let sentence = if all { "nothing was drained" } else { "the others were drained" };
    Err(Failure::Drain { lines: refused, sentence: sentence.into(), status: 1 })
}

/// Notes the configured weights of the servers. A weight of 0 is none to come back to.
fn note_weights(notes: &mut Notes, found: &[Found], reason: Option<&String>) {
    for (service, state) in found {
        let (service, server): (_, DestinationId) = (*service, state.id());
        let configured = notes.configured(service, server, state.settings.weight);
        let note = match (configured, notes.drain(service, server)) {
            (0, Some(note)) => DrainNote { reason: reason.or(note.reason.as_ref()).cloned(), ..note.clone() },
            (0, None) => continue,
            (weight, _) => {
                DrainNote { service, server, weight, since: SystemTime::now(), reason: reason.cloned() }
            }
        };
        notes.set_drain(note);
    }
}

/// Says that clients with persistence still come, if they do.
fn say_of_templates(found: &[Found]) {
    let clients: u64 = found.iter().map(|(_, state)| u64::from(state.persistent_connections)).sum();
    if clients > 0 && !templates_expire() {
        failure::note(&format!(
            "clients that are bound to the server by persistence ({clients}) are still sent to it; \
             to send them elsewhere: sysctl -w {TEMPLATE_SETTING}=1"
        ));
    }
}

/// Says which services refuse new clients now, because no other server has a weight.
fn say_of_last_servers(session: &mut Session, found: &[Found]) -> Result<(), Failure> {
    let ipvs = session.kernel()?;
    let mut said = 0;
    for service in found.chunk_by(|(one, _), (other, _)| one == other).map(|group| group[0].0) {
        let servers = servers_of(ipvs, service)?;
        let is_last = !servers.is_empty() && servers.iter().all(|state| state.settings.weight == 0);
        if is_last && said < MAX_SHOWN {
            failure::note(&format!("service {service}: no server is left for new clients, who are refused"));
            said += 1;
        }
    }
    Ok(())
}

fn wait(
    session: &mut Session,
    interruption: &mut Interruption,
    targets: &[Target],
    limit: Duration,
) -> Result<(), Failure> {
    // People see what has been done while they wait.
    session.output.print().map_err(Failure::Output)?;
    let Waited { outcome, remaining } =
        wait_for_connections(session.kernel()?, interruption, targets, limit)?;
    let (sentence, status) = match outcome {
        Outcome::Empty => {
            session.output.push("no connections are left\n");
            return Ok(());
        }
        Outcome::TimeOver => {
            (format!("connections are left after {} s; the weights stay 0", limit.as_secs()), 1)
        }
        Outcome::WeightRaised => {
            ("another program has given a server a weight again, so that waiting makes no sense".into(), 1)
        }
        Outcome::Interrupted(signal) => {
            (format!("ended by {signal} before all connections were; the weights stay 0"), 128 + signal as u8)
        }
    };
    let lines = remaining.iter().map(ToString::to_string).collect();
    Err(Failure::Drain { lines, sentence, status })
}
