//! `ipvsadm`: administer the IPVS load balancer of the Linux kernel.
//!
//! Words become a [`args::Command`], a command becomes calls of the library or a listing, and every
//! sentence for the user stands in [`error`].

mod args;
mod commands;
mod error;
mod output;

use std::io::Write;
use std::process::ExitCode;

use args::{Command, Parser};
use error::{Failure, Usage};
use output::Text;

fn main() -> ExitCode {
    let mut text = Text::default();
    let outcome = command().map_err(Failure::from).and_then(|command| commands::run(&command, &mut text));
    // What could be said is said, also by a command that failed half-way.
    let printed = text.print();
    match outcome.and(printed) {
        Ok(()) | Err(Failure::OutputClosed) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody can be told if standard error is closed.
            let _ = writeln!(std::io::stderr(), "{}", failure.report());
            ExitCode::from(failure.status())
        }
    }
}

fn command() -> Result<Command, Usage> {
    let words = std::env::args_os().skip(1).map(|word| word.into_string().map_err(Usage::NotUtf8));
    let words: Vec<String> = words.collect::<Result<_, _>>()?;
    Parser::default().parse(&words.iter().map(String::as_str).collect::<Vec<_>>())
}
