//! Messages from the kernel: data, and the outcomes of requests.

use std::ops::ControlFlow;

use netlink_packet_core::{NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_DONE, NetlinkBuffer, NlasIterator};
use netlink_packet_generic::constants::GENL_HDRLEN;

use super::{NETLINK_HEADER_LEN, Result, SocketError};

pub(super) type Header<'a> = NetlinkBuffer<&'a [u8; NETLINK_HEADER_LEN]>;

/// A message of a generic netlink family.
pub(super) struct Data<'a> {
    pub(super) command: u8,
    pub(super) payload: &'a [u8],
    pub(super) flags: u16,
}

impl<'a> Data<'a> {
    /// Splits the generic netlink header off.
    pub(super) fn parse(header: Header<'_>, payload: &'a [u8]) -> Result<Self> {
        match payload.split_at_checked(GENL_HDRLEN) {
            Some((genl, payload)) => Ok(Self { command: genl[0], payload, flags: header.flags() }),
            None => Err(SocketError::Malformed("it has no generic netlink header".into())),
        }
    }
}

/// The outcome of a request.
pub(crate) enum Outcome {
    Done,
    Refused { errno: i32, text: Option<String> },
}

impl Outcome {
    /// Reads `NLMSG_DONE` or `NLMSG_ERROR`.
    pub(super) fn parse(header: Header<'_>, payload: &[u8]) -> Result<Self> {
        let (kind, flags) = (header.message_type(), header.flags());
        // Old kernels end a dump without an error number.
        if kind == NLMSG_DONE && payload.is_empty() {
            return Ok(Self::Done);
        }
        let Some((&number, rest)) = payload.split_first_chunk() else { return Err(invalid_number()) };
        Self::from_number(kind, flags, i32::from_ne_bytes(number), rest)
    }

    /// Reads the error number of `NLMSG_DONE` or `NLMSG_ERROR` and what follows it.
    pub(crate) fn from_number(kind: u16, flags: u16, number: i32, rest: &[u8]) -> Result<Self> {
        match number {
            0 => Ok(Self::Done),
            -4095..=-1 => {
                let attributes = if kind == NLMSG_DONE { Some(rest) } else { skip_request(flags, rest) };
                Ok(Self::Refused { errno: -number, text: extended_ack(flags, attributes) })
            }
            _ => Err(invalid_number()),
        }
    }

    /// Ends the receiving of a single request's reply; a refusal is an error.
    pub(super) fn into_end(self) -> Result<ControlFlow<()>> {
        match self {
            Self::Done => Ok(ControlFlow::Break(())),
            Self::Refused { errno, text } => Err(SocketError::Refused { errno, text }),
        }
    }
}

/// Splits the first message off a datagram and returns its header, its payload and the rest.
#[inline]
pub(super) fn split_message(datagram: &[u8]) -> Result<(Header<'_>, &[u8], &[u8])> {
    let malformed = || SocketError::Malformed("its length is wrong".into());
    let header = NetlinkBuffer::new(datagram.first_chunk().ok_or_else(malformed)?);
    let length = header.length() as usize;
    let payload = datagram.get(NETLINK_HEADER_LEN..length).ok_or_else(malformed)?;
    let rest = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
    Ok((header, payload, rest))
}

fn invalid_number() -> SocketError {
    SocketError::Malformed("it has no valid error number".into())
}

/// Skips the copy of the request, or of its header, in an error message.
fn skip_request(flags: u16, request: &[u8]) -> Option<&[u8]> {
    let copied = match flags & NLM_F_CAPPED {
        0 => u32::from_ne_bytes(*request.first_chunk()?) as usize,
        _ => NETLINK_HEADER_LEN,
    };
    request.get(copied.checked_next_multiple_of(4)?..)
}

/// Returns the kernel's own words (`NLMSGERR_ATTR_MSG`), if there are any.
fn extended_ack(flags: u16, attributes: Option<&[u8]>) -> Option<String> {
    const NLMSGERR_ATTR_MSG: u16 = 1;
    let attributes = attributes.filter(|_| flags & NLM_F_ACK_TLVS != 0)?;
    let text = NlasIterator::new(attributes)
        .filter_map(|nla| nla.ok())
        .find(|nla| nla.kind() == NLMSGERR_ATTR_MSG)?;
    let text = text.value().split(|&byte| byte == 0).next()?;
    (!text.is_empty()).then(|| String::from_utf8_lossy(text).into_owned())
}
