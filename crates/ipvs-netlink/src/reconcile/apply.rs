//! Carrying a plan out, or leaving everything as it was.

use super::{Desired, Plan, Unlisted, plan};
use crate::client::Ipvs;
use crate::error::{Error, Refused};
use crate::request::Change;
use crate::snapshot::Snapshot;

/// A step of a plan that the kernel refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusedStep {
    /// The index of the step in the plan.
    pub step: usize,
    /// The refusal.
    pub refused: Refused,
}

/// A plan that could not be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The kernel refused steps, and the table is as it was before.
    #[error("{}; nothing was changed", join(.0))]
    Undone(Vec<RefusedStep>),
    /// The kernel refused steps, and not everything could be undone.
    #[error(
        "{}; not everything could be undone: {}",
        join(.refused),
        .left.iter().map(|change| format!("still to {change}")).collect::<Vec<_>>().join(", ")
    )]
    NotUndone {
        /// The refused steps.
        refused: Vec<RefusedStep>,
        /// The changes that would lead back to the old table.
        left: Vec<Change>,
    },
    /// The connection to the kernel broke; changes made by then stay.
    #[error("{0}; some changes may have been made")]
    Broken(Error),
}

fn join(refused: &[RefusedStep]) -> String {
    refused.iter().map(|step| step.refused.to_string()).collect::<Vec<_>>().join("; ")
}

/// Carries out a plan that was made for the table `before`.
///
/// Additions and edits go first, and deletions only if all of those were accepted: a refusal, which nearly always
/// concerns something new, is found before anything is lost. If the kernel refuses a step, everything done so far is
/// undone, and the table is read again to see that it is as before.
///
/// # Errors
/// [`ApplyError`] says what was refused, and whether everything could be undone.
pub fn apply<O>(ipvs: &mut Ipvs, plan: &Plan<O>, before: &Snapshot) -> Result<(), ApplyError> {
    let changes: Vec<Change> = plan.steps.iter().map(|step| step.change).collect();
    let (additions, deletions) = changes.split_at(plan.additions);
    for (start, part) in [(0, additions), (plan.additions, deletions)] {
        let refused = ipvs.apply(part).map_err(|error| ApplyError::Broken(error.error))?;
        if !refused.is_empty() {
            let refused = refused
                .into_iter()
                .map(|change| RefusedStep { step: start + change.index, refused: change.refused });
            return Err(undo(ipvs, before, refused.collect()));
        }
    }
    Ok(())
}

/// Goes back to the table `before`.
fn undo(ipvs: &mut Ipvs, before: &Snapshot, refused: Vec<RefusedStep>) -> ApplyError {
    let outcome = changes_back(ipvs, before).and_then(|changes| {
        // A refusal is noticed when the table is read again.
        ipvs.apply(&changes).map_err(|error| error.error)?;
        changes_back(ipvs, before)
    });
    match outcome {
        Ok(left) if left.is_empty() => ApplyError::Undone(refused),
        Ok(left) => ApplyError::NotUndone { refused, left },
        Err(error) => ApplyError::Broken(error),
    }
}

/// Finds the changes from the present table to `before`.
fn changes_back(ipvs: &mut Ipvs, before: &Snapshot) -> Result<Vec<Change>, Error> {
    let present = ipvs.snapshot()?;
    let was_running = |state| before.daemons.iter().any(|daemon| daemon.state == state);
    let started = present.daemons.iter().map(|daemon| daemon.state).filter(|&state| !was_running(state));
    let mut changes: Vec<Change> = started.map(Change::StopDaemon).collect();
    let steps = plan(&present, &Desired::from(before), Unlisted::Delete).steps;
    changes.extend(steps.iter().map(|step| step.change));
    Ok(changes)
}
