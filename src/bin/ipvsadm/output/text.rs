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
pub struct Text(Vec<u8>);

impl Text {
    pub fn push(&mut self, text: impl AsRef<[u8]>) {
        self.0.extend_from_slice(text.as_ref());
    }

    /// Appends a number.
    pub fn number(&mut self, number: impl Into<u64>) {
        match number.into() {
            number @ 0..1000 => {
                let [first, second, third, digits] = SHORT_NUMBERS[number as usize];
                let end = self.0.len() + usize::from(digits);
                // Bytes whose number is fixed are copied without a call.
                self.0.extend_from_slice(&[first, second, third]);
                self.0.truncate(end);
            }
            number => self.long_number(number),
        }
    }

    #[inline(never)]
    fn long_number(&mut self, number: u64) {
        self.number(number / 1000);
        let last = (number % 1000) as u32;
        self.0.extend_from_slice(&[last / 100, last / 10, last].map(digit));
    }

    /// Appends a number and fills it up with blanks to so many characters.
    pub fn left_number(&mut self, width: usize, number: impl Into<u64>) {
        let start = self.0.len();
        self.number(number);
        self.blanks(width.saturating_sub(self.0.len() - start));
    }

    /// Appends something and fills it up with blanks to so many characters.
    pub fn left(&mut self, width: usize, content: impl FnOnce(&mut Self)) {
        let start = self.0.len();
        content(self);
        let content = &self.0[start..];
        let length = match content.is_ascii() {
            true => content.len(),
            false => String::from_utf8_lossy(content).chars().count(),
        };
        self.blanks(width.saturating_sub(length));
    }

    /// Appends a number behind as many blanks as make so many characters with it.
    pub fn right(&mut self, width: usize, number: u64) {
        let digits = number.checked_ilog10().unwrap_or(0) as usize + 1;
        self.blanks(width.saturating_sub(digits));
        self.number(number);
    }

    fn blanks(&mut self, count: usize) {
        let end = self.0.len() + count;
        match count {
            0..=32 => self.0.extend_from_slice(&BLANKS),
            _ => self.0.resize(end, b' '),
        }
        self.0.truncate(end);
    }

    /// Writes what there is to standard output and goes on with nothing.
    ///
    /// # Errors
    /// [`Failure::OutputClosed`] if the reader has seen enough: that ends the program quietly.
    pub fn print(&mut self) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        let outcome = stdout.write_all(&self.0).and_then(|()| stdout.flush());
        self.0.clear();
        outcome.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::OutputClosed,
            _ => Failure::Output(error),
        })
    }

    /// Prints what there is if it has become long.
    pub fn print_if_long(&mut self) -> Result<(), Failure> {
        if self.0.len() < LONG { Ok(()) } else { self.print() }
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
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

/// The digits of each number below 1000, and how many they are.
static SHORT_NUMBERS: [[u8; 4]; 1000] = {
    let mut numbers = [[0; 4]; 1000];
    let mut number = 0;
    while number < 1000 {
        let [first, second, third] = [digit(number / 100), digit(number / 10), digit(number)];
        numbers[number as usize] = match number {
            0..10 => [third, 0, 0, 1],
            10..100 => [second, third, 0, 2],
            _ => [first, second, third, 3],
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
        text.left(6, |text| text.push("grün"));
        assert_eq!(text.to_string(), format!("{:<6}", "grün"));
    }
}
