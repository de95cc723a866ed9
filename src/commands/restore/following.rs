//! Weights that follow the load, in a table that is replaced: a file with the same configured weights as before changes
//! nothing, and any other weight in it is the new configured one.

use ipvs_netlink::reconcile::Desired;
use ipvs_netlink::{DestinationId, ServiceId, Table};

use crate::commands::notes::Notes;
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
    pub(super) fn find(notes: &Notes, desired: &Desired<usize>, options: Replace) -> Self {
        let mut ended = Vec::new();
        for note in notes.loads() {
            let (service, server) = (note.service, note.server);
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
