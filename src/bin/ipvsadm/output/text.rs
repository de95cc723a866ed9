//! Numbers and columns, appended to a text without a detour through formatters and other texts: a listing
//! may have a million lines.

const BLANKS: &str = "                                ";

/// Appends a number. Most have few digits, and that needs no recursion.
pub fn number(text: &mut String, number: impl Into<u64>) {
    match number.into() {
        number @ 0..1000 => few_digits(text, number as u32),
        number => many_digits(text, number),
    }
}

#[inline(never)]
fn many_digits(text: &mut String, number: u64) {
    self::number(text, number / 1000);
    let last = (number % 1000) as u32;
    for number in [last / 100, last / 10, last] {
        digit(text, number);
    }
}

#[inline(never)]
fn few_digits(text: &mut String, number: u32) {
    if number >= 100 {
        digit(text, number / 100);
    }
    if number >= 10 {
        digit(text, number / 10);
    }
    digit(text, number);
}

/// Appends the last digit of a number.
fn digit(text: &mut String, number: u32) {
    text.push(char::from(b'0' + (number % 10) as u8));
}

/// Appends something and fills it up with blanks to so many characters.
pub fn left(text: &mut String, width: usize, content: impl FnOnce(&mut String)) {
    let start = text.len();
    content(text);
    let content = &text[start..];
    let length = if content.is_ascii() { content.len() } else { content.chars().count() };
    blanks(text, width.saturating_sub(length));
}

/// Appends a number behind as many blanks as make so many characters with it.
pub fn right(text: &mut String, width: usize, number: u64) {
    let digits = number.checked_ilog10().unwrap_or(0) as usize + 1;
    blanks(text, width.saturating_sub(digits));
    self::number(text, number);
}

fn blanks(text: &mut String, count: usize) {
    if count > BLANKS.len() {
        return text.extend(std::iter::repeat_n(' ', count));
    }
    // Bytes whose number is fixed are copied without a call.
    let end = text.len() + count;
    text.push_str(BLANKS);
    text.truncate(end);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_the_formatters_of_the_standard_library_make_them() {
        for value in [0, 7, 10, 99, 100, 12_345_678, 123_456_789, u64::MAX] {
            let mut text = String::from("é");
            number(&mut text, value);
            right(&mut text, 8, value);
            left(&mut text, 9, |text| number(text, value));
            assert_eq!(text, format!("é{value}{value:>8}{value:<9}"));
        }
        let mut text = String::new();
        left(&mut text, 6, |text| text.push_str("grün"));
        assert_eq!(text, format!("{:<6}", "grün"));
    }
}
