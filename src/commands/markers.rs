//! The first and the last line of a saved file, by which a file that was cut is recognised.
//!
//! Both are comments. Files without them, and pipes, are read as always: many programs that write rules have never
//! heard of them.

use crate::failure::Incomplete;

/// Returns the first line of a file with this number of commands.
pub(super) fn first_line(commands: usize) -> String {
    format!("# ipvsadm-save: {commands} commands follow\n")
}

/// Returns the last line of a file with this number of commands.
pub(super) fn last_line(commands: usize) -> String {
    format!("# ipvsadm-save: end of {commands} commands\n")
}

/// Checks a file whose first line announces a number of commands.
pub(super) fn check(bytes: &[u8], found: usize) -> Result<(), Incomplete> {
    let text = bytes.trim_ascii();
    let first = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let Some(announced) = announced(first) else { return Ok(()) };
    let last = text.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
    let closed = last.trim_ascii() == last_line(announced).trim_ascii().as_bytes();
    if closed && announced == found { Ok(()) } else { Err(Incomplete { announced, found, closed }) }
}

fn announced(line: &[u8]) -> Option<usize> {
    let line = std::str::from_utf8(line.trim_ascii()).ok()?;
    line.strip_prefix("# ipvsadm-save: ")?.strip_suffix(" commands follow")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_of_a_saved_file_is_incomplete() {
        let file = format!("{}-A -t 192.0.2.1:80 -s rr\n-A -f 7 -s rr\n{}", first_line(2), last_line(2));
        assert_eq!(check(file.as_bytes(), 2), Ok(()));
        assert_eq!(check(file.trim_end().as_bytes(), 2), Ok(()));
        for length in first_line(2).len() - 1..file.len() - 1 {
            let found = file[..length].lines().filter(|line| line.starts_with('-')).count();
            assert!(check(&file.as_bytes()[..length], found).is_err(), "{length}");
        }
        let wrong = Incomplete { announced: 2, found: 3, closed: true };
        assert_eq!(check(file.as_bytes(), 3), Err(wrong));
    }

    #[test]
    fn files_without_the_first_line_are_complete() {
        for text in ["", "# a comment\n", "-A -f 7", "# ipvsadm-save: 2 comm"] {
            assert_eq!(check(text.as_bytes(), 1), Ok(()), "{text}");
        }
    }
}
