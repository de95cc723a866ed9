//! JSON that no terminal misunderstands.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::Formatter;

use super::Output;
use crate::terminal::{is_harmful, is_printable};

impl Output {
    /// Appends a value as JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut serializer = serde_json::Serializer::with_formatter(&mut self.bytes, HarmlessFormatter);
        Ok(value.serialize(&mut serializer)?)
    }
}

/// Escapes more than JSON has to: also characters above U+007F that control a terminal or the direction of a text.
/// Readers get the same text.
struct HarmlessFormatter;

impl Formatter for HarmlessFormatter {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if is_printable(fragment) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut bytes = [0; 4];
        for character in fragment.chars() {
            if is_harmful(character) {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            } else {
                writer.write_all(character.encode_utf8(&mut bytes).as_bytes())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::tests::{HOSTILE, is_harmless};

    #[test]
    fn hostile_texts_are_harmless_and_never_changed() {
        for text in HOSTILE.into_iter().chain(["", "grün", "\"\\/", "\u{e0041}\u{1f600}"]) {
            let mut output = Output::default();
            output.json(&text).unwrap();
            let json = output.to_string();
            assert!(is_harmless(&json), "{json}");
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text, "{json}");
        }
        let mut output = Output::default();
        output.json(&"grün\u{202e}\u{e0041}").unwrap();
        assert_eq!(output.to_string(), r#""grün\u202e\udb40\udc41""#);
    }
}
