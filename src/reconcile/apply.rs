//! Carrying a plan out, or leaving everything as it was.

use super::{Others, Plan, Snapshot, plan};
use crate::client::Ipvs;
use crate::error::{Error, Refused};
use crate::model::Change;

/// A plan that could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The kernel refused steps, and the table is as it was before.
    #[error("{}; nothing was changed", refusals(.0))]
    Undone(Vec<(usize, Refused)>),
    /// The kernel refused steps, and not everything could be undone: the rest is what still differs.
    #[error(
        "{}; not everything could be undone: {}",
        refusals(.refused),
        .left.iter().map(|change| format!("still to {change}")).collect::<Vec<_>>().join(", ")
    )]
    NotUndone {
        /// The refused steps by their places in the plan.
        refused: Vec<(usize, Refused)>,
        /// What would have to be done to have the old table again.
        left: Vec<Change>,
    },
    /// The connection to the kernel broke; what was changed by then stays.
    #[error("{0}; some changes may have been made")]
    Broken(#[source] Error),
}

fn refusals(refused: &[(usize, Refused)]) -> String {
    refused.iter().map(|(_, refused)| refused.to_string()).collect::<Vec<_>>().join("; ")
}

/// Carries out a plan that was made for the table `before`.
///
/// Additions and edits go first and deletions only when all of those were accepted. If the kernel refuses
/// anything, everything done so far is undone and the table is read again to see that it is as before.
///
/// # Errors
/// What was refused, and whether everything could be undone.
pub fn apply(ipvs: &mut Ipvs, plan: &Plan, before: &Snapshot) -> Result<(), ApplyError> {
    let changes: Vec<Change> = plan.steps.iter().map(|step| step.change).collect();
    let (gentle, deletions) = changes.split_at(plan.gentle);
    for (start, part) in [(0, gentle), (plan.gentle, deletions)] {
        let failures = ipvs.apply(part).map_err(|error| ApplyError::Broken(error.source))?;
        if !failures.is_empty() {
            let refused = failures.into_iter().map(|failure| (start + failure.index, failure.refused));
            return Err(undo(ipvs, before, refused.collect()));
        }
    }
    Ok(())
}

/// Goes back to the table `before`.
fn undo(ipvs: &mut Ipvs, before: &Snapshot, refused: Vec<(usize, Refused)>) -> ApplyError {
    let back = |ipvs: &mut Ipvs| -> Result<Vec<Change>, Error> {
        let present = Snapshot::take(ipvs)?;
        let mut changes: Vec<Change> = Vec::new();
        for daemon in &present.daemons {
            if !before.daemons.iter().any(|running| running.state == daemon.state) {
                changes.push(Change::StopDaemon(daemon.state));
            }
        }
        changes
            .extend(plan(&present, &before.as_wanted(), Others::Delete).steps.iter().map(|step| step.change));
        Ok(changes)
    };
    let outcome = back(ipvs).and_then(|changes| {
        // What is refused here is seen when the table is read again.
        ipvs.apply(&changes).map_err(|error| error.source)?;
        back(ipvs)
    });
    match outcome {
        Ok(left) if left.is_empty() => ApplyError::Undone(refused),
        Ok(left) => ApplyError::NotUndone { refused, left },
        Err(error) => ApplyError::Broken(error),
    }
}
