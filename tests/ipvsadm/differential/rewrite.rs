//! What is done to both outputs before they are compared once more.

/// `FWM  -1` and `-f -1` become `4294967295`. What stands in columns behind stays there.
pub fn unsigned_marks(output: &str) -> String {
    lines(output, |line| {
        ["FWM  ", "-f "].iter().find_map(|mark| unsigned(line, mark)).unwrap_or_else(|| line.to_owned())
    })
}

fn unsigned(line: &str, mark: &str) -> Option<String> {
    let (before, rest) = line.split_once(mark)?;
    let end = rest.find(' ').unwrap_or(rest.len());
    let number: i64 = rest[..end].parse().ok().filter(|number| *number < 0)?;
    let number = (number + (1 << 32)).to_string();
    let behind = match rest.find("  ") {
        Some(gap) => {
            let column = rest[gap..].trim_start();
            let width = (rest.len() - column.len() + end).saturating_sub(number.len() + end);
            format!("{:width$}{column}", &rest[end..gap])
        }
        None => rest[end..].to_owned(),
    };
    Some(format!("{before}{mark}{number}{behind}"))
}

/// Services with their servers in the order of their bytes.
pub fn sorted(output: &str) -> String {
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

/// Servers as `-S` writes them, without `-x` and `-y`.
pub fn without_thresholds(output: &str) -> String {
    lines(output, |line| match line.find(" -x ").or_else(|| line.find(" -y ")) {
        Some(end) if line.starts_with("-a ") => line[..end].to_owned(),
        _ => line.to_owned(),
    })
}

/// Services with `sh` or `mh` without `flag-3`.
pub fn without_third_flag(output: &str) -> String {
    lines(output, |line| match line.contains(" sh ") || line.contains(" mh ") {
        true => line.replace(",flag-3", "").replace("flag-3", ""),
        false => line.to_owned(),
    })
}

/// Control characters become what ours shows of them; the reference shows nothing after a blank.
pub fn escaped(output: &str) -> String {
    let escape = |c: char| match c.is_ascii_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    let shown = |line: &str| line.split("\\x20").next().unwrap_or_default().chars().map(escape).collect();
    lines(output, shown)
}

/// Words are cut after as many characters as the reference shows of a name.
pub fn cut_names(output: &str) -> String {
    const SHOWN: usize = 28;
    lines(output, |line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.iter().all(|word| word.len() < SHOWN) {
            return line.to_owned();
        }
        let cut = |word: &&str| word.chars().take(SHOWN).collect::<String>();
        words.iter().map(cut).collect::<Vec<_>>().join(" ")
    })
}

fn lines(text: &str, change: impl Fn(&str) -> String) -> String {
    text.lines().map(|line| change(line) + "\n").collect()
}
