//! A line of the file, taken word by word.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::ConnectionsError;

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
    let port = port(hexadecimal::<4>(rest)?);
    rest.starts_with(b" ").then_some(SocketAddr::new(address, port))
}

fn ipv6(rest: &mut &[u8]) -> Option<IpAddr> {
    let mut groups = [0; 8];
    for (index, group) in groups.iter_mut().enumerate() {
        if index > 0 {
            *rest = rest.strip_prefix(b":")?;
        }
        *group = port(hexadecimal::<4>(rest)?);
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

/// Takes the bytes that so many digits stand for off the line.
#[inline(always)]
fn hexadecimal<const DIGITS: usize>(rest: &mut &[u8]) -> Option<[u8; 4]> {
    let (digits, after) = rest.split_first_chunk::<DIGITS>()?;
    *rest = after;
    let (bytes, wrong) = hexadecimal_bytes(*digits);
    (wrong == 0).then_some(bytes)
}

/// The bytes that up to eight digits stand for, and 0 if all of them are digits. All are worked on at once.
#[inline(always)]
pub(super) fn hexadecimal_bytes<const DIGITS: usize>(digits: [u8; DIGITS]) -> ([u8; 4], u64) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let mut text = [b'0'; 8];
    text[..DIGITS].copy_from_slice(&digits);
    let text = u64::from_le_bytes(text);
    let letters = text >> 6 & EACH;
    let values = (text & (0x0F * EACH)) + 9 * letters;
    // Made again of their values, lower-case, digits are what they were.
    let above_nine = (values + 6 * EACH) >> 4 & EACH;
    let again = values + u64::from(b'0') * EACH + u64::from(b'a' - b'9' - 1) * above_nine;
    let wrong = (again ^ (text | letters << 5)) | values & (0xF0 * EACH);
    let pairs = (values << 4 | values >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs | pairs >> 8) & 0x0000_FFFF_0000_FFFF;
    (((fours | fours >> 16) as u32).to_le_bytes(), wrong)
}

/// A port, as it goes over the network.
#[inline(always)]
pub(super) fn port([high, low, ..]: [u8; 4]) -> u16 {
    u16::from_be_bytes([high, low])
}

fn decimal(word: &[u8]) -> Option<u64> {
    word.iter().try_fold(0_u64, |number, &byte| {
        let digit = byte.wrapping_sub(b'0');
        let larger = number.checked_mul(10)?.checked_add(digit.into());
        larger.filter(|_| digit < 10)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_numbers_are_what_the_standard_library_takes_them_for() {
        for place in 0..8 {
            for byte in 0..=u8::MAX {
                let mut text = *b"1290aFAf";
                text[place] = byte;
                let expected = std::str::from_utf8(&text).ok().filter(|_| byte != b'+');
                let expected =
                    expected.and_then(|text| u32::from_str_radix(text, 16).ok()).map(u32::to_be_bytes);
                assert_eq!(hexadecimal::<8>(&mut &text[..]), expected, "{}", text.escape_ascii());
            }
        }
        assert_eq!(hexadecimal::<4>(&mut &b"1F90 "[..]).map(port), Some(8080));
        assert_eq!(hexadecimal::<4>(&mut &b"1F9"[..]), None);
    }
}
