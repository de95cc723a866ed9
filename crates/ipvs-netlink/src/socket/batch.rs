//! Batches of changes: many requests for each system call.

use std::io;
use std::ops::ControlFlow;

use netlink_packet_core::{NLM_F_ACK, NLM_F_REQUEST, NetlinkBuffer};
use nix::errno::Errno;

use super::message::Outcome;
use super::{Arrival, Head, Socket, SocketError, Transport};

/// The room that an error message takes in the receive buffer, with the kernel's own bookkeeping, rounded up.
pub(super) const BYTES_PER_ERROR: usize = 1024;
/// The longest datagram of requests in bytes, if the send buffer holds that much.
const MAX_SEND_LEN: usize = 64 * 1024;
/// The length that no request reaches.
const MAX_REQUEST_LEN: usize = 512;

/// A request of a batch that the kernel refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The index of the request in the batch.
    pub(crate) index: usize,
    pub(crate) errno: i32,
    /// The kernel's own words, if it had any.
    pub(crate) text: Option<String>,
}

/// A batch that broke off.
#[derive(Debug)]
pub(crate) struct BrokenBatch {
    pub(crate) error: SocketError,
    /// The refusals that are known.
    pub(crate) refusals: Vec<Refusal>,
    /// The number of requests, counted from the first, whose outcomes are known.
    pub(crate) known: usize,
    /// The number of requests, counted from the first, that reached the kernel.
    pub(crate) sent: usize,
}

impl<T: Transport> Socket<T> {
    /// Sends any number of requests that change something, with as few system calls as the receive buffer allows, and
    /// returns the refusals. All requests are tried, whatever becomes of the others.
    ///
    /// # Errors
    /// [`BrokenBatch`] if the connection breaks or replies are lost.
    pub(crate) fn batch<R>(
        &mut self,
        requests: &[R],
        head: impl Fn(&R) -> Head,
        emit: impl Fn(&R, &mut Vec<u8>),
    ) -> Result<Vec<Refusal>, BrokenBatch> {
        let mut refusals = Vec::new();
        let mut known = 0;
        let (mut max_requests, max_len) = if requests.len() > 1 { self.batch_limits() } else { (1, 0) };
        while known < requests.len() {
            self.requests.clear();
            let first = self.sequence.wrapping_add(1);
            let mut count = 0;
            for request in &requests[known..] {
                if count == max_requests || (count > 0 && self.requests.len() + MAX_REQUEST_LEN > max_len) {
                    break;
                }
                self.push(head(request), NLM_F_REQUEST, |buffer| emit(request, buffer));
                count += 1;
            }
            self.acknowledge_last();
            let last = self.sequence;
            let on_outcome = |arrival: Arrival, outcome| {
                if let Outcome::Refused { errno, text } = outcome {
                    let index = known + arrival.sequence.wrapping_sub(first) as usize;
                    refusals.push(Refusal { index, errno, text });
                }
                let complete = arrival.sequence == last;
                Ok(if complete { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            };
            match self.send() {
                Err(SocketError::System { error, .. }) if count > 1 && is_too_long(&error) => {
                    max_requests = count / 2;
                    continue;
                }
                Err(error) => return Err(BrokenBatch { error, refusals, known, sent: known }),
                Ok(()) => {}
            }
            let received = self.receive(first, last, |_, _| ControlFlow::Continue(()), on_outcome);
            if let Err(error) = received {
                return Err(BrokenBatch { error, refusals, known, sent: known + count });
            }
            known += count;
        }
        Ok(refusals)
    }

    /// Returns the number of requests and of bytes that a datagram may have: even if every request is refused, the
    /// replies must fit the receive buffer, and the kernel refuses datagrams that come near the size of the send buffer.
    fn batch_limits(&self) -> (usize, usize) {
        // A socket that cannot tell its sizes gets small batches.
        let receive_buffer = self.transport.receive_buffer_size().unwrap_or_default();
        let send_buffer = self.transport.send_buffer_size().unwrap_or_default();
        ((receive_buffer / BYTES_PER_ERROR).max(1), MAX_SEND_LEN.min(send_buffer / 2))
    }

    /// Asks for a reply to the last request even if it succeeds: then all requests before it are done too.
    fn acknowledge_last(&mut self) {
        let mut header = NetlinkBuffer::new(&mut self.requests[self.last_start..]);
        header.set_flags(NLM_F_REQUEST | NLM_F_ACK);
    }
}

/// Returns whether the kernel refused a datagram for its length.
pub(super) fn is_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::EMSGSIZE as i32)
}
