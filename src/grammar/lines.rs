//! Lines of `-R`, as a shell would split them if they were in a boot script: a command may go on after a backslash, be
//! preceded by the program's path, and have words in quotes. Everything else that a shell does is left to shells.

use std::ops::Range;

use memchr::memchr_iter;

use crate::terminal::is_harmful;

/// Finds the commands of a text. Each has the number of its first line, counted from 1; the newlines that end a command
/// are left out.
pub(crate) fn commands(text: &[u8]) -> impl Iterator<Item = (usize, Range<usize>)> {
    let mut start = 0;
    let ends = memchr_iter(b'\n', text).chain([text.len()]);
    let mut lines = (1..).zip(ends.map(move |end| std::mem::replace(&mut start, end + 1)..end));
    std::iter::from_fn(move || {
        let (number, mut range) = lines.next()?;
        while goes_on(&text[range.clone()]) {
            let Some((_, next)) = lines.next() else { break };
            range.end = next.end;
        }
        Some((number, range))
    })
}

/// Returns whether the next line belongs to the same command.
fn goes_on(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let has_comment = || {
        let last = line.rsplit(|&byte| byte == b'\n').next().unwrap_or(line);
        last.split(|byte| is_blank(*byte)).any(|word| word.starts_with(b"#"))
    };
    line.ends_with(b"\\") && !has_comment()
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Splits a command into the words after the name of the program. A blank line or a comment has none.
pub(crate) fn words(command: &str) -> impl Iterator<Item = &str> {
    let words = raw_words(command).take_while(|word| !word.starts_with('#')).map(unquote);
    words.skip_while(|word| is_program(word))
}

/// Splits a command at blanks, and at the backslashes at the ends of its lines.
fn raw_words(command: &str) -> impl Iterator<Item = &str> {
    let mut rest = command;
    std::iter::from_fn(move || {
        loop {
            let start = rest.as_bytes().iter().position(|byte| !is_blank(*byte))?;
            let length = rest.as_bytes()[start..].iter().position(|byte| is_blank(*byte));
            let (word, after) = rest[start..].split_at(length.unwrap_or(rest.len() - start));
            rest = after;
            let ends_line = after.is_empty() || after.starts_with('\n') || after.starts_with("\r\n");
            let word = word.strip_suffix('\\').filter(|_| ends_line).unwrap_or(word);
            if !word.is_empty() {
                return Some(word);
            }
        }
    })
}

fn is_program(word: &str) -> bool {
    word.rsplit('/').next() == Some("ipvsadm")
}

/// Takes away the quotes around a whole word.
fn unquote(word: &str) -> &str {
    let inner = |quote| word.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(word)
}

/// Returns whether a text remains what it is as a word of a line.
pub(super) fn is_word(text: &str) -> bool {
    !text.starts_with('#') && unquote(text) == text && raw_words(text).eq([text])
}

/// Returns whether a line that makes no sense may be one of a shell script.
pub(crate) fn looks_like_shell(line: &str) -> bool {
    let is_name = |word: &str| word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let is_text = line.chars().all(|character| matches!(character, '\t' | '\r') || !is_harmful(character));
    let has_syntax = line.contains(['$', '`', ';', '|', '&', '>', '<']);
    is_text && (has_syntax || words(line).next().is_some_and(is_name))
}

/// Returns a command in one line, as it is shown.
pub(crate) fn joined(command: &str) -> String {
    command.replace("\\\r\n", " ").replace("\\\n", " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<(usize, Vec<&str>)> {
        let all = commands(text.as_bytes()).map(|(number, range)| (number, words(&text[range]).collect()));
        all.filter(|(_, words): &(_, Vec<_>)| !words.is_empty()).collect()
    }

    #[test]
    fn lines_are_split_as_in_a_boot_script() {
        for (text, expected) in [
            ("", vec![]),
            ("-C", vec![(1, vec!["-C"])]),
            ("-C\n\n \t\r\n-Z\n", vec![(1, vec!["-C"]), (4, vec!["-Z"])]),
            ("# -C\n-C # all\n-C#1", vec![(2, vec!["-C"]), (3, vec!["-C#1"])]),
            (
                "ipvsadm ipvsadm -C\n/sbin/ipvsadm -Z\n./ipvsadm -L ipvsadm",
                vec![(1, vec!["-C"]), (2, vec!["-Z"]), (3, vec!["-L", "ipvsadm"])],
            ),
            (
                "\"/usr/sbin/ipvsadm\" -C\nipvsadm-save -n",
                vec![(1, vec!["-C"]), (2, vec!["ipvsadm-save", "-n"])],
            ),
            (
                "-A \\\n  -f 7 \\\r\n\t-s rr\n-C",
                vec![(1, vec!["-A", "-f", "7", "-s", "rr"]), (4, vec!["-C"])],
            ),
            ("-A -f 7\\\n -s rr\\\n\n-C", vec![(1, vec!["-A", "-f", "7", "-s", "rr"]), (4, vec!["-C"])]),
            ("-C \\", vec![(1, vec!["-C"])]),
            ("-C \\\n", vec![(1, vec!["-C"])]),
            ("-A \\\n-f 7 # \\\n-C", vec![(1, vec!["-A", "-f", "7"]), (3, vec!["-C"])]),
            ("# \\\n-C", vec![(2, vec!["-C"])]),
            ("-A \\ -f", vec![(1, vec!["-A", "\\", "-f"])]),
            ("-A -t \"1.2.3.4:80\" -s 'rr'", vec![(1, vec!["-A", "-t", "1.2.3.4:80", "-s", "rr"])]),
            ("\" '' \"\" '\"' \"'\" 'a\" \"#\"", vec![(1, vec!["\"", "", "", "\"", "'", "'a\"", "#"])]),
        ] {
            assert_eq!(split(text), expected, "{text:?}");
        }
    }

    #[test]
    fn texts_that_a_line_would_change_are_no_words() {
        for text in ["", "a b", "a\tb", "#a", "a\\", "\"a\"", "''", "a\n"] {
            assert!(!is_word(text), "{text:?}");
        }
        for text in ["a", "a#", "a\\b", "\"a", "a'b'", "ipvsadm", "'"] {
            assert!(is_word(text), "{text:?}");
        }
    }

    #[test]
    fn a_command_of_several_lines_is_shown_in_one() {
        assert_eq!(joined("-A \\\n  -f 7\\\r\n-s rr"), "-A    -f 7 -s rr");
    }

    #[test]
    fn lines_of_shell_scripts_are_recognised() {
        for line in
            ["VIP=10.0.0.1", "echo 1 >/proc/x", "ipvsadm -A -t $VIP:80", "fi", "-C;", "[ -x x ] && y", "_x"]
        {
            assert!(looks_like_shell(line), "{line}");
        }
        for line in ["-A -t 1.2.3.4:http", "/sbin/ipvsadm -X", "1.2.3.4", "# if", "", "\u{1}$"] {
            assert!(!looks_like_shell(line), "{line}");
        }
    }
}
