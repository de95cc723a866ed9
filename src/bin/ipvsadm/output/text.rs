//! Text in the making: words, numbers and columns, appended without a detour through formatters. A listing may
//! have a million lines.

use std::fmt;
use std::io::{self, Write};

use crate::error::Failure;

/// Beyond this length a text that is not complete yet is printed.
const LONG: usize = 64 * 1024;
const BLANKS: [u8; 32] = [b' '; 32];

/// What is to be printed.
#[derive(Default)]
pub struct Text {
    bytes: Vec<u8>,
    /// Whether a column may have fewer characters than bytes.
    wide: bool,
}

impl Text {
    pub fn push(&mut self, text: impl AsRef<[u8]>) {
        self.bytes.extend_from_slice(text.as_ref());
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
            number @ 0..1000 => self.few(Few::number(number as usize)),
            number => self.long_number(number),
        }
    }

    #[inline(never)]
    fn long_number(&mut self, number: u64) {
        let last = (number % 1000) as u32;
        let last = Few::of([last / 100, last / 10, last].map(digit));
        match number / 1000 {
            thousands @ 0..1000 => self.few(Few::number(thousands as usize).then(last)),
            thousands => {
                self.long_number(thousands);
                self.few(last);
            }
        }
    }

    /// Appends an IPv4 address.
    pub fn ipv4(&mut self, [a, b, c, d]: [u8; 4]) {
        let dot = Few::of(*b".");
        let [a, b, c, d] = [a, b, c, d].map(|octet| Few::number(octet.into()));
        self.few(a.then(dot).then(b));
        self.few(dot.then(c).then(dot).then(d));
    }

    fn few(&mut self, few: Few) {
        let end = self.bytes.len() + few.length;
        // Bytes whose number is fixed are copied without a call.
        self.bytes.extend_from_slice(&few.bytes.to_le_bytes());
        self.bytes.truncate(end);
    }

    /// Appends a number and fills it up with blanks to so many characters.
    pub fn left_number(&mut self, width: usize, number: impl Into<u64>) {
        let start = self.bytes.len();
        self.number(number);
        self.blanks(width.saturating_sub(self.bytes.len() - start));
    }

    /// Appends something and fills it up with blanks to so many characters.
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

    /// Appends a number behind as many blanks as make so many characters with it.
    pub fn right(&mut self, width: usize, number: u64) {
        if number < 1000 && width == 8 {
            let few = Few::number(number as usize);
            return self.few(Few::blanks(8 - few.length).then(few));
        }
        self.blanks(width.saturating_sub(number.ilog10() as usize + 1));
        self.number(number);
    }

    fn blanks(&mut self, count: usize) {
        let end = self.bytes.len() + count;
        match count {
            0..=32 => self.bytes.extend_from_slice(&BLANKS),
            _ => self.bytes.resize(end, b' '),
        }
        self.bytes.truncate(end);
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

/// Up to eight bytes, put together without memory.
#[derive(Clone, Copy)]
struct Few {
    /// The first is the lowest; those beyond the length are 0.
    bytes: u64,
    length: usize,
}

impl Few {
    const fn of<const N: usize>(bytes: [u8; N]) -> Self {
        let mut few = Self { bytes: 0, length: 0 };
        while few.length < N {
            few.bytes |= (bytes[few.length] as u64) << (8 * few.length);
            few.length += 1;
        }
        few
    }

    /// A number below 1000.
    fn number(number: usize) -> Self {
        SHORT_NUMBERS[number]
    }

    /// Up to seven blanks.
    fn blanks(length: usize) -> Self {
        Self { bytes: u64::from_le_bytes([b' '; 8]) & ((1 << (8 * length)) - 1), length }
    }

    /// Both, eight bytes at most.
    fn then(self, other: Self) -> Self {
        Self { bytes: self.bytes | other.bytes << (8 * self.length), length: self.length + other.length }
    }
}

/// Each number below 1000.
static SHORT_NUMBERS: [Few; 1000] = {
    let mut numbers = [Few::of([]); 1000];
    let mut number = 0;
    while number < 1000 {
        let [first, second, third] = [digit(number / 100), digit(number / 10), digit(number)];
        numbers[number as usize] = match number {
            0..10 => Few::of([third]),
            10..100 => Few::of([second, third]),
            _ => Few::of([first, second, third]),
        };
        number += 1;
    }
    numbers
};

/// The last digit of a number.
const fn digit(number: u32) -> u8 {
    b'0' + (number % 10) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_the_formatters_of_the_standard_library_make_them() {
        for value in [0, 7, 10, 99, 100, 999, 1000, 65_535, 12_345_678, 123_456_789, u64::MAX] {
            let mut text = Text::default();
            text.push("é");
            text.number(value);
            text.right(8, value);
            text.left_number(9, value);
            text.left(60, |text| text.number(value));
            assert_eq!(text.to_string(), format!("é{value}{value:>8}{value:<9}{value:<60}"));
        }
        let mut text = Text::default();
        text.left(6, |text| text.push_name("grün"));
        assert_eq!(text.to_string(), format!("{:<6}", "grün"));
    }
}
