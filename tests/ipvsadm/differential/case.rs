//! What the two programs did with the same invocation.

use super::step::{Outcome, Step};

/// A table as the kernel shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    pub file: String,
    pub settings: String,
}

pub struct Case {
    pub step: Step,
    pub reference: Outcome,
    pub ours: Outcome,
    /// The reference's table and ours.
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

    /// Success is silent, where the reference's is; a failure says something.
    pub fn says_enough(&self) -> bool {
        match self.ours.status {
            0 if self.reference.status == 0 => {
                self.ours.stderr.is_empty() || !self.reference.stderr.is_empty()
            }
            0 => self.ours.stderr.is_empty(),
            _ => !self.ours.stderr.is_empty(),
        }
    }

    /// Only one of the two did it, and the other refused without changing anything.
    pub fn only_ours_did_it(&self) -> bool {
        self.reference.status != 0 && self.ours.status == 0 && self.before[0] == self.after[0]
    }

    pub fn only_the_reference_did_it(&self) -> bool {
        self.reference.status == 0 && self.ours.status != 0 && self.before[1] == self.after[1]
    }

    /// Everything that differs, for people.
    pub fn report(&self) -> String {
        let mut report = format!("{}\n", self.step);
        if !self.same_status() {
            report +=
                &format!("    status: reference {}, ours {}\n", self.reference.status, self.ours.status);
        }
        report += &differing_lines("stdout", &self.reference.stdout, &self.ours.stdout);
        report += &differing_lines("table", &self.after[0].file, &self.after[1].file);
        report += &differing_lines("settings", &self.after[0].settings, &self.after[1].settings);
        let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
        report += &format!("    reference says: {}\n", first(&self.reference.stderr));
        report + &format!("    ours says:      {}\n", first(&self.ours.stderr))
    }
}

/// The lines that only one of two texts has, up to a dozen.
fn differing_lines(what: &str, reference: &str, ours: &str) -> String {
    if reference == ours {
        return String::new();
    }
    let only = |text: &str, other: &str, mark: char| -> Vec<String> {
        let missing = text.lines().filter(|line| !other.lines().any(|l| l == *line));
        missing.take(6).map(|line| format!("    {what} {mark} {}\n", line.escape_debug())).collect()
    };
    let lines = [only(reference, ours, '-'), only(ours, reference, '+')].concat();
    match lines.is_empty() {
        true => format!("    {what}: the same lines in another order or number\n"),
        false => lines.concat(),
    }
}
