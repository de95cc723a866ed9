//! One file for each family of verbs. A command appends what it has to say on standard output to a text.

mod connections;
mod list;
mod restore;
mod save;

use ipvs::Ipvs;

use crate::args::{self, Command};
use crate::error::Failure;
use crate::output::{self, Text};

/// Does what a command line asks for.
pub fn run(command: &Command, text: &mut Text) -> Result<(), Failure> {
    match command {
        Command::Help => text.push(args::help()),
        Command::Version => text.push(output::version()),
        Command::Restore(restore) => restore::run(restore, text)?,
        Command::Connections { engines, numeric } => connections::run(*engines, *numeric, text)?,
        command => run_on(&mut Ipvs::connect()?, command, text)?,
    }
    Ok(())
}

/// Does what needs a connection to the kernel.
fn run_on(ipvs: &mut Ipvs, command: &Command, text: &mut Text) -> Result<(), Failure> {
    match command {
        Command::Change(change) => ipvs.change(*change)?,
        Command::List(list) => list::run(ipvs, *list, text)?,
        Command::Timeouts => text.push(output::timeouts(ipvs.timeouts()?)),
        Command::Daemons => text.push(output::daemons(&ipvs.daemons()?)),
        Command::Save { numeric, full } => save::run(ipvs, *numeric, *full, text)?,
        Command::Connections { .. } | Command::Help | Command::Version | Command::Restore(_) => {
            run(command, text)?;
        }
    }
    Ok(())
}
