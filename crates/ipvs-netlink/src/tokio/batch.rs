//! Batches of changes, and how their outcomes are found if replies are lost.

use std::collections::VecDeque;

use netlink_packet_core::NLM_F_ACK;

use super::Ipvs;
use super::connection::{Arrival, Replies};
use crate::client::{BatchError, FirstAttempt, MAX_ATTEMPTS, Parts, RefusedChange};
use crate::error::{Error, Refused};
use crate::request::Change;
use crate::same::{same_daemon, same_destination, same_service};
use crate::socket::{Outcome, SocketError};

/// One attempt at the changes of a batch.
#[derive(Default)]
struct Attempt {
    refused: Vec<RefusedChange>,
    /// The number of changes, counted from the first, whose outcomes are known.
    known: usize,
    /// The number of changes, counted from the first, that were sent.
    sent: usize,
}

impl Ipvs {
    /// Makes many changes in order, and returns those that the kernel refused. The others are made all the same.
    ///
    /// The changes are sent without waiting for the reply to each, but not in one datagram: see the
    /// [limits](super#limits). If replies are lost, the changes from the first of them on are made again, in order;
    /// those that turn out to be made already count as made.
    ///
    /// A scheduler or persistence engine that the kernel does not have is asked for once: each time the kernel would
    /// run modprobe. Later changes that need it are refused like the first.
    ///
    /// # Errors
    /// [`BatchError`] if the connection breaks or replies are lost again and again; it says what is known of each
    /// change.
    pub async fn apply(&self, changes: &[Change]) -> Result<Vec<RefusedChange>, BatchError> {
        let mut parts = Parts::new(changes);
        while let Some(part) = parts.next_part() {
            let outcome = self.apply_part(part).await;
            parts.finish_part(part, outcome)?;
        }
        Ok(parts.into_refused())
    }

    /// Makes the changes of one part, many of them in flight.
    async fn apply_part(&self, changes: &[Change]) -> Result<Vec<RefusedChange>, BatchError> {
        let mut refused = Vec::new();
        // The changes before `known` have known outcomes, and those before `sent` were sent once.
        let (mut known, mut sent) = (0, 0);
        for attempts in 1.. {
            let mut attempt = Attempt { known, sent: known, ..Attempt::default() };
            let broken = self.attempt(changes, &mut attempt).await.err();
            for change in attempt.refused {
                let index = change.index;
                if !(index < sent && self.is_made_already(&changes[index..sent], &change).await) {
                    refused.push(change);
                }
            }
            known = attempt.known;
            match broken {
                None => break,
                Some(SocketError::RepliesLost) if attempts < MAX_ATTEMPTS => sent = attempt.sent,
                Some(error) => {
                    let error = Error::Exchange(Box::new(changes[known].into()), error);
                    return Err(BatchError { error, refused, known, sent: attempt.sent });
                }
            }
        }
        Ok(refused)
    }

    /// Sends the changes from the first unknown one on, and notes their outcomes up to the first that is lost.
    async fn attempt(&self, changes: &[Change], attempt: &mut Attempt) -> Result<(), SocketError> {
        let mut in_flight = VecDeque::new();
        while attempt.known < changes.len() {
            while let Some(&change) = changes.get(attempt.sent) {
                // Whoever waits for a slot must hold none: batches side by side would wait for each other.
                let replies = match self.connection.try_send(&change.into(), NLM_F_ACK) {
                    Some(replies) => replies?,
                    None if in_flight.is_empty() => self.connection.send(&change.into(), NLM_F_ACK).await?,
                    None => break,
                };
                in_flight.push_back(replies);
                attempt.sent += 1;
            }
            let Some(replies) = in_flight.pop_front() else { break };
            if let Outcome::Refused { errno, text } = outcome(replies).await? {
                let refused = Refused::from_errno(changes[attempt.known], errno, text);
                attempt.refused.push(RefusedChange { index: attempt.known, refused });
            }
            attempt.known += 1;
        }
        Ok(())
    }

    /// Returns whether a refused change, the first of `changes`, was made by the first of two attempts.
    async fn is_made_already(&self, changes: &[Change], refused: &RefusedChange) -> bool {
        match FirstAttempt::judge(changes, &refused.refused.reason) {
            FirstAttempt::Made => true,
            FirstAttempt::NotMade => false,
            FirstAttempt::MadeService(service) => {
                let present = self.service(service.id()).await;
                present.is_ok_and(|state| same_service(&state.settings, &service))
            }
            FirstAttempt::MadeDestination(id, destination) => {
                let present = self.destinations(id).await;
                let is_same =
                    |state: &crate::DestinationState| same_destination(&state.settings, &destination);
                present.is_ok_and(|states| states.iter().any(is_same))
            }
            FirstAttempt::StartedDaemon(daemon) => {
                let running = self.daemons().await;
                running.is_ok_and(|daemons| daemons.iter().any(|running| same_daemon(running, &daemon)))
            }
        }
    }
}

/// Waits for the outcome of a change.
async fn outcome(mut replies: Replies) -> Result<Outcome, SocketError> {
    loop {
        if let Arrival::Outcome(outcome) = replies.next().await? {
            return Ok(outcome);
        }
    }
}
