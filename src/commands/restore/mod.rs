//! `-R`: the commands of a file or of standard input. All lines are read and checked before the first is
//! carried out.

mod add;
mod input;
mod replace;

use input::Input;

use super::session::Session;
use crate::failure::Failure;
use crate::grammar::Restore;

pub(crate) fn run(session: &mut Session, restore: &Restore) -> Result<(), Failure> {
    let mut input = Input::read(restore.file.as_deref())?;
    match restore.replace {
        None if restore.check => Ok(()),
        None => add::run(session, &input),
        Some(options) => {
            let desired = replace::desired(&mut input, options)?;
            if restore.check { Ok(()) } else { replace::run(session, &input, &desired, options) }
        }
    }
}
