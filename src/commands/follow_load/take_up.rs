//! The start: what the table is, and what an earlier run has left behind.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{Following, LOCK_PAUSE, LOCK_WAIT, Message, table};
use crate::commands::lock::Lock;
use crate::commands::notes::{LoadNote, Notes};
use crate::failure::Failure;
use crate::load::{Kind, Target, WeightChange};

impl Following<'_> {
    /// Reads the table for the first time. Weights that an earlier run has left behind are taken up or, of services that
    /// are not followed any more, put back. Returns the name of a signal that came before.
    pub(super) async fn take_up(&mut self) -> Result<Option<&'static str>, Failure> {
        self.ipvs.set_include_stats(false);
        let deadline = Instant::now() + LOCK_WAIT;
        let lock = loop {
            match Lock::acquire(Duration::ZERO) {
                Err(Failure::Locked { .. }) if Instant::now() < deadline => {
                    let message = timeout(LOCK_PAUSE, self.receiver.recv()).await;
                    if let Ok(Some(Message::Signal(name))) = message {
                        return Ok(Some(name));
                    }
                }
                Err(Failure::Locked { holder, .. }) => {
                    return Err(Failure::Locked { seconds: LOCK_WAIT.as_secs(), holder });
                }
                lock => break lock?,
            }
        };
        self.replacements = lock.replacements();
        let mut notes = Notes::read_for_change()?;
        let table = match table::read(&self.ipvs, &self.options.services).await? {
            Some(table) => table,
            // A service that is missing because others keep changing the table has just come.
            None => table::read_at_once(&self.ipvs).await?,
        };
        let configured = |(service, server): Target, present| notes.configured(service, server, present);
        self.load.read_all(table, configured);
        let noted: Vec<LoadNote> = notes.loads().to_vec();
        for note in noted.iter().filter(|note| note.removed.is_some()) {
            self.take_up_removed(note, &mut notes);
        }
        let followed: HashSet<Target> = self.load.targets().collect();
        let others: Vec<LoadNote> = notes
            .loads()
            .iter()
            .filter(|note| !followed.contains(&(note.service, note.server)))
            .cloned()
            .collect();
        let (mut changes, mut settings) = (Vec::new(), HashMap::new());
        for note in &others {
            let Some(servers) = table::read_servers(&self.ipvs, note.service).await? else { continue };
            let target = (note.service, note.server);
            let present = servers.iter().find(|state| state.id() == note.server).map(|state| state.settings);
            let (kind, from) = match (present, note.removed) {
                (Some(server), _) => {
                    settings.insert(target, server);
                    (Kind::Set, server.weight)
                }
                (None, Some(removed)) => (Kind::Add(removed), 0),
                (None, None) => continue,
            };
            let is_needed = match kind {
                Kind::Set => notes.configured(note.service, note.server, from) != from,
                Kind::Remove | Kind::Add(_) => true,
            };
            if is_needed {
                let (configured, why) = (note.weight, "it is not followed any more".into());
                changes.push(WeightChange { target, kind, configured, from, to: configured, why });
            }
        }
        self.make(&mut notes, changes, &settings).await?;
        for note in others {
            notes.remove_load(note.service, note.server);
        }
        self.write(&notes).map(|_| None)
    }

    /// Takes a note of a removed server up. If the server is there it was not removed, or somebody has added it.
    fn take_up_removed(&mut self, note: &LoadNote, notes: &mut Notes) {
        let (service, server) = (note.service, note.server);
        if self.load.targets().any(|target| target == (service, server)) {
            notes.set_load(LoadNote { removed: None, ..note.clone() });
        } else if let Some(settings) = note.removed {
            self.load.take_up_removed(service, settings);
        }
    }
}
