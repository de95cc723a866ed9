//! Text in the making: words, numbers and columns, appended without a detour through formatters. A listing may
//! have a million lines.

use std::fmt;
use std::io::{self, Write};

use crate::error::Failure;

/// Beyond this length a text that is not complete yet is printed.
const LONG: usize = 16 * 1024;

/// What is to be printed.
#[derive(Default)]
pub struct Text {
    bytes: Vec<u8>,
    /// Whether a column may have fewer characters than bytes.
    wide: bool,
}

impl Text {
    #[inline(always)]
    pub fn push(&mut self, text: impl AsRef<[u8]>) {
        self.bytes.extend_from_slice(text.as_ref());
    }

    /// Appends the first `length` of these bytes: a copy whose length is fixed needs no call.
    #[inline(always)]
    fn put<const N: usize>(&mut self, bytes: [u8; N], length: usize) {
        let end = self.bytes.len() + length;
        self.bytes.extend_from_slice(&bytes);
        self.bytes.truncate(end);
    }

    /// Appends a name, which may have characters of several bytes.
    pub fn push_name(&mut self, name: &str) {
        self.wide = true;
        self.push(name);
    }

    /// Appends a number.
    #[inline]
    pub fn number(&mut self, number: impl Into<u64>) {
        match number.into() {
            number @ 0..1000 => {
                let digits = Digits::of(number as usize);
                self.put(digits.bytes(), digits.length());
            }
            number => self.long_number(number),
        }
    }

    #[inline(never)]
    fn long_number(&mut self, number: u64) {
        self.number(number / 1000);
        self.put(Digits::of((number % 1000) as usize).three(), 3);
    }

    /// Appends an IPv4 address.
    pub fn ipv4(&mut self, octets: [u8; 4]) {
        let mut piece = Piece::new();
        piece.ipv4(octets);
        self.put(piece.bytes, piece.length);
    }

    /// Appends an IPv4 address, a colon and a port, filled up with blanks to so many characters, 32 at most.
    pub fn ipv4_and_port(&mut self, width: usize, octets: [u8; 4], port: u16) {
        let mut piece = Piece::new();
        piece.ipv4(octets);
        piece.port(port);
        self.put(piece.bytes, piece.length.max(width));
    }

    /// Appends a blank, and a number filled up with blanks to so many characters.
    #[inline(always)]
    pub fn column(&mut self, width: usize, number: u32) {
        if number < 1000 && (3..16).contains(&width) {
            let [a, b, c, _] = Digits::of(number as usize).bytes();
            let mut column = [b' '; 16];
            column[1..4].copy_from_slice(&[a, b, c]);
            return self.put(column, 1 + width);
        }
        self.push(" ");
        self.left(width, |text| text.number(number));
    }

    /// Appends something and fills it up with blanks to so many characters.
    #[inline]
    pub fn left(&mut self, width: usize, content: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.wide = false;
        content(self);
        let length = match self.wide {
            true => String::from_utf8_lossy(&self.bytes[start..]).chars().count(),
            false => self.bytes.len() - start,
        };
        self.blanks(width.saturating_sub(length));
    }

    /// Appends a number behind as many blanks as make eight characters with it.
    #[inline(always)]
    pub fn right(&mut self, number: u64) {
        if number < 1000 {
            let digits = Digits::of(number as usize);
            let [a, b, c, _] = digits.bytes();
            let column = u64::from_le_bytes([a, b, c, b' ', b' ', b' ', b' ', b' ']);
            return self.put(column.rotate_right(8 * digits.length() as u32).to_le_bytes(), 8);
        }
        self.blanks(8_usize.saturating_sub(number.ilog10() as usize + 1));
        self.number(number);
    }

    #[inline]
    fn blanks(&mut self, count: usize) {
        const MANY: usize = 32;
        let mut left = count;
        while left > MANY {
            self.put([b' '; MANY], MANY);
            left -= MANY;
        }
        self.put([b' '; MANY], left);
    }

    /// Writes what there is to standard output and goes on with nothing.
    ///
    /// # Errors
    /// [`Failure::OutputClosed`] if the reader has seen enough: that ends the program quietly.
    pub fn print(&mut self) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        let outcome = stdout.write_all(&self.bytes).and_then(|()| stdout.flush());
        self.bytes.clear();
        outcome.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::OutputClosed,
            _ => Failure::Output(error),
        })
    }

    /// Prints what there is if it has become long.
    pub fn print_if_long(&mut self) -> Result<(), Failure> {
        if self.bytes.len() < LONG { Ok(()) } else { self.print() }
    }
}

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.bytes))
    }
}

