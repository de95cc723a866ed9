//! What the kernel tells only as text: the connections in `/proc/net/ip_vs_conn`.

use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const PATH: &str = "/proc/thread-self/net/ip_vs_conn";
/// More than the kernel gives at once. Older kernels start from the top at every read.
const READ_LENGTH: usize = 64 * 1024;

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

/// One line of the file: a connection or a persistence template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection<'a> {
    /// The whole line.
    pub line: &'a [u8],
    /// The protocol's name, such as `TCP`; `IP` for the template of a firewall mark service.
    pub protocol: &'a [u8],
    /// The client. A template has port 0 and the client's address under the netmask.
    pub client: SocketAddr,
    /// The virtual service; for a firewall mark the mark stands in place of the address.
    pub service: SocketAddr,
    /// The real server.
    pub destination: SocketAddr,
    /// The state of the protocol, such as `ESTABLISHED`.
    pub state: &'a [u8],
    /// Seconds until the connection is forgotten if it stays idle.
    pub expires: u64,
    /// The name of the persistence engine and its data, raw bytes from the network.
    pub engine: Option<(&'a [u8], &'a [u8])>,
}

impl<'a> Connection<'a> {
    /// Reads a line of the file, without its newline.
    ///
    /// # Errors
    /// If the line lacks a field or a field is not what it should be.
    pub fn parse(line: &'a [u8]) -> Result<Self, ConnectionsError> {
        Self::fields(line).ok_or_else(|| {
            ConnectionsError::Malformed(String::from_utf8_lossy(line).escape_debug().to_string())
        })
    }

    fn fields(line: &'a [u8]) -> Option<Self> {
        let mut rest = line;
        let rest = &mut rest;
        Some(Self {
            line,
            protocol: word(rest)?,
            client: SocketAddr::new(address(word(rest)?)?, port(word(rest)?)?),
            service: SocketAddr::new(address(word(rest)?)?, port(word(rest)?)?),
            destination: SocketAddr::new(address(word(rest)?)?, port(word(rest)?)?),
            state: word(rest)?,
            expires: std::str::from_utf8(word(rest)?).ok()?.parse().ok()?,
            engine: word(rest).map(|name| (name, rest.trim_ascii())).filter(|(_, data)| !data.is_empty()),
        })
    }
}

/// Takes the next word off the line.
fn word<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let start = rest.iter().position(|&byte| byte != b' ')?;
    let end = rest[start..].iter().position(|&byte| byte == b' ').map_or(rest.len(), |length| start + length);
    let word = &rest[start..end];
    *rest = &rest[end..];
    Some(word)
}

/// `C0000201`, or eight groups of four digits.
fn address(word: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(word).ok()?;
    match text.contains(':') {
        true => text.parse::<Ipv6Addr>().ok().map(IpAddr::from),
        false => u32::from_str_radix(text, 16).ok().map(|bits| Ipv4Addr::from(bits).into()),
    }
}

fn port(word: &[u8]) -> Option<u16> {
    u16::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()
}

/// Reads the connections one after the other, in constant memory.
pub struct Connections<R = File> {
    source: R,
    buffer: Vec<u8>,
    /// The part of the buffer that was read and not yet handed out.
    start: usize,
    end: usize,
}

impl Connections {
    /// Opens the file of the calling thread's network namespace. Everyone may read it.
    pub fn open() -> Result<Self, ConnectionsError> {
        Self::over(File::open(PATH)?)
    }
}

impl<R: Read> Connections<R> {
    fn over(source: R) -> Result<Self, ConnectionsError> {
        let mut connections = Self { source, buffer: vec![0; READ_LENGTH], start: 0, end: 0 };
        let heading = connections.next_line()?.map(|(start, end)| connections.buffer[start..end].to_vec());
        match heading.unwrap_or_default() {
            heading if heading.starts_with(b"Pro ") => Ok(connections),
            other => Err(ConnectionsError::Malformed(String::from_utf8_lossy(&other).into_owned())),
        }
    }

    /// The next connection, if there is one.
    ///
    /// # Errors
    /// If the file cannot be read or a line is malformed.
    #[expect(clippy::should_implement_trait, reason = "what it returns borrows from the reader")]
    pub fn next(&mut self) -> Result<Option<Connection<'_>>, ConnectionsError> {
        match self.next_line()? {
            None => Ok(None),
            Some((start, end)) => Connection::parse(&self.buffer[start..end]).map(Some),
        }
    }

    /// Where in the buffer the next line is, without its newline and trailing blanks.
    fn next_line(&mut self) -> io::Result<Option<(usize, usize)>> {
        let mut searched = self.start;
        loop {
            if let Some(length) = self.buffer[searched..self.end].iter().position(|&byte| byte == b'\n') {
                let (start, end) = (self.start, searched + length);
                self.start = end + 1;
                return Ok(Some((start, end)));
            }
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            searched = self.end;
            if self.end == self.buffer.len() {
                self.buffer.resize(2 * self.end, 0);
            }
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) if self.end == 0 => return Ok(None),
                Ok(0) => {
                    let end = std::mem::take(&mut self.end);
                    return Ok(Some((0, end)));
                }
                Ok(length) => self.end += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
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
    }

    #[test]
    fn lines_may_be_long_and_come_in_pieces() {
        let long = format!("UDP C0000201 0000 C0000202 13C4 0A000001 13C4 UDP 7 sip {}", "x".repeat(200_000));
        let short = "TCP C0000201 8F3A C0000202 0050 0A000001 1F90 NONE 0";
        let text = format!("{HEADING}{short}\n{long}\n{short}");
        for piece in [1, 7, 4096, usize::MAX] {
            let mut connections = Connections::over(Pieces(text.as_bytes(), piece)).unwrap();
            let mut lines = Vec::new();
            while let Some(connection) = connections.next().unwrap() {
                lines.push(connection.line.len());
            }
            assert_eq!(lines, [short.len(), long.len(), short.len()]);
        }
    }

    #[test]
    fn what_is_no_connection_is_an_error() {
        for text in ["", "TCP", "something else\n"] {
            assert!(Connections::over(text.as_bytes()).is_err(), "{text}");
        }
        for line in
            ["", "TCP", "TCP C0000201 8F3A C0000202 0050 0A000001 1F90 NONE x", "TCP x 1 1 1 1 1 NONE 1"]
        {
            assert!(Connection::parse(line.as_bytes()).is_err(), "{line}");
        }
    }
}
