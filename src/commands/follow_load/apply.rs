//! Changing weights, and the notes of those that were configured.
//!
//! The note is on the disk before the weight changes, and has the weight before as well as the new one. So whatever is
//! the last thing that a killed program has done, the next one knows the configured weight.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use ipvs_netlink::{Change, Destination, Error, ServiceId};
use tokio::time::Instant;

use super::{Following, LOCK_PAUSE, LOCK_WAIT, table};
use crate::commands::lock::Lock;
use crate::commands::notes::{LoadNote, Notes};
use crate::failure::Failure;
use crate::load::{Kind, Target, WeightChange};

impl Following<'_> {
    /// Changes the weights that have to change, unless another instance works now.
    pub(super) async fn change_weights(&mut self) -> Result<(), Failure> {
        let (changes, events) = self.load.changes(&self.options.rules);
        self.tell(&events)?;
        if changes.is_empty() && !self.load.has_strange() {
            return Ok(());
        }
        let lock = match Lock::acquire(Duration::ZERO) {
            Err(Failure::Locked { .. }) => {
                self.due = Some(Instant::now() + LOCK_PAUSE);
                return Ok(());
            }
            lock => lock?,
        };
        let mut notes = match Notes::read_for_change() {
            Ok(notes) => notes,
            Err(failure) => return self.report.trouble("notes", &failure.to_string()),
        };
        self.respect(&mut notes, &lock, &changes);
        let settings = match self.read_again(&changes).await {
            Ok(settings) => settings,
            Err(error) => return self.report_unless_closed(error),
        };
        let (changes, events) = self.load.changes(&self.options.rules);
        self.events.extend(events);
        for (service, server) in self.load.take_strange() {
            notes.remove_load(service, server);
        }
        self.make(&mut notes, changes, &settings).await
    }

    /// Puts the weights back that were configured.
    pub(super) async fn end(&mut self, signal: Option<&str>) -> Result<(), Failure> {
        self.systemd.stopping();
        if self.load.put_back().is_empty() && !self.load.has_strange() {
            return self.tell_end(signal, 0);
        }
        let lock = Lock::acquire(LOCK_WAIT)?;
        // What is in notes that cannot be used is not known, but the configured weights are.
        let (mut notes, unusable) = match Notes::read_for_change() {
            Ok(mut notes) => {
                self.respect(&mut notes, &lock, &self.load.put_back());
                (notes, None)
            }
            Err(failure) => (Notes::empty(), Some(failure)),
        };
        let settings = self.read_again(&self.load.put_back()).await?;
        let changes = self.load.put_back();
        for (service, server) in self.load.take_strange() {
            notes.remove_load(service, server);
        }
        let count = changes.len();
        self.make(&mut notes, changes, &settings).await?;
        self.tell_end(signal, count)?;
        unusable.map_or(Ok(()), Err)
    }

    fn tell_end(&mut self, signal: Option<&str>, count: usize) -> Result<(), Failure> {
        let signal = signal.map_or(String::new(), |signal| format!(" by {signal}"));
        self.report.say("end", &format!("ended{signal}; weights that were put back: {count}"))
    }

    /// Takes in what others have made of the notes without a change of weights that shows it.
    fn respect(&mut self, notes: &mut Notes, lock: &Lock, changes: &[WeightChange]) {
        let is_zero = |change: &&WeightChange| change.from == 0 && !matches!(change.kind, Kind::Add(_));
        for target in changes.iter().filter(is_zero).map(|change| change.target) {
            // The weight was 0 already when somebody drained it.
            if notes.drain(target.0, target.1).is_some() {
                self.load.leave_drained(target);
                notes.remove_load(target.0, target.1);
            }
        }
        if lock.replacements() != self.replacements {
            self.replacements = lock.replacements();
            // The new table has the very weights of the moment as the configured ones.
            self.load.confirm(|(service, server)| notes.load(service, server).is_none());
        }
    }

    /// Reads the services again in which something is to be changed, because others may have changed them, and returns the
    /// settings of their servers.
    async fn read_again(&mut self, changes: &[WeightChange]) -> Result<HashMap<Target, Destination>, Error> {
        let services: HashSet<ServiceId> = changes.iter().map(|change| change.target.0).collect();
        let mut settings = HashMap::new();
        for service in services {
            let Some(servers) = table::read_servers(&self.ipvs, service).await? else {
                self.load.forget_service(service);
                continue;
            };
            settings.extend(servers.iter().map(|state| ((service, state.id()), state.settings)));
            let present = servers.iter().map(table::present).collect();
            self.events.extend(self.load.read(service, present, |_, present| present));
        }
        Ok(settings)
    }

    /// Makes changes with their notes, and says so.
    pub(super) async fn make(
        &mut self,
        notes: &mut Notes,
        changes: Vec<WeightChange>,
        settings: &HashMap<Target, Destination>,
    ) -> Result<(), Failure> {
        // A server that has gone meanwhile has no settings.
        let mut planned: Vec<(WeightChange, Destination)> = changes
            .into_iter()
            .filter_map(|change| {
                let settings = match change.kind {
                    Kind::Add(removed) => removed,
                    Kind::Set | Kind::Remove => *settings.get(&change.target)?,
                };
                Some((change, settings))
            })
            .collect();
        for (change, settings) in &planned {
            let (service, server) = change.target;
            if change.from > 0 || matches!(change.kind, Kind::Add(_)) {
                // Somebody has ended the drain, by another way than the one that removes its note.
                notes.remove_drain(service, server);
            }
            if change.to != change.configured {
                notes.set_load(note(change, settings));
            }
        }
        if !self.write(notes)? {
            // Without its note a weight would be taken for the configured one after a kill, and a server would be lost.
            planned.retain(|(change, _)| change.to == change.configured);
        }
        let requests: Vec<Change> =
            planned.iter().map(|(change, settings)| request(change, settings)).collect();
        let refused = self.ipvs.apply(&requests).await?;
        let refused: HashMap<usize, String> = refused
            .into_iter()
            .map(|change| (change.index, Failure::from(Error::from(change.refused)).to_string()))
            .collect();
        let mut has_idle_notes = false;
        for (index, (change, settings)) in planned.iter().enumerate() {
            if refused.contains_key(&index) {
                continue;
            }
            self.load.made(change, settings);
            if change.to == change.configured {
                notes.remove_load(change.target.0, change.target.1);
                has_idle_notes = true;
            } else if matches!(change.kind, Kind::Add(_)) {
                notes.set_load(LoadNote { removed: None, ..note(change, settings) });
                has_idle_notes = true;
            }
        }
        if has_idle_notes {
            self.write(notes)?;
        }
        for (index, (change, _)) in planned.iter().enumerate() {
            match refused.get(&index) {
                None => self.report.weight(change)?,
                Some(why) => self.report.refused(change, why)?,
            }
        }
        let events = std::mem::take(&mut self.events);
        self.tell(&events)
    }

    /// Writes the notes, and returns whether that was possible.
    pub(super) fn write(&mut self, notes: &Notes) -> Result<bool, Failure> {
        match notes.write() {
            Ok(()) => {
                self.report.no_trouble("notes");
                Ok(true)
            }
            Err(error) => {
                let sentence =
                    format!("cannot note the configured weights, so the present ones stay: {error}");
                self.report.trouble("notes", &sentence)?;
                Ok(false)
            }
        }
    }
}

/// Returns the note of a change of a server with these settings, as it has to be before the change. A server that is
/// added again is a removed one until then.
fn note(change: &WeightChange, settings: &Destination) -> LoadNote {
    let (service, server) = change.target;
    let (before, removed) = match change.kind {
        Kind::Set => (Some(change.from), None),
        Kind::Remove => (Some(change.from), Some(settings.with_weight(change.configured))),
        Kind::Add(removed) => (None, Some(removed)),
    };
    LoadNote {
        service,
        server,
        weight: change.configured,
        set: change.to,
        before,
        since: SystemTime::now(),
        reason: Some(change.why.clone()),
        removed,
    }
}

fn request(change: &WeightChange, settings: &Destination) -> Change {
    let (service, server) = change.target;
    match change.kind {
        Kind::Set => Change::SetDestination(service, settings.with_weight(change.to)),
        Kind::Remove => Change::DeleteDestination(service, server),
        Kind::Add(_) => Change::AddDestination(service, settings.with_weight(change.to)),
    }
}
