//! `-R --check`: what no kernel accepts is found without asking one.

use ipvs_netlink::{Change, Refused};
use nix::errno::Errno;

use super::input::Input;
use crate::cli::Usage;
use crate::failure::{Failure, Mistakes};
use crate::grammar::Command;

/// Fails if the kernel would refuse a change of the input whatever its table is.
pub(super) fn check_changes(input: &Input) -> Result<(), Failure> {
    let mut mistakes = Mistakes::default();
    for (origin, command) in &input.commands {
        let Command::Change(change) = command else { continue };
        if let Some(refused) = certain_refusal(change) {
            input.add_mistake(&mut mistakes, *origin, Usage::Impossible(refused));
        }
    }
    input.check(mistakes)
}

/// Returns the refusal of a change that no kernel makes.
fn certain_refusal(change: &Change) -> Option<Refused> {
    match change {
        Change::AddDestination(_, server) | Change::SetDestination(_, server)
            if server.lower_threshold > server.upper_threshold =>
        {
            Some(Refused::from_errno(*change, Errno::ERANGE as i32, None))
        }
        _ => None,
    }
}
