//! `-S`: the kernel's state as commands that `-R` reads.

use std::collections::HashSet;
use std::net::IpAddr;

use ipvs_netlink::{AddressFamily, Change, Ipvs, Table};

use super::session::Session;
use crate::failure::Failure;
use crate::grammar;
use crate::names::Names;
use crate::output::Output;
use crate::view;

/// The number of times that a table is read while others keep changing it.
const MAX_READS: usize = 8;

pub(super) fn run(session: &mut Session, numeric: bool, full: bool) -> Result<(), Failure> {
    let ipvs = session.kernel()?;
    ipvs.set_include_stats(false);
    let table = read_consistent(ipvs)?;
    if full {
        let timeouts = ipvs.timeouts()?;
        write(&mut session.output, &Change::SetTimeouts(timeouts));
    }
    session.output.names = Names::reversible(numeric, servers_of_other_family(&table));
    session.output.names.look_up(view::addresses(&table));
    write_table(&mut session.output, table, full)?;
    if full {
        for daemon in session.kernel()?.daemons()? {
            write(&mut session.output, &Change::StartDaemon(daemon));
        }
    }
    Ok(())
}

/// Returns the IPv4 servers of IPv6 services. A name of theirs is read as an IPv6 address if it has one.
fn servers_of_other_family(table: &Table) -> HashSet<IpAddr> {
    let services = table.entries.iter().filter(|entry| entry.service.id().family() == AddressFamily::V6);
    let servers = services.flat_map(|entry| &entry.destinations).map(|state| state.id().address);
    servers.filter(IpAddr::is_ipv4).collect()
}

/// Reads the table again if a service came or went while it was read.
fn read_consistent(ipvs: &mut Ipvs) -> Result<Table, Failure> {
    for _ in 0..MAX_READS {
        if let Some(table) = ipvs.consistent_table()? {
            return Ok(table);
        }
    }
    Err(Failure::Unstable)
}

/// Appends the commands that make the table. With `kernel_order` they leave the servers in the order that they
/// have in the kernel, where the one that was added last is the first.
fn write_table(output: &mut Output, mut table: Table, kernel_order: bool) -> Result<(), Failure> {
    view::sort_services(&mut table);
    for entry in table.entries {
        let service = entry.service.settings;
        write(output, &Change::AddService(service));
        let servers = if kernel_order {
            entry.destinations.iter().rev().collect()
        } else {
            view::sorted_servers(&entry.destinations)
        };
        for state in servers {
            write(output, &Change::AddDestination(service.id(), state.settings));
        }
        output.print_if_long().map_err(Failure::Output)?;
    }
    Ok(())
}

fn write(output: &mut Output, change: &Change) {
    grammar::write(output, change);
    output.push("\n");
}
