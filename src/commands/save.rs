//! `-S`: the kernel's state as commands that `-R` reads.

use std::collections::HashSet;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use ipvs_netlink::{AddressFamily, Change, DestinationState, Interface, Ipvs, ServiceId, Table, TableEntry};

use super::markers::{first_line, last_line};
use super::session::Session;
use super::signals::without_signals;
use super::{momentary, new_file};
use crate::document::{Entry, Settings};
use crate::failure::{self, Failure};
use crate::grammar::{self, Format};
use crate::names::Names;
use crate::output::Output;
use crate::view;

/// The number of times that a table is read while others keep changing it.
const MAX_READS: usize = 8;

pub(super) fn run(
    session: &mut Session,
    format: Format,
    numeric: bool,
    full: bool,
    present_weights: bool,
    file: Option<&str>,
) -> Result<(), Failure> {
    let print = |session: &mut Session, flush: Flush| {
        let ipvs = session.kernel()?;
        ipvs.set_include_stats(false);
        let table = if present_weights { read_consistent(ipvs)? } else { read_configured(ipvs)? };
        match format {
            Format::Text => print(session, table, numeric, full, flush),
            Format::Json => print_document(session, table, full, flush),
        }
    };
    let Some(file) = file else { return print(session, Output::print_if_long) };
    // What the command has said before goes its own way.
    let said = std::mem::take(&mut session.output);
    print(session, |_| Ok(()))?;
    let mut bytes = std::mem::replace(&mut session.output, said).into_bytes();
    // A document that was cut needs no comments to be recognized.
    if format == Format::Text {
        let count = bytes.iter().filter(|&&byte| byte == b'\n').count();
        bytes = [first_line(count).as_bytes(), &bytes, last_line(count).as_bytes()].concat();
    }
    without_signals(|| new_file::replace(Path::new(file), &bytes, 0o666))
        .map_err(|error| Failure::Save(file.to_owned(), error))
}

/// Prints the output, or a part of it, or nothing yet.
type Flush = fn(&mut Output) -> io::Result<()>;

/// Appends the commands to the output, which `flush` may print part by part.
fn print(
    session: &mut Session,
    table: Table,
    numeric: bool,
    full: bool,
    flush: Flush,
) -> Result<(), Failure> {
    if full {
        let timeouts = session.kernel()?.timeouts()?;
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

/// Appends the same as a document. Its addresses and ports are numbers.
fn print_document(session: &mut Session, mut table: Table, full: bool, flush: Flush) -> Result<(), Failure> {
    let ipvs = session.kernel()?;
    let (timeouts, daemons) =
        if full { (Some(ipvs.timeouts()?), Some(ipvs.daemons()?)) } else { (None, None) };
    for daemon in daemons.iter().flatten() {
        check_name(daemon.interface.as_bytes())?;
    }
    view::sort_services(&mut table.entries);
    let mut services = Vec::with_capacity(table.entries.len());
    for entry in &table.entries {
        let service = entry.service.settings;
        check_name(service.scheduler.as_bytes())?;
        service.engine.map_or(Ok(()), |engine| check_name(engine.as_bytes()))?;
        let destinations = in_saved_order(entry, full).into_iter().map(|state| state.settings);
        services.push(Entry { service, destinations: destinations.collect() });
    }
    let settings = Settings::new(timeouts, daemons, services);
    settings.write(&mut session.output, flush).map_err(Failure::Output)
}

/// Fails if a name cannot be read again: it is not UTF-8, or has blanks or control characters. The rules are the same
/// for all kinds of names.
fn check_name(name: &[u8]) -> Result<(), Failure> {
    let is_readable = std::str::from_utf8(name).is_ok_and(|name| name.parse::<Interface>().is_ok());
    if is_readable { Ok(()) } else { Err(Failure::UnreadableName(name.to_vec())) }
}

/// Returns the servers of a service, sorted or, with `kernel_order`, so that adding them leaves them in the order that
/// they have in the kernel, where the one that was added last is the first.
fn in_saved_order(entry: &TableEntry, kernel_order: bool) -> Vec<&DestinationState> {
    if kernel_order {
        entry.destinations.iter().rev().collect()
    } else {
        view::sorted_servers(&entry.destinations)
    }
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

/// Reads the table with the configured weights in place of those that servers have because of their load.
fn read_configured(ipvs: &mut Ipvs) -> Result<Table, Failure> {
    let (mut table, momentary) = momentary::read_with(|| read_consistent(ipvs))?;
    momentary.configure(&mut table);
    Ok(table)
}

/// Appends the commands that make the table; see [`in_saved_order`] for `kernel_order`.
fn write_table(
    output: &mut Output,
    mut table: Table,
    kernel_order: bool,
    flush: Flush,
) -> Result<(), Failure> {
    view::sort_services(&mut table.entries);
    let mut unsaveable = Vec::new();
    for entry in table.entries {
        let service = entry.service.settings;
        write(output, &Change::AddService(service))?;
        for state in in_saved_order(&entry, kernel_order) {
            write(output, &Change::AddDestination(service.id(), state.settings))?;
            if !grammar::is_describable(&state.settings) {
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
    let method = server.settings.forwarding;
    let what = if grammar::has_option(method) {
        "a tunnel that no options describe: it is saved with those for the most similar one".into()
    } else {
        format!(
            "the forwarding method {}, for which there is no option: it is saved with -g",
            method.to_raw()
        )
    };
    failure::note(&format!("server {} of service {service} has {what}{others}", server.id()));
}

fn write(output: &mut Output, change: &Change) -> Result<(), Failure> {
    if let Some(name) = grammar::unreadable_name(change) {
        return Err(Failure::UnreadableName(name));
    }
    grammar::write(output, change);
    output.push("\n");
    Ok(())
}
