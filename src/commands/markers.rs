//! The first and the last line of a saved file, by which a file that was cut is recognised.
//!
//! Both are comments. Files without them, and pipes, are read as always: many programs that write rules have never
//! heard of them.

/// Returns the first line of a file with this number of commands.
pub(super) fn first_line(commands: usize) -> String {
    format!("# ipvsadm-save: {commands} commands follow\n")
}

/// Returns the last line of a file with this number of commands.
pub(super) fn last_line(commands: usize) -> String {
    format!("# ipvsadm-save: end of {commands} commands\n")
}

/// Returns the number of commands that the first line announces, if no later line closes the file with that number.
///
/// The commands themselves are not counted: whoever edits a saved file, or appends to it, need not know about the lines.
pub(super) fn find_cut(bytes: &[u8]) -> Option<usize> {
    let mut lines = bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    let announced = announced(lines.next()?)?;
    let last = last_line(announced);
    let closed = lines.rev().any(|line| line == last.trim_ascii().as_bytes());
    (!closed).then_some(announced)
}

fn announced(line: &[u8]) -> Option<usize> {
    let line = std::str::from_utf8(line.trim_ascii()).ok()?;
    line.strip_prefix("# ipvsadm-save: ")?.strip_suffix(" commands follow")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_of_a_saved_file_is_cut() {
        let file = format!("{}-A -t 192.0.2.1:80 -s rr\n-A -f 7 -s rr\n{}", first_line(2), last_line(2));
        assert_eq!(find_cut(file.as_bytes()), None);
        assert_eq!(find_cut(file.trim_end().as_bytes()), None);
        for length in first_line(2).len() - 1..file.len() - 1 {
            assert_eq!(find_cut(&file.as_bytes()[..length]), Some(2), "{length}");
        }
        let mixed = [first_line(3), file].concat();
        assert_eq!(find_cut(mixed.as_bytes()), Some(3));
    }

    #[test]
    fn saved_files_may_be_edited() {
        let file = format!("{}-A -f 7 -s rr\r\n-A -f 8\n{}-A -f 9\n", first_line(1), last_line(1));
        assert_eq!(find_cut(file.as_bytes()), None);
    }

    #[test]
    fn files_without_the_first_line_are_complete() {
        for text in ["", "# a comment\n", "-A -f 7", "# ipvsadm-save: 2 comm"] {
            assert_eq!(find_cut(text.as_bytes()), None, "{text}");
        }
    }
}
