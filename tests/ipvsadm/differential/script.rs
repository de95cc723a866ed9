//! Scripts of invocations.
//!
//! ```text
//! # a comment
//! [a heading]      makes the baseline of both tables empty
//! given LINE       adds a line for -R to the baseline
//! WORDS            an invocation, starting from the baseline
//! then WORDS       an invocation, starting from the result of the previous one
//! WORDS << INPUT   an invocation with standard input
//! WORDS <<< LINES  an invocation while the kernel reports these connections
//! ```

use super::pair::Pair;
use super::step::Step;

/// Runs every invocation of a script with both programs.
pub fn run(pair: &mut Pair, script: &str) {
    let mut baseline = String::new();
    let mut changed = true;
    for line in script.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with('[') {
            baseline.clear();
            changed = true;
        } else if let Some(line) = line.strip_prefix("given ") {
            baseline.push_str(line);
            baseline.push('\n');
            changed = true;
        } else if let Some(words) = line.strip_prefix("then ") {
            pair.step(&Step::parse(words));
        } else {
            if std::mem::take(&mut changed) {
                pair.set_baseline(&baseline);
            }
            pair.reset();
            pair.step(&Step::parse(line));
        }
    }
}

/// Returns the lines of a script's baseline.
pub fn baseline_lines(script: &str) -> String {
    script.lines().filter_map(|line| line.strip_prefix("given ")).map(|line| format!("{line}\n")).collect()
}
