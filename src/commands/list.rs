//! `-L`: the table or one service.

use ipvs_netlink::{Ipvs, ServiceId, Table, TableEntry};

use super::session::Session;
use super::{metrics, watch};
use crate::failure::Failure;
use crate::grammar::{Columns, Format, List};
use crate::names::Names;
use crate::view::{self, Screen};

pub(super) fn run(session: &mut Session, list: &List) -> Result<(), Failure> {
    if let Some(repetition) = list.watch {
        return watch::run(session, list, repetition);
    }
    match list.format {
        Format::Text => {}
        Format::Table => return people_table(session, list),
        Format::Metrics => return metrics::run(session, list),
    }
    let ipvs = session.kernel()?;
    ipvs.set_include_stats(matches!(list.columns, Columns::Stats | Columns::Rate));
    let (info, table) = match list.service {
        None => (Some(ipvs.info()?), ipvs.table()?),
        Some(id) => {
            let service = ipvs.service(id)?;
            let destinations = ipvs.destinations(id)?;
            (None, Table::new(vec![TableEntry::new(service, destinations)]))
        }
    };
    session.output.names = Names::new(list.numeric);
    session.output.names.look_up(view::addresses(&table));
    view::table(&mut session.output, table, info, list).map_err(Failure::Output)
}

/// Shows the table for people.
#[cold]
fn people_table(session: &mut Session, list: &List) -> Result<(), Failure> {
    let ipvs = session.kernel()?;
    ipvs.set_include_stats(true);
    let table = read(ipvs, list.service)?;
    session.output.names = Names::new(list.numeric);
    session.output.names.look_up(view::addresses(&table));
    view::people_table(&mut session.output, table, list, Screen::of_stdout(list.color));
    Ok(())
}

/// Reads the whole table, or one service of it.
pub(super) fn read(ipvs: &mut Ipvs, service: Option<ServiceId>) -> Result<Table, Failure> {
    Ok(match service {
        None => ipvs.table()?,
        Some(id) => Table::new(vec![TableEntry::new(ipvs.service(id)?, ipvs.destinations(id)?)]),
    })
}
