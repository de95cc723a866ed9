//! Makes foreign text harmless to a terminal. Names come from the network, and words from the user.

use std::borrow::Cow;
use std::fmt::Write;

/// Escapes everything that is not printable or would look like two columns.
pub(crate) fn escape(bytes: &[u8]) -> Cow<'_, [u8]> {
    if bytes.iter().all(u8::is_ascii_graphic) {
        return Cow::Borrowed(bytes);
    }
    let mut escaped = String::with_capacity(2 * bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                ' ' => escaped.push_str("\\x20"),
                _ if character.is_control() || character.is_whitespace() => {
                    escaped.extend(character.escape_default());
                }
                _ => escaped.push(character),
            }
        }
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "\\x{byte:02x}");
        }
    }
    Cow::Owned(escaped.into_bytes())
}

/// Replaces each control character by a harmless one, so that a marker below the text stays in its place.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\t' => ' ',
            character if character.is_control() => '?',
            character => character,
        })
        .collect()
}

/// Cuts a text that is too long for a sentence, and makes it printable.
pub(crate) fn shorten(text: &str) -> String {
    const MAX_LEN: usize = 80;
    match text.char_indices().nth(MAX_LEN) {
        None => printable(text),
        Some((end, _)) => format!("{}...", printable(&text[..end])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_could_harm_a_terminal_are_escaped() {
        assert_eq!(*escape(b"call-id@example.com"), *b"call-id@example.com");
        assert_eq!(*escape("grün".as_bytes()), *"grün".as_bytes());
        assert_eq!(*escape(b"\x1b[2J\n a\xff"), *b"\\u{1b}[2J\\n\\x20a\\xff");
    }

    #[test]
    fn printable_text_keeps_its_number_of_characters() {
        assert_eq!(printable("a\tgrün\x1b\r"), "a grün??");
    }

    #[test]
    fn long_words_are_shortened() {
        assert_eq!(shorten(&"ä".repeat(80)), "ä".repeat(80));
        assert_eq!(shorten(&"ä".repeat(81)), format!("{}...", "ä".repeat(80)));
    }
}
