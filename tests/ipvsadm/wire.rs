//! Messages as bytes: captured messages are decoded, compared with the expected values and encoded again.

mod attributes;
mod captured;
mod malformed;
mod values;
mod versions;

use ipvs::netlink::IpvsMessage;
use ipvs::*;
use netlink_packet_core::{Emitable, NetlinkDeserializable, NetlinkHeader, NetlinkMessage};
use netlink_packet_generic::GenlMessage;

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

fn decode(bytes: &[u8]) -> IpvsMessage {
    GenlMessage::<IpvsMessage>::deserialize(&NetlinkHeader::default(), bytes).unwrap().payload
}

fn encode(message: IpvsMessage) -> Vec<u8> {
    let message = GenlMessage::from_payload(message);
    let mut bytes = vec![0; message.buffer_len()];
    message.emit(&mut bytes);
    bytes
}
