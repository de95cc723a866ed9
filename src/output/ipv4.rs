//! IPv4 addresses and ports, put together in a fixed buffer before they are appended.
//!
//! Listings consist of little else: a line of `-Lnc` has three of them. An address with its port and the blanks
//! after it takes 220 instructions this way, and 330 if each number is appended by itself.

use std::net::Ipv4Addr;

/// An address, perhaps a port, and blanks.
pub(super) struct Ipv4Column {
    pub(super) bytes: [u8; 32],
    /// The number of bytes before the blanks.
    pub(super) length: usize,
}

impl Ipv4Column {
    #[inline]
    pub(super) fn new(address: Ipv4Addr) -> Self {
        let mut column = Self { bytes: [b' '; 32], length: 0 };
        for octet in address.octets() {
            let (text, length) = OCTETS[usize::from(octet)];
            column.bytes[column.length..column.length + 4].copy_from_slice(&text);
            column.length += length;
        }
        column.length -= 1;
        column.bytes[column.length] = b' ';
        column
    }

    /// Appends a colon and a port.
    pub(super) fn push_port(&mut self, port: u16) {
        self.push(b':');
        for power in [10_000, 1_000, 100, 10] {
            if port >= power {
                self.push(b'0' + (port / power % 10) as u8);
            }
        }
        self.push(b'0' + (port % 10) as u8);
    }

    fn push(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }
}

/// Each octet as digits and a dot with blanks after it, and the length without them.
static OCTETS: [([u8; 4], usize); 256] = {
    let mut octets = [([b' '; 4], 0); 256];
    let mut octet = 0;
    while octet < 256 {
        let [hundreds, tens, ones] = [octet / 100, octet / 10 % 10, octet % 10];
        let [a, b, c] = [b'0' + hundreds as u8, b'0' + tens as u8, b'0' + ones as u8];
        octets[octet] = match (hundreds, tens) {
            (0, 0) => ([c, b'.', b' ', b' '], 2),
            (0, _) => ([b, c, b'.', b' '], 3),
            _ => ([a, b, c, b'.'], 4),
        };
        octet += 1;
    }
    octets
};
