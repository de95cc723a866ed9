//! The extent of a plan.

use std::fmt;

/// The numbers of objects of one kind, by the kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Counts {
    /// New objects.
    pub added: usize,
    /// Objects whose settings change.
    pub changed: usize,
    /// Objects that are deleted.
    pub deleted: usize,
    /// Objects that are as desired, or that the plan leaves alone.
    pub untouched: usize,
}

/// The extent of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Summary {
    /// Virtual services.
    pub services: Counts,
    /// Real servers.
    pub destinations: Counts,
    /// Sync daemons. Changed ones are stopped and started again.
    pub daemons: Counts,
    /// Set if the timeouts change.
    pub timeouts: bool,
}

impl fmt::Display for Summary {
    /// Writes `2 services added, 1 changed, 14 servers untouched`; counts of 0 are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds =
            [("service", self.services), ("server", self.destinations), ("sync daemon", self.daemons)];
        let mut parts: Vec<String> =
            kinds.into_iter().flat_map(|(kind, counts)| counts.parts(kind)).collect();
        if self.timeouts {
            parts.push("timeouts changed".into());
        }
        if parts.is_empty() {
            return f.write_str("nothing there, nothing to do");
        }
        f.write_str(&parts.join(", "))
    }
}

impl Counts {
    /// Writes the counts that are not 0; the first one names the kind.
    fn parts(self, kind: &str) -> impl Iterator<Item = String> {
        let counts = [
            (self.added, "added"),
            (self.changed, "changed"),
            (self.deleted, "deleted"),
            (self.untouched, "untouched"),
        ];
        let counts = counts.into_iter().filter(|&(count, _)| count > 0);
        counts.enumerate().map(move |(index, (count, what))| match (index, count) {
            (0, 1) => format!("1 {kind} {what}"),
            (0, _) => format!("{count} {kind}s {what}"),
            _ => format!("{count} {what}"),
        })
    }
}
