//! `-C` with conditions: a part of the table is deleted.

use std::io::{IsTerminal, stderr};

use ipvs_netlink::{Change, Error, Ipvs, Reason, RefusedChange, ServiceId};

use super::session::Session;
use crate::failure::{self, Failure};
use crate::grammar::{self, Clear};

/// Deletes what is meant, or only prints the commands that would.
#[cold]
pub(super) fn run(session: &mut Session, clear: &Clear) -> Result<(), Failure> {
    let ipvs = session.kernel()?;
    ipvs.set_include_stats(false);
    let changes = plan(ipvs, clear)?;
    let kind = if clear.means_servers() { "server" } else { "service" };
    if clear.dry_run {
        for change in &changes {
            session.output.push("ipvsadm ");
            grammar::write(&mut session.output, change);
            session.output.push("\n");
            session.output.print_if_long().map_err(Failure::Output)?;
        }
        session.output.push(format!("# {}\n", describe(kind, changes.len())));
        return Ok(());
    }
    let refusals = session.kernel()?.apply(&changes)?;
    let (gone, refused): (Vec<_>, Vec<_>) = refusals.into_iter().partition(is_gone);
    let deleted = changes.len() - gone.len() - refused.len();
    if refused.is_empty() {
        if stderr().is_terminal() {
            let by_others = match gone.len() {
                0 => String::new(),
                count => format!(" ({count} by another program)"),
            };
            failure::note(&format!("{}{by_others}", describe(kind, deleted + gone.len())));
        }
        return Ok(());
    }
    let refused = refused.into_iter().map(|change| Error::from(change.refused).into());
    Err(Failure::NotCleared { deleted: describe(kind, deleted), refused: refused.collect() })
}

/// Lists what is to be deleted, in the order of a listing. A service that goes meanwhile has no servers.
fn plan(ipvs: &mut Ipvs, clear: &Clear) -> Result<Vec<Change>, Failure> {
    let services = ipvs.services()?.into_iter().map(|service| service.id());
    let mut services: Vec<ServiceId> = services.filter(|id| clear.means_service(id)).collect();
    services.sort_unstable();
    if !clear.means_servers() {
        return Ok(services.into_iter().map(Change::DeleteService).collect());
    }
    let mut changes = Vec::new();
    for service in services {
        let servers = match ipvs.destinations(service) {
            Err(Error::Refused(refused)) if is_missing(&refused.reason) => continue,
            servers => servers?,
        };
        let servers = servers.into_iter().map(|server| server.id());
        let mut servers: Vec<_> = servers.filter(|id| clear.means_server(id.address)).collect();
        servers.sort_unstable();
        changes.extend(servers.into_iter().map(|server| Change::DeleteDestination(service, server)));
    }
    Ok(changes)
}

/// Returns whether another program was faster.
fn is_gone(change: &RefusedChange) -> bool {
    is_missing(&change.refused.reason)
}

fn is_missing(reason: &Reason) -> bool {
    matches!(reason, Reason::NoSuchService | Reason::ServiceNotDefined | Reason::NoSuchDestination)
}

/// Says how many were deleted.
fn describe(kind: &str, count: usize) -> String {
    match count {
        0 => "nothing there, nothing to do".to_owned(),
        1 => format!("1 {kind} deleted"),
        count => format!("{count} {kind}s deleted"),
    }
}

#[cfg(test)]
mod tests {
    use ipvs_netlink::{DestinationId, Refused};

    use super::*;

    #[test]
    fn what_another_program_has_deleted_is_gone_and_everything_else_refused() {
        let web = ServiceId::tcp(([192, 0, 2, 1], 80));
        let service = Change::DeleteService(web);
        let server = Change::DeleteDestination(web, DestinationId::new([10, 0, 0, 1], 80));
        for (change, errno, expected) in [
            (service, 3, true),
            (server, 3, true),
            (server, 2, true),
            (service, 12, false),
            (server, 1, false),
        ] {
            let refused = Refused::from_errno(change, errno, None);
            assert_eq!(is_missing(&refused.reason), expected, "{refused}");
        }
    }

    #[test]
    fn refusals_are_counted_and_the_first_ones_named() {
        let refusal = |port: u16| {
            let service = ServiceId::tcp(([192, 0, 2, 1], port));
            Error::from(Refused::from_errno(Change::DeleteService(service), 12, None)).into()
        };
        let failure = |count: u16| Failure::NotCleared {
            deleted: describe("service", 1),
            refused: (1..=count).map(refusal).collect(),
        };
        let text = failure(1).to_string();
        assert!(
            text.starts_with("1 service deleted, 1 refused: cannot delete service TCP 192.0.2.1:1: "),
            "{text}"
        );
        let text = failure(9).to_string();
        assert!(
            text.starts_with("1 service deleted, 9 refused: cannot delete") && text.ends_with("; and 6 more"),
            "{text}"
        );
        assert_eq!(failure(1).status(), 1);
    }
}
