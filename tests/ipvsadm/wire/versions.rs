//! Messages of newer and older kernels.

use super::attributes::{reversed, without};
use super::values::{destination, web};
use super::*;

#[test]
fn unknown_attributes_and_values_of_newer_kernels_are_tolerated() {
    let mut bytes = answer();
    bytes.extend([8, 0, 77, 0, 1, 2, 3, 4]);
    assert_eq!(decode(&bytes), decode(&answer()));

    let odd = Destination {
        forwarding: Forwarding::Other(6),
        tunnel: Tunnel::Other { kind: 9, port: 1, flags: TunnelFlags(0x8000) },
        ..destination("10.0.0.9", 1)
    };
    let message = Change::AddDestination(web().id(), odd).into();
    assert_eq!(decode(&encode(message)), message);
}

#[test]
fn attributes_may_appear_in_any_order() {
    let with_attributes = |bytes: &[u8]| matches!(bytes[0], 1..=11) && bytes.len() > 4;
    for Capture { title, bytes } in captures().iter().filter(|capture| with_attributes(&capture.bytes)) {
        assert_eq!(decode(&reversed(bytes)), decode(bytes), "{title}");
    }
}

#[test]
fn statistics_of_old_kernels_with_32_bits_are_decoded() {
    let bytes = answer();
    let whole = decode(&bytes);
    let nested = without(&bytes[8..], 12);
    let mut old = bytes[..4].to_vec();
    old.extend(((4 + nested.len()) as u16).to_ne_bytes());
    old.extend([1, 0]);
    old.extend(nested);
    assert!(old.len() < bytes.len());
    assert_eq!(decode(&old), whole);
}

/// Returns the kernel's report of a service.
fn answer() -> Vec<u8> {
    let is_service = |bytes: &[u8]| matches!(decode(bytes), IpvsMessage::Answer(Answer::Service(_)));
    captures().into_iter().map(|capture| capture.bytes).find(|bytes| is_service(bytes)).unwrap()
}
