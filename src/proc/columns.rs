//! A line of the file, taken by its columns.

use std::net::{Ipv4Addr, SocketAddr};

use super::line::{Connection, decimal, hexadecimal, skip};

/// What stands in the columns of a line of IPv4 without a persistence engine, which nearly all are.
pub(super) struct Columns {
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
    pub const LENGTH: usize = 66;

    /// Reads a line with its newline, if it is such a one.
    #[inline(always)]
    pub fn read(text: &[u8; Self::LENGTH]) -> Option<Self> {
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
    pub fn on(self, line: &[u8]) -> Connection<'_> {
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
