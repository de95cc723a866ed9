//! Messages of newer and older kernels.

use super::attributes::{reversed, without};
use super::values::{destination, web};
use super::*;

#[test]
fn unknown_attributes_and_values_of_newer_kernels_are_tolerated() {
    let mut bytes = service();
    bytes.extend([8, 0, 77, 0, 1, 2, 3, 4]);
    assert_eq!(decode::<Reply>(&bytes).unwrap(), decode(&service()).unwrap());

    let odd = destination("10.0.0.9", 1)
        .with_forwarding(Forwarding::from_raw(6))
        .with_tunnel(Tunnel::from_raw(9, 1, TunnelFlags::from_raw(0x8000)));
    let request = Request::from(Change::AddDestination(web().id(), odd));
    assert_eq!(decode::<Request>(&encode(request)).unwrap(), request);
}

#[test]
fn attributes_may_appear_in_any_order() {
    let with_attributes = |bytes: &[u8]| matches!(bytes[0], 1..=11) && bytes.len() > 4;
    let captures: Vec<Capture> =
        captures().into_iter().filter(|capture| with_attributes(&capture.bytes)).collect();
    assert!(captures.len() > 10, "{}", captures.len());
    for capture in captures {
        let reversed = capture.decode(&reversed(&capture.bytes)).unwrap();
        assert_eq!(reversed, capture.message(), "{}", capture.title);
    }
}

#[test]
fn statistics_of_old_kernels_with_32_bits_are_decoded() {
    let bytes = service();
    let whole: Reply = decode(&bytes).unwrap();
    let nested = without(&bytes[8..], 12);
    let mut old = bytes[..4].to_vec();
    old.extend(((4 + nested.len()) as u16).to_ne_bytes());
    old.extend([1, 0]);
    old.extend(nested);
    assert!(old.len() < bytes.len());
    assert_eq!(decode::<Reply>(&old).unwrap(), whole);
}

/// Returns the kernel's report of a service.
fn service() -> Vec<u8> {
    let is_service = |capture: &Capture| matches!(capture.message(), Message::Reply(Reply::Service(_)));
    captures().into_iter().find(is_service).unwrap().bytes
}
