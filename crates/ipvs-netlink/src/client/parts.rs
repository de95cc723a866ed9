//! Splits a batch of changes so that it asks only once for a scheduler or persistence engine that the kernel does not
//! have: each time that it is asked, the kernel runs modprobe, which takes a tenth of a second.

use std::collections::HashMap;

use nix::errno::Errno;

use super::outcome::{BatchError, RefusedChange};
use crate::error::{Reason, Refused};
use crate::name::{PersistenceEngine, Scheduler};
use crate::request::Change;

/// What a service needs of the kernel.
type Modules = (Scheduler, Option<PersistenceEngine>);

/// A batch of changes that is sent part by part.
pub(crate) struct Parts<'a> {
    changes: &'a [Change],
    /// The number of changes, counted from the first, whose outcomes are known.
    known: usize,
    refused: Vec<RefusedChange>,
    /// The modules that were asked for, and whether the kernel may have them.
    asked: HashMap<Modules, bool>,
    /// The last modules that the kernel may have: mostly the next service needs the same.
    last: Option<Modules>,
}

impl<'a> Parts<'a> {
    pub(crate) fn new(changes: &'a [Change]) -> Self {
        Self { changes, known: 0, refused: Vec::new(), asked: HashMap::new(), last: None }
    }

    /// Returns the changes to send next. Those before them that need what the kernel does not have are refused.
    ///
    /// A change that is the first to need some modules ends a part, so that its outcome is known before others need the
    /// same.
    pub(crate) fn next_part(&mut self) -> Option<&'a [Change]> {
        let mut end = self.known;
        while let Some(change) = self.changes.get(end) {
            match needed(change).filter(|&modules| self.last != Some(modules)) {
                None => end += 1,
                Some(modules) => match self.asked.get(&modules) {
                    Some(true) => {
                        self.last = Some(modules);
                        end += 1;
                    }
                    Some(false) if end == self.known => {
                        let refused = Refused::from_errno(*change, Errno::ENOENT as i32, None);
                        self.refused.push(RefusedChange { index: end, refused });
                        end += 1;
                        self.known = end;
                    }
                    Some(false) => break,
                    None => {
                        self.asked.insert(modules, true);
                        self.last = Some(modules);
                        end += 1;
                        break;
                    }
                },
            }
        }
        Some(&self.changes[self.known..end]).filter(|part| !part.is_empty())
    }

    /// Takes the outcome of the last part, whose indexes count from its first change.
    ///
    /// # Errors
    /// The part's error, as one of the whole batch.
    pub(crate) fn finish_part(
        &mut self,
        part: &[Change],
        outcome: Result<Vec<RefusedChange>, BatchError>,
    ) -> Result<(), BatchError> {
        let start = self.known;
        let (refused, broken) = match outcome {
            Ok(refused) => (refused, None),
            Err(mut error) => (std::mem::take(&mut error.refused), Some(error)),
        };
        for RefusedChange { index, refused } in refused {
            if let Some(modules) = needed(&part[index]).filter(|_| is_missing(&refused.reason)) {
                self.asked.insert(modules, false);
                self.last = None;
            }
            self.refused.push(RefusedChange { index: start + index, refused });
        }
        self.known += part.len();
        let Some(mut broken) = broken else { return Ok(()) };
        broken.refused = std::mem::take(&mut self.refused);
        broken.known += start;
        broken.sent += start;
        Err(broken)
    }

    /// Returns what was refused, when there is no part any more.
    pub(crate) fn into_refused(self) -> Vec<RefusedChange> {
        self.refused
    }
}

fn needed(change: &Change) -> Option<Modules> {
    match change {
        Change::AddService(service) | Change::SetService(service) => {
            Some((service.scheduler, service.engine))
        }
        _ => None,
    }
}