/// Up to 32 bytes that are put together before they are appended.
struct Piece {
    bytes: [u8; 32],
    length: usize,
}

impl Piece {
    fn new() -> Self {
        Self { bytes: [b' '; 32], length: 0 }
    }

    /// Appends the first `length` of these bytes.
    #[inline(always)]
    fn put(&mut self, bytes: [u8; 4], length: usize) {
        self.bytes[self.length..self.length + 4].copy_from_slice(&bytes);
        self.length += length;
    }

    #[inline(always)]
    fn ipv4(&mut self, [a, b, c, d]: [u8; 4]) {
        let first = Digits::of(a.into());
        self.put(first.bytes(), first.length());
        for octet in [b, c, d] {
            self.behind(b'.', Digits::of(octet.into()));
        }
    }

    #[inline(always)]
    fn behind(&mut self, separator: u8, digits: Digits) {
        let [a, b, c, _] = digits.bytes();
        self.put([separator, a, b, c], 1 + digits.length());
    }

    /// A colon and a port.
    #[inline(always)]
    fn port(&mut self, port: u16) {
        let (thousands, last) = (usize::from(port / 1000), Digits::of(usize::from(port % 1000)));
        if thousands == 0 {
            return self.behind(b':', last);
        }
        self.behind(b':', Digits::of(thousands));
        let [a, b, c, _] = last.three();
        self.put([a, b, c, b' '], 3);
    }
}

/// The digits of a number below 1000, filled up with blanks to three characters; the two highest bits are how many
/// they are: from that the compiler sees that a [`Piece`] is long enough.
#[derive(Clone, Copy)]
struct Digits(u32);

impl Digits {
    #[inline(always)]
    fn of(number: usize) -> Self {
        DIGITS[number]
    }

    fn length(self) -> usize {
        (self.0 >> 30) as usize
    }

    /// The digits and blanks, three in all; what follows does not count.
    fn bytes(self) -> [u8; 4] {
        self.0.to_le_bytes()
    }

    /// The digits behind zeros, three in all; what follows does not count.
    fn three(self) -> [u8; 4] {
        let zeros = 8 * (3 - self.length());
        (self.0 << zeros | (0x30_3030 & ((1 << zeros) - 1))).to_le_bytes()
    }
}

static DIGITS: [Digits; 1000] = {
    let mut all = [Digits(0); 1000];
    let mut number = 0;
    while number < 1000 {
        let [first, second, third] = [number / 100, number / 10 % 10, number % 10];
        let [first, second, third] = [b'0' + first as u8, b'0' + second as u8, b'0' + third as u8];
        all[number] = Digits(u32::from_le_bytes(match number {
            0..10 => [third, b' ', b' ', 1 << 6],
            10..100 => [second, third, b' ', 2 << 6],
            _ => [first, second, third, 3 << 6],
        }));
        number += 1;
    }
    all
};

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddrV4};

    use super::*;

    #[test]
    fn columns_are_as_the_formatters_of_the_standard_library_make_them() {
        for value in [0, 7, 10, 99, 100, 999, 1000, 1001, 65_535, 12_345_678, 123_456_789, u64::MAX] {
            let mut text = Text::default();
            text.push("é");
            text.number(value);
            text.right(value);
            text.left(60, |text| text.number(value));
            let column = value as u32;
            text.column(2, column);
            text.column(9, column);
            let expected = format!("é{value}{value:>8}{value:<60} {column:<2} {column:<9}");
            assert_eq!(text.to_string(), expected);
        }
        let mut text = Text::default();
        text.left(6, |text| text.push_name("grün"));
        assert_eq!(text.to_string(), format!("{:<6}", "grün"));
    }

    #[test]
    fn endpoints_are_as_the_standard_library_writes_them() {
        for address in [[0; 4], [255; 4], [10, 0, 99, 100], [192, 0, 2, 9]] {
            for port in [0, 7, 10, 99, 100, 999, 1000, 1001, 1010, 8080, 9999, 10_000, 65_535] {
                let mut text = Text::default();
                text.ipv4_and_port(0, address, port);
                text.ipv4_and_port(28, address, port);
                let end = SocketAddrV4::new(address.into(), port).to_string();
                assert_eq!(text.to_string(), format!("{end}{end:<28}"));
            }
        }
    }

    #[test]
    fn a_text_grows_as_needed() {
        let (mut text, mut expected) = (Text::default(), String::new());
        for number in 0..2000_u32 {
            text.number(number);
            text.push(" and ");
            text.left(41, |text| text.ipv4(number.to_be_bytes()));
            expected += &format!("{number} and {:<41}", Ipv4Addr::from(number));
        }
        assert_eq!(text.to_string(), expected);
    }
}
