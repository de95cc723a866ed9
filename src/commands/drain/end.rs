//! `--undrain`, and other ways in which a drain ends.

use ipvs_netlink::{Change, DestinationState, Ipvs};

use super::{Found, apply, find, fitting, name, with_weight};
use crate::cli::Opt;
use crate::commands::lock::Lock;
use crate::commands::notes::{DrainNote, LoadNote, Notes};
use crate::commands::session::Session;
use crate::commands::signals::without_signals;
use crate::failure::{self, Failure};
use crate::grammar::Undrain;

/// Gives a server the weights back that it had before it was drained, or another one.
pub(crate) fn run(session: &mut Session, undrain: &Undrain) -> Result<(), Failure> {
    session.kernel()?;
    let _lock = Lock::acquire(undrain.servers.lock_wait)?;
    without_signals(|| end(session, undrain))
}

fn end(session: &mut Session, undrain: &Undrain) -> Result<(), Failure> {
    let mut notes = match Notes::read_for_change() {
        Ok(notes) => Some(notes),
        // Whoever names the weight needs no note.
        Err(failure) if undrain.weight.is_some() => {
            failure::note(&failure.to_string());
            None
        }
        Err(failure) => return Err(failure),
    };
    let found = find(session.kernel()?, &undrain.servers)?;
    let gone = notes.as_mut().map_or(Vec::new(), |notes| remove_gone(notes, undrain, &found));
    let found = match fitting(&undrain.servers, found) {
        Ok(found) => found,
        Err(_) if !gone.is_empty() => Vec::new(),
        Err(mistake) => return Err(mistake.into()),
    };
    let mut failed = set_weights(session, undrain.weight, &found, notes.as_mut())?;
    if let Some(Err(error)) = notes.map(|notes| notes.write()) {
        failure::note(&format!("cannot remove notes that are no longer needed: {error}"));
    }
    let gone =
        gone.iter().map(|note| format!("{}: it is gone; the note of its weight is removed", note_name(note)));
    if failed.is_empty() && !found.is_empty() {
        gone.for_each(|sentence| failure::note(&sentence));
        return Ok(());
    }
    let all = failed.len() == found.len();
    let sentence = if all { "nothing was changed" } else { "the others are not drained any more" };
    failed.extend(gone);
    Err(Failure::Drain { lines: failed, sentence: sentence.into(), status: 1 })
}

/// Gives servers of weight 0 another one, removes the notes that are not needed any more, and returns a sentence about
/// each server for which that was not possible.
fn set_weights(
    session: &mut Session,
    weight: Option<u32>,
    found: &[Found],
    mut notes: Option<&mut Notes>,
) -> Result<Vec<String>, Failure> {
    let (mut failed, mut planned, mut done) = (Vec::new(), Vec::new(), Vec::new());
    for server in found {
        let (service, DestinationState { settings, .. }) = server;
        let note = notes.as_ref().and_then(|notes| notes.drain(*service, settings.id));
        if settings.weight > 0 {
            let removed = if note.is_some() { "; the note of its weight before is removed" } else { "" };
            session.output.push(format!(
                "{}: not drained, weight {}{removed}\n",
                name(server),
                settings.weight
            ));
            done.push(server);
        } else if let Some(weight) = weight.or(note.map(|note| note.weight)) {
            planned.push((server, weight));
        } else if let Some(note) = load_note(notes.as_deref(), server) {
            let (agent, option) = (note.reason.as_deref().unwrap_or("no answer"), Opt::Weight.name());
            let (name, weight) = (name(server), note.weight);
            failed.push(format!(
                "{name}: its agent gives it weight 0 ({agent}) in place of {weight}; to overrule it: {option} WEIGHT"
            ));
        } else {
            let why = "there is no note of its weight before: name it with";
            failed.push(format!("{}: {why} {} WEIGHT", name(server), Opt::Weight.name()));
        }
    }
    let changes: Vec<_> = planned.iter().map(|&(server, weight)| with_weight(server, weight)).collect();
    let outcomes = apply(session.kernel()?, &changes)?;
    for ((server, weight), outcome) in planned.into_iter().zip(outcomes) {
        if let Some(sentence) = outcome {
            failed.push(sentence);
        } else {
            session.output.push(format!("{}: weight {weight}\n", name(server)));
            // It is the configured one, even if the load has given the server the same before.
            let (service, state) = server;
            notes.iter_mut().for_each(|notes| notes.remove_load(*service, state.id()));
            done.push(server);
        }
    }
    for (service, state) in done {
        notes.iter_mut().for_each(|notes| notes.remove_drain(*service, state.id()));
    }
    Ok(failed)
}

