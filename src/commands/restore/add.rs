//! `-R`: the commands are carried out on the existing table.

use ipvs_netlink::{Change, Error};

use super::input::Input;
use crate::commands::execute::execute;
use crate::commands::session::Session;
use crate::failure::{Failure, RefusedLine};
use crate::grammar::Command;

/// Carries out the commands in order. Consecutive changes go to the kernel together. What the kernel refuses is
/// reported at the end, and does not stop the rest.
pub(super) fn run(session: &mut Session, input: &Input) -> Result<(), Failure> {
    // Even input without a command fails where there is no IPVS.
    session.kernel()?;
    let mut refused = Vec::new();
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
                    refused.push(RefusedLine { number: Some(*number), error: error.to_string() });
                }
            }
        } else {
            let refusals = session.kernel()?.apply(&changes)?;
            refused.extend(refusals.into_iter().map(|change| RefusedLine {
                number: Some(group[change.index].0),
                error: Failure::from(Error::from(change.refused)).to_string(),
            }));
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(Failure::Refusals(input.name.clone(), refused)) }
}
