//! A blocking generic netlink socket that knows nothing of IPVS.
//!
//! Whatever the kernel does, nothing here waits for ever, takes the reply to another request for its own, or mistakes
//! lost replies for good ones.

mod batch;
mod error;
mod message;
mod patience;
mod transport;

use std::fmt;
use std::io;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP, NLMSG_OVERRUN,
    NetlinkBuffer, NlasIterator,
};
use netlink_packet_generic::constants::{
    CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME, CTRL_CMD_GETFAMILY, GENL_ID_CTRL,
};
use netlink_sys::protocols::NETLINK_GENERIC;
use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};

use crate::attribute::Writer;
pub(crate) use batch::Refusal;
pub use error::SocketError;
pub(crate) use message::Outcome;
use message::{Data, split_message};
use patience::Patience;
pub(crate) use transport::Transport;

const NETLINK_HEADER_LEN: usize = 16;
/// The kernel works on a request before `send` returns, so a reply that has not come by then is lost.
pub(crate) const REPLY_TIMEOUT: Duration = Duration::from_secs(10);
/// The number of attempts at a dump that other writers disturb.
pub(crate) const MAX_DUMP_ATTEMPTS: usize = 8;
/// The longest reply that is not part of a dump; real ones are far shorter.
const MAX_REPLY_LEN: usize = 4 * 1024;

pub(crate) type Result<T> = std::result::Result<T, SocketError>;

/// The head of a generic netlink request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    /// The id of the generic netlink family.
    pub(crate) family_id: u16,
    /// The command within the family.
    pub(crate) command: u8,
    /// The version of the family.
    pub(crate) version: u8,
}

/// A connection to the kernel's generic netlink.
pub(crate) struct Socket<T = netlink_sys::Socket> {
    transport: T,
    /// The sequence number of the last request.
    sequence: u32,
    /// The requests to be sent.
    requests: Vec<u8>,
    /// The index in `requests` at which the last request starts.
    last_start: usize,
    replies: Vec<u8>,
    max_dump_len: usize,
    /// The sequence number of a dump that was not read to its end.
    unfinished_dump: Option<u32>,
}

impl Socket {
    /// Opens a socket without asking the kernel anything yet. The datagrams of dumps will have at most
    /// `max_dump_len` bytes.
    pub(crate) fn open(max_dump_len: usize) -> Result<Self> {
        let failed = |action| move |error: io::Error| SocketError::System { action, error };
        let socket = netlink_sys::Socket::new(NETLINK_GENERIC).map_err(failed("open"))?;
        let timeout = TimeVal::seconds(REPLY_TIMEOUT.as_secs() as i64);
        setsockopt(&socket, sockopt::ReceiveTimeout, &timeout)
            .map_err(|errno| failed("set its timeout")(errno.into()))?;
        // Both are refinements; kernels before 4.12 and 4.3 do without.
        let _ = socket.set_ext_ack(true);
        let _ = socket.set_cap_ack(true);
        socket.connect(&netlink_sys::SocketAddr::new(0, 0)).map_err(failed("connect"))?;
        Ok(Self::with_transport(socket, max_dump_len))
    }
}

impl<T: Transport> Socket<T> {
    /// Wraps a transport that is connected already.
    pub(crate) fn with_transport(transport: T, max_dump_len: usize) -> Self {
        Self {
            transport,
            sequence: 0,
            requests: Vec::new(),
            last_start: 0,
            replies: vec![0; MAX_REPLY_LEN],
            max_dump_len,
            unfinished_dump: None,
        }
    }

    /// Looks up the id of a generic netlink family by its name. The kernel may load the family's module by itself.
    ///
    /// # Errors
    /// [`SocketError::Refused`] with `ENOENT` if there is no such family.
    pub(crate) fn family_id(&mut self, name: &str) -> Result<u16> {
        let head = Head { family_id: GENL_ID_CTRL, command: CTRL_CMD_GETFAMILY, version: 1 };
        let emit = |buffer: &mut Vec<u8>| Writer(buffer).string(CTRL_ATTR_FAMILY_NAME, name.as_bytes());
        self.get(head, emit, |_, payload| {
            NlasIterator::new(payload)
                .filter_map(|nla| nla.ok())
                .find(|nla| nla.kind() == CTRL_ATTR_FAMILY_ID)
                .and_then(|nla| nla.value().try_into().ok())
                .map(u16::from_ne_bytes)
                .ok_or_else(|| SocketError::Malformed("CTRL_ATTR_FAMILY_ID is missing".into()))
        })
    }

