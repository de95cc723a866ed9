//! Scripts of invocations.
//!
//! ```text
//! # a comment
//! [a heading]      both tables are empty from here on
//! given LINE       both tables begin with this line of -R from here on
//! WORDS            an invocation on what is given
//! then WORDS       an invocation on what the one before has left
//! WORDS << INPUT   the same with something on standard input
//! WORDS <<< LINES  the same where the kernel tells of these connections
//! ```

use super::pair::Pair;
use super::step::Step;

/// Gives both programs every invocation of a script.
pub fn run(pair: &mut Pair, script: &str) {
    let mut given = String::new();
    let mut changed = true;
    for line in script.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with('[') {
            given.clear();
            changed = true;
        } else if let Some(line) = line.strip_prefix("given ") {
            given.push_str(line);
            given.push('\n');
            changed = true;
        } else if let Some(words) = line.strip_prefix("then ") {
            pair.step(&Step::parse(words));
        } else {
            if std::mem::take(&mut changed) {
                pair.given(&given);
            }
            pair.reset();
            pair.step(&Step::parse(line));
        }
    }
}

/// The lines that a script begins with.
pub fn given(script: &str) -> String {
    script.lines().filter_map(|line| line.strip_prefix("given ")).map(|line| format!("{line}\n")).collect()
}
