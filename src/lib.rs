//! The program `ipvsadm` as a library, for its own `main` and benchmarks.
//!
//! This is not a stable interface. Other programs use the package `ipvs-netlink`.
//!
//! `grammar` turns words into an `Invocation`, and `commands` carries it out by calling `ipvs_netlink`.
//! Dependencies point one way: `commands -> view -> grammar -> cli, output -> names`. The sentences for the user
//! are in `cli::Usage` and `failure`.

mod cli;
mod commands;
mod completion;
mod doctor;
mod document;
mod failure;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
mod grammar;
mod load;
mod momentary;
mod names;
mod output;
pub mod stages;
mod terminal;
mod view;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use cli::Usage;
use commands::Session;
use failure::Failure;
use grammar::{Invocation, Parser};
use nix::sys::signal::Signal;

/// Carries out a command line, given without the program's name, and returns the exit status.
pub fn run(words: impl Iterator<Item = OsString>) -> ExitCode {
    let mut session = Session::default();
    let outcome = valid_words(words).map_err(Failure::from).and_then(|words| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if let Some((&completion::COMMAND, words)) = words.split_first() {
            completion::write(&mut session.output, words);
            return Ok(());
        }
        match parse(&words)? {
            Invocation::Command(command) => commands::execute(&mut session, &command),
            Invocation::EditServer(change, unnamed) => commands::edit_server(&mut session, change, unnamed),
            Invocation::Drain(options) => commands::drain(&mut session, &options),
            Invocation::Undrain(options) => commands::undrain(&mut session, &options),
            Invocation::Restore(options) => commands::restore(&mut session, &options),
            Invocation::Doctor(options) => commands::examine(&mut session, &options),
            Invocation::FollowLoad(options) => commands::follow_load(&mut session, &options),
        }
    });
    // A command that fails half-way shows what it has.
    let printed = session.output.print().map_err(Failure::Output);
    match outcome.and(printed) {
        Ok(()) => ExitCode::SUCCESS,
        // Quietly, with the status that shells report for a program that SIGPIPE has ended.
        Err(failure) if failure.is_closed_pipe() => ExitCode::from(128 + Signal::SIGPIPE as u8),
        // The findings say it all.
        Err(failure @ Failure::Ill) => ExitCode::from(failure.status()),
        Err(failure) => {
            // Nobody can be told if standard error is closed.
            let _ = writeln!(std::io::stderr(), "{}", failure.report());
            ExitCode::from(failure.status())
        }
    }
}

fn valid_words(words: impl Iterator<Item = OsString>) -> Result<Vec<String>, Usage> {
    words.map(|word| word.into_string().map_err(Usage::NotUtf8)).collect()
}

/// Gives a command line its meaning, in the network namespace that it names: everything that is opened later, and every
/// name that is looked up, belongs to it.
fn parse(words: &[&str]) -> Result<Invocation, Failure> {
    let mut parser = Parser::default();
    let outcome = parser.parse_provisionally(words);
    // A mistake may be one of a placeholder for an address.
    let counts = outcome.is_ok() || parser.misses_names();
    if let Some(namespace) = parser.take_namespace().filter(|_| counts) {
        commands::enter_namespace(&namespace)?;
    }
    Ok(if parser.look_up_names() { parser.parse(words)? } else { outcome? })
}
