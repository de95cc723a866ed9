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

use args::Parser;
use error::{Failure, Usage};

fn main() -> ExitCode {
    let mut text = String::new();
    let command = words().and_then(|words| Parser::default().parse(&words)).map_err(Failure::from);
    let outcome = command.and_then(|command| commands::run(&command, &mut text));
    // What could be said is said, also by a command that failed half-way.
    let printed = output::print(&text);
    match outcome.and(printed) {
        Ok(()) | Err(Failure::OutputClosed) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody can be told if standard error is closed.
            let _ = writeln!(std::io::stderr(), "{}", failure.report());
            ExitCode::from(failure.status())
        }
    }
}

fn words() -> Result<Vec<String>, Usage> {
    std::env::args_os().skip(1).map(|word| word.into_string().map_err(Usage::NotUtf8)).collect()
}
