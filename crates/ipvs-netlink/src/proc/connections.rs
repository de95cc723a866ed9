//! Connections: `/proc/net/ip_vs_conn`.

use std::fs::File;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};

use super::fields::{parse_decimal, parse_hexadecimal, parse_ipv6, take_word};
use super::lines::{Lines, open};
use super::{ProcError, malformed};

const NAME: &str = "ip_vs_conn";
/// The file with the origins of the connections, and without the data of persistence engines.
const NAME_WITH_ORIGINS: &str = "ip_vs_conn_sync";

/// Reads the connections one after the other, in constant memory.
#[derive(Debug)]
pub struct Connections<R = File>(Lines<R>);

impl Connections {
    /// Opens the file of the calling thread's network namespace, which everyone may read.
    ///
    /// # Errors
    /// [`ProcError::Read`] if there is no such file, as without IPVS, or [`ProcError::Malformed`] if it has no heading.
    pub fn open() -> Result<Self, ProcError> {
        Self::from_reader(open(NAME)?)
    }

    /// Opens the other file of the same connections (`ip_vs_conn_sync`): each of them has [`Connection::origin`], and
    /// none has [`Connection::engine`].
    ///
    /// # Errors
    /// The errors of [`Self::open`].
    pub fn open_with_origins() -> Result<Self, ProcError> {
        Self::with_heading(NAME_WITH_ORIGINS, open(NAME_WITH_ORIGINS)?)
    }
}

impl<R: Read> Connections<R> {
    pub(crate) fn from_reader(source: R) -> Result<Self, ProcError> {
        Self::with_heading(NAME, source)
    }

    /// Reads the heading of the file of this name.
    fn with_heading(name: &'static str, source: R) -> Result<Self, ProcError> {
        let mut lines = Lines::new(name, source);
        match lines.next_line()?.unwrap_or_default() {
            [b'P', b'r', b'o', b' ', ..] => Ok(Self(lines)),
            line => Err(malformed(name, line)),
        }
    }

    /// Hands each connection to `handle`.
    ///
    /// # Errors
    /// If the file cannot be read, a line is malformed, or `handle` fails: the first error ends the loop.
    pub fn for_each<E: From<ProcError>>(
        self,
        mut handle: impl FnMut(&Connection<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.for_each_line(|line| handle(&Connection::parse(line)?))
    }

    /// Hands each line to `handle`, which can go on if [`Connection::parse`] fails: the data of a persistence engine
    /// may contain a newline, which cuts a line in two.
    ///
    /// # Errors
    /// If the file cannot be read or `handle` fails: the first error ends the loop.
    pub fn for_each_line<E: From<ProcError>>(
        mut self,
        mut handle: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(line) = self.0.next_line()? {
            handle(line)?;
        }
        Ok(())
    }
}

/// The director that a connection was made through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// This one.
    Local,
    /// Another one, from which a sync daemon has learnt it.
    Synchronized,
}

/// A line of the file: a connection or a persistence template.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection<'a> {
    /// The whole line.
    pub line: &'a [u8],
    /// The protocol's name, such as `TCP`; `IP` for the template of a firewall mark service.
    pub protocol: &'a [u8],
    /// The client. A template has port 0 and the client's address under the netmask.
    pub client: SocketAddr,
    /// The virtual service. A firewall mark takes the place of the address.
    pub service: SocketAddr,
    /// The real server.
    pub destination: SocketAddr,
    /// The state of the protocol, such as `ESTABLISHED`.
    pub state: &'a [u8],
    /// The origin, if the file has it: see [`Connections::open_with_origins`].
    pub origin: Option<Origin>,
    /// The time in seconds after which the idle connection is forgotten.
    pub expires: u64,
    /// The name of the persistence engine and its data: raw bytes from the network.
    pub engine: Option<(&'a [u8], &'a [u8])>,
}

impl<'a> Connection<'a> {
    /// Parses a line of the file, without its newline.
    ///
    /// # Errors
    /// [`ProcError::Malformed`] if a field is missing or malformed.
    #[inline]
    pub fn parse(line: &'a [u8]) -> Result<Self, ProcError> {
        Self::parse_fields(line).ok_or_else(|| malformed(NAME, line))
    }

    #[inline]
    fn parse_fields(line: &'a [u8]) -> Option<Self> {
        let rest = &mut &*line;
        let mut connection = Self {
            line,
            protocol: take_word(rest)?,
            client: take_endpoint(rest)?,
            service: take_endpoint(rest)?,
            destination: take_endpoint(rest)?,
            state: take_word(rest)?,
            origin: None,
            expires: 0,
            engine: None,
        };
        let word = take_word(rest)?;
        match parse_decimal(word) {
            Some(expires) => connection.expires = expires,
            None => {
                connection.origin = Some(parse_origin(word)?);
                connection.expires = parse_decimal(take_word(rest)?)?;
            }
        }
        connection.engine =
            take_word(rest).map(|name| (name, rest.trim_ascii())).filter(|(_, data)| !data.is_empty());
        Some(connection)
    }

