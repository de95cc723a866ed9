//! Batches of changes, and how their outcomes are found if replies are lost.

use super::Ipvs;
use super::outcome::{BatchError, RefusedChange};
use super::parts::Parts;
use crate::daemon::SyncDaemon;
use crate::destination::Destination;
use crate::error::{Error, Reason, Refused};
use crate::exchange::head;
use crate::request::{Change, Request};
use crate::same::{same_daemon, same_destination, same_service};
use crate::service::{Service, ServiceId};
use crate::socket::{Refusal, SocketError};

/// The number of attempts to send a batch whose replies are lost.
pub(crate) const MAX_ATTEMPTS: usize = 4;

impl Ipvs {
    /// Makes many changes in order, with few system calls, and returns those that the kernel refused. The others are
    /// made all the same.
    ///
    /// If replies are lost, the changes whose outcomes are unknown are made again; those that turn out to be made
    /// already count as made.
    ///
    /// A scheduler or persistence engine that the kernel does not have is asked for once: each time the kernel would
    /// run modprobe. Later changes that need it are refused like the first.
    ///
    /// # Errors
    /// [`BatchError`] if the connection breaks or replies are lost again and again; it says what is known of each
    /// change.
    pub fn apply(&mut self, changes: &[Change]) -> std::result::Result<Vec<RefusedChange>, BatchError> {
        let mut parts = Parts::new(changes);
        while let Some(part) = parts.next_part() {
            let outcome = self.apply_part(part);
            parts.finish_part(part, outcome)?;
        }
        Ok(parts.into_refused())
    }

    /// Makes the changes of one part together.
    fn apply_part(&mut self, changes: &[Change]) -> std::result::Result<Vec<RefusedChange>, BatchError> {
        let family_id = self.family_id;
        let mut refused = Vec::new();
        // The changes before `known` have known outcomes, and those before `sent` were sent once.
        let (mut known, mut sent) = (0, 0);
        for attempt in 1.. {
            let batch = &changes[known..];
            let outcome = self.socket.batch(
                batch,
                |&change| head(family_id, &change.into()),
                |&change, buffer| Request::from(change).emit_attributes(buffer),
            );
            let (refusals, broken) = match outcome {
                Ok(refusals) => (refusals, None),
                Err(broken) => {
                    (broken.refusals, Some((broken.error, known + broken.known, known + broken.sent)))
                }
            };
            let certain = broken.as_ref().map_or(changes.len(), |&(_, certain, _)| certain);
            for Refusal { index, errno, text } in refusals {
                let index = known + index;
                let change =
                    RefusedChange { index, refused: Refused::from_errno(changes[index], errno, text) };
                if index < certain && !(index < sent && self.is_made_already(&changes[index..sent], &change))
                {
                    refused.push(change);
                }
            }
            known = certain;
            match broken {
                None => break,
                Some((SocketError::RepliesLost, _, now_sent)) if attempt < MAX_ATTEMPTS => sent = now_sent,
                Some((error, _, sent)) => {
                    let error = Error::Exchange(Box::new(changes[known].into()), error);
                    return Err(BatchError { error, refused, known, sent });
                }
            }
        }
        Ok(refused)
    }

    /// Returns whether a refused change, the first of `changes`, was made by the first of two attempts.
    fn is_made_already(&mut self, changes: &[Change], refused: &RefusedChange) -> bool {
        match FirstAttempt::judge(changes, &refused.refused.reason) {
            FirstAttempt::Made => true,
            FirstAttempt::NotMade => false,
            FirstAttempt::MadeService(service) => {
                self.service(service.id()).is_ok_and(|state| same_service(&state.settings, &service))
            }
            FirstAttempt::MadeDestination(id, destination) => self.destinations(id).is_ok_and(|states| {
                states.iter().any(|state| same_destination(&state.settings, &destination))
            }),
            FirstAttempt::StartedDaemon(daemon) => self
                .daemons()
                .is_ok_and(|daemons| daemons.iter().any(|running| same_daemon(running, &daemon))),
        }
    }
}

/// The outcome of the first of two attempts at a change, whose reply was lost, if the second was refused.
pub(crate) enum FirstAttempt {
    Made,
    NotMade,
    /// It made the change if the kernel has this service with these settings.
    MadeService(Service),
    /// It made the change if the kernel has this destination with these settings.
    MadeDestination(ServiceId, Destination),
    /// It made the change if this daemon runs.
    StartedDaemon(SyncDaemon),
}

impl FirstAttempt {
    /// Judges the first of `changes`, all of which were sent twice: it was made if it deletes what is gone, or adds
    /// what exists with its settings or those of a later edit.
    pub(crate) fn judge(changes: &[Change], reason: &Reason) -> Self {
        let edited = |is_edit: &dyn Fn(&Change) -> bool| changes[1..].iter().any(is_edit);
        match (changes[0], reason) {
            (Change::AddService(service), Reason::ServiceExists) => {
                let is_edit =
                    |change: &_| matches!(change, Change::SetService(edit) if edit.id() == service.id());
                if edited(&is_edit) { Self::Made } else { Self::MadeService(service) }
            }
            (Change::AddDestination(id, destination), Reason::DestinationExists) => {
                let is_edit = |change: &_| matches!(change, Change::SetDestination(service, edit) if *service == id && edit.id == destination.id);
                if edited(&is_edit) { Self::Made } else { Self::MadeDestination(id, destination) }
            }
            (Change::StartDaemon(daemon), Reason::DaemonRuns) => Self::StartedDaemon(daemon),
            (Change::DeleteService(_), Reason::NoSuchService)
            | (Change::DeleteDestination(..), Reason::NoSuchDestination | Reason::ServiceNotDefined)
            | (Change::StopDaemon(_), Reason::NoSuchDaemon) => Self::Made,
            _ => Self::NotMade,
        }
    }
}
