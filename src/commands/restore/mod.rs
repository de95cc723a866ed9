//! `-R`: the commands of a file or of standard input. All lines are read and checked before the first is
//! carried out.

mod add;
mod check;
mod content;
mod draining;
mod following;
mod input;
mod replace;

pub(crate) use content::{Content, read_content};
use input::Input;

use super::lock::Lock;
use super::session::Session;
use crate::failure::Failure;
use crate::grammar::Restore;

pub(crate) fn run(session: &mut Session, restore: &Restore) -> Result<(), Failure> {
    let mut input = Input::read(restore)?;
    let Some(options) = restore.replace else {
        if restore.check {
            input.check_complete()?;
            return check::check_changes(&input);
        }
        let _lock = lock(session, restore)?;
        return add::run(session, &input);
    };
    input.check_complete()?;
    if restore.check {
        check::check_changes(&input)?;
        return replace::desired(&mut input).map(drop);
    }
    let desired = replace::desired(&mut input)?;
    if options.dry_run {
        return replace::show(session, &input, desired, options, restore.format);
    }
    let lock = lock(session, restore)?;
    replace::run(session, &input, desired, options, lock, restore.lock_wait)
}

/// Waits for other instances. The connection to the kernel comes first: where there is no descriptor left for the lock,
/// it is done without.
fn lock(session: &mut Session, restore: &Restore) -> Result<Lock, Failure> {
    session.kernel()?;
    Lock::acquire(restore.lock_wait)
}
