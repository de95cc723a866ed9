//! `--doctor`: looks at this machine, says what is wrong, and changes nothing.

mod arp;
mod files;
mod look;
mod message;
mod network;
mod probe;
pub(super) mod programs;
mod rules;
mod sync_messages;

use std::io;

use super::session::Session;
use crate::doctor::{Finding, Severity, examine_director, examine_real_server};
use crate::document::Writer;
use crate::failure::Failure;
use crate::grammar::{Doctor, Format};
use crate::terminal::quote;

#[cold]
pub(crate) fn run(session: &mut Session, options: &Doctor) -> Result<(), Failure> {
    let findings = if options.as_real_server {
        examine_real_server(&look::at_real_server(options.services.clone(), options.tunnel))
    } else {
        let evidence = look::at_director(options.services.clone());
        let mut evidence = evidence.map_err(|failure| Failure::NotExamined(Box::new(failure)))?;
        if options.probe {
            probe::probe(&mut evidence);
        }
        examine_director(&evidence)
    };
    print(session, options.format, &findings).map_err(Failure::Output)?;
    let is_ill = findings.iter().any(|finding| finding.severity != Severity::Note);
    if is_ill { Err(Failure::Ill) } else { Ok(()) }
}

/// Prints a line for each finding, or a document.
fn print(session: &mut Session, format: Format, findings: &[Finding]) -> io::Result<()> {
    if format == Format::Json {
        let mut document = Writer::start(&mut session.output);
        document.list("findings", |list| findings.iter().try_for_each(|finding| list.push(finding)))?;
        document.end();
        return Ok(());
    }
    for finding in findings {
        session.output.push(&*quote(&finding.to_string()));
        session.output.push("\n");
        session.output.print_if_long()?;
    }
    Ok(())
}
