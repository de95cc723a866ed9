//! A line of the file, taken by its columns.

use std::net::{Ipv4Addr, SocketAddr};

use super::line::{Connection, hexadecimal_bytes, port};

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
        let (protocol, mut rest) = text.split_first_chunk()?;
        let protocol = match protocol {
            b"TCP" | b"UDP" => 3,
            b"IP " => 2,
            _ => return None,
        };
        let mut wrong = 0;
        let client = take_endpoint(&mut rest, &mut wrong)?;
        let service = take_endpoint(&mut rest, &mut wrong)?;
        let destination = take_endpoint(&mut rest, &mut wrong)?;
        let [b' ', rest @ .., b'\n'] = rest else { return None };
        let (state, expires) = rest.split_first_chunk()?;
        let (state, expires) = (name_length(*state)?, number(*expires.first_chunk()?)?);
        (wrong == 0).then_some(Self { protocol, client, service, destination, state, expires })
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

/// Takes a blank, an IPv4 address, a blank and a port off the line. If there is something else, `wrong` is not 0 any
/// more.
#[inline(always)]
fn take_endpoint(rest: &mut &[u8], wrong: &mut u64) -> Option<SocketAddr> {
    let (address, after) = rest.strip_prefix(b" ")?.split_first_chunk::<8>()?;
    let (digits, after) = after.strip_prefix(b" ")?.split_first_chunk::<4>()?;
    *rest = after;
    let ((address, wrong_address), (digits, wrong_port)) =
        (hexadecimal_bytes(*address), hexadecimal_bytes(*digits));
    *wrong |= wrong_address | wrong_port;
    Some(SocketAddr::new(Ipv4Addr::from(address).into(), port(digits)))
}

/// The length of a name in ASCII that is filled up with blanks.
#[inline(always)]
fn name_length(field: [u8; 11]) -> Option<usize> {
    const EACH: u128 = u128::MAX / 0xFF;
    let mut text = [b' '; 16];
    text[..11].copy_from_slice(&field);
    let text = u128::from_le_bytes(text);
    let others = text ^ (u128::from(b' ') * EACH);
    let blanks = !others.wrapping_add(0x7F * EACH) & (0x80 * EACH);
    let length = blanks.trailing_zeros() / 8;
    let printable = text & (0x80 * EACH) == 0 && (text >> 5 | text >> 6) & EACH == EACH;
    (printable && length > 0 && others >> (8 * length) == 0).then_some(length as usize)
}

/// A number behind blanks, at least one.
#[inline(always)]
fn number(field: [u8; 8]) -> Option<u64> {
    const EACH: u64 = u64::MAX / 0xFF;
    let text = u64::from_le_bytes(field);
    let blanks = (text ^ (u64::from(b' ') * EACH)).trailing_zeros() / 8;
    let before = 1_u64.checked_shl(8 * blanks)? - 1;
    // A blank becomes a 0.
    let digits = text | before & (0x10 * EACH);
    let valid = digits & (0xF0 * EACH) | (digits.wrapping_add(6 * EACH) & (0xF0 * EACH)) >> 4;
    let ones = digits & (0x0F * EACH);
    let twos = (ones * 10 + (ones >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (twos * 100 + (twos >> 16)) & 0x0000_FFFF_0000_FFFF;
    let number = (fours * 10_000 + (fours >> 32)) & 0xFFFF_FFFF;
    (blanks > 0 && valid == 0x33 * EACH).then_some(number)
}