    /// Returns whether this is a persistence template, which binds a client to a server and carries no packets. An FTP
    /// data connection whose client has not called yet has no port either, but another state.
    #[must_use]
    pub fn is_template(&self) -> bool {
        self.client.port() == 0 && matches!(self.state, b"NONE" | b"ASSURED")
    }
}

#[cold]
fn parse_origin(word: &[u8]) -> Option<Origin> {
    match word {
        b"LOCAL" => Some(Origin::Local),
        b"SYNC" => Some(Origin::Synchronized),
        _ => None,
    }
}

/// Takes an address, a port and a blank after each off the line.
#[inline]
fn take_endpoint(rest: &mut &[u8]) -> Option<SocketAddr> {
    if let Some((&[_, _, _, _, b':'], _)) = rest.split_first_chunk() {
        return take_ipv6(rest);
    }
    // Such as "C0000201 8F3A ".
    let (field, after) = rest.split_first_chunk::<14>()?;
    *rest = after;
    let address = Ipv4Addr::from(parse_hexadecimal(&field[..8])?);
    let port = parse_hexadecimal(&field[9..13])? as u16;
    (field[8] == b' ' && field[13] == b' ').then_some(SocketAddr::new(address.into(), port))
}

#[cold]
fn take_ipv6(rest: &mut &[u8]) -> Option<SocketAddr> {
    let (address, port) = (take_word(rest)?, take_word(rest)?);
    let port = parse_hexadecimal(Some(port).filter(|port| port.len() == 4)?)? as u16;
    Some(SocketAddr::new(parse_ipv6(address)?.into(), port))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    const HEADING: &str = "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n";

    /// Returns its bytes in pieces of a fixed length.
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
    fn lines_of_the_other_file_have_origins() {
        for (word, origin) in [("LOCAL", Origin::Local), ("SYNC ", Origin::Synchronized)] {
            let line = format!("UDP C0000201 8F3A C0000202 0035 0A000001 0035 UDP         {word}      299");
            let connection = Connection::parse(line.as_bytes()).unwrap();
            assert_eq!((connection.origin, connection.expires), (Some(origin), 299));
            assert_eq!((connection.state, connection.engine), (&b"UDP"[..], None));
        }
    }

    #[test]
    fn templates_have_no_port_and_no_state_of_a_connection() {
        for (port, state, expected) in [
            ("0000", "NONE", true),
            ("0000", "ASSURED", true),
            ("0000", "LISTEN", false),
            ("0000", "UDP", false),
            ("8F3A", "NONE", false),
        ] {
            let line = format!("TCP C0000201 {port} C0000202 0050 0A000001 1F90 {state} 9");
            assert_eq!(Connection::parse(line.as_bytes()).unwrap().is_template(), expected, "{line}");
        }
    }

    #[test]
    fn lines_may_be_long_and_come_in_pieces() {
        let long = format!("UDP C0000201 0000 C0000202 13C4 0A000001 13C4 UDP 7 sip {}", "x".repeat(200_000));
        let short = "TCP C0000201 8F3A C0000202 0050 0A000001 1F90 NONE 0";
        let text = format!("{HEADING}{short}\n{long}\n{short}");
        for piece in [1, 7, 4096, usize::MAX] {
            let connections = Connections::from_reader(Pieces(text.as_bytes(), piece)).unwrap();
            let mut lines = Vec::new();
            let outcome = connections.for_each(|connection| {
                lines.push(connection.line.len());
                Ok::<_, ProcError>(())
            });
            outcome.unwrap();
            assert_eq!(lines, [short.len(), long.len(), short.len()]);
        }
    }

    #[test]
    fn malformed_lines_end_the_loop_over_connections_and_not_the_one_over_lines() {
        let line = "TCP C0000201 8F3A C0000202 0050 0A000001 1F90 NONE 0";
        let text = format!("{HEADING}{line} sip a\nb\n\n{line}\n");
        let connections = || Connections::from_reader(text.as_bytes()).unwrap();
        let mut count = 0;
        let outcome = connections().for_each(|_| {
            count += 1;
            Ok(())
        });
        assert!(matches!(outcome, Err(ProcError::Malformed(_, line)) if line == "b"));
        assert_eq!(count, 1);
        let mut parsed = Vec::new();
        let outcome = connections().for_each_line(|line| {
            parsed.push(Connection::parse(line).is_ok());
            Ok::<_, ProcError>(())
        });
        outcome.unwrap();
        assert_eq!(parsed, [true, false, false, true]);
    }

    #[test]
    fn malformed_lines_and_headings_are_errors() {
        for text in ["", "TCP", "something else\n"] {
            assert!(Connections::from_reader(text.as_bytes()).is_err(), "{text}");
        }
        for line in [
            "",
            "TCP",
            "TCP C0000201 8F3A C0000202 0050 0A000001 1F90 NONE x",
            "TCP C0000201 8F3A C0000202 0050 0A000001 1F90 NONE LOCAL",
            "TCP C0000201 8F3A C0000202 0050 0A000001 1F90 NONE REMOTE 9",
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
