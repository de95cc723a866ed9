//! The one door for text from outside: names from the network and the kernel, words and files of the user.
//!
//! Everything that is printed and not written by this program passes here, so that no text moves the cursor, adds
//! a line, or shows itself in another order than it is written in.

use std::borrow::Cow;
use std::fmt::Write;

/// Escapes a column: everything that is not printable, and blanks, which would look like two columns.
pub(crate) fn escape(bytes: &[u8]) -> Cow<'_, [u8]> {
    if is_word(bytes) {
        return Cow::Borrowed(bytes);
    }
    Cow::Owned(escape_all(bytes, |character| character == ' ' || is_harmful(character)).into_bytes())
}

/// Returns whether a column can be shown as it is because it is visible ASCII.
pub(crate) fn is_word(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_graphic)
}

/// Escapes a part of a sentence: everything that is not printable except blanks. The result is a single line.
pub(crate) fn quote(text: &str) -> Cow<'_, str> {
    if is_printable(text) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(escape_all(text.as_bytes(), is_harmful))
}

/// Replaces each harmful character by a question mark, so that a marker below the text stays in its place.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\t' => ' ',
            character if is_harmful(character) => '?',
            character => character,
        })
        .collect()
}

/// Cuts a text that is too long for a sentence, and escapes it.
pub(crate) fn shorten(text: &str) -> String {
    const MAX_LEN: usize = 80;
    match text.char_indices().nth(MAX_LEN) {
        None => quote(text).into_owned(),
        Some((end, _)) => format!("{}...", quote(&text[..end])),
    }
}

/// Returns whether a text can be shown as it is.
pub(crate) fn is_printable(text: &str) -> bool {
    !text.chars().any(is_harmful)
}

/// Returns whether a character controls the terminal, ends a line, or is blank or invisible without being a space.
pub(crate) fn is_harmful(character: char) -> bool {
    match character {
        ' '..='~' => false,
        // Zero-width characters and marks of direction, bidirectional overrides and isolates, and the byte-order mark.
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' => true,
        '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        _ => character.is_control() || character.is_whitespace(),
    }
}

/// Escapes the characters that `is_escaped` selects, and all bytes that are not UTF-8.
fn escape_all(bytes: &[u8], is_escaped: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(2 * bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                ' ' if is_escaped(' ') => escaped.push_str("\\x20"),
                _ if is_escaped(character) => escaped.extend(character.escape_default()),
                _ => escaped.push(character),
            }
        }
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "\\x{byte:02x}");
        }
    }
    escaped
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Texts that would harm a terminal or mislead its reader.
    pub(crate) const HOSTILE: [&str; 9] = [
        "\x1b[2J\x1b]0;title\x07",
        "name\nipvsadm: everything is fine",
        "over\rwritten\x08\x7f",
        "\u{9b}31m\u{85}",
        "\u{202e}txet\u{202c}\u{202a}\u{202b}\u{202d}",
        "\u{2066}\u{2067}\u{2068}\u{2069}",
        "\u{200e}\u{200f}\u{61c}",
        "\u{2028}\u{2029}\u{feff}\u{200b}\u{a0}",
        "\0\u{1}\u{1f}",
    ];

    /// Returns whether the text has no control character and no bidirectional control.
    pub(crate) fn is_harmless(text: &str) -> bool {
        !text.chars().any(|character| {
            character.is_control()
                || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
                || matches!(character, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}' | '\u{2029}')
        })
    }

    #[test]
    fn bytes_that_could_harm_a_terminal_are_escaped() {
        assert_eq!(*escape(b"call-id@example.com"), *b"call-id@example.com");
        assert_eq!(*escape("grün".as_bytes()), *"grün".as_bytes());
        assert_eq!(*escape(b"\x1b[2J\n a\xff"), *b"\\u{1b}[2J\\n\\x20a\\xff");
        assert_eq!(*escape("a\u{202e}b\u{200f}".as_bytes()), *b"a\\u{202e}b\\u{200f}");
    }

    #[test]
    fn hostile_texts_are_harmless_behind_each_door() {
        for text in HOSTILE {
            for shown in [
                String::from_utf8(escape(text.as_bytes()).into_owned()).unwrap(),
                quote(text).into_owned(),
                printable(text),
                shorten(text),
                shorten(&text.repeat(50)),
            ] {
                assert!(is_harmless(&shown), "{shown:?}");
            }
            assert!(!is_printable(text), "{text:?}");
        }
    }

    #[test]
    fn every_character_is_harmless_behind_each_door() {
        for character in '\0'..=char::MAX {
            let text = character.to_string();
            let column = escape(text.as_bytes());
            assert!(is_harmless(&String::from_utf8_lossy(&column)), "{character:?}");
            assert!(!column.iter().any(u8::is_ascii_whitespace), "{character:?}");
            assert!(is_harmless(&quote(&text)), "{character:?}");
            assert_eq!(printable(&text).chars().count(), 1, "{character:?}");
            assert!(is_harmless(&printable(&text)), "{character:?}");
        }
        for byte in 0x80..=u8::MAX {
            assert_eq!(*escape(&[b'a', byte]), *format!("a\\x{byte:02x}").as_bytes());
        }
    }

    #[test]
    fn blanks_and_other_scripts_stay_in_sentences() {
        for text in ["no such file", "grün", "файл", "ファイル"] {
            assert_eq!(quote(text), text);
        }
        assert_eq!(quote("a\u{a0}b\nc"), "a\\u{a0}b\\nc");
    }

    #[test]
    fn printable_text_keeps_its_number_of_characters() {
        assert_eq!(printable("a\tgrün\x1b\r\u{202e}"), "a grün???");
    }

    #[test]
    fn long_words_are_shortened() {
        assert_eq!(shorten(&"ä".repeat(80)), "ä".repeat(80));
        assert_eq!(shorten(&"ä".repeat(81)), format!("{}...", "ä".repeat(80)));
    }
}
