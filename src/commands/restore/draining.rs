//! `-R --replace --drain-removed`: what the input drops is deleted when its connections have ended.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use ipvs_netlink::reconcile::{Deleted, Leaving, Object};
use ipvs_netlink::{DestinationState, Ipvs, Scheduler, ServiceFlags, ServiceId};

use crate::commands::drain;
use crate::commands::interruption::Interruption;
use crate::commands::lock::Lock;
use crate::commands::signals::without_signals;
use crate::commands::waiting::{INTERVAL, Progress, Reading, Remaining, Target};
use crate::failure::{Failure, MAX_SHOWN, note};

/// The rest of a replacement that drains: the table is as the input says, except that what it drops is still there.
pub(super) struct Draining {
    leaving: Leaving,
    /// The number of this replacement, if there is a lock. One with another number has come after it.
    replacement: Option<u64>,
    /// The servers that were deleted although they had connections.
    cut: Vec<Remaining>,
    /// Objects that another program has changed since.
    changed: Vec<Object>,
}

/// The times that a replacement may take.
pub(super) struct Limits {
    /// The time after which connections are cut.
    pub(super) connections: Duration,
    /// The time to wait for another instance after that.
    pub(super) lock: Duration,
}

impl Draining {
    /// Lets go of the lock, so that other instances need not wait for connections.
    pub(super) fn new(leaving: Leaving, lock: &Lock) -> Self {
        let replacement = lock.replacements();
        Self { leaving, replacement, cut: Vec::new(), changed: Vec::new() }
    }

    /// Deletes each server and each service when its connections have ended or the time is over.
    ///
    /// # Errors
    /// If something ends it before, or another program has changed what was to be deleted.
    pub(super) fn complete(
        mut self,
        ipvs: &mut Ipvs,
        interruption: &mut Interruption,
        limits: &Limits,
    ) -> Result<(), Failure> {
        let outcome = self.delete_all(ipvs, interruption, limits);
        let seconds = limits.connections.as_secs();
        for server in self.cut.iter().take(MAX_SHOWN) {
            note(&format!("cut after {seconds} s: {server}"));
        }
        if let Some(more @ 1..) = self.cut.len().checked_sub(MAX_SHOWN) {
            note(&format!("cut after {seconds} s: {more} more servers"));
        }
        // Notes of drains are in step with the table as long as it is locked.
        if let Ok(_lock) = Lock::acquire(Duration::ZERO) {
            drain::forget_ended(ipvs);
        }
        outcome?;
        if self.changed.is_empty() {
            return Ok(());
        }
        let sentence = "another program has changed this meanwhile, and it stays";
        let lines = self.changed.iter().map(ToString::to_string).collect();
        Err(Failure::Drain { lines, sentence: sentence.into(), status: 255 })
    }

    fn delete_all(
        &mut self,
        ipvs: &mut Ipvs,
        interruption: &mut Interruption,
        limits: &Limits,
    ) -> Result<(), Failure> {
        let start = Instant::now();
        let mut progress = Progress::new();
        let mut is_waiting = false;
        while !self.leaving.is_empty() {
            let left = limits.connections.saturating_sub(start.elapsed());
            let reading = self.read(ipvs)?;
            let finished = self.finished(&reading);
            // A dropped service without servers waits for none.
            if left.is_zero() || !finished.is_empty() || reading.is_raised() || self.targets().is_empty() {
                // Signals are held back, so this must not take time.
                match Lock::acquire(Duration::ZERO) {
                    Ok(lock) => self.delete(ipvs, &lock, &finished, left.is_zero())?,
                    Err(Failure::Locked { holder, .. })
                        if start.elapsed() >= limits.connections + limits.lock =>
                    {
                        return Err(Failure::Locked { seconds: limits.lock.as_secs(), holder });
                    }
                    Err(_) => {}
                }
                if self.leaving.is_empty() {
                    break;
                }
            }
            if !std::mem::replace(&mut is_waiting, true) {
                self.note_refusals();
            }
            if !reading.remaining.is_empty() {
                progress.show(&reading, left);
            }
            let pause = if left.is_zero() { INTERVAL } else { INTERVAL.min(left) };
            if let Some(signal) = interruption.wait(pause) {
                let why = format!("ended by {signal} before all connections were");
                return Err(still_there(self.names(&reading), &why, 128 + signal as u8));
            }
        }
        Ok(())
    }

