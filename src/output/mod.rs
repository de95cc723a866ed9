//! The buffer that standard output is built in, with the names that stand for addresses and ports.

mod endpoint;
mod ipv4;
mod json;

use std::fmt;
use std::io::{self, Write};

use crate::names::Names;
use crate::terminal;

/// A buffer that has become longer than this is printed before it is complete.
const MAX_LEN: usize = 16 * 1024;

/// Text for standard output. A listing may have a million lines, so that it is appended to without
/// allocating.
#[derive(Default)]
pub(crate) struct Output {
    bytes: Vec<u8>,
    /// Set if a long text stays here until it is complete.
    pub(crate) held: bool,
    /// The names to show. By default there are none: addresses and ports are numbers.
    pub(crate) names: Names,
}

impl Output {
    pub(crate) fn push(&mut self, text: impl AsRef<[u8]>) {
        self.bytes.extend_from_slice(text.as_ref());
    }

    /// Appends a text that comes from the kernel or the network, as a single word without anything harmful.
    pub(crate) fn foreign(&mut self, text: &[u8]) {
        self.push(terminal::escape(text));
    }

    /// Appends such a text, and blanks up to a width.
    pub(crate) fn foreign_column(&mut self, width: usize, text: &[u8]) {
        if terminal::is_word(text) {
            self.push(text);
            self.blanks(width.saturating_sub(text.len()));
        } else {
            self.left(width, |output| output.foreign(text));
        }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn number(&mut self, number: impl itoa::Integer) {
        self.push(itoa::Buffer::new().format(number));
    }

    /// Appends a column, and blanks up to a width in characters.
    pub(crate) fn left(&mut self, width: usize, append: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        append(self);
        let column = &self.bytes[start..];
        let length =
            if column.is_ascii() { column.len() } else { String::from_utf8_lossy(column).chars().count() };
        self.blanks(width.saturating_sub(length));
    }

    /// Appends a blank, a number, and blanks up to a width.
    pub(crate) fn column(&mut self, width: usize, number: u32) {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(number);
        self.push(" ");
        self.push(digits);
        self.blanks(width.saturating_sub(digits.len()));
    }

    /// Returns a text as it would be appended.
    pub(crate) fn text(&mut self, append: impl FnOnce(&mut Self)) -> String {
        let start = self.bytes.len();
        append(self);
        String::from_utf8_lossy(&self.bytes.split_off(start)).into_owned()
    }

    /// Appends a number, right-aligned in a width.
    pub(crate) fn right(&mut self, width: usize, number: u64) {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(number);
        self.blanks(width.saturating_sub(digits.len()));
        self.push(digits);
    }

    fn blanks(&mut self, count: usize) {
        const MANY: usize = 32;
        for _ in 0..count / MANY {
            self.push([b' '; MANY]);
        }
        self.push_first(count % MANY, [b' '; MANY]);
    }

    /// Appends the first `count` bytes. A copy of a fixed length is inlined, unlike one of any length.
    fn push_first<const N: usize>(&mut self, count: usize, bytes: [u8; N]) {
        let end = self.bytes.len() + count;
        self.push(bytes);
        self.bytes.truncate(end);
    }

    /// Writes the buffer to standard output and empties it.
    pub(crate) fn print(&mut self) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        let outcome = stdout.write_all(&self.bytes).and_then(|()| stdout.flush());
        self.bytes.clear();
        outcome
    }

    /// Prints the buffer if it has become long.
    pub(crate) fn print_if_long(&mut self) -> io::Result<()> {
        if self.bytes.len() < MAX_LEN || self.held { Ok(()) } else { self.print() }
    }
}

impl fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_look_as_the_standard_library_formats_them() {
        for value in [0, 7, 10, 99, 100, 999, 1000, 1001, 65_535, 12_345_678, 123_456_789, u64::MAX] {
            let mut output = Output::default();
            output.push("é");
            output.number(value);
            output.right(8, value);
            output.left(60, |output| output.number(value));
            let column = value as u32;
            output.column(2, column);
            output.column(9, column);
            let expected = format!("é{value}{value:>8}{value:<60} {column:<2} {column:<9}");
            assert_eq!(output.to_string(), expected);
        }
    }

    #[test]
    fn a_column_is_filled_up_by_characters_instead_of_bytes() {
        let mut output = Output::default();
        output.left(6, |output| output.push("grün"));
        assert_eq!(output.to_string(), format!("{:<6}", "grün"));
    }
}
