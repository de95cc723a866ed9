//! What the kernel tells only as text: the connections in `/proc/net/ip_vs_conn`.

mod columns;
mod line;

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::ops::Range;

use columns::Columns;
pub use line::Connection;

const PATH: &str = "/proc/thread-self/net/ip_vs_conn";
/// More than the kernel gives at once, which is a page: older kernels start from the top at every read. So much
/// memory comes fresh from the kernel, and what is not filled is never touched.
const READ_LENGTH: usize = 256 * 1024;

/// Why the connections cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionsError {
    /// The file cannot be read.
    #[error("{PATH}: {0}")]
    Read(#[from] io::Error),
    /// A line is not what it should be.
    #[error("{PATH}: malformed line \"{0}\"")]
    Malformed(String),
}

/// Reads the connections one after the other, in constant memory.
pub struct Connections<R = File> {
    source: R,
    buffer: Vec<u8>,
    /// What was read and not looked at yet.
    rest: Range<usize>,
}

impl Connections {
    /// Opens the file of the calling thread's network namespace. Everyone may read it.
    pub fn open() -> Result<Self, ConnectionsError> {
        Self::over(File::open(PATH)?)
    }
}

impl<R: Read> Connections<R> {
    fn over(source: R) -> Result<Self, ConnectionsError> {
        let mut connections = Self { source, buffer: vec![0; READ_LENGTH], rest: 0..0 };
        match connections.next_line()?.unwrap_or_default() {
            [b'P', b'r', b'o', b' ', ..] => Ok(connections),
            line => Err(ConnectionsError::Malformed(String::from_utf8_lossy(line).into_owned())),
        }
    }

    /// Hands each connection to `handle`.
    ///
    /// # Errors
    /// If the file cannot be read, a line is malformed, or `handle` fails: that ends it.
    #[inline(always)]
    pub fn for_each<E: From<ConnectionsError>>(
        mut self,
        mut handle: impl FnMut(&Connection<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        loop {
            let start = self.rest.start;
            if let Some(columns) = self.buffer[self.rest.clone()].first_chunk().and_then(Columns::read) {
                self.rest.start += Columns::LENGTH;
                handle(&columns.on(&self.buffer[start..self.rest.start - 1]))?;
            } else if let Some(line) = self.next_line().map_err(ConnectionsError::Read)? {
                handle(&Connection::parse(line)?)?;
            } else {
                return Ok(());
            }
        }
    }

    /// The next line without its newline.
    fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        loop {
            let start = self.rest.start;
            let length = (&self.buffer[self.rest.clone()]).skip_until(b'\n')?;
            let end = start + length;
            if length > 0 && self.buffer[end - 1] == b'\n' {
                self.rest.start = end;
                return Ok(Some(&self.buffer[start..end - 1]));
            }
            if self.read()? == 0 {
                let last = std::mem::take(&mut self.rest);
                return Ok((!last.is_empty()).then(|| &self.buffer[last]));
            }
        }
    }

