//! Making the table the desired one, or leaving everything as it was.

use super::desired::Desired;
use super::leaving::Leaving;
use super::object::Object;
use super::plan::{Plan, Step, Unlisted, plan, plan_draining};
use super::summary::Summary;
use super::undo::{Journal, Reverted};
use crate::client::{BatchError, Ipvs};
use crate::error::{Error, Reason, Refused};
use crate::request::Change;
use crate::snapshot::Snapshot;

/// The number of plans that are made while other writers keep changing the table, or calls fail that may succeed later.
const MAX_ROUNDS: usize = 8;

/// A step that the kernel refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusedStep<O = ()> {
    /// The refusal, which names the change.
    pub refused: Refused,
    /// The origin of the desired settings; deletions have none.
    pub origin: Option<O>,
}

/// The reason why the table could not become the desired one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError<O = ()> {
    /// The kernel refused steps. Everything done before was undone, and the table was read to see that it is as before.
    #[error("{}; nothing was changed", join_refusals(.0))]
    Undone(Vec<RefusedStep<O>>),
    /// The kernel refused steps, and not everything done before could be undone.
    #[error("{}; {}", join_refusals(.refused), describe_left(.left))]
    NotUndone {
        /// The refused steps.
        refused: Vec<RefusedStep<O>>,
        /// Changed objects that are left so, because another writer has changed them since.
        left: Vec<Object>,
    },
    /// Another writer kept changing the table.
    #[error("another program keeps changing the table: after {MAX_ROUNDS} attempts it would still be necessary to {}", join(.0))]
    Contested(Vec<Change>),
    /// The table could not be read before anything was changed.
    #[error("{0}; nothing was changed")]
    Untouched(Error),
    /// The connection to the kernel broke for good. Changes made by then stay.
    #[error("{error}; {}", describe_made(.made, *.planned))]
    Broken {
        /// The cause.
        error: Error,
        /// The changes that were made, or may have been made, and were not undone.
        made: Vec<Change>,
        /// The number of changes that were planned.
        planned: usize,
    },
}

fn join<T: ToString>(items: &[T]) -> String {
    join_first(items.iter().map(T::to_string), ", ")
}

fn join_refusals<O>(refused: &[RefusedStep<O>]) -> String {
    join_first(refused.iter().map(|step| step.refused.to_string()), "; ")
}

/// Joins the first items, and says how many more there are.
fn join_first(mut items: impl ExactSizeIterator<Item = String>, separator: &str) -> String {
    const MAX_SHOWN: usize = 20;
    let mut text = items.by_ref().take(MAX_SHOWN).collect::<Vec<_>>().join(separator);
    if items.len() > 0 {
        text.push_str(&format!("{separator}and {} more", items.len()));
    }
    text
}

fn describe_left(left: &[Object]) -> String {
    format!("everything else was undone, but not what another program has changed meanwhile: {}", join(left))
}

fn describe_made(made: &[Change], planned: usize) -> String {
    format!("of {planned} changes {} were made and not undone: {}", made.len(), join(made))
}

/// Makes the table the desired one by the smallest list of changes, and returns how much that was.
///
/// Additions and edits go first, and deletions only if all of those were accepted: a refusal, which nearly always
/// concerns something new, is found before anything is lost. If the kernel refuses a step, exactly the accepted steps
/// are undone, newest first, each only if its object still is as the step left it; whatever other writers have done
/// survives.
///
/// After the last step the table is read again. If another writer has changed it meanwhile, the rest is planned anew, a
/// bounded number of times. A step whose outcome another writer brought about counts as done.
///
/// # Errors
/// [`ApplyError`] says what was refused, and what the table is now.
pub fn apply<O: Copy>(
    ipvs: &mut Ipvs,
    desired: &Desired<O>,
    unlisted: Unlisted,
) -> Result<Summary, ApplyError<O>> {
    Ok(carry_out_plans(ipvs, |present| plan(present, desired, unlisted))?.0)
}

/// Makes the table the desired one like [`apply`], except that what the desired table drops stays for the present, with
/// the weight 0: it keeps its connections and gets no new ones. Returns how much the whole will be, and what is to be
/// deleted when the connections have ended.
///
/// A service that is dropped refuses new connections from then on, because all its servers have the weight 0. What is
/// dropped and has the weight 0 already, perhaps because an earlier call was interrupted, is returned, too.
///
/// If the kernel refuses a step, the weights are put back like everything else.
///
/// # Errors
/// [`ApplyError`] says what was refused, and what the table is now.
pub fn drain<O: Copy>(
    ipvs: &mut Ipvs,
    desired: &Desired<O>,
    unlisted: Unlisted,
) -> Result<(Summary, Leaving), ApplyError<O>> {
    let (summary, present) = carry_out_plans(ipvs, |present| {
        let mut plan = plan_draining(present, desired, unlisted);
        plan.steps.truncate(plan.additions + plan.drains);
        plan
    })?;
    let deletions = plan(&present, desired, unlisted).steps;
    Ok((summary, Leaving::new(&present, deletions.iter().map(|step| &step.change))))
}

