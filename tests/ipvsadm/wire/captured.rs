//! Captured messages, decoded and encoded again.

use super::attributes::canonical;
use super::values::{gue, meanings, web};
use netlink_packet_core::NetlinkSerializable;

use super::*;

#[test]
fn captured_messages_decode_to_the_expected_values() {
    let (captures, meanings) = (captures(), meanings());
    for (capture, meaning) in captures.iter().zip(&meanings) {
        assert_eq!(capture.message(), *meaning, "{}", capture.title);
    }
    assert_eq!(captures.len(), meanings.len());
}

#[test]
fn replies_of_the_kernel_are_encoded_as_the_kernel_encodes_them() {
    let replies: Vec<Capture> = captures().into_iter().filter(Capture::is_reply).collect();
    assert_eq!(replies.len(), 13);
    for reply in replies {
        assert_eq!(canonical(&reply.message().encode()), canonical(&reply.bytes), "{}", reply.title);
    }
}

#[test]
fn requests_to_the_kernel_have_the_expected_bytes() {
    let captures = captures();
    let captured = |title: &str| captures.iter().find(|capture| capture.title.starts_with(title)).unwrap();
    // For these commands we send the same bytes as the original.
    for title in [
        "> ipvsadm -A -t",
        "> ipvsadm -A --sctp",
        "> ipvsadm -A -f",
        "> ipvsadm -E",
        "> ipvsadm --start-daemon m",
    ] {
        let capture = captured(title);
        assert_eq!(capture.message().encode(), capture.bytes, "{title}");
    }
    // For this command the original repeats the settings of the service and orders the attributes
    // differently.
    let server = encode(Request::from(Change::AddDestination(web().id(), gue())));
    #[rustfmt::skip]
    assert_eq!(server, [
        5, 1, 0, 0,
        0x30, 0, 1, 0x80, 6, 0, 1, 0, 2, 0, 0, 0, 6, 0, 2, 0, 6, 0, 0, 0,
        0x14, 0, 3, 0, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 4, 0, 0, 80, 0, 0,
        0x60, 0, 2, 0x80, 0x14, 0, 1, 0, 192, 168, 9, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        6, 0, 2, 0, 0, 80, 0, 0, 8, 0, 3, 0, 2, 0, 0, 0, 8, 0, 4, 0, 10, 0, 0, 0,
        5, 0, 13, 0, 1, 0, 0, 0, 6, 0, 14, 0, 0x17, 0xc0, 0, 0, 6, 0, 15, 0, 1, 0, 0, 0,
        8, 0, 5, 0, 100, 0, 0, 0, 8, 0, 6, 0, 50, 0, 0, 0, 6, 0, 11, 0, 2, 0, 0, 0,
    ]);
}

#[test]
fn every_message_survives_encoding_and_decoding_inside_a_netlink_message() {
    for message in meanings() {
        let (payload, decoded) = match message {
            Message::Request(request) => round_trip(request, Message::Request),
            Message::Reply(reply) => round_trip(reply, Message::Reply),
        };
        assert_eq!(decoded, message);
        assert_eq!(payload, message.encode());
    }
}

/// Serializes a message inside a netlink message, and decodes its payload again.
fn round_trip<M>(message: M, wrap: impl Fn(M) -> Message) -> (Vec<u8>, Message)
where
    M: GenlFamily + Clone + std::fmt::Debug + Eq + Emitable,
    GenlMessage<M>: NetlinkSerializable + NetlinkDeserializable<Error = DecodeError>,
{
    let mut packet = NetlinkMessage::from(GenlMessage::from_payload(message));
    packet.finalize();
    let mut bytes = vec![0; packet.buffer_len()];
    packet.serialize(&mut bytes);
    let payload = bytes.split_off(16);
    let decoded = wrap(decode(&payload).unwrap());
    (payload, decoded)
}