    /// Reads more, behind what is left.
    fn read(&mut self) -> io::Result<usize> {
        self.buffer.copy_within(self.rest.clone(), 0);
        self.rest = 0..self.rest.len();
        if self.rest.end == self.buffer.len() {
            self.buffer.resize(2 * self.rest.end, 0);
        }
        loop {
            match self.source.read(&mut self.buffer[self.rest.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(length) => {
                    self.rest.end += length;
                    return Ok(length);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str = "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n";

    /// Gives its bytes in pieces of a given length.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(self.0.len()).min(buffer.len());
            let (piece, rest) = self.0.split_at(length);
            buffer[..length].copy_from_slice(piece);
            self.0 = rest;
            Ok(length)
        }
    }

    #[test]
    fn lines_of_both_families_and_with_engines_are_read() {
        let line = b"TCP C0000201 8F3A C0000202 0050 0A000001 1F90 ESTABLISHED     899";
        let connection = Connection::parse(line).unwrap();
        assert_eq!(connection.protocol, b"TCP");
        assert_eq!(connection.client, "192.0.2.1:36666".parse().unwrap());
        assert_eq!(connection.service, "192.0.2.2:80".parse().unwrap());
        assert_eq!(connection.destination, "10.0.0.1:8080".parse().unwrap());
        assert_eq!((connection.state, connection.expires), (&b"ESTABLISHED"[..], 899));
        assert_eq!(connection.engine, None);

        let line =
            b"UDP 2001:0db8:0000:0000:0000:0000:0000:0001 0000 2001:0db8:0000:0000:0000:0000:0000:0002 \
            13C4 0A000001 13C4 UDP            7 sip a b\x1b";
        let connection = Connection::parse(line).unwrap();
        assert_eq!(connection.client, "[2001:db8::1]:0".parse().unwrap());
        assert_eq!(connection.destination, "10.0.0.1:5060".parse().unwrap());
        assert_eq!(connection.engine, Some((&b"sip"[..], &b"a b\x1b"[..])));

        let line = b"IP  c00002FF 0000 00000007 0000 2001:0db8:0000:0000:0000:0000:0000:0001 0050 NONE  1";
        let connection = Connection::parse(line).unwrap();
        assert_eq!((connection.protocol, connection.expires), (&b"IP"[..], 1));
        assert_eq!(connection.client, "192.0.2.255:0".parse().unwrap());
        assert_eq!(connection.destination, "[2001:db8::1]:80".parse().unwrap());
    }

    #[test]
    fn a_line_in_columns_is_read_like_any_other() {
        for usual in [
            *b"TCP C0000201 8F3A C0000202 0050 0A000001 1F90 ESTABLISHED     899",
            *b"IP  C0000201 0000 C0000202 0035 0A000001 0035 NONE        1234567",
        ] {
            for place in 0..usual.len() {
                for byte in (0..=u8::MAX).filter(|&byte| byte != b'\n') {
                    let mut line = usual;
                    line[place] = byte;
                    let text = [HEADING.as_bytes(), &line, b"\n"].concat();
                    let mut found = Vec::new();
                    let outcome = Connections::over(&text[..]).unwrap().for_each(|connection| {
                        found.push(format!("{connection:?}"));
                        Ok::<_, ConnectionsError>(())
                    });
                    let expected = Connection::parse(&line).map(|connection| format!("{connection:?}"));
                    let found = outcome.map(|()| found.concat()).map_err(|error| error.to_string());
                    assert_eq!(found, expected.map_err(|error| error.to_string()), "{}", line.escape_ascii());
                }
            }
        }
    }

    #[test]
    fn lines_may_be_long_and_come_in_pieces() {
        let long = format!("UDP C0000201 0000 C0000202 13C4 0A000001 13C4 UDP 7 sip {}", "x".repeat(200_000));
        let short = "TCP C0000201 8F3A C0000202 0050 0A000001 1F90 NONE 0";
        let text = format!("{HEADING}{short}\n{long}\n{short}");
        for piece in [1, 7, 4096, usize::MAX] {
            let connections = Connections::over(Pieces(text.as_bytes(), piece)).unwrap();
            let mut lines = Vec::new();
            let outcome = connections.for_each(|connection| {
                lines.push(connection.line.len());
                Ok::<_, ConnectionsError>(())
            });
            outcome.unwrap();
            assert_eq!(lines, [short.len(), long.len(), short.len()]);
        }
    }

    #[test]
    fn what_is_no_connection_is_an_error() {
        for text in ["", "TCP", "something else\n"] {
            assert!(Connections::over(text.as_bytes()).is_err(), "{text}");
        }
        for line in [
            "",
            "TCP",
            "TCP C0000201 8F3A C0000202 0050 0A000001 1F90 NONE x",
            "TCP C0000201 8F3A C0000202 0050 0A000001 1F90 NONE 99999999999999999999",
            "TCP C0000201 8F3A C0000202 0050 0A000001 1F90",
            "TCP C0000201 8F3A C0000202 0050 0A000001 1F901 NONE 1",
            "TCP C000020G 8F3A C0000202 0050 0A000001 1F90 NONE 1",
            "TCP C00002011 8F3A C0000202 0050 0A000001 1F90 NONE 1",
            "TCP 2001:0db8:0000:0000:0000:0000:0001 8F3A C0000202 0050 0A000001 1F90 NONE 1",
            "TCP 2001:0db8:0000:0000:0000:0000:0000:0001:0002 8F3A C0000202 0050 0A000001 1F90 NONE 1",
            "TCP x 1 1 1 1 1 NONE 1",
        ] {
            assert!(Connection::parse(line.as_bytes()).is_err(), "{line}");
        }
    }
}