    /// Says which services refuse clients as long as they have servers of weight 0.
    fn note_refusals(&self) {
        let notes = self.leaving.remaining_services().filter_map(|service| {
            let (id, scheduler) = (service.id(), service.scheduler);
            let remedy = match scheduler {
                Scheduler::DH => "",
                Scheduler::SH | Scheduler::MH if !service.flags.contains(ServiceFlags::SCHEDULER_1) => {
                    ", because it has no fallback flag"
                }
                _ => return None,
            };
            Some(format!(
                "service {id}: until its drained servers are deleted, the scheduler {scheduler} refuses their new \
                 clients{remedy}"
            ))
        });
        notes.take(MAX_SHOWN).for_each(|sentence| note(&sentence));
    }

    fn read(&self, ipvs: &mut Ipvs) -> Result<Reading, Failure> {
        Reading::take(ipvs, &self.targets()).map_err(|failure| self.broken(&failure))
    }

    /// Returns the servers that have no connections left. For the kernel a TCP connection that is being set up is active.
    fn finished(&self, reading: &Reading) -> HashSet<Target> {
        let mut finished: HashSet<Target> = self.leaving.destinations().collect();
        for server in &reading.remaining {
            finished.remove(&(server.service, server.state.id()));
        }
        finished
    }

    /// Deletes what is finished or, if the time is over, everything, unless another replacement has come meanwhile.
    fn delete(
        &mut self,
        ipvs: &mut Ipvs,
        lock: &Lock,
        finished: &HashSet<Target>,
        is_over: bool,
    ) -> Result<(), Failure> {
        if let (Some(own), Some(last)) = (self.replacement, lock.replacements()) {
            if own != last {
                return Err(Failure::Superseded);
            }
        }
        let is_finished =
            |id: ServiceId, state: &DestinationState| is_over || finished.contains(&(id, state.id()));
        let outcome = without_signals(|| self.leaving.delete(ipvs, is_finished));
        let Deleted { destinations, changed, .. } = outcome.map_err(|error| self.broken(&error.into()))?;
        self.changed.extend(changed);
        if is_over {
            self.cut.extend(Reading::new(destinations).remaining);
        }
        Ok(())
    }

    /// Returns the servers that are still there, in the order of listings.
    fn targets(&self) -> Vec<Target> {
        let mut targets: Vec<Target> = self.leaving.destinations().collect();
        targets.sort_by_key(|(service, server)| (service.sort_key(), *server));
        targets
    }

    /// Names the servers that are still there, with their connections as they were read.
    fn names(&self, reading: &Reading) -> Vec<String> {
        let busy = reading.remaining.iter().map(|server| ((server.service, server.state.id()), server));
        let busy: HashMap<Target, &Remaining> = busy.collect();
        let name = |target: Target| match busy.get(&target) {
            Some(server) => server.to_string(),
            None => Object::Destination(target.0, target.1).to_string(),
        };
        self.targets().into_iter().map(name).collect()
    }

    fn broken(&self, failure: &Failure) -> Failure {
        let name = |(service, id): Target| Object::Destination(service, id).to_string();
        still_there(self.targets().into_iter().map(name).collect(), &failure.to_string(), 255)
    }
}

/// Says what is left behind if the wait ends early.
fn still_there(lines: Vec<String>, why: &str, status: u8) -> Failure {
    let sentence = format!(
        "{why}: the table is as the input says, but what the input drops is still there, with weight 0; the same \
         command completes it"
    );
    Failure::Drain { lines, sentence, status }
}
