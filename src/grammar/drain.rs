//! `--drain` and `--undrain`.

use std::time::Duration;

use ipvs_netlink::ServiceId;

use super::arguments::{Arguments, Result, bad_value};
use super::server::{self, ServerName};
use super::{restore, service};
use crate::cli::Opt;

/// The longest wait in seconds: a year.
const MAX_WAIT: u64 = 365 * 24 * 3600;
/// The longest reason in characters.
const MAX_REASON: usize = 200;

/// Takes a server out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Drain {
    pub(crate) servers: Servers,
    /// The time to wait for its connections to end.
    pub(crate) wait: Option<Duration>,
    pub(crate) reason: Option<String>,
}

/// Brings a server back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Undrain {
    pub(crate) servers: Servers,
    /// The new weight, instead of the one from before.
    pub(crate) weight: Option<u32>,
}

/// A server in some services or in all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Servers {
    pub(crate) name: ServerName,
    /// Empty if all services are meant.
    pub(crate) services: Vec<ServiceId>,
    /// The time to wait for another instance that restores or drains.
    pub(crate) lock_wait: Duration,
}

pub(super) fn read(arguments: &mut Arguments<'_, '_>) -> Result<Drain> {
    let reason = arguments.value(Opt::Reason).map(String::from);
    if let Some(reason) = reason.as_ref().filter(|reason| reason.chars().count() > MAX_REASON) {
        let why = format!("it has more than {MAX_REASON} characters");
        return Err(bad_value(Opt::Reason, reason, why));
    }
    Ok(Drain {
        servers: read_servers(arguments)?,
        wait: arguments.number(Opt::Wait, 0..=MAX_WAIT)?.map(Duration::from_secs),
        reason: reason.filter(|reason| !reason.is_empty()),
    })
}

pub(super) fn read_end(arguments: &mut Arguments<'_, '_>) -> Result<Undrain> {
    Ok(Undrain { servers: read_servers(arguments)?, weight: arguments.number(Opt::Weight, 1..=server::MAX)? })
}

fn read_servers(arguments: &mut Arguments<'_, '_>) -> Result<Servers> {
    let services = service::read_ids(arguments)?;
    let name = server::read_name(arguments, services.first().copied())?;
    Ok(Servers { name, services, lock_wait: restore::read_lock_wait(arguments)? })
}

#[cfg(test)]
mod tests {
    use crate::grammar::{Invocation, Parser};

    #[test]
    fn a_server_is_enough() {
        let parse = |line: &str| Parser::default().parse(&line.split(' ').collect::<Vec<_>>());
        let Ok(Invocation::Drain(drain)) = parse("--drain -r 10.0.0.1") else { panic!() };
        assert_eq!((drain.servers.services.len(), drain.servers.name.port), (0, None));
        let line = "--drain -r 10.0.0.1 -t 192.0.2.1:80 -u 192.0.2.1:53 -t 192.0.2.1:81";
        let Ok(Invocation::Drain(drain)) = parse(line) else { panic!() };
        let services = drain.servers.services.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(services, ["TCP 192.0.2.1:80", "TCP 192.0.2.1:81", "UDP 192.0.2.1:53"]);
        let Ok(Invocation::Undrain(undrain)) = parse("--undrain -t 192.0.2.1:80 -r 10.0.0.1:8080 -w 3")
        else {
            panic!()
        };
        assert_eq!((undrain.servers.name.port, undrain.weight), (Some(8080), Some(3)));
        for (line, expected) in [
            ("--drain".to_owned(), "--drain needs a real server: -r ADDRESS[:PORT]"),
            ("--undrain -r 10.0.0.1 -w 0".to_owned(), "-w \"0\": it is a number from 1 to 2147483647"),
            (format!("--drain -r 10.0.0.1 --reason {}", "x".repeat(201)), "it has more than 200 characters"),
        ] {
            let mistake = parse(&line).unwrap_err().to_string();
            assert!(mistake.ends_with(expected), "{line}: {mistake}");
        }
    }
}
