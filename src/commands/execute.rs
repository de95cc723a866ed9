//! One command, given as arguments or on a line of input for `-R`.

use super::change::make;
use super::session::Session;
use super::{clear, connections, documents, drain, edit, list, namespaces, save};
use crate::cli;
use crate::failure::Failure;
use crate::grammar::{Column, Command, ConnectionColumn, Format, ListFormat, Listing, columns_help};
use crate::view;

/// Carries out a command.
pub(crate) fn execute(session: &mut Session, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Change(change) => make(session.kernel()?, *change)?,
        Command::Clear(options) => clear::run(session, options)?,
        Command::Edit(edit) => edit::run(session, edit)?,
        Command::List(Listing::Table(options)) => list::run(session, options)?,
        Command::List(Listing::Connections(options))
            if options.format == ListFormat::Json && options.count.is_none() =>
        {
            documents::connections(session, options)?;
        }
        Command::List(Listing::Connections(options)) => connections::run(session, options)?,
        Command::List(Listing::Timeouts(Format::Json)) => documents::timeouts(session)?,
        Command::List(Listing::Daemons(Format::Json)) => documents::daemons(session)?,
        Command::List(Listing::Timeouts(Format::Text)) => {
            let timeouts = session.kernel()?.timeouts()?;
            view::timeouts(&mut session.output, timeouts);
        }
        Command::List(Listing::Daemons(Format::Text)) => {
            let daemons = session.kernel()?.daemons()?;
            view::daemons(&mut session.output, &daemons);
        }
        Command::List(Listing::Drained(format)) => drain::list(session, *format)?,
        Command::List(Listing::ColumnNames) => session.output.push(columns_help::<Column>()),
        Command::List(Listing::ConnectionColumnNames) => {
            session.output.push(columns_help::<ConnectionColumn>());
        }
        Command::Save { numeric, full, present_weights, format, file } => {
            save::run(session, *format, *numeric, *full, *present_weights, file.as_deref())?;
        }
        Command::Namespaces(format) => namespaces::run(session, *format)?,
        Command::Help(word) => session.output.push(cli::help(word.as_deref())),
        Command::Version => view::version(&mut session.output),
    }
    Ok(())
}
