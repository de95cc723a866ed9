//! Words and numbers of lines that the kernel wrote.

use std::net::Ipv6Addr;

/// Takes the next word and the blanks after it off the line.
pub(super) fn take_word<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = rest.iter().take_while(|&&byte| byte != b' ').count();
    let (word, after) = rest.split_at(length);
    let blanks = after.iter().take_while(|&&byte| byte == b' ').count();
    *rest = &after[blanks..];
    (!word.is_empty()).then_some(word)
}

/// Parses eight groups of four digits each, with colons between them.
pub(super) fn parse_ipv6(text: &[u8]) -> Option<Ipv6Addr> {
    let mut groups = [0; 8];
    let mut words = text.split(|&byte| byte == b':');
    for group in &mut groups {
        *group = parse_hexadecimal(words.next().filter(|word| word.len() == 4)?)? as u16;
    }
    words.next().is_none().then(|| groups.into())
}

/// Parses a number of eight digits at most.
pub(super) fn parse_hexadecimal(digits: &[u8]) -> Option<u32> {
    let (mut number, mut all) = (0, 0);
    for &digit in digits {
        let value = HEXADECIMAL[usize::from(digit)];
        number = number << 4 | u32::from(value);
        all |= value;
    }
    (all < 16).then_some(number)
}

/// The value of each hexadecimal digit, and 16 for all other bytes.
static HEXADECIMAL: [u8; 256] = {
    let mut values = [16; 256];
    let mut value = 0;
    while value < 16 {
        values[b"0123456789ABCDEF"[value as usize] as usize] = value;
        values[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    values
};

pub(super) fn parse_decimal(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |number, &digit| {
        let digit = char::from(digit).to_digit(10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_numbers_are_read_as_the_standard_library_does() {
        for index in 0..8 {
            for byte in 0..=u8::MAX {
                let mut text = *b"1290aFAf";
                text[index] = byte;
                let expected = std::str::from_utf8(&text).ok().filter(|_| byte != b'+');
                let expected = expected.and_then(|text| u32::from_str_radix(text, 16).ok());
                assert_eq!(parse_hexadecimal(&text), expected, "{}", text.escape_ascii());
            }
        }
    }
}
