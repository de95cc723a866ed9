//! What the kernel tells only as text: the connections in `/proc/net/ip_vs_conn`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
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
            client: endpoint(rest)?,
            service: endpoint(rest)?,
            destination: endpoint(rest)?,
            state: word(rest)?,
            expires: decimal(word(rest)?)?,
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

/// Takes an address, which is `C0000201` or eight groups of four digits, and a port off the line.
fn endpoint(rest: &mut &[u8]) -> Option<SocketAddr> {
    skip(rest)?;
    let address = match rest.get(4) {
        Some(b':') => {
            let mut groups = [0; 8];
            for (index, group) in groups.iter_mut().enumerate() {
                if index > 0 {
                    *rest = rest.strip_prefix(b":")?;
                }
                *group = hexadecimal::<4>(rest)? as u16;
            }
            IpAddr::from(Ipv6Addr::from(groups))
        }
        _ => Ipv4Addr::from(hexadecimal::<8>(rest)?).into(),
    };
    skip(rest)?;
    let port = hexadecimal::<4>(rest)? as u16;
    rest.starts_with(b" ").then_some(SocketAddr::new(address, port))
}

/// Takes blanks, at least one, off the line.
fn skip(rest: &mut &[u8]) -> Option<()> {
    let blanks = rest.iter().position(|&byte| byte != b' ').filter(|&blanks| blanks > 0)?;
    *rest = &rest[blanks..];
    Some(())
}

/// Takes a number of so many digits off the line.
fn hexadecimal<const DIGITS: usize>(rest: &mut &[u8]) -> Option<u32> {
    let (digits, after) = rest.split_first_chunk::<DIGITS>()?;
    let mut number = 0;
    let mut seen = 0;
    for &digit in digits {
        let value = HEXADECIMAL[usize::from(digit)];
        seen |= value;
        number = number << 4 | u32::from(value);
    }
    *rest = after;
    (seen < 16).then_some(number)
}

/// What each byte is worth as a digit; 255 is none.
static HEXADECIMAL: [u8; 256] = {
    let mut values = [255; 256];
    let mut byte = 0;
    while byte < values.len() {
        if let Some(value) = (byte as u8 as char).to_digit(16) {
            values[byte] = value as u8;
        }
        byte += 1;
    }
    values
};

fn decimal(word: &[u8]) -> Option<u64> {
    word.iter().try_fold(0_u64, |number, &digit| {
        let digit = char::from(digit).to_digit(10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

/// Reads the connections one after the other, in constant memory.
pub struct Connections<R = File> {
    source: BufReader<R>,
    line: Vec<u8>,
}

impl Connections {
    /// Opens the file of the calling thread's network namespace. Everyone may read it.
    pub fn open() -> Result<Self, ConnectionsError> {
        Self::over(File::open(PATH)?)
    }
}

impl<R: Read> Connections<R> {
    fn over(source: R) -> Result<Self, ConnectionsError> {
        let mut connections =
            Self { source: BufReader::with_capacity(READ_LENGTH, source), line: Vec::new() };
        connections.next_line()?;
        match connections.line.starts_with(b"Pro ") {
            true => Ok(connections),
            false => {
                Err(ConnectionsError::Malformed(String::from_utf8_lossy(&connections.line).into_owned()))
            }
        }
    }

    /// The next connection, if there is one.
    ///
    /// # Errors
    /// If the file cannot be read or a line is malformed.
    #[expect(clippy::should_implement_trait, reason = "what it returns borrows from the reader")]
    pub fn next(&mut self) -> Result<Option<Connection<'_>>, ConnectionsError> {
        match self.next_line()? {
            0 => Ok(None),
            _ => Connection::parse(&self.line).map(Some),
        }
    }

    /// Reads the next line, kept without its newline, and says how long it was with it.
    fn next_line(&mut self) -> io::Result<usize> {
        self.line.clear();
        let length = self.source.read_until(b'\n', &mut self.line)?;
        if self.line.ends_with(b"\n") {
            self.line.pop();
        }
        Ok(length)
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
