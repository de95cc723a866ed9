//! The options of `-R`.

use std::borrow::Cow;
use std::time::Duration;

use super::arguments::{Arguments, Result};
use super::listing::{self, Format};
use super::timeouts::MAX_SECONDS;
use crate::cli::{Opt, Usage};

/// The time to wait for another instance, unless an option says otherwise.
const LOCK_WAIT: Duration = Duration::from_secs(60);
/// The longest time that an option can name, in seconds.
const MAX_LOCK_WAIT: u64 = 24 * 3600;

/// The use that is made of commands in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Restore {
    /// The file, unless it is standard input.
    pub(crate) file: Option<String>,
    /// The form of the file, and of the plan that `--dry-run` prints.
    pub(crate) format: Format,
    /// Only reads and checks the commands.
    pub(crate) check: bool,
    /// Makes the table what the commands say instead of adding to it.
    pub(crate) replace: Option<Replace>,
    /// The time to wait for another instance that restores.
    pub(crate) lock_wait: Duration,
}

/// The options of `--replace`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Replace {
    /// Only prints the commands that it would run.
    pub(crate) dry_run: bool,
    /// Leaves services alone that the input does not name.
    pub(crate) keep_others: bool,
    /// Leaves the weights of existing servers as they are.
    pub(crate) keep_weights: bool,
    /// Lets input without commands clear the table.
    pub(crate) allow_empty: bool,
    /// Lets the connections of what is removed end, at most for this time.
    pub(crate) drain_removed: Option<Duration>,
}

pub(super) fn read(arguments: &mut Arguments<'_, '_>) -> Result<Restore> {
    let file = arguments.words.pop().map(Cow::into_owned).filter(|file| file != "-");
    let format = listing::read_format(arguments);
    let check = arguments.flag(Opt::Check) | arguments.flag(Opt::Test);
    if let (true, Some(option)) = (check, arguments.find(&[Opt::DryRun])) {
        return Err(Usage::Conflict(Opt::Check, option));
    }
    let lock_wait = read_lock_wait(arguments)?;
    if !arguments.flag(Opt::Replace) {
        const FOR_REPLACE: [Opt; 5] =
            [Opt::DryRun, Opt::KeepOthers, Opt::KeepWeights, Opt::AllowEmpty, Opt::DrainRemoved];
        return match arguments.find(&FOR_REPLACE) {
            Some(option) => Err(Usage::Needs(option, Opt::Replace)),
            None => Ok(Restore { file, format, check, replace: None, lock_wait }),
        };
    }
    let drain_removed = arguments.number(Opt::DrainRemoved, 0..=MAX_SECONDS)?;
    let replace = Replace {
        dry_run: arguments.flag(Opt::DryRun),
        keep_others: arguments.flag(Opt::KeepOthers),
        keep_weights: arguments.flag(Opt::KeepWeights),
        allow_empty: arguments.flag(Opt::AllowEmpty),
        drain_removed: drain_removed.map(|seconds| Duration::from_secs(seconds.into())),
    };
    Ok(Restore { file, format, check, replace: Some(replace), lock_wait })
}

/// Reads the time to wait for another instance.
pub(super) fn read_lock_wait(arguments: &mut Arguments<'_, '_>) -> Result<Duration> {
    let seconds = arguments.number(Opt::LockWait, 0..=MAX_LOCK_WAIT)?;
    Ok(seconds.map_or(LOCK_WAIT, Duration::from_secs))
}
