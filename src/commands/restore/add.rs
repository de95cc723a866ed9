//! `-R`: the commands are carried out on the existing table.

use std::collections::HashMap;

use ipvs_netlink::{Change, Error, Reason, RefusedChange};

use super::input::Input;
use crate::commands::execute::execute;
use crate::commands::session::Session;
use crate::failure::{Failure, RefusedLines, Repeated};
use crate::grammar::Command;

/// Carries out the commands in order. Consecutive changes go to the kernel together. What the kernel refuses is
/// reported at the end, and does not stop the rest.
pub(super) fn run(session: &mut Session, input: &Input) -> Result<(), Failure> {
    // Even input without a command fails where there is no IPVS.
    session.kernel()?;
    let mut refused = RefusedLines::default();
    let mut repeated = Repeated::default();
    let is_change = |command: &Command| matches!(command, Command::Change(_));
    for group in input.commands.chunk_by(|(_, a), (_, b)| is_change(a) && is_change(b)) {
        let changes: Vec<Change> = group
            .iter()
            .filter_map(|(_, command)| match command {
                Command::Change(change) => Some(*change),
                _ => None,
            })
            .collect();
        if changes.is_empty() {
            for (number, command) in group {
                if let Err(error) = execute(session, command) {
                    refused.add(|| input.refused_line(Some(*number), error));
                }
            }
        } else {
            let refusals = session.kernel()?.apply(&changes)?;
            let first = first_additions(&changes, &refusals);
            for RefusedChange { index, refused: refusal, .. } in refusals {
                let number = group[index].0;
                match first.get(&changes[index]) {
                    Some(&first) if first < index => repeated.add(number, group[first].0),
                    _ => {
                        refused.add(|| input.refused_line(Some(number), Failure::from(Error::from(refusal))));
                    }
                }
            }
        }
    }
    repeated.report(&input.name);
    if refused.is_empty() {
        return Ok(());
    }
    Err(Failure::Refusals { input: input.name.clone(), refused, others: input.parts() })
}

/// Returns the first index of each addition that the kernel accepted, if there are others that it refused because the
/// object exists: those that are equal only repeat them.
fn first_additions(changes: &[Change], refusals: &[RefusedChange]) -> HashMap<Change, usize> {
    let exists = |change: &RefusedChange| {
        matches!(change.refused.reason, Reason::ServiceExists | Reason::DestinationExists)
    };
    if !refusals.iter().any(exists) {
        return HashMap::new();
    }
    let mut refused = refusals.iter().map(|change| change.index).peekable();
    let mut first = HashMap::new();
    for (index, change) in changes.iter().enumerate() {
        let accepted = refused.next_if_eq(&index).is_none();
        if accepted && matches!(change, Change::AddService(_) | Change::AddDestination(..)) {
            first.entry(*change).or_insert(index);
        }
    }
    first
}
