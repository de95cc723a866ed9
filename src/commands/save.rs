//! `-S`: the kernel's state as commands that `-R` reads.

use std::collections::HashSet;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use ipvs_netlink::{AddressFamily, Change, DestinationState, Ipvs, ServiceId, Table};

use super::markers::{first_line, last_line};
use super::new_file;
use super::session::Session;
use super::signals::without_signals;
use crate::failure::{self, Failure};
use crate::grammar;
use crate::names::Names;
use crate::output::Output;
use crate::view;

/// The number of times that a table is read while others keep changing it.
const MAX_READS: usize = 8;

pub(super) fn run(
    session: &mut Session,
    numeric: bool,
    full: bool,
    file: Option<&str>,
) -> Result<(), Failure> {
    let Some(file) = file else { return print(session, numeric, full, Output::print_if_long) };
    // What the command has said before goes its own way.
    let said = std::mem::take(&mut session.output);
    print(session, numeric, full, |_| Ok(()))?;
    let commands = std::mem::replace(&mut session.output, said).into_bytes();
    let count = commands.iter().filter(|&&byte| byte == b'\n').count();
    let bytes = [first_line(count).as_bytes(), &commands, last_line(count).as_bytes()].concat();
    without_signals(|| new_file::replace(Path::new(file), &bytes))
        .map_err(|error| Failure::Save(file.to_owned(), error))
}

/// Appends the commands to the output, which `flush` may print part by part.
fn print(
    session: &mut Session,
    numeric: bool,
    full: bool,
    flush: impl Fn(&mut Output) -> io::Result<()>,
) -> Result<(), Failure> {
    let ipvs = session.kernel()?;
    ipvs.set_include_stats(false);
    let table = read_consistent(ipvs)?;
    if full {
        let timeouts = ipvs.timeouts()?;
        write(&mut session.output, &Change::SetTimeouts(timeouts))?;
    }
    session.output.names = Names::reversible(numeric, servers_of_other_family(&table));
    session.output.names.look_up(view::addresses(&table.entries));
    write_table(&mut session.output, table, full, flush)?;
    if full {
        for daemon in session.kernel()?.daemons()? {
            write(&mut session.output, &Change::StartDaemon(daemon))?;
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
fn write_table(
    output: &mut Output,
    mut table: Table,
    kernel_order: bool,
    flush: impl Fn(&mut Output) -> io::Result<()>,
) -> Result<(), Failure> {
    view::sort_services(&mut table.entries);
    let mut unsaveable = Vec::new();
    for entry in table.entries {
        let service = entry.service.settings;
        write(output, &Change::AddService(service))?;
        let servers = if kernel_order {
            entry.destinations.iter().rev().collect()
        } else {
            view::sorted_servers(&entry.destinations)
        };
        for state in servers {
            write(output, &Change::AddDestination(service.id(), state.settings))?;
            if !grammar::has_option(state.settings.forwarding) {
                unsaveable.push((service.id(), *state));
            }
        }
        flush(output).map_err(Failure::Output)?;
    }
    warn(&unsaveable);
    Ok(())
}

/// Says that servers will not be restored as they are.
fn warn(servers: &[(ServiceId, DestinationState)]) {
    let Some((service, server)) = servers.first() else { return };
    let others = match servers.len() - 1 {
        0 => String::new(),
        others => format!(" (and {others} more)"),
    };
    let number = server.settings.forwarding.to_raw();
    failure::note(&format!(
        "server {} of service {service} has the forwarding method {number}, for which there is no option: it is saved \
         with -g{others}",
        server.id(),
    ));
}

fn write(output: &mut Output, change: &Change) -> Result<(), Failure> {
    if let Some(name) = grammar::unreadable_name(change) {
        return Err(Failure::UnreadableName(name));
    }
    grammar::write(output, change);
    output.push("\n");
    Ok(())
}
