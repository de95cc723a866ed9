//! Changing weights, and the notes of those that were configured.
//!
//! The note is on the disk before the weight changes, and has the weight before as well as the new one. So whatever is
//! the last thing that a killed program has done, the next one knows the configured weight.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use ipvs_netlink::{Change, Destination, Error, ServiceId};
use tokio::time::Instant;

use super::{Following, table};
use crate::commands::lock::Lock;
use crate::commands::notes::{LoadNote, Notes};
use crate::failure::Failure;
use crate::load::{Target, WeightChange};

/// The time to wait for other instances at the start and at the end.
const LOCK_WAIT: Duration = Duration::from_secs(60);
/// The time after which another attempt is made if another instance works.
const LOCK_PAUSE: Duration = Duration::from_millis(100);

impl Following<'_> {
    /// Reads the table for the first time. Weights that an earlier run has left behind are taken up or, of services that
    /// are not followed any more, put back.
    pub(super) async fn take_up(&mut self) -> Result<(), Failure> {
        self.ipvs.set_include_stats(false);
        let lock = Lock::acquire(LOCK_WAIT)?;
        self.replacements = lock.replacements();
        let mut notes = Notes::read_for_change()?;
        let table = match table::read(&self.ipvs, &self.options.services).await? {
            Some(table) => table,
            // A service that is missing because others keep changing the table has just come.
            None => table::read_at_once(&self.ipvs).await?,
        };
        let configured = |(service, server): Target, present| notes.configured(service, server, present);
        self.load.read_all(table, configured);
        let followed: HashSet<Target> = self.load.targets().collect();
        let others: Vec<LoadNote> = notes
            .loads()
            .iter()
            .filter(|note| !followed.contains(&(note.service, note.server)))
            .cloned()
            .collect();
        let (mut changes, mut settings) = (Vec::new(), HashMap::new());
        for note in &others {
            let servers = table::read_servers(&self.ipvs, note.service).await?.unwrap_or_default();
            let Some(state) = servers.iter().find(|state| state.id() == note.server) else { continue };
            let present = state.settings.weight;
            if notes.configured(note.service, note.server, present) != present {
                let target = (note.service, note.server);
                settings.insert(target, state.settings);
                let why = "it is not followed any more".into();
                changes.push(WeightChange {
                    target,
                    configured: note.weight,
                    from: present,
                    to: note.weight,
                    why,
                });
            }
        }
        self.make(&mut notes, changes, &settings).await?;
        for note in others {
            notes.remove_load(note.service, note.server);
        }
        self.write(&notes).map(drop)
    }

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
        let (changes, _) = self.load.changes(&self.options.rules);
        for (service, server) in self.load.take_strange() {
            notes.remove_load(service, server);
        }
        self.make(&mut notes, changes, &settings).await
    }

    /// Puts the weights back that were configured.
    pub(super) async fn end(&mut self, signal: Option<&str>) -> Result<(), Failure> {
        self.systemd.stopping();
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
        let signal = signal.map_or(String::new(), |signal| format!(" by {signal}"));
        self.report.say("end", &format!("ended{signal}; weights that were put back: {count}"))?;
        unusable.map_or(Ok(()), Err)
    }

    /// Takes in what others have made of the notes without a change of weights that shows it.
    fn respect(&mut self, notes: &mut Notes, lock: &Lock, changes: &[WeightChange]) {
        for target in changes.iter().filter(|change| change.from == 0).map(|change| change.target) {
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
            let servers = table::read_servers(&self.ipvs, service).await?.unwrap_or_default();
            settings.extend(servers.iter().map(|state| ((service, state.id()), state.settings)));
            let present = servers.iter().map(table::present).collect();
            self.events.extend(self.load.read(service, present, |_, present| present));
        }
        Ok(settings)
    }

    /// Makes changes with their notes, and says so.
    async fn make(
        &mut self,
        notes: &mut Notes,
        changes: Vec<WeightChange>,
        settings: &HashMap<Target, Destination>,
    ) -> Result<(), Failure> {
        // A server that has gone meanwhile has no settings.
        let mut planned: Vec<(WeightChange, Destination)> = changes
            .into_iter()
            .filter_map(|change| Some((settings.get(&change.target)?.with_weight(change.to), change)))
            .map(|(settings, change)| (change, settings))
            .collect();
        for (change, _) in &planned {
            let (service, server) = change.target;
            if change.from > 0 {
                // Somebody has ended the drain, by another way than the one that removes its note.
                notes.remove_drain(service, server);
            }
            if change.to != change.configured {
                notes.set_load(LoadNote {
                    service,
                    server,
                    weight: change.configured,
                    set: change.to,
                    before: Some(change.from),
                    since: SystemTime::now(),
                    reason: Some(change.why.clone()),
                });
            }
        }
        if !self.write(notes)? {
            // Without its note a weight would be taken for the configured one after a kill.
            planned.retain(|(change, _)| change.to == change.configured);
        }
        let requests: Vec<Change> = planned
            .iter()
            .map(|(change, settings)| Change::SetDestination(change.target.0, *settings))
            .collect();
        let refused = self.ipvs.apply(&requests).await?;
        let refused: HashMap<usize, String> = refused
            .into_iter()
            .map(|change| (change.index, Failure::from(Error::from(change.refused)).to_string()))
            .collect();
        let mut has_idle_notes = false;
        for (index, (change, _)) in planned.iter().enumerate() {
            if refused.contains_key(&index) {
                continue;
            }
            self.load.made(change);
            if change.to == change.configured {
                notes.remove_load(change.target.0, change.target.1);
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
    fn write(&mut self, notes: &Notes) -> Result<bool, Failure> {
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
