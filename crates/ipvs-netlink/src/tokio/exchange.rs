//! Queries and their replies.

use std::time::Duration;

use ::tokio::time::sleep;
use netlink_packet_core::NLM_F_DUMP;
use nix::errno::Errno;

use super::Ipvs;
use super::connection::{Arrival, Replies};
use crate::error::Error;
use crate::exchange::{Fault, parse_reply};
use crate::reply::{Context, Reply};
use crate::request::{Query, Request};
use crate::socket::{Dump, MAX_DUMP_ATTEMPTS, Outcome, SocketError};

/// The number of times that a query is made again whose reply was lost.
const MAX_RETRIES: u32 = 8;

/// Waits before a task is tried again, twice as long every time: 255 ms in all.
async fn wait(retries: u32) {
    sleep(Duration::from_millis(1 << retries)).await;
}

impl Ipvs {
    /// Asks for one thing, again if the reply is lost. `pick` returns `None` for a reply of another kind.
    pub(super) async fn get<A>(&self, query: Query, pick: fn(Reply) -> Option<A>) -> Result<A, Error> {
        let request = Request::from(query);
        for retries in 0.. {
            match self.get_once(query, pick).await {
                Err(Fault::Socket(SocketError::RepliesLost)) if retries < MAX_RETRIES => wait(retries).await,
                outcome => return outcome.map_err(|fault| fault.into_error(request)),
            }
        }
        Err(Error::Exchange(Box::new(request), SocketError::RepliesLost))
    }

    async fn get_once<A>(&self, query: Query, pick: fn(Reply) -> Option<A>) -> Result<A, Fault> {
        let context = Context::for_query(query, self.include_stats);
        match self.connection.send(&query.into(), 0).await?.next().await? {
            Arrival::Data { message, .. } => parse_reply(message.command, &message.payload, context, pick),
            Arrival::Outcome(Outcome::Refused { errno, text }) => {
                Err(SocketError::Refused { errno, text }.into())
            }
            Arrival::Outcome(Outcome::Done) => Err(SocketError::Malformed("it is empty".into()).into()),
        }
    }

    /// Asks for a list, again if it is disturbed.
    pub(super) async fn dump<A>(&self, query: Query, pick: fn(Reply) -> Option<A>) -> Result<Dump<A>, Error> {
        for attempt in 0..MAX_DUMP_ATTEMPTS as u32 {
            match self.dump_once(query, pick).await {
                Ok(Some(dump)) => return Ok(dump),
                Ok(None) | Err(Fault::Socket(SocketError::RepliesLost)) => {}
                // The kernel is not done with a list that nobody waits for any more.
                Err(Fault::Socket(SocketError::Refused { errno, .. })) if errno == Errno::EBUSY as i32 => {
                    wait(attempt).await;
                }
                Err(fault) => return Err(fault.into_error(query.into())),
            }
        }
        Err(Error::Exchange(Box::new(query.into()), SocketError::Interrupted))
    }

    /// Asks for a list, and returns `None` if it was disturbed.
    async fn dump_once<A>(
        &self,
        query: Query,
        pick: fn(Reply) -> Option<A>,
    ) -> Result<Option<Dump<A>>, Fault> {
        let mut reading = self.start_dump(query, pick).await?;
        let mut elements = Vec::new();
        while let Some(element) = reading.next().await? {
            elements.push(element);
        }
        let dump = Dump { elements, atomic: reading.atomic };
        Ok((!reading.is_disturbed()).then_some(dump))
    }

    /// Asks for a list, of which the elements can be read as they come.
    pub(super) async fn start_dump<A>(
        &self,
        query: Query,
        pick: fn(Reply) -> Option<A>,
    ) -> Result<DumpReading<A>, Fault> {
        let replies = self.connection.send(&query.into(), NLM_F_DUMP).await?;
        let context = Context::for_query(query, self.include_stats);
        Ok(DumpReading { replies, context, pick, interrupted: false, datagram: None, atomic: true })
    }
}

/// A list while it is read.
pub(super) struct DumpReading<A> {
    replies: Replies,
    context: Context,
    pick: fn(Reply) -> Option<A>,
    interrupted: bool,
    /// The number of the first datagram.
    datagram: Option<u32>,
    /// Set as long as all elements came in one datagram.
    atomic: bool,
}

impl<A> DumpReading<A> {
    /// Returns the next element.
    pub(super) async fn next(&mut self) -> Result<Option<A>, Fault> {
        match self.replies.next().await? {
            Arrival::Data { message, datagram, interrupted } => {
                self.interrupted |= interrupted;
                self.atomic &= *self.datagram.get_or_insert(datagram) == datagram;
                parse_reply(message.command, &message.payload, self.context, self.pick).map(Some)
            }
            Arrival::Outcome(Outcome::Done) => Ok(None),
            Arrival::Outcome(Outcome::Refused { errno, text }) => {
                Err(SocketError::Refused { errno, text }.into())
            }
        }
    }

    /// Returns whether other writers disturbed the list, or part of it was lost.
    pub(super) fn is_disturbed(&self) -> bool {
        self.interrupted || self.replies.overflowed()
    }
}
