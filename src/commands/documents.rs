//! `-L --json` and `-S --json`: what the kernel has, as documents.

use ipvs_netlink::Connection;

use super::connections::LINES_TOGETHER;
use super::momentary;
use super::session::{Session, read_table};
use super::source::Source;
use crate::document::{ConnectionFields, ListedEntry, Writer};
use crate::failure::Failure;
use crate::grammar::{ConnectionList, List};
use crate::names::Names;
use crate::view;

/// Shows the table or one service with everything that the kernel says about it.
pub(super) fn table(session: &mut Session, list: &List) -> Result<(), Failure> {
    let ipvs = session.kernel()?;
    ipvs.set_include_stats(true);
    let info = ipvs.info()?;
    let (mut table, momentary) = momentary::read_with(|| read_table(ipvs, list.service))?;
    if list.sorted {
        view::sort_services(&mut table.entries);
    }
    let mut names = Names::new(list.numeric);
    names.look_up(view::addresses(&table.entries));
    write(session, |document| {
        document.field("kernel", &info)?;
        document.list("services", |services| {
            for entry in &table.entries {
                services.push(&ListedEntry::new(entry, &momentary, &names, list.sorted))?;
                services.output.print_if_long()?;
            }
            Ok(())
        })
    })
}

pub(super) fn timeouts(session: &mut Session) -> Result<(), Failure> {
    let ipvs = session.kernel()?;
    let (info, timeouts) = (ipvs.info()?, ipvs.timeouts()?);
    write(session, |document| {
        document.field("kernel", &info)?;
        document.field("timeouts", &timeouts)
    })
}

pub(super) fn daemons(session: &mut Session) -> Result<(), Failure> {
    let ipvs = session.kernel()?;
    let (info, daemons) = (ipvs.info()?, ipvs.daemons()?);
    write(session, |document| {
        document.field("kernel", &info)?;
        document.list("daemons", |list| daemons.iter().try_for_each(|daemon| list.push(daemon)))
    })
}

/// Shows the connections, in constant memory. Lines that are malformed are counted, and make the command fail at its
/// end.
pub(super) fn connections(session: &mut Session, options: &ConnectionList) -> Result<(), Failure> {
    let connections = Source::open(session, &options.filter)?;
    let mut names = Names::new(options.numeric);
    let mut malformed = 0;
    let mut document = Writer::start(&mut session.output);
    document.list("connections", |list| {
        let mut show = |lines: &[Vec<u8>]| {
            let parsed = lines.iter().filter_map(|line| Connection::parse(line).ok());
            let parsed: Vec<Connection<'_>> = parsed.collect();
            malformed += lines.len() - parsed.len();
            names.look_up(parsed.iter().flat_map(|connection| {
                [connection.client.ip(), connection.service.ip(), connection.destination.ip()]
            }));
            for connection in &parsed {
                list.push(&ConnectionFields::new(connection, &names)).map_err(Failure::Output)?;
                list.output.print_if_long().map_err(Failure::Output)?;
            }
            Ok::<(), Failure>(())
        };
        let mut lines = Vec::with_capacity(LINES_TOGETHER);
        connections.for_each_line(|line| {
            lines.push(line.to_vec());
            if lines.len() < LINES_TOGETHER {
                return Ok(());
            }
            show(&std::mem::take(&mut lines))
        })?;
        show(&lines)
    })?;
    if malformed > 0 {
        document.field("malformed", &malformed).map_err(Failure::Output)?;
    }
    document.end();
    if malformed == 0 { Ok(()) } else { Err(Failure::LeftOutConnections(malformed)) }
}

fn write(
    session: &mut Session,
    append: impl FnOnce(&mut Writer<'_>) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let mut document = Writer::start(&mut session.output);
    append(&mut document).map_err(Failure::Output)?;
    document.end();
    Ok(())
}
