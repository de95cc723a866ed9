//! One command, given as arguments or on a line of input for `-R`.

use super::session::Session;
use super::{connections, list, save};
use crate::cli;
use crate::failure::Failure;
use crate::grammar::{Command, Listing};
use crate::view;

/// Carries out a command.
pub(crate) fn execute(session: &mut Session, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Change(change) => session.kernel()?.change(*change)?,
        Command::List(Listing::Table(options)) => list::run(session, options)?,
        Command::List(Listing::Connections { engines, numeric }) => {
            connections::run(session, *engines, *numeric)?;
        }
        Command::List(Listing::Timeouts) => {
            let timeouts = session.kernel()?.timeouts()?;
            view::timeouts(&mut session.output, timeouts);
        }
        Command::List(Listing::Daemons) => {
            let daemons = session.kernel()?.daemons()?;
            view::daemons(&mut session.output, &daemons);
        }
        Command::Save { numeric, full, file } => save::run(session, *numeric, *full, file.as_deref())?,
        Command::Help => session.output.push(cli::help()),
        Command::Version => view::version(&mut session.output),
    }
    Ok(())
}
