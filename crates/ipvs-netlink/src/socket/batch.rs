//! Batches of changes: many requests for each system call.

use std::ops::ControlFlow;

use netlink_packet_core::{NLM_F_ACK, NLM_F_REQUEST, NetlinkBuffer};

use super::message::Outcome;
use super::{Arrival, Head, Socket, SocketError, Transport};

/// The room that an error message takes in the receive buffer, with the kernel's own bookkeeping, rounded up.
pub(super) const BYTES_PER_ERROR: usize = 1024;
/// The longest datagram of requests in bytes, well below the smallest usual send buffer of 208 KiB.
const MAX_SEND_LEN: usize = 64 * 1024;

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
    /// The number of requests, counted from the first, whose outcomes are known. Later ones may have been carried out.
    pub(crate) known: usize,
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
        let max_requests = match requests {
            [_] => 1,
            _ => match self.transport.receive_buffer_size() {
                Ok(bytes) => (bytes / BYTES_PER_ERROR).max(1),
                Err(error) => {
                    let error = SocketError::System { action: "tell its size", error };
                    return Err(BrokenBatch { error, refusals, known });
                }
            },
        };
        while known < requests.len() {
            self.requests.clear();
            let first = self.sequence.wrapping_add(1);
            let mut count = 0;
            for request in &requests[known..] {
                if count == max_requests || self.requests.len() >= MAX_SEND_LEN {
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
            let exchanged = self
                .send()
                .and_then(|()| self.receive(first, last, |_, _| ControlFlow::Continue(()), on_outcome));
            if let Err(error) = exchanged {
                return Err(BrokenBatch { error, refusals, known });
            }
            known += count;
        }
        Ok(refusals)
    }

    /// Asks for a reply to the last request even if it succeeds: then all requests before it are done too.
    fn acknowledge_last(&mut self) {
        let mut header = NetlinkBuffer::new(&mut self.requests[self.last_start..]);
        header.set_flags(NLM_F_REQUEST | NLM_F_ACK);
    }
}
