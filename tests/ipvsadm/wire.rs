//! Messages as bytes: captured messages are decoded, compared with the expected values and encoded again.

mod attributes;
mod captured;
mod malformed;
mod values;
mod versions;

use ipvs_netlink::*;
use netlink_packet_core::{DecodeError, Emitable, NetlinkDeserializable, NetlinkHeader, NetlinkMessage};
use netlink_packet_generic::{GenlFamily, GenlMessage};

/// One captured message.
struct Capture {
    /// The command line, prefixed with `>` for a request and `<` for a reply.
    title: &'static str,
    /// The message, starting with the generic netlink header.
    bytes: Vec<u8>,
}

fn captures() -> Vec<Capture> {
    let mut captures: Vec<Capture> = Vec::new();
    for line in include_str!("captures.txt").lines().filter(|line| !line.starts_with('#')) {
        match line.as_bytes() {
            [] => {}
            [b'<' | b'>', ..] => captures.push(Capture { title: line, bytes: Vec::new() }),
            digits => captures.last_mut().unwrap().bytes.extend(
                digits
                    .chunks(2)
                    .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()),
            ),
        }
    }
    captures
}

/// A message to the kernel or from it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Message {
    Request(Request),
    Reply(Reply),
}

impl Capture {
    fn is_reply(&self) -> bool {
        self.title.starts_with('<')
    }

    /// Decodes the message, or these bytes in its place.
    fn decode(&self, bytes: &[u8]) -> Result<Message, DecodeError> {
        if self.is_reply() { decode(bytes).map(Message::Reply) } else { decode(bytes).map(Message::Request) }
    }

    fn message(&self) -> Message {
        self.decode(&self.bytes).unwrap()
    }
}

impl Message {
    fn encode(self) -> Vec<u8> {
        match self {
            Self::Request(request) => encode(request),
            Self::Reply(reply) => encode(reply),
        }
    }
}

impl<T: Into<Request>> From<T> for Message {
    fn from(request: T) -> Self {
        Self::Request(request.into())
    }
}

fn decode<M>(bytes: &[u8]) -> Result<M, DecodeError>
where
    GenlMessage<M>: NetlinkDeserializable<Error = DecodeError>,
{
    Ok(GenlMessage::<M>::deserialize(&NetlinkHeader::default(), bytes)?.payload)
}

fn encode<M: GenlFamily + std::fmt::Debug + Emitable>(message: M) -> Vec<u8> {
    let message = GenlMessage::from_payload(message);
    let mut bytes = vec![0; message.buffer_len()];
    message.emit(&mut bytes);
    bytes
}
