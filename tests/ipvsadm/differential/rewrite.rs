//! Rewrites both outputs before they are compared again.

/// Replaces negative marks: `FWM  -1` and `-f -1` get the mark 4294967295. Later columns keep their position.
pub fn make_marks_unsigned(output: &str) -> String {
    map_lines(output, |line| {
        ["FWM  ", "-f "]
            .iter()
            .find_map(|mark| make_mark_unsigned(line, mark))
            .unwrap_or_else(|| line.to_owned())
    })
}

fn make_mark_unsigned(line: &str, mark: &str) -> Option<String> {
    let (before, rest) = line.split_once(mark)?;
    let end = rest.find(' ').unwrap_or(rest.len());
    let number: i64 = rest[..end].parse().ok().filter(|number| *number < 0)?;
    let number = (number + (1 << 32)).to_string();
    let rest_of_line = match rest.find("  ") {
        Some(gap) => {
            let column = rest[gap..].trim_start();
            let width = (rest.len() - column.len() + end).saturating_sub(number.len() + end);
            format!("{:width$}{column}", &rest[end..gap])
        }
        None => rest[end..].to_owned(),
    };
    Some(format!("{before}{mark}{number}{rest_of_line}"))
}

/// Sorts services, and the servers of each, bytewise.
pub fn sort_lines(output: &str) -> String {
    let mut service = "";
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for line in output.lines() {
        let server = line.starts_with("  ->") || line.starts_with("-a");
        if !server {
            service = line;
        }
        pairs.push((service, if server { line } else { "" }));
    }
    pairs.sort_unstable();
    pairs.iter().map(|(service, server)| format!("{service}\n{server}\n")).collect()
}

/// Removes `-x` and `-y` from servers in the format of `-S`.
pub fn remove_thresholds(output: &str) -> String {
    map_lines(output, |line| match line.find(" -x ").or_else(|| line.find(" -y ")) {
        Some(end) if line.starts_with("-a ") => line[..end].to_owned(),
        _ => line.to_owned(),
    })
}

/// Removes `flag-3` from services with `sh` or `mh`.
pub fn remove_third_flag(output: &str) -> String {
    map_lines(output, |line| match line.contains(" sh ") || line.contains(" mh ") {
        true => line.replace(",flag-3", "").replace("flag-3", ""),
        false => line.to_owned(),
    })
}

/// Escapes control characters as ours does, and drops the rest of a line after an escaped blank, which the
/// reference does not show.
pub fn escape_control_characters(output: &str) -> String {
    let escape = |c: char| match c.is_ascii_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    let escape_line =
        |line: &str| line.split("\\x20").next().unwrap_or_default().chars().map(escape).collect();
    map_lines(output, escape_line)
}

/// Replaces addresses by their names, in the format of `-S`.
pub fn name_saved_addresses(output: &str) -> String {
    let hosts = include_str!("names/hosts").lines().filter_map(|line| line.split_once(' '));
    let hosts: Vec<(String, String)> = hosts
        .map(|(address, name)| match address.contains(':') {
            true => (format!("[{address}]:"), format!("[{name}]:")),
            false => (format!(" {address}:"), format!(" {name}:")),
        })
        .collect();
    map_lines(output, |line| match line.starts_with("-A ") || line.starts_with("-a ") {
        true => hosts.iter().fold(line.to_owned(), |line, (address, name)| line.replace(address, name)),
        false => line.to_owned(),
    })
}

/// Truncates words to the number of characters that the reference shows of a name.
pub fn truncate_words(output: &str) -> String {
    const MAX_LEN: usize = 28;
    map_lines(output, |line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.iter().all(|word| word.len() < MAX_LEN) {
            return line.to_owned();
        }
        let truncate = |word: &&str| word.chars().take(MAX_LEN).collect::<String>();
        words.iter().map(truncate).collect::<Vec<_>>().join(" ")
    })
}

fn map_lines(text: &str, change: impl Fn(&str) -> String) -> String {
    text.lines().map(|line| change(line) + "\n").collect()
}
