//! Addresses and foreign bytes as text.

use std::fmt::Write;
use std::net::{IpAddr, Ipv6Addr};

use super::Text;

/// Appends an address as `inet_ntop(3)` writes it.
#[inline]
pub fn push(text: &mut Text, address: IpAddr) {
    match address {
        IpAddr::V4(address) => text.ipv4(address.octets()),
        IpAddr::V6(address) => ipv6(text, address),
    }
}

/// Unlike Rust, `inet_ntop(3)` shows an embedded IPv4 address also after `::`.
fn ipv6(text: &mut Text, address: Ipv6Addr) {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => {
            text.push("::");
            let [[a, b], [c, d]] = [high, low].map(u16::to_be_bytes);
            text.ipv4([a, b, c, d]);
        }
        _ => drop(write!(text, "{address}")),
    }
}

/// Bytes from the network made harmless: what is not printable, or would look like two columns, is
/// escaped.
#[inline]
pub fn escape(text: &mut Text, bytes: &[u8]) {
    if bytes.iter().all(u8::is_ascii_graphic) {
        text.push(bytes);
    } else {
        escape_others(text, bytes);
    }
}

#[cold]
fn escape_others(text: &mut Text, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            // Writing to a text cannot fail.
            let _ = match character {
                ' ' => write!(text, "\\x20"),
                _ if character.is_control() || character.is_whitespace() => {
                    write!(text, "{}", character.escape_default())
                }
                _ => {
                    text.push_name(character.encode_utf8(&mut [0; 4]));
                    Ok(())
                }
            };
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_inet_ntop_does() {
        for (address, expected) in [
            ("192.0.2.255", "192.0.2.255"),
            ("::1", "::1"),
            ("::", "::"),
            ("::10.0.0.1", "::10.0.0.1"),
            ("::ffff", "::ffff"),
            ("::ffff:10.0.0.1", "::ffff:10.0.0.1"),
            ("2001:db8:0:0:1::7", "2001:db8::1:0:0:7"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ] {
            let mut text = Text::default();
            push(&mut text, address.parse().unwrap());
            assert_eq!(text.to_string(), expected);
        }
    }

    #[test]
    fn bytes_that_could_harm_a_terminal_are_escaped() {
        let escape = |bytes: &[u8]| {
            let mut text = Text::default();
            super::escape(&mut text, bytes);
            text.to_string()
        };
        assert_eq!(escape(b"call-id@example.com"), "call-id@example.com");
        assert_eq!(escape("grün".as_bytes()), "grün");
        assert_eq!(escape(b"\x1b[2J\n a\xff"), "\\u{1b}[2J\\n\\x20a\\xff");
    }
}