/// Returns the note of a server that has the weight 0 because of its load.
fn load_note<'a>(notes: Option<&'a Notes>, (service, state): &Found) -> Option<&'a LoadNote> {
    notes?.load(*service, state.id()).filter(|note| note.is_in_force(0))
}

/// Removes the notes on servers that the command line names and the kernel does not have any more.
fn remove_gone(notes: &mut Notes, undrain: &Undrain, found: &[Found]) -> Vec<DrainNote> {
    let is_meant = |note: &&DrainNote| {
        undrain.servers.name.fits(note.server)
            && (undrain.servers.services.is_empty() || undrain.servers.services.contains(&note.service))
    };
    let is_gone =
        |note: &&DrainNote| !found.iter().any(|(id, state)| (*id, state.id()) == (note.service, note.server));
    let gone: Vec<DrainNote> = notes.drains().iter().filter(is_meant).filter(is_gone).cloned().collect();
    for note in &gone {
        notes.remove_drain(note.service, note.server);
    }
    gone
}

/// Removes the notes on drains that a new table has ended, and says which. The work was done in any case.
pub(in crate::commands) fn forget_ended(ipvs: &mut Ipvs) {
    if !Notes::exist() {
        return;
    }
    if let Err(failure) = try_to_forget_ended(ipvs) {
        failure::note(&failure.to_string());
    }
}

fn try_to_forget_ended(ipvs: &mut Ipvs) -> Result<(), Failure> {
    let mut notes = Notes::read()?;
    let noted = notes.drains().to_vec();
    if noted.is_empty() {
        return Ok(());
    }
    ipvs.set_include_stats(false);
    let entries = ipvs.table()?.entries;
    let weight = |note: &DrainNote| {
        let entry = entries.iter().find(|entry| entry.service.id() == note.service)?;
        let server = entry.destinations.iter().find(|state| state.id() == note.server)?;
        Some(server.settings.weight)
    };
    let ended = noted.iter().filter_map(|note| match weight(note) {
        Some(0) => None,
        weight => Some((note, weight)),
    });
    let ended: Vec<_> = ended.collect();
    for (note, weight) in &ended {
        notes.remove_drain(note.service, note.server);
        say_ended(note, *weight);
    }
    if !ended.is_empty() {
        notes.write().map_err(|error| Failure::Save("the notes of drained servers".into(), error))?;
    }
    Ok(())
}

/// Names the drained servers to which changes give a weight, or which they delete.
pub(in crate::commands) fn ended_by<'a>(changes: impl Iterator<Item = &'a Change> + Clone) -> Vec<String> {
    // Whoever only looks is told what can be known.
    let Ok(notes) = Notes::read() else { return Vec::new() };
    let ends = |note: &&DrainNote| {
        changes.clone().any(|change| match change {
            Change::SetDestination(service, server) => {
                (*service, server.id) == (note.service, note.server) && server.weight > 0
            }
            Change::DeleteDestination(service, server) => (*service, *server) == (note.service, note.server),
            Change::DeleteService(service) => *service == note.service,
            _ => false,
        })
    };
    notes.drains().iter().filter(ends).map(note_name).collect()
}

/// Says that a drain is over: the server has a weight, or is gone.
fn say_ended(note: &DrainNote, weight: Option<u32>) {
    let reason = note.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let state = weight.map_or("it is gone".into(), |weight| format!("its weight is {weight}"));
    failure::note(&format!("{} is not drained any more{reason}: {state}", note_name(note)));
}

fn note_name(note: &DrainNote) -> String {
    format!("server {} of service {}", note.server, note.service)
}
