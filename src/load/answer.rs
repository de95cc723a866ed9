//! The line that an agent answers, in the words of haproxy's agent checks.

/// The longest line of which anything is read, in bytes.
const MAX_LINE: usize = 1024;
/// The longest text that is kept to be shown, in characters.
const MAX_SHOWN: usize = 80;

/// The answer of an agent about its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The part of the configured weight that it wants, in percent. Without one it is what it was.
    pub(crate) share: Option<u32>,
    pub(crate) condition: Condition,
    /// The line, shortened, to be shown.
    pub(crate) text: String,
}

/// The condition of a server according to its agent, apart from the share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Condition {
    /// It works: `up`, `ready`, or nothing but a share.
    Up,
    /// It does not work: `down`, `stopped`, `fail`.
    Down,
    /// It wants no new connections: `drain`, `maint`.
    Drained,
}

impl Answer {
    /// Returns whether these bytes have a whole line, or too much for one.
    pub(crate) fn is_complete(bytes: &[u8]) -> bool {
        bytes.len() > MAX_LINE || memchr::memchr2(b'\n', b'\r', bytes).is_some()
    }

    /// Reads the first line. Words that are unknown mean nothing, as for haproxy; with none that is known it is no answer.
    ///
    /// # Errors
    /// The reason why it is none.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let line = match memchr::memchr2(b'\n', b'\r', bytes) {
            Some(end) => &bytes[..end],
            None => bytes,
        };
        if line.len() > MAX_LINE {
            return Err(format!("the answer has more than {MAX_LINE} bytes"));
        }
        let line = std::str::from_utf8(line).map_err(|_| "the answer is not UTF-8".to_owned())?.trim();
        let words = line.split_once('#').map_or(line, |(words, _)| words);
        let (mut share, mut condition, mut is_known) = (None, Condition::Up, false);
        for word in words.split([' ', '\t', ',']).filter(|word| !word.is_empty()) {
            // The worst of several words counts.
            let worse = match word.to_ascii_lowercase().as_str() {
                "up" | "ready" => Condition::Up,
                "down" | "stopped" | "fail" | "failed" => Condition::Down,
                "drain" | "maint" => Condition::Drained,
                word if word.starts_with("maxconn:") => Condition::Up,
                word => match read_share(word) {
                    Some(percent) => {
                        share = Some(percent);
                        Condition::Up
                    }
                    None => continue,
                },
            };
            condition = condition.max(worse);
            is_known = true;
        }
        match (is_known, line.is_empty()) {
            (true, _) => Ok(Self { share, condition, text: shorten(line) }),
            (false, true) => Err("the answer is empty".into()),
            (false, false) => Err(format!("the answer says nothing that is known: {}", shorten(line))),
        }
    }
}

/// Reads a share such as `75%`. One beyond every limit counts as that limit.
fn read_share(word: &str) -> Option<u32> {
    let digits = word.strip_suffix('%')?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u32::MAX))
}

fn shorten(line: &str) -> String {
    match line.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> (Option<u32>, Condition) {
        let answer = Answer::parse(line.as_bytes()).unwrap();
        (answer.share, answer.condition)
    }

    #[test]
    fn the_words_of_haproxys_agents_are_understood() {
        for (line, share, condition) in [
            ("75%\n", Some(75), Condition::Up),
            ("75%", Some(75), Condition::Up),
            ("75%\r\n", Some(75), Condition::Up),
            ("0%", Some(0), Condition::Up),
            ("150%", Some(150), Condition::Up),
            ("99999999999%", Some(u32::MAX), Condition::Up),
            ("up\n", None, Condition::Up),
            ("UP 99%\n", Some(99), Condition::Up),
            ("ready up 100%\n", Some(100), Condition::Up),
            ("up,ready,50%,maxconn:30", Some(50), Condition::Up),
            ("  up ,\t50% ", Some(50), Condition::Up),
            ("maxconn:12", None, Condition::Up),
            ("drain", None, Condition::Drained),
            ("DRAIN 99%", Some(99), Condition::Drained),
            ("maint # disk full, 75%", None, Condition::Drained),
            ("down", None, Condition::Down),
            ("fail#up", None, Condition::Down),
            ("stopped", None, Condition::Down),
            ("failed", None, Condition::Down),
            ("up down", None, Condition::Down),
            ("drain down up", None, Condition::Drained),
            ("50% -1% % x%", Some(50), Condition::Up),
            ("hello 30%", Some(30), Condition::Up),
            ("30%\ndown\n", Some(30), Condition::Up),
        ] {
            assert_eq!(parse(line), (share, condition), "{line:?}");
        }
    }

    #[test]
    fn what_is_no_answer_is_said_to_be_none() {
        let long = "x".repeat(MAX_LINE) + " 50%";
        for (bytes, expected) in [
            (&b""[..], "the answer is empty"),
            (b"\n75%", "the answer is empty"),
            (b" \r\n", "the answer is empty"),
            (
                b"HTTP/1.1 400 Bad Request\r\n",
                "the answer says nothing that is known: HTTP/1.1 400 Bad Request",
            ),
            (b"# up", "the answer says nothing that is known: # up"),
            (b"\xff50%", "the answer is not UTF-8"),
            (long.as_bytes(), "the answer has more than 1024 bytes"),
        ] {
            assert_eq!(Answer::parse(bytes).unwrap_err(), expected);
        }
    }

    #[test]
    fn no_more_is_read_than_has_to_be() {
        assert!(!Answer::is_complete(b"75%"));
        assert!(Answer::is_complete(b"75%\n") && Answer::is_complete(b"75%\r"));
        assert!(!Answer::is_complete(&[b'x'; MAX_LINE]) && Answer::is_complete(&[b'x'; MAX_LINE + 1]));
    }

    #[test]
    fn a_long_answer_is_shown_shortened() {
        let answer = Answer::parse(format!("up # {}", "ü".repeat(200)).as_bytes()).unwrap();
        assert_eq!(answer.text.chars().count(), MAX_SHOWN + 3);
    }
}
