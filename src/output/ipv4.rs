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
        let [a, b, c, d] = address.octets();
        column.octet(a);
        for octet in [b, c, d] {
            column.push(b'.');
            column.octet(octet);
        }
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

    /// Appends an octet, of which blanks follow that the next byte replaces.
    fn octet(&mut self, octet: u8) {
        let (digits, length) = OCTETS[usize::from(octet)];
        self.bytes[self.length..self.length + 4].copy_from_slice(&digits);
        self.length += length;
    }

    fn push(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }
}

/// The digits of each octet with blanks after them, and their number.
static OCTETS: [([u8; 4], usize); 256] = {
    let mut octets = [([b' '; 4], 0); 256];
    let mut octet = 0;
    while octet < 256 {
        let [hundreds, tens, ones] = [octet / 100, octet / 10 % 10, octet % 10];
        let [a, b, c] = [b'0' + hundreds as u8, b'0' + tens as u8, b'0' + ones as u8];
        octets[octet] = match (hundreds, tens) {
            (0, 0) => ([c, b' ', b' ', b' '], 1),
            (0, _) => ([b, c, b' ', b' '], 2),
            _ => ([a, b, c, b' '], 3),
        };
        octet += 1;
    }
    octets
};