fn is_missing(reason: &Reason) -> bool {
    matches!(reason, Reason::NoScheduler(_) | Reason::NoSchedulerOrEngine(..))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::service::{Service, ServiceId};
    use crate::socket::SocketError;

    /// Makes a change that needs this scheduler, or none.
    fn change(scheduler: &str) -> Change {
        match scheduler {
            "" => Change::Flush,
            name => {
                let service = Service::new(ServiceId::tcp(([192, 0, 2, 1], 80)));
                Change::AddService(service.with_scheduler(name.parse().unwrap()))
            }
        }
    }

    fn refuse(index: usize, change: Change, errno: Errno) -> RefusedChange {
        RefusedChange { index, refused: Refused::from_errno(change, errno as i32, None) }
    }

    /// Sends a batch to a kernel that lacks all schedulers whose names begin with "x". Returns the lengths of the parts,
    /// and what was refused.
    fn send(changes: &[Change]) -> (Vec<usize>, Vec<RefusedChange>) {
        let mut parts = Parts::new(changes);
        let mut lengths = Vec::new();
        while let Some(part) = parts.next_part() {
            let is_refused = |change: &Change| {
                needed(change).is_some_and(|(scheduler, _)| scheduler.as_bytes()[0] == b'x')
            };
            let refused = part.iter().enumerate().filter(|(_, change)| is_refused(change));
            let refused = refused.map(|(index, &change)| refuse(index, change, Errno::ENOENT)).collect();
            parts.finish_part(part, Ok(refused)).unwrap();
            lengths.push(part.len());
        }
        (lengths, parts.into_refused())
    }

    #[test]
    fn a_batch_asks_once_for_each_scheduler_and_refuses_the_same() {
        for (schedulers, expected) in [
            (&[][..], &[][..]),
            (&["rr"], &[1]),
            (&["", "", ""], &[3]),
            (&["", "rr", "", "rr", "rr", ""], &[2, 4]),
            (&["rr", "wrr", "rr", "wrr", "rr"], &[1, 1, 3]),
            (&["x", "x", "x"], &[1]),
            (&["x", "", "x", "", "rr", "x", "rr", "y"], &[1, 1, 2, 2]),
            (&["rr", "x", "rr", "x", "x2", "x2", "rr"], &[1, 1, 1, 1, 1]),
        ] {
            let changes: Vec<Change> = schedulers.iter().map(|name| change(name)).collect();
            let (lengths, refused) = send(&changes);
            assert_eq!(lengths, expected, "{schedulers:?}");
            let missing = (0..changes.len()).filter(|&index| schedulers[index].starts_with('x'));
            let expected: Vec<RefusedChange> =
                missing.map(|index| refuse(index, changes[index], Errno::ENOENT)).collect();
            assert_eq!(refused, expected, "{schedulers:?}");
        }
    }

    #[test]
    fn other_refusals_are_no_reason_to_refuse_the_same() {
        let changes = [change("rr"), change("rr"), change("rr")];
        let mut parts = Parts::new(&changes);
        let part = parts.next_part().unwrap();
        parts.finish_part(part, Ok(vec![refuse(0, changes[0], Errno::EEXIST)])).unwrap();
        assert_eq!(parts.next_part(), Some(&changes[1..]));
    }

    #[test]
    fn an_error_in_a_part_is_one_of_the_whole_batch() {
        let changes = [change("x"), change("x"), change("rr"), change("rr"), change("rr")];
        let mut parts = Parts::new(&changes);
        let part = parts.next_part().unwrap();
        parts.finish_part(part, Ok(vec![refuse(0, changes[0], Errno::ENOENT)])).unwrap();
        let part = parts.next_part().unwrap();
        parts.finish_part(part, Ok(Vec::new())).unwrap();
        let part = parts.next_part().unwrap();
        assert_eq!(part, &changes[3..]);
        let error = Error::Exchange(Box::new(changes[4].into()), SocketError::TimedOut);
        let refused = vec![refuse(0, changes[3], Errno::EEXIST)];
        let broken =
            parts.finish_part(part, Err(BatchError { error, refused, known: 1, sent: 2 })).unwrap_err();
        assert_eq!((broken.known, broken.sent), (4, 5));
        let indexes: Vec<usize> = broken.refused.iter().map(|refused| refused.index).collect();
        assert_eq!(indexes, [0, 1, 3]);
    }
}
