//! Messages from the kernel: data, and how requests ended.

use std::ops::ControlFlow;

use netlink_packet_core::{NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_DONE, NetlinkBuffer, NlasIterator};
use netlink_packet_generic::constants::GENL_HDRLEN;
use rustix::io::Errno;

use super::{NETLINK_HEADER_LENGTH, Result, SocketError};

pub type Header<'a> = NetlinkBuffer<&'a [u8; NETLINK_HEADER_LENGTH]>;

/// A message of a generic netlink family.
pub struct Data<'a> {
    pub command: u8,
    pub payload: &'a [u8],
    pub flags: u16,
}

impl<'a> Data<'a> {
    #[inline(always)]
    pub fn parse(header: Header<'_>, payload: &'a [u8]) -> Result<Self> {
        match payload.split_at_checked(GENL_HDRLEN) {
            Some((genl, payload)) => Ok(Self { command: genl[0], payload, flags: header.flags() }),
            None => Err(SocketError::Malformed("it has no generic netlink header".into())),
        }
    }
}

/// How a request ended.
pub enum End {
    Done,
    Refused(Errno, Option<String>),
}

impl End {
    /// Reads `NLMSG_DONE` or `NLMSG_ERROR`.
    #[inline(never)]
    pub fn parse(header: Header<'_>, payload: &[u8]) -> Result<Self> {
        let (kind, flags) = (header.message_type(), header.flags());
        // Old kernels end a dump without saying how it went.
        if kind == NLMSG_DONE && payload.is_empty() {
            return Ok(Self::Done);
        }
        Ok(match errno(payload)? {
            None => Self::Done,
            Some(errno) => {
                let text = if kind == NLMSG_DONE { payload.get(4..) } else { after_request(flags, payload) };
                Self::Refused(errno, extended_ack(flags, text))
            }
        })
    }

    /// The end of a request that is not one of many: a refusal is an error.
    pub fn expected(self) -> Result<ControlFlow<()>> {
        match self {
            Self::Done => Ok(ControlFlow::Break(())),
            Self::Refused(errno, text) => Err(SocketError::Refused(errno, text)),
        }
    }
}

/// The header of a datagram's first message, its payload, and what follows it.
#[inline]
pub fn split_message(datagram: &[u8]) -> Result<(Header<'_>, &[u8], &[u8])> {
    let malformed = || SocketError::Malformed("its length is wrong".into());
    let header = NetlinkBuffer::new(datagram.first_chunk().ok_or_else(malformed)?);
    let length = header.length() as usize;
    let payload = datagram.get(NETLINK_HEADER_LENGTH..length).ok_or_else(malformed)?;
    let after = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
    Ok((header, payload, after))
}

/// The error number at the start of the payload; 0 is none.
fn errno(payload: &[u8]) -> Result<Option<Errno>> {
    match payload.first_chunk().copied().map(i32::from_ne_bytes) {
        Some(0) => Ok(None),
        Some(number @ -4095..=-1) => Ok(Some(Errno::from_raw_os_error(-number))),
        _ => Err(SocketError::Malformed("it has no valid error number".into())),
    }
}

/// What follows the copy of the request, or of its header, in an error message.
fn after_request(flags: u16, payload: &[u8]) -> Option<&[u8]> {
    let request = payload.get(4..)?;
    let copied = match flags & NLM_F_CAPPED {
        0 => u32::from_ne_bytes(*request.first_chunk()?) as usize,
        _ => NETLINK_HEADER_LENGTH,
    };
    request.get(copied.checked_next_multiple_of(4)?..)
}

/// The kernel's own words (`NLMSGERR_ATTR_MSG`), if it has any.
fn extended_ack(flags: u16, attributes: Option<&[u8]>) -> Option<String> {
    const NLMSGERR_ATTR_MSG: u16 = 1;
    let attributes = attributes.filter(|_| flags & NLM_F_ACK_TLVS != 0)?;
    let text = NlasIterator::new(attributes)
        .filter_map(|nla| nla.ok())
        .find(|nla| nla.kind() == NLMSGERR_ATTR_MSG)?;
    let text = text.value().split(|&byte| byte == 0).next()?;
    (!text.is_empty()).then(|| String::from_utf8_lossy(text).into_owned())
}
