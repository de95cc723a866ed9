//! Weights that follow the load, in a table that is replaced: a file with the same configured weights as before changes
//! nothing, and any other weight in it is the new configured one.

use ipvs_netlink::reconcile::Desired;
use ipvs_netlink::{Change, Destination, DestinationId, Forwarding, ServiceId, Table};

use crate::commands::follower::Follower;
use crate::commands::notes::{LoadNote, Notes};
use crate::failure::{self, Failure};
use crate::grammar::Replace;
use crate::momentary::MomentaryWeights;

/// The notes of load that a new table ends.
#[derive(Default)]
pub(super) struct Ended {
    notes: Vec<EndedNote>,
}

struct EndedNote {
    service: ServiceId,
    server: DestinationId,
    /// The new configured weight, if the server has it already, and only by chance.
    confirmed: Option<u32>,
}

impl Ended {
    /// Returns the notes of servers that are not in the desired table or, unless their weights are kept, have other
    /// configured weights there. Services that are not in it may be kept.
    ///
    /// This has to be asked before the desired table gets momentary weights.
    pub(super) fn find(notes: &Notes, desired: &Desired<usize>, options: Replace, away: &[Away]) -> Self {
        let mut ended = Vec::new();
        for note in notes.loads() {
            let (service, server) = (note.service, note.server);
            if let Some(away) = away.iter().find(|away| away.target == (service, server)) {
                if !away.stays {
                    ended.push(EndedNote { service, server, confirmed: None });
                }
                continue;
            }
            let confirmed = match desired.destination(service, server).map(|server| server.weight) {
                Some(_) if options.keep_weights => continue,
                Some(weight) if weight == note.weight => continue,
                Some(weight) => Some(weight).filter(|&weight| note.is_in_force(weight)),
                None if options.keep_others && desired.settings(service).is_none() => continue,
                None => None,
            };
            ended.push(EndedNote { service, server, confirmed });
        }
        Self { notes: ended }
    }

    /// Returns a sentence about each server whose weight of the moment is to be its configured one, which no change of
    /// the table tells.
    pub(super) fn confirmed<'a>(&'a self, present: &'a Table) -> impl Iterator<Item = String> + 'a {
        self.notes.iter().filter_map(|note| {
            let entry = present.entries.iter().find(|entry| entry.service.id() == note.service)?;
            let server = entry.destinations.iter().find(|state| state.id() == note.server)?;
            let weight = note.confirmed.filter(|&weight| weight == server.settings.weight)?;
            let (server, service) = (note.server, note.service);
            Some(format!("server {server} of service {service}: {weight} becomes its configured weight"))
        })
    }

    /// Removes the notes. The table was replaced in any case.
    pub(super) fn remove(&self) {
        if self.notes.is_empty() {
            return;
        }
        let outcome = Notes::read().and_then(|mut notes| {
            for note in &self.notes {
                notes.remove_load(note.service, note.server);
            }
            notes.write().map_err(|error| Failure::Save("the notes of configured weights".into(), error))
        });
        if let Err(failure) = outcome {
            failure::note(&failure.to_string());
        }
    }
}

/// A server that is removed for the moment and in the desired table.
pub(super) struct Away {
    target: (ServiceId, DestinationId),
    /// It stays removed, because the desired settings are those with which it will be added again.
    stays: bool,
}

/// Finds the servers that are removed from services of the present table. They stay so only as long as somebody runs who
/// adds them again.
pub(super) fn find_away(
    notes: &Notes,
    present: &Table,
    desired: &Desired<usize>,
    options: Replace,
) -> Vec<Away> {
    let removed = notes.loads().iter().filter_map(|note| Some((note, note.removed?)));
    let mut away = removed.filter(|(note, _)| is_absent(note, present)).peekable();
    let is_followed = away.peek().is_some() && Follower::is_running().unwrap_or(false);
    away.filter_map(|(note, removed)| {
        let wanted = desired.destination(note.service, note.server)?;
        let has_service = present.entries.iter().any(|entry| entry.service.id() == note.service);
        let stays = is_followed && has_service && is_same(removed, *wanted, options.keep_weights);
        Some(Away { target: (note.service, note.server), stays })
    })
    .collect()
}

fn is_absent(note: &LoadNote, present: &Table) -> bool {
    let service = present.entries.iter().filter(|entry| entry.service.id() == note.service);
    !service.flat_map(|entry| &entry.destinations).any(|state| state.id() == note.server)
}

/// Returns whether a removed server has the desired settings. The kernel itself makes a server local.
fn is_same(removed: Destination, wanted: Destination, any_weight: bool) -> bool {
    let weight = if any_weight { removed.weight } else { wanted.weight };
    let is_local = removed.forwarding == Forwarding::Local;
    let forwarding = if is_local { removed.forwarding } else { wanted.forwarding };
    removed == wanted.with_weight(weight).with_forwarding(forwarding)
}

/// Takes servers that stay removed out of the desired table.
pub(super) fn keep_removed(desired: &mut Desired<usize>, away: &[Away]) {
    for away in away.iter().filter(|away| away.stays) {
        let (service, server) = away.target;
        // It is there, or it would not be one of them.
        let _ = desired.follow(&Change::DeleteDestination(service, server), 0);
    }
}

/// Gives servers the weights that they have because of their load, if the desired weights are the configured ones.
pub(super) fn keep_momentary(desired: &mut Desired<usize>, mut present: Table, momentary: &MomentaryWeights) {
    for entry in &mut present.entries {
        let service = entry.service.id();
        entry.destinations.retain(|state| {
            let configured = momentary.get(service, &state.settings).map(|momentary| momentary.configured);
            let wanted = desired.destination(service, state.id()).map(|server| server.weight);
            configured.is_some() && configured == wanted
        });
    }
    desired.keep_weights(&present);
}
