//! The outcomes of the same invocation of both programs.

use super::step::{Outcome, Step};

/// The table and the settings in the kernel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    pub file: String,
    pub settings: String,
}

/// An invocation of both programs, with its outcomes and the tables before and after it.
pub struct Case {
    pub step: Step,
    pub reference: Outcome,
    pub ours: Outcome,
    /// The reference's table and ours, before the invocation.
    pub before: [State; 2],
    pub after: [State; 2],
}

impl Case {
    pub fn same_tables(&self) -> bool {
        self.after[0] == self.after[1]
    }

    pub fn same_status(&self) -> bool {
        self.reference.status == self.ours.status
    }

    /// Checks standard error: success must be silent where the reference is, and a failure must not be silent.
    pub fn has_proper_diagnostics(&self) -> bool {
        match self.ours.status {
            0 => self.ours.stderr.is_empty() || !self.reference.stderr.is_empty(),
            _ => !self.ours.stderr.is_empty(),
        }
    }

    /// Returns whether only ours succeeded and the reference changed nothing.
    pub fn only_ours_succeeded(&self) -> bool {
        self.reference.status != 0 && self.ours.status == 0 && self.before[0] == self.after[0]
    }

    /// Returns whether only the reference succeeded and ours changed nothing.
    pub fn only_reference_succeeded(&self) -> bool {
        self.reference.status == 0 && self.ours.status != 0 && self.before[1] == self.after[1]
    }

    /// Describes everything that differs.
    pub fn report(&self) -> String {
        let mut report = format!("{}\n", self.step);
        if !self.same_status() {
            report +=
                &format!("    status: reference {}, ours {}\n", self.reference.status, self.ours.status);
        }
        report += &differing_lines("stdout", &self.reference.stdout, &self.ours.stdout);
        report += &differing_lines("table", &self.after[0].file, &self.after[1].file);
        report += &differing_lines("settings", &self.after[0].settings, &self.after[1].settings);
        let first_line = |text: &str| text.lines().next().unwrap_or_default().to_owned();
        report += &format!("    reference says: {}\n", first_line(&self.reference.stderr));
        report + &format!("    ours says:      {}\n", first_line(&self.ours.stderr))
    }
}

/// Shows the lines that only one of the two texts contains, at most six of each.
fn differing_lines(what: &str, reference: &str, ours: &str) -> String {
    if reference == ours {
        return String::new();
    }
    let unique_lines = |text: &str, other: &str, mark: char| -> Vec<String> {
        let missing = text.lines().filter(|line| !other.lines().any(|l| l == *line));
        missing.take(6).map(|line| format!("    {what} {mark} {}\n", line.escape_debug())).collect()
    };
    let lines = [unique_lines(reference, ours, '-'), unique_lines(ours, reference, '+')].concat();
    match lines.is_empty() {
        true => format!("    {what}: the same lines in a different order or number\n"),
        false => lines.concat(),
    }
}
