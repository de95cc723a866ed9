//! Messages from the kernel: data, acknowledgements, refusals and ends of dumps.

use netlink_packet_core::{
    NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP, NLMSG_OVERRUN, NetlinkBuffer,
    NlasIterator,
};
use netlink_packet_generic::constants::GENL_HDRLEN;
use rustix::io::Errno;

use super::{NETLINK_HEADER_LENGTH, Result, SocketError};

pub type Header<'a> = NetlinkBuffer<&'a [u8; NETLINK_HEADER_LENGTH]>;

/// A netlink message from the kernel.
pub enum Message<'a> {
    Data { command: u8, payload: &'a [u8], flags: u16 },
    Acknowledged,
    Refused(Errno, Option<String>),
    Done,
}

impl<'a> Message<'a> {
    #[inline(always)]
    pub fn parse(header: Header<'_>, payload: &'a [u8]) -> Result<Option<Self>> {
        let flags = header.flags();
        Ok(Some(match header.message_type() {
            NLMSG_NOOP => return Ok(None),
            NLMSG_OVERRUN => return Err(SocketError::AnswersLost),
            // Old kernels end a dump without saying how it went.
            NLMSG_DONE if payload.is_empty() => Self::Done,
            NLMSG_DONE => match errno(payload)? {
                None => Self::Done,
                Some(errno) => Self::Refused(errno, extended_ack(flags, payload.get(4..))),
            },
            NLMSG_ERROR => match errno(payload)? {
                None => Self::Acknowledged,
                Some(errno) => Self::Refused(errno, extended_ack(flags, after_request(flags, payload))),
            },
            _ => match payload.split_at_checked(GENL_HDRLEN) {
                Some((genl, payload)) => Self::Data { command: genl[0], payload, flags },
                None => return Err(SocketError::Malformed("it has no generic netlink header".into())),
            },
        }))
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
