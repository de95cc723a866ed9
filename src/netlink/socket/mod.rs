//! A blocking generic netlink socket that knows nothing of IPVS.
//!
//! Whatever the kernel does, nothing here waits for ever, takes the answer to another question for its
//! own, or mistakes lost answers for good ones.

mod error;
mod message;
mod transport;

use std::io;
use std::ops::ControlFlow;
use std::time::Duration;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP,
    NLMSG_OVERRUN, NetlinkBuffer, NlasIterator,
};
use netlink_packet_generic::constants::{
    CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME, CTRL_CMD_GETFAMILY, GENL_ID_CTRL,
};
use netlink_sys::protocols::NETLINK_GENERIC;
use rustix::io::Errno;
use rustix::net::sockopt::{self, Timeout};

use super::encode::Writer;
pub use error::SocketError;
use message::{Data, End, split_message};
pub(crate) use transport::Transport;

const NETLINK_HEADER_LENGTH: usize = 16;
/// The kernel works on a request before `send` returns: an answer that is not there by now is lost.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a dump is tried that others change meanwhile.
const DUMP_ATTEMPTS: usize = 8;
/// What an error message takes of the receive buffer, with the kernel's own bookkeeping, rounded up.
const BYTES_PER_ANSWER: usize = 1024;
/// What is no dump is far shorter.
const LONGEST_ANSWER: usize = 4 * 1024;
/// The longest batch in bytes, well below the smallest usual send buffer of 208 KiB.
const LONGEST_SEND: usize = 64 * 1024;

pub(crate) type Result<T> = std::result::Result<T, SocketError>;

/// The head of a generic netlink request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    /// The number of the family.
    pub family: u16,
    /// The command within the family.
    pub command: u8,
    /// The version of the family.
    pub version: u8,
}

/// A connection to the kernel's generic netlink.
pub(crate) struct Socket<T = netlink_sys::Socket> {
    transport: T,
    /// The number of the last request.
    sequence: u32,
    /// The requests to be sent, and where the last of them begins.
    requests: Vec<u8>,
    last: usize,
    answers: Vec<u8>,
    /// How long the pieces of dumps may be.
    longest: usize,
}

impl Socket {
    /// Opens a socket. Nothing is asked of the kernel yet. The pieces of dumps will be no longer than
    /// `longest` bytes.
    pub fn open(longest: usize) -> Result<Self> {
        let failed = |action| move |error: io::Error| SocketError::System(action, error);
        let socket = netlink_sys::Socket::new(NETLINK_GENERIC).map_err(failed("open"))?;
        sockopt::set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))
            .map_err(|errno| failed("set its timeout")(errno.into()))?;
        // Both are refinements: kernels before 4.12 and 4.3 do without.
        let _ = socket.set_ext_ack(true);
        let _ = socket.set_cap_ack(true);
        socket.connect(&netlink_sys::SocketAddr::new(0, 0)).map_err(failed("connect"))?;
        Ok(Self::over(socket, longest))
    }
}

impl<T: Transport> Socket<T> {
    pub(crate) fn over(transport: T, longest: usize) -> Self {
        Self {
            transport,
            sequence: 0,
            requests: Vec::new(),
            last: 0,
            answers: vec![0; LONGEST_ANSWER],
            longest,
        }
    }

    /// Looks up the number of a family. The kernel may load the family's module by itself.
    ///
    /// # Errors
    /// `Refused(ENOENT)` if there is no such family.
    pub fn family(&mut self, name: &str) -> Result<u16> {
        let request = Request { family: GENL_ID_CTRL, command: CTRL_CMD_GETFAMILY, version: 1 };
        let encode = |buffer: &mut Vec<u8>| Writer(buffer).string(CTRL_ATTR_FAMILY_NAME, name.as_bytes());
        self.get(request, encode, |_, payload| {
            NlasIterator::new(payload)
                .filter_map(|nla| nla.ok())
                .find(|nla| nla.kind() == CTRL_ATTR_FAMILY_ID)
                .and_then(|nla| nla.value().try_into().ok())
                .map(u16::from_ne_bytes)
                .ok_or_else(|| SocketError::Malformed("CTRL_ATTR_FAMILY_ID is missing".into()))
        })
    }

