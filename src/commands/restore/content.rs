//! The table that a rules file would make, without carrying anything out or looking any name up.

use std::collections::BTreeSet;

use ipvs_netlink::reconcile::Desired;
use ipvs_netlink::{Change, Scheduler};

use super::input::Input;
use super::replace;
use crate::failure::Failure;
use crate::grammar::Command;

/// The content of a rules file.
pub(crate) enum Content {
    /// It cannot be read, or is refused, for this reason.
    Broken(String),
    /// It has host names, whose addresses are not asked for.
    HasNames,
    /// The table that it makes of an empty one, and the schedulers that it names.
    Desired(Desired<usize>, BTreeSet<Scheduler>),
}

/// Reads a rules file.
pub(crate) fn read_content(file: &str) -> Content {
    let read = || {
        let Some(mut input) = Input::read_without_names(file)? else { return Ok(None) };
        input.check_complete()?;
        let schedulers = input.commands.iter().filter_map(|(_, command)| match command {
            Command::Change(Change::AddService(service) | Change::SetService(service)) => {
                Some(service.scheduler)
            }
            _ => None,
        });
        let schedulers = schedulers.collect();
        Ok::<_, Failure>(Some((replace::desired(&mut input)?, schedulers)))
    };
    match read() {
        Ok(Some((desired, schedulers))) => Content::Desired(desired, schedulers),
        Ok(None) => Content::HasNames,
        Err(failure) => Content::Broken(first_line(&failure)),
    }
}

/// Returns the first line of a report, which names the place.
fn first_line(failure: &Failure) -> String {
    failure.to_string().lines().next().unwrap_or_default().to_owned()
}
