//! One file for each family of verbs. A command returns what it has to say on standard output.

mod list;
mod restore;
mod save;

use ipvs::Ipvs;

use crate::args::{self, Command};
use crate::error::Failure;
use crate::output;

/// Does what a command line asks for.
pub fn run(command: Command) -> Result<String, Failure> {
    match command {
        Command::Help => Ok(args::help()),
        Command::Version => Ok(output::version()),
        Command::Restore => restore::run(),
        command => run_on(&mut Ipvs::connect()?, command),
    }
}

/// Does what needs a connection to the kernel.
fn run_on(ipvs: &mut Ipvs, command: Command) -> Result<String, Failure> {
    match command {
        Command::Change(change) => ipvs.change(change).map(|()| String::new()).map_err(Failure::from),
        Command::List(list) => list::run(ipvs, list),
        Command::Save => save::run(ipvs),
        Command::Help | Command::Version | Command::Restore => run(command),
    }
}
