//! A connection of genetlink: its task, and the requests that are on their way.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use ::tokio::runtime::Handle;
use ::tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use ::tokio::time::timeout;
use futures_util::future::{Either, select};
use futures_util::stream::{Stream, StreamExt};
use genetlink::{GenetlinkError, GenetlinkHandle};
use netlink_packet_core::{
    DecodeError, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_generic::GenlMessage;
use netlink_sys::AsyncSocket;

use super::carrier::{Carrier, Events, Troubles};
use super::message::Message;
use crate::request::Request;
use crate::socket::{Outcome, REPLY_TIMEOUT, SocketError};

/// The number of requests that are handed to genetlink at the same time. More wait for their turn.
pub(super) const MAX_IN_FLIGHT: usize = 256;
/// The time within which a reply has to come that an overflow of the receive buffer did not lose.
const GRACE: Duration = Duration::from_millis(100);

type Result<T> = std::result::Result<T, SocketError>;

/// A connection to the kernel's IPVS, which a task of its own carries until all handles and requests are dropped.
#[derive(Debug)]
pub(super) struct Connection {
    handle: GenetlinkHandle,
    events: Arc<Events>,
    family_id: u16,
    slots: Arc<Semaphore>,
}

impl Connection {
    /// Opens a socket, starts its task, and looks up the family.
    pub(super) async fn open<S: AsyncSocket + Send + 'static>() -> Result<Self> {
        let failed = |error| SocketError::System { action: "open", error };
        let runtime = Handle::try_current().map_err(|error| failed(io::Error::other(error)))?;
        let (mut connection, handle, _) =
            genetlink::new_connection_with_socket::<Carrier<S>>().map_err(failed)?;
        let events = connection.socket_mut().events();
        // Otherwise a reply that has come cannot be told from a connection that has ended.
        connection.set_forward_ack(true);
        connection.set_forward_done(true);
        runtime.spawn(connection);
        let family = timeout(REPLY_TIMEOUT, handle.resolve_family::<Message>()).await;
        let family = family.map_err(|_| SocketError::TimedOut)?.map_err(|error| match error {
            GenetlinkError::NetlinkError(error) => match error.raw_os_error() {
                Some(errno) => SocketError::Refused { errno, text: None },
                None => SocketError::Malformed(error.to_string()),
            },
            GenetlinkError::ProtocolError(_) => events.closed(),
            error => SocketError::Malformed(error.to_string()),
        })?;
        let slots = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
        Ok(Self { handle, events, family_id: family.id, slots })
    }

    /// Sends a request as soon as not too many are on their way.
    pub(super) async fn send(&self, request: &Request, flags: u16) -> Result<Replies> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| SocketError::Closed)?;
        self.send_in_slot(request, flags, slot)
    }

    /// Sends a request, unless too many are on their way.
    pub(super) fn try_send(&self, request: &Request, flags: u16) -> Option<Result<Replies>> {
        let slot = Arc::clone(&self.slots).try_acquire_owned().ok()?;
        Some(self.send_in_slot(request, flags, slot))
    }

    fn send_in_slot(&self, request: &Request, flags: u16, slot: OwnedSemaphorePermit) -> Result<Replies> {
        let mut message = GenlMessage::from_payload(Message::from(request));
        message.set_resolved_family_id(self.family_id);
        let mut message = NetlinkMessage::from(message);
        message.header.flags = NLM_F_REQUEST | flags;
        let troubles = self.events.troubles();
        let before = *troubles.borrow();
        let messages = self.handle.clone().send_request(message).map_err(|_| self.events.closed())?;
        let events = Arc::clone(&self.events);
        Ok(Replies { messages: Box::pin(messages), troubles, before, events, _slot: slot })
    }
}

/// The replies to a request. Whoever drops them before the last one has come loses nothing but the rest: the request is
/// carried out, and what the kernel replies is thrown away.
pub(super) struct Replies {
    messages: Pin<Box<dyn Stream<Item = std::result::Result<Raw, DecodeError>> + Send>>,
    troubles: watch::Receiver<Troubles>,
    /// The troubles before the request.
    before: Troubles,
    events: Arc<Events>,
    _slot: OwnedSemaphorePermit,
}

type Raw = NetlinkMessage<GenlMessage<Message>>;

/// One reply.
pub(super) enum Arrival {
    Data {
        message: Message,
        /// The number of the datagram that it came in.
        datagram: u32,
        /// Set if other writers disturbed the dump.
        interrupted: bool,
    },
    Outcome(Outcome),
}

impl Replies {
    /// Returns the next reply.
    pub(super) async fn next(&mut self) -> Result<Arrival> {
        loop {
            let NetlinkMessage { header, payload, .. } = self.receive().await?;
            let outcome = match payload {
                NetlinkPayload::InnerMessage(message) => {
                    return Ok(Arrival::Data {
                        message: message.payload,
                        datagram: header.port_number,
                        interrupted: header.flags & NLM_F_DUMP_INTR != 0,
                    });
                }
                NetlinkPayload::Done(done) => {
                    Outcome::from_number(NLMSG_DONE, header.flags, done.code, &done.extended_ack)
                }
                NetlinkPayload::Error(error) => {
                    Outcome::from_number(NLMSG_ERROR, header.flags, error.raw_code(), &error.header)
                }
                _ => continue,
            };
            return outcome.map(Arrival::Outcome);
        }
    }

    /// Returns whether the receive buffer has overflowed since the request, so that any reply may be missing.
    pub(super) fn overflowed(&self) -> bool {
        self.troubles.borrow().overflows != self.before.overflows
    }

    async fn receive(&mut self) -> Result<Raw> {
        loop {
            if self.troubles.borrow_and_update().silences != self.before.silences {
                return Err(SocketError::TimedOut);
            }
            let overflowed = self.overflowed();
            let trouble = pin!(self.troubles.changed());
            let event = select(self.messages.next(), trouble);
            let event = if overflowed {
                timeout(GRACE, event).await.map_err(|_| SocketError::RepliesLost)?
            } else {
                event.await
            };
            match event {
                Either::Left((Some(message), _)) => {
                    return message.map_err(|error| SocketError::Malformed(error.to_string()));
                }
                Either::Left((None, _)) => return Err(self.events.closed()),
                Either::Right(_) => {}
            }
        }
    }
}