    /// Asks for one thing, again if the reply is lost. `parse` gets the command and the attributes of the reply.
    pub(crate) fn get<A, E: From<SocketError>>(
        &mut self,
        head: Head,
        emit: impl Fn(&mut Vec<u8>),
        parse: impl Fn(u8, &[u8]) -> std::result::Result<A, E>,
    ) -> std::result::Result<A, E> {
        let mut patience = Patience::default();
        loop {
            self.requests.clear();
            let sequence = self.push(head, NLM_F_REQUEST, &emit);
            self.send()?;
            let mut reply = None;
            let on_data = |_, data: Data<'_>| {
                reply = Some(parse(data.command, data.payload));
                ControlFlow::Break(())
            };
            match self.receive(sequence, sequence, on_data, |_, outcome| outcome.into_end()) {
                Err(SocketError::RepliesLost) if patience.wait() => {}
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    return reply.unwrap_or_else(|| Err(SocketError::Malformed("it is empty".into()).into()));
                }
            }
        }
    }

    /// Asks for a list. `parse` gets the command and the attributes of each element.
    pub(crate) fn dump<A, E: From<SocketError>>(
        &mut self,
        head: Head,
        emit: impl Fn(&mut Vec<u8>),
        mut parse: impl FnMut(u8, &[u8]) -> std::result::Result<A, E>,
    ) -> std::result::Result<Dump<A>, E> {
        if self.replies.len() < self.max_dump_len {
            self.replies = vec![0; self.max_dump_len];
        }
        for _ in 0..MAX_DUMP_ATTEMPTS {
            self.requests.clear();
            let sequence = self.push(head, NLM_F_REQUEST | NLM_F_DUMP, &emit);
            self.send()?;
            let mut elements = Ok(Vec::new());
            let mut interrupted = false;
            let mut datagrams = 0;
            // An element that cannot be parsed does not end the loop: the kernel starts no other dump on this socket
            // before this one has been read to its end.
            let on_data = |arrival: Arrival, data: Data<'_>| {
                datagrams = arrival.datagram;
                interrupted |= data.flags & NLM_F_DUMP_INTR != 0;
                if let Ok(list) = &mut elements {
                    if list.is_empty() {
                        // The elements of a datagram have about the same length.
                        list.reserve_exact(arrival.remaining / arrival.length);
                    }
                    match parse(data.command, data.payload) {
                        Ok(element) => list.push(element),
                        Err(error) => elements = Err(error),
                    }
                }
                ControlFlow::Continue(())
            };
            match self.receive(sequence, sequence, on_data, |_, outcome| outcome.into_end()) {
                Err(SocketError::RepliesLost) => {
                    interrupted = true;
                    self.unfinished_dump = Some(sequence);
                    self.finish_dump()?;
                }
                Err(SocketError::Refused { errno, .. })
                    if errno == Errno::EBUSY as i32 && self.unfinished_dump.is_some() =>
                {
                    interrupted = true;
                    self.finish_dump()?;
                }
                Err(error) => {
                    if !matches!(error, SocketError::Refused { .. }) {
                        self.unfinished_dump = Some(sequence);
                    }
                    return Err(error.into());
                }
                Ok(()) => self.unfinished_dump = None,
            }
            if !interrupted {
                return elements.map(|elements| Dump { elements, atomic: datagrams <= 1 });
            }
        }
        Err(SocketError::Interrupted.into())
    }

    /// Reads an unfinished dump to its end: the kernel starts no other before.
    fn finish_dump(&mut self) -> Result<()> {
        let Some(sequence) = self.unfinished_dump else { return Ok(()) };
        let ignore = |_: Arrival, _: Data<'_>| ControlFlow::Continue(());
        self.receive(sequence, sequence, ignore, |_, outcome| outcome.into_end())?;
        self.unfinished_dump = None;
        Ok(())
    }

    /// Appends a request and returns its sequence number.
    fn push(&mut self, head: Head, flags: u16, emit: impl FnOnce(&mut Vec<u8>)) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        let buffer = &mut self.requests;
        let start = buffer.len();
        buffer.resize(start + NETLINK_HEADER_LEN, 0);
        buffer.extend_from_slice(&[head.command, head.version, 0, 0]);
        emit(buffer);
        let length = (buffer.len() - start) as u32;
        let mut header = NetlinkBuffer::new(&mut buffer[start..]);
        header.set_length(length);
        header.set_message_type(head.family_id);
        header.set_flags(flags);
        header.set_sequence_number(self.sequence);
        self.last_start = start;
        self.sequence
    }

    /// Sends the requests. If that fails, the kernel has seen none of them. A datagram of several requests that is too
    /// long is not sent again.
    fn send(&mut self) -> Result<()> {
        let mut patience = Patience::default();
        loop {
            let Err(error) = self.transport.send(&self.requests) else { return Ok(()) };
            let divisible = self.last_start > 0 && batch::is_too_long(&error);
            if divisible || !patience.outlasts(&error) {
                return Err(SocketError::System { action: "send", error });
            }
        }
    }

    /// Hands the replies to the requests `first..=last` to `on_data` and `on_outcome` until one of them breaks off.
    /// Everything else that arrives, such as late replies to an abandoned request, is ignored.
    fn receive(
        &mut self,
        first: u32,
        last: u32,
        mut on_data: impl FnMut(Arrival, Data<'_>) -> ControlFlow<()>,
        mut on_outcome: impl FnMut(Arrival, Outcome) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        for datagram in 1.. {
            let length = self.receive_datagram()?;
            let mut rest = &self.replies[..length];
            while !rest.is_empty() {
                let (header, payload, next) = split_message(rest)?;
                let (length, remaining) = (NETLINK_HEADER_LEN + payload.len(), rest.len());
                let arrival = Arrival { sequence: header.sequence_number(), datagram, length, remaining };
                rest = next;
                // Sequence numbers wrap around.
                if arrival.sequence.wrapping_sub(first) > last.wrapping_sub(first) {
                    continue;
                }
                let flow = match header.message_type() {
                    NLMSG_NOOP => continue,
                    NLMSG_OVERRUN => return Err(SocketError::RepliesLost),
                    NLMSG_DONE | NLMSG_ERROR => on_outcome(arrival, Outcome::parse(header, payload)?)?,
                    _ => on_data(arrival, Data::parse(header, payload)?),
                };
                if flow.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn receive_datagram(&mut self) -> Result<usize> {
        let started = Instant::now();
        let mut patience = Patience::default();
        loop {
            match self.transport.receive(&mut self.replies) {
                Ok(length) if length > self.replies.len() => return Err(SocketError::Truncated(length)),
                Ok(length) => return Ok(length),
                Err(error) => match error.raw_os_error().map(Errno::from_raw) {
                    Some(Errno::ENOBUFS) => return Err(SocketError::RepliesLost),
                    Some(Errno::EAGAIN) if started.elapsed() >= REPLY_TIMEOUT => {
                        return Err(SocketError::TimedOut);
                    }
                    _ if patience.outlasts(&error) => {}
                    Some(Errno::EAGAIN) => return Err(SocketError::TimedOut),
                    _ => return Err(SocketError::System { action: "receive", error }),
                },
            }
        }
    }
}

impl<T> fmt::Debug for Socket<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}

/// The circumstances in which a message arrived.
struct Arrival {
    /// The sequence number of the request.
    sequence: u32,
    /// The number of the datagram, counted from 1.
    datagram: usize,
    /// The length of the message.
    length: usize,
    /// The length of the datagram from the start of the message.
    remaining: usize,
}

/// The reply to a request for a list.
pub(crate) struct Dump<A> {
    pub(crate) elements: Vec<A>,
    /// Set if the list came in one datagram, during whose making the kernel lets nobody change the table.
    pub(crate) atomic: bool,
}

#[cfg(test)]
pub(crate) mod tests;
