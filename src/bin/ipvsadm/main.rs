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

use error::{Failure, Usage};

fn main() -> ExitCode {
    let mut text = String::new();
    let command = words().and_then(|words| args::parse(&words)).map_err(Failure::from);
    let outcome = command.and_then(|command| commands::run(command, &mut text));
    // What could be said is said, also by a command that failed half-way.
    let printed = print(&text);
    match outcome.and(printed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody can be told if standard error is closed.
            let _ = writeln!(std::io::stderr(), "ipvsadm: {failure}");
            ExitCode::from(failure.status())
        }
    }
}

fn words() -> Result<Vec<String>, Usage> {
    std::env::args_os().skip(1).map(|word| word.into_string().map_err(Usage::NotUtf8)).collect()
}

/// Writes everything at once. A reader that has seen enough ends the program quietly.
fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::Output(error)),
        _ => Ok(()),
    }
}
