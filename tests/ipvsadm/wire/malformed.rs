//! Damaged messages and messages with impossible values.

use super::*;

#[test]
fn truncated_messages_are_not_mistaken_for_whole_ones_and_bit_errors_cause_no_panic() {
    for capture in captures() {
        let Capture { title, bytes } = &capture;
        for length in 4..bytes.len() {
            // A truncated message may still be valid, but must differ from the whole one.
            if let Ok(message) = capture.decode(&bytes[..length]) {
                assert_ne!(message, capture.message(), "{title}: {length}");
            }
        }
        for place in 4..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[place] ^= 1 << bit;
                let _ = capture.decode(&damaged);
            }
        }
    }
}

/// Decodes a reply with these attributes, which must fail, and returns the error.
fn refusal(command: u8, attributes: &[u8]) -> String {
    let bytes = [&[command, 1, 0, 0], attributes].concat();
    decode::<Reply>(&bytes).unwrap_err().to_string()
}

#[test]
fn errors_name_the_offending_attribute() {
    let value = |kind: u8, value: &[u8]| {
        let mut bytes = vec![4 + value.len() as u8, 0, kind, 0];
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    let info = |attributes: &[Vec<u8>]| refusal(14, &attributes.concat());
    let (version, size) = (value(1, &[1, 2, 1, 0]), value(2, &[0, 16, 0, 0]));
    assert_eq!(info(&[]), "IPVS_INFO_ATTR_VERSION is missing");
    assert_eq!(info(std::slice::from_ref(&version)), "IPVS_INFO_ATTR_CONN_TAB_SIZE is missing");
    assert_eq!(info(&[version.clone(), version.clone(), size]), "IPVS_INFO_ATTR_VERSION is repeated");
    assert_eq!(
        info(&[version.clone(), value(2, &[0, 16])]),
        "IPVS_INFO_ATTR_CONN_TAB_SIZE has 2 bytes instead of 4"
    );
    assert_eq!(
        info(&[version, value(2, &[0, 16, 0, 0, 0, 0, 0, 0])]),
        "IPVS_INFO_ATTR_CONN_TAB_SIZE has 8 bytes instead of 4"
    );
    assert_eq!(refusal(14, &[3, 0, 1, 0]), "malformed attributes inside IPVS_CMD_SET_INFO");
    assert_eq!(refusal(14, &[9, 0, 1, 0]), "malformed attributes inside IPVS_CMD_SET_INFO");
    assert_eq!(refusal(99, &[]), "unknown command 99");

    let service = |attributes: &[Vec<u8>]| refusal(1, &value(1, &attributes.concat()));
    let (v4, v6) = (value(1, &[2, 0]), value(1, &[10, 0]));
    assert_eq!(refusal(1, &[]), "IPVS_CMD_ATTR_SERVICE is missing");
    assert_eq!(service(&[]), "IPVS_SVC_ATTR_AF is missing");
    assert_eq!(service(&[value(1, &[9, 0])]), "IPVS_SVC_ATTR_AF has an impossible value");
    assert_eq!(service(std::slice::from_ref(&v4)), "IPVS_SVC_ATTR_PROTOCOL is missing");
    assert_eq!(
        service(&[v4, value(2, &[6, 0]), value(3, &[10, 0, 0, 1])]),
        "IPVS_SVC_ATTR_ADDR has 4 bytes instead of 16"
    );
    let prefix_of_200 = [
        v6,
        value(5, &[1, 0, 0, 0]),
        value(6, b"rr\0"),
        value(7, &[0; 8]),
        value(8, &[0; 4]),
        value(9, &[200, 0, 0, 0]),
    ];
    assert_eq!(service(&prefix_of_200), "IPVS_SVC_ATTR_NETMASK has an impossible value");
}
