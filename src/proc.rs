//! What the kernel tells only as text: the connections in `/proc/net/ip_vs_conn`.

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Range;

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

/// What stands in the columns of a line of IPv4 without a persistence engine, which nearly all are.
struct Columns {
    /// The length of the protocol's name.
    protocol: usize,
    client: SocketAddr,
    service: SocketAddr,
    destination: SocketAddr,
    /// The length of the state's name.
    state: usize,
    expires: u64,
}

impl Columns {
    const STATE: usize = 46;
    /// How long a line is, with its newline.
    const LENGTH: usize = 66;

    /// Reads a line with its newline, if it is such a one.
    #[inline(always)]
    fn read(text: &[u8; Self::LENGTH]) -> Option<Self> {
        let (protocol, mut rest) = text.split_at(3);
        let client = endpoint_in_column(&mut rest)?;
        let service = endpoint_in_column(&mut rest)?;
        let destination = endpoint_in_column(&mut rest)?;
        let [b' ', rest @ .., b'\n'] = rest else { return None };
        let (state, mut expires) = rest.split_at(11);
        skip(&mut expires)?;
        Some(Self {
            protocol: name_in_column(protocol)?,
            client,
            service,
            destination,
            state: name_in_column(state)?,
            expires: decimal(expires)?,
        })
    }

    /// The connection on the line that they were read from.
    #[inline(always)]
    fn on(self, line: &[u8]) -> Connection<'_> {
        Connection {
            line,
            protocol: &line[..self.protocol],
            client: self.client,
            service: self.service,
            destination: self.destination,
            state: &line[Self::STATE..][..self.state],
            expires: self.expires,
            engine: None,
        }
    }
}

/// The length of a name that is filled up with blanks.
#[inline(always)]
fn name_in_column(field: &[u8]) -> Option<usize> {
    let length = field.iter().position(|byte| !byte.is_ascii_graphic()).unwrap_or(field.len());
    let blanks = field[length..].iter().all(|&byte| byte == b' ');
    (length > 0 && blanks).then_some(length)
}

/// Takes a blank, an IPv4 address, a blank and a port off the line.
#[inline(always)]
fn endpoint_in_column(rest: &mut &[u8]) -> Option<SocketAddr> {
    *rest = rest.strip_prefix(b" ")?;
    let address = Ipv4Addr::from(hexadecimal::<8>(rest)?);
    *rest = rest.strip_prefix(b" ")?;
    Some(SocketAddr::new(address.into(), hexadecimal::<4>(rest)? as u16))
}

/// Takes the next word off the line.
#[inline(always)]
fn word<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let start = rest.iter().position(|&byte| byte != b' ')?;
    let end = rest[start..].iter().position(|&byte| byte == b' ').map_or(rest.len(), |length| start + length);
    let word = &rest[start..end];
    *rest = &rest[end..];
    Some(word)
}

/// Takes an address, which is `C0000201` or eight groups of four digits, and a port off the line.
#[inline(always)]
fn endpoint(rest: &mut &[u8]) -> Option<SocketAddr> {
    skip(rest)?;
    let address = match rest.get(4) {
        Some(b':') => ipv6(rest)?,
        _ => Ipv4Addr::from(hexadecimal::<8>(rest)?).into(),
    };
    skip(rest)?;
    let port = hexadecimal::<4>(rest)? as u16;
    rest.starts_with(b" ").then_some(SocketAddr::new(address, port))
}

fn ipv6(rest: &mut &[u8]) -> Option<IpAddr> {
    let mut groups = [0; 8];
    for (index, group) in groups.iter_mut().enumerate() {
        if index > 0 {
            *rest = rest.strip_prefix(b":")?;
        }
        *group = hexadecimal::<4>(rest)? as u16;
    }
    Some(Ipv6Addr::from(groups).into())
}

/// Takes blanks, at least one, off the line.
#[inline(always)]
fn skip(rest: &mut &[u8]) -> Option<()> {
    *rest = rest.strip_prefix(b" ")?;
    while let [b' ', after @ ..] = rest {
        *rest = after;
    }
    Some(())
}

/// Takes a number of so many digits off the line.
#[inline(always)]
fn hexadecimal<const DIGITS: usize>(rest: &mut &[u8]) -> Option<u32> {
    let (digits, after) = rest.split_first_chunk::<DIGITS>()?;
    *rest = after;
    let mut text = [b'0'; 8];
    text[8 - DIGITS..].copy_from_slice(digits);
    eight_hexadecimal(u64::from_be_bytes(text))
}

/// The number that eight digits stand for. All are worked on at once.
#[inline(always)]
fn eight_hexadecimal(text: u64) -> Option<u32> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let letters = text >> 6 & EACH;
    let values = (text & (0x0F * EACH)) + 9 * letters;
    // Made again of their values, lower-case, digits are what they were.
    let again = values + u64::from(b'0') * EACH + u64::from(b'a' - b'9' - 1) * letters;
    let above_nine = (values + 6 * EACH) >> 4 & EACH;
    let valid = again == text | letters << 5 && above_nine == letters && values & (0xF0 * EACH) == 0;
    let pairs = (values | values >> 4) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs | pairs >> 8) & 0x0000_FFFF_0000_FFFF;
    valid.then_some((fours | fours >> 16) as u32)
}

fn decimal(word: &[u8]) -> Option<u64> {
    word.iter().try_fold(0_u64, |number, &byte| {
        let digit = byte.wrapping_sub(b'0');
        let larger = number.checked_mul(10)?.checked_add(digit.into());
        larger.filter(|_| digit < 10)
    })
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

    /// The next connection, if there is one.
    ///
    /// # Errors
    /// If the file cannot be read or a line is malformed.
    #[expect(clippy::should_implement_trait, reason = "what it returns borrows from the reader")]
    pub fn next(&mut self) -> Result<Option<Connection<'_>>, ConnectionsError> {
        let start = self.rest.start;
        if let Some(columns) = self.buffer[self.rest.clone()].first_chunk().and_then(Columns::read) {
            self.rest.start += Columns::LENGTH;
            return Ok(Some(columns.on(&self.buffer[start..self.rest.start - 1])));
        }
        self.next_line()?.map(Connection::parse).transpose()
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
                    let mut connections = Connections::over(&text[..]).unwrap();
                    let found = connections.next().map_err(|error| error.to_string());
                    let expected = Connection::parse(&line).map(Some).map_err(|error| error.to_string());
                    assert_eq!(found, expected, "{}", line.escape_ascii());
                }
            }
        }
    }

    #[test]
    fn hexadecimal_numbers_are_what_the_standard_library_takes_them_for() {
        for place in 0..8 {
            for byte in 0..=u8::MAX {
                let mut text = *b"1290aFAf";
                text[place] = byte;
                let expected = std::str::from_utf8(&text).ok().filter(|_| byte != b'+');
                let expected = expected.and_then(|text| u32::from_str_radix(text, 16).ok());
                assert_eq!(hexadecimal::<8>(&mut &text[..]), expected, "{}", text.escape_ascii());
            }
        }
        assert_eq!(hexadecimal::<4>(&mut &b"1F90 "[..]), Some(8080));
        assert_eq!(hexadecimal::<4>(&mut &b"1F9"[..]), None);
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
