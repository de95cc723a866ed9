//! `-R`: the commands of a file or of standard input. All lines are read and checked before the first is
//! run.

mod add;
mod input;
mod replace;

use ipvs::Ipvs;

use crate::args::Restore;
use crate::error::Failure;
use crate::output::Text;

pub fn run(restore: &Restore, text: &mut Text) -> Result<(), Failure> {
    let mut input = input::Input::read(restore.file.as_deref())?;
    match restore.replace {
        None if restore.check => Ok(()),
        None => add::run(&mut Ipvs::connect()?, &input, text),
        Some(options) => {
            let wanted = replace::wanted(&mut input, options)?;
            match restore.check {
                true => Ok(()),
                false => replace::run(&mut Ipvs::connect()?, &input, &wanted, options, text),
            }
        }
    }
}
