//! Addresses and foreign bytes as text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address as `inet_ntop(3)` writes it.
pub fn text(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => ipv6(address),
    }
}

/// Unlike Rust, `inet_ntop(3)` shows an embedded IPv4 address also after `::`.
fn ipv6(address: Ipv6Addr) -> String {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => {
            format!("::{}", Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
        }
        _ => address.to_string(),
    }
}

/// Bytes from the network made harmless: what is not printable, or would look like two columns, is
/// escaped.
pub fn escape(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                ' ' => text.push_str("\\x20"),
                _ if character.is_control() || character.is_whitespace() => {
                    text.extend(character.escape_default());
                }
                _ => text.push(character),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_addresses_are_written_as_inet_ntop_does() {
        for (bytes, text) in [
            ("::1", "::1"),
            ("::", "::"),
            ("::10.0.0.1", "::10.0.0.1"),
            ("::ffff", "::ffff"),
            ("::ffff:10.0.0.1", "::ffff:10.0.0.1"),
            ("2001:db8:0:0:1::7", "2001:db8::1:0:0:7"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ] {
            assert_eq!(ipv6(bytes.parse().unwrap()), text);
        }
    }

    #[test]
    fn bytes_that_could_harm_a_terminal_are_escaped() {
        assert_eq!(escape(b"call-id@example.com"), "call-id@example.com");
        assert_eq!(escape("grün".as_bytes()), "grün");
        assert_eq!(escape(b"\x1b[2J\n a\xff"), "\\u{1b}[2J\\n\\x20a\\xff");
    }
}