/// Carries plans out until there is nothing left to do, and returns how much the first one was, and the table as it was
/// read last.
fn carry_out_plans<O: Copy>(
    ipvs: &mut Ipvs,
    plan: impl Fn(&Snapshot) -> Plan<O>,
) -> Result<(Summary, Snapshot), ApplyError<O>> {
    let mut journal = Journal::default();
    let mut summary = None;
    let mut planned = 0;
    let mut last = Vec::new();
    for _ in 0..MAX_ROUNDS {
        let present = match read(ipvs) {
            Ok(present) => present,
            Err(error) if journal.is_empty() => return Err(ApplyError::Untouched(error)),
            Err(error) => return Err(ApplyError::Broken { error, made: journal.changes(), planned }),
        };
        let plan = plan(&present);
        let summary = *summary.get_or_insert(plan.summary);
        planned = planned.max(plan.steps.len());
        if plan.steps.is_empty() {
            return Ok((summary, present));
        }
        journal.start_round(present);
        last = match carry_out(ipvs, &plan, &mut journal) {
            Ok(refused) if refused.iter().all(|step| is_overtaken(&step.refused.reason)) => refused,
            Ok(refused) => return Err(undo(ipvs, &journal, refused, planned)),
            // The next round sees what was made.
            Err(error) if error.error.is_transient() => Vec::new(),
            Err(error) => {
                return Err(ApplyError::Broken { error: error.error, made: journal.changes(), planned });
            }
        };
    }
    // Others may have made the refused steps of the last round.
    let present =
        read(ipvs).map_err(|error| ApplyError::Broken { error, made: journal.changes(), planned })?;
    let steps = plan(&present).steps;
    if steps.is_empty() {
        Ok((summary.unwrap_or_default(), present))
    } else if last.is_empty() {
        Err(ApplyError::Contested(steps.iter().map(|step| step.change).collect()))
    } else {
        Err(undo(ipvs, &journal, last, planned))
    }
}

/// Reads the present state, again if that fails for a reason that may pass.
fn read(ipvs: &mut Ipvs) -> Result<Snapshot, Error> {
    for _ in 1..MAX_ROUNDS {
        match ipvs.snapshot() {
            Err(error) if error.is_transient() => {}
            outcome => return outcome,
        }
    }
    ipvs.snapshot()
}

/// Carries a plan out, notes accepted steps in the journal, and returns the refused ones. Weights of 0 and deletions are
/// made only if nothing was refused before.
fn carry_out<O: Copy>(
    ipvs: &mut Ipvs,
    plan: &Plan<O>,
    journal: &mut Journal,
) -> Result<Vec<RefusedStep<O>>, BatchError> {
    let (additions, deletions) = plan.steps.split_at(plan.additions);
    for steps in [additions, deletions] {
        let changes: Vec<Change> = steps.iter().map(|step| step.change).collect();
        let (refused, sent, error) = match ipvs.apply(&changes) {
            Ok(refused) => (refused, changes.len(), None),
            // What was sent may have been made. Undoing looks at each object before it reverts a step.
            Err(mut error) => (std::mem::take(&mut error.refused), error.sent, Some(error)),
        };
        let mut refusals = refused.into_iter().peekable();
        let mut refused = Vec::new();
        for (index, &Step { change, origin }) in steps[..sent].iter().enumerate() {
            match refusals.next_if(|refusal| refusal.index == index) {
                Some(refusal) => refused.push(RefusedStep { refused: refusal.refused, origin }),
                None => journal.note(change),
            }
        }
        if let Some(error) = error {
            return Err(error);
        }
        if !refused.is_empty() {
            return Ok(refused);
        }
    }
    Ok(Vec::new())
}

/// Returns whether a refusal only says that another writer was faster: the next plan takes account of it.
fn is_overtaken(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::ServiceExists
            | Reason::NoSuchService
            | Reason::ServiceNotDefined
            | Reason::DestinationExists
            | Reason::NoSuchDestination
            | Reason::DaemonRuns
            | Reason::NoSuchDaemon
    )
}

/// Undoes the accepted steps, and reads the table to see that they are undone.
fn undo<O>(
    ipvs: &mut Ipvs,
    journal: &Journal,
    refused: Vec<RefusedStep<O>>,
    planned: usize,
) -> ApplyError<O> {
    let mut left = Vec::new();
    for _ in 0..MAX_ROUNDS {
        let present = match read(ipvs) {
            Ok(present) => present,
            Err(error) => return ApplyError::Broken { error, made: journal.changes(), planned },
        };
        let Reverted { changes, contested } = journal.revert(&present);
        left = contested;
        if changes.is_empty() {
            break;
        }
        // Refusals are noticed when the table is read again.
        match ipvs.apply(&changes) {
            Err(error) if !error.error.is_transient() => {
                return ApplyError::Broken { error: error.error, made: journal.changes(), planned };
            }
            _ => left.extend(changes.iter().map(Object::from)),
        }
    }
    if left.is_empty() { ApplyError::Undone(refused) } else { ApplyError::NotUndone { refused, left } }
}
