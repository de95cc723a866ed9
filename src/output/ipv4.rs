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
    pub(super) fn new(address: Ipv4Addr) -> Self {
        let mut column = Self { bytes: [b' '; 32], length: 0 };
        let [a, b, c, d] = address.octets();
        column.number(a.into(), [100, 10]);
        for octet in [b, c, d] {
            column.push(b'.');
            column.number(octet.into(), [100, 10]);
        }
        column
    }

    pub(super) fn with_port(mut self, port: u16) -> Self {
        self.push(b':');
        self.number(port, [10_000, 1_000, 100, 10]);
        self
    }

    /// Appends a number that has no more digits than the powers of ten, and one for the rest.
    fn number<const N: usize>(&mut self, number: u16, powers: [u16; N]) {
        let mut rest = number;
        for power in powers {
            if number >= power {
                self.push(b'0' + (rest / power) as u8);
            }
            rest %= power;
        }
        self.push(b'0' + rest as u8);
    }

    fn push(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }
}
