//! Makes the table what a file says, by the smallest list of changes: `cargo run --example reconcile_file FILE`
//!
//! A line names a service, and the indented lines after it its real servers with forwarding method and weight:
//!
//! ```text
//! TCP 192.0.2.1:80
//!     10.0.0.11:8080 masquerade 1
//! ```

use std::process::ExitCode;

use ipvs_netlink::reconcile::{Desired, Unlisted, apply, plan};
use ipvs_netlink::{Change, Destination, DestinationId, Ipvs, Service, ServiceId};

type Error = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let Err(error) = run() else { return ExitCode::SUCCESS };
    eprintln!("{error}");
    ExitCode::FAILURE
}

fn run() -> Result<(), Error> {
    let path = std::env::args().nth(1).ok_or("the name of a file is needed")?;
    let text = std::fs::read_to_string(path)?;
    let mut desired = Desired::default();
    let mut service = None;
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let change = parse(line, &mut service).map_err(|error| format!("line {number}: {error}"))?;
        desired.follow(&change, number).map_err(|error| format!("line {number}: {error}"))?;
    }

    let mut ipvs = Ipvs::connect()?;
    for step in plan(&ipvs.snapshot()?, &desired, Unlisted::Delete).steps {
        match step.origin {
            Some(line) => println!("line {line}: {}", step.change),
            None => println!("not in the file: {}", step.change),
        }
    }
    // Other programs may have changed the table since: what is done is planned again.
    let summary = apply(&mut ipvs, &desired, Unlisted::Delete).map_err(|error| error.to_string())?;
    println!("{summary}");
    Ok(())
}

/// Parses a line. `service` is the one that the indented lines belong to.
fn parse(line: &str, service: &mut Option<ServiceId>) -> Result<Change, Error> {
    if !line.starts_with(' ') {
        let id = line.trim().parse()?;
        *service = Some(id);
        return Ok(Change::AddService(Service::new(id)));
    }
    let id = service.ok_or("there is no service above")?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let [server, method, weight] = words[..] else { return Err("three words are needed".into()) };
    let server = Destination::new(server.parse::<DestinationId>()?);
    Ok(Change::AddDestination(id, server.with_forwarding(method.parse()?).with_weight(weight.parse()?)))
}
