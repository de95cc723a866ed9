//! `-R`: the commands are added to what is there.

use ipvs::{Change, Ipvs};

use super::input::Input;
use crate::args::Command;
use crate::commands::run_on;
use crate::error::{Failure, RefusedLine};
use crate::output::Text;

/// Runs the commands in order. Changes that follow each other go to the kernel together; what it refuses
/// is reported, and the rest goes on.
pub fn run(ipvs: &mut Ipvs, input: &Input, text: &mut Text) -> Result<(), Failure> {
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
                if let Err(error) = run_on(ipvs, command, text) {
                    refused.push(RefusedLine { number: Some(*number), error });
                }
            }
        } else {
            let failures = ipvs.apply(&changes)?;
            refused.extend(failures.into_iter().map(|failure| RefusedLine {
                number: Some(group[failure.index].0),
                error: ipvs::Error::from(failure.refused).into(),
            }));
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(Failure::Refusals(input.name.clone(), refused)) }
}