    /// Asks for one thing. `decode` gets the command and the attributes of the answer.
    pub fn get<A, E: From<SocketError>>(
        &mut self,
        request: Request,
        encode: impl FnOnce(&mut Vec<u8>),
        decode: impl FnOnce(u8, &[u8]) -> std::result::Result<A, E>,
    ) -> std::result::Result<A, E> {
        self.requests.clear();
        let sequence = self.push(request, NLM_F_REQUEST, encode);
        self.flush()?;
        let mut decode = Some(decode);
        let mut answer = None;
        let data = |_, data: Data<'_>| {
            answer = decode.take().map(|decode| decode(data.command, data.payload));
            ControlFlow::Break(())
        };
        self.receive(sequence, sequence, data, |_, end| end.expected())?;
        answer.unwrap_or_else(|| Err(SocketError::Malformed("it is empty".into()).into()))
    }

    /// Asks for a list. `decode` gets the command and the attributes of each element.
    pub fn dump<A, E: From<SocketError>>(
        &mut self,
        request: Request,
        encode: impl Fn(&mut Vec<u8>),
        mut decode: impl FnMut(u8, &[u8]) -> std::result::Result<A, E>,
    ) -> std::result::Result<Dump<A>, E> {
        if self.answers.len() < self.longest {
            self.answers = vec![0; self.longest];
        }
        for _ in 0..DUMP_ATTEMPTS {
            self.requests.clear();
            let sequence = self.push(request, NLM_F_REQUEST | NLM_F_DUMP, &encode);
            self.flush()?;
            let mut elements = Ok(Vec::new());
            let mut interrupted = false;
            let mut pieces = 0;
            // An element that cannot be decoded does not end the loop: the kernel starts no other dump
            // on this socket before this one has been read to its end.
            let data = |place: Place, data: Data<'_>| {
                pieces = place.datagram;
                interrupted |= data.flags & NLM_F_DUMP_INTR != 0;
                if let Ok(list) = &mut elements {
                    if list.is_empty() {
                        // As many as the datagram may have, if they are alike.
                        list.reserve_exact(place.room / place.length);
                    }
                    match decode(data.command, data.payload) {
                        Ok(element) => list.push(element),
                        Err(error) => elements = Err(error),
                    }
                }
                ControlFlow::Continue(())
            };
            self.receive(sequence, sequence, data, |_, end| end.expected())?;
            if !interrupted {
                return elements.map(|elements| Dump { elements, at_once: pieces <= 1 });
            }
        }
        Err(SocketError::Interrupted.into())
    }

    /// Sends any number of requests that change something, as few system calls as the receive buffer
    /// allows, and returns the refusals by index. All are tried, whatever becomes of the others.
    ///
    /// # Errors
    /// If answers are lost, the second value says how many requests before that have a known end.
    pub fn batch<R>(
        &mut self,
        requests: &[R],
        head: impl Fn(&R) -> Request,
        encode: impl Fn(&R, &mut Vec<u8>),
    ) -> std::result::Result<Vec<Refusal>, (SocketError, Vec<Refusal>, usize)> {
        let mut refusals = Vec::new();
        let mut done = 0;
        let most = match requests {
            [_] => 1,
            _ => match self.transport.receive_buffer() {
                Ok(bytes) => (bytes / BYTES_PER_ANSWER).max(1),
                Err(error) => return Err((SocketError::System("tell its size", error), refusals, 0)),
            },
        };
        while done < requests.len() {
            self.requests.clear();
            let first = self.sequence.wrapping_add(1);
            let mut count = 0;
            for request in &requests[done..] {
                if count == most || self.requests.len() >= LONGEST_SEND {
                    break;
                }
                self.push(head(request), NLM_F_REQUEST, |buffer| encode(request, buffer));
                count += 1;
            }
            self.acknowledge_last();
            let last = self.sequence;
            let outcome = self.flush().and_then(|()| {
                let end = |place: Place, end| {
                    if let End::Refused(errno, text) = end {
                        let index = done + place.sequence.wrapping_sub(first) as usize;
                        refusals.push(Refusal { index, errno, text });
                    }
                    let complete = place.sequence == last;
                    Ok(if complete { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
                };
                self.receive(first, last, |_, _| ControlFlow::Continue(()), end)
            });
            if let Err(error) = outcome {
                return Err((error, refusals, done));
            }
            done += count;
        }
        Ok(refusals)
    }

    /// Appends a request and returns its sequence number.
    fn push(&mut self, request: Request, flags: u16, encode: impl FnOnce(&mut Vec<u8>)) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        let buffer = &mut self.requests;
        let start = buffer.len();
        buffer.resize(start + NETLINK_HEADER_LENGTH, 0);
        buffer.extend_from_slice(&[request.command, request.version, 0, 0]);
        encode(buffer);
        let length = (buffer.len() - start) as u32;
        let mut header = NetlinkBuffer::new(&mut buffer[start..]);
        header.set_length(length);
        header.set_message_type(request.family);
        header.set_flags(flags);
        header.set_sequence_number(self.sequence);
        self.last = start;
        self.sequence
    }

    /// Asks for an answer to the last request also if it succeeds: then all before it are done too.
    fn acknowledge_last(&mut self) {
        let mut header = NetlinkBuffer::new(&mut self.requests[self.last..]);
        header.set_flags(NLM_F_REQUEST | NLM_F_ACK);
    }

    fn flush(&mut self) -> Result<()> {
        loop {
            match self.transport.send(&self.requests) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result.map_err(|error| SocketError::System("send", error)),
            }
        }
    }

    /// Hands what answers the requests `first..=last` to `data` and `end` until one of them breaks off. What else
    /// arrives, such as late answers to a request that was given up, is passed over.
    fn receive(
        &mut self,
        first: u32,
        last: u32,
        mut data: impl FnMut(Place, Data<'_>) -> ControlFlow<()>,
        mut end: impl FnMut(Place, End) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        for datagram in 1.. {
            let length = self.receive_datagram()?;
            let mut rest = &self.answers[..length];
            while !rest.is_empty() {
                let (header, payload, after) = split_message(rest)?;
                let (length, room) = (NETLINK_HEADER_LENGTH + payload.len(), rest.len());
                let place = Place { sequence: header.sequence_number(), datagram, length, room };
                rest = after;
                if place.sequence.wrapping_sub(first) > last.wrapping_sub(first) {
                    continue;
                }
                let flow = match header.message_type() {
                    NLMSG_NOOP => continue,
                    NLMSG_OVERRUN => return Err(SocketError::AnswersLost),
                    NLMSG_DONE | NLMSG_ERROR => end(place, End::parse(header, payload)?)?,
                    _ => data(place, Data::parse(header, payload)?),
                };
                if flow.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn receive_datagram(&mut self) -> Result<usize> {
        loop {
            match self.transport.receive(&mut self.answers) {
                Ok(length) if length > self.answers.len() => return Err(SocketError::Truncated(length)),
                Ok(length) => return Ok(length),
                Err(error) => match Errno::from_io_error(&error) {
                    Some(Errno::INTR) => {}
                    Some(Errno::AGAIN) => return Err(SocketError::TimedOut),
                    Some(Errno::NOBUFS) => return Err(SocketError::AnswersLost),
                    _ => return Err(SocketError::System("receive", error)),
                },
            }
        }
    }
}

/// Where an answer stands.
struct Place {
    /// The sequence number of its request.
    sequence: u32,
    /// The number of the datagram it came in, counted from 1.
    datagram: usize,
    /// The length of the message.
    length: usize,
    /// The length of the datagram from the message on.
    room: usize,
}

/// The answer to a request for a list.
pub(crate) struct Dump<A> {
    pub elements: Vec<A>,
    /// Whether it came in one piece, which the kernel makes without letting others change anything.
    pub at_once: bool,
}

/// A request of a batch that the kernel refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Its place in the batch.
    pub index: usize,
    pub errno: Errno,
    /// What the kernel says beyond the number.
    pub text: Option<String>,
}

#[cfg(test)]
mod tests;
