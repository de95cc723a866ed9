//! `-L`: the table or one service.

use std::io;

use ipvs_netlink::{Error, Info, ProcService, ProcTable, Query, Reason, Refused, ServiceId};
use nix::errno::Errno;

use super::session::{Session, read_table};
use super::{documents, metrics, momentary, watch};
use crate::failure::{self, Failure};
use crate::grammar::{Columns, List, ListFormat};
use crate::names::Names;
use crate::output::Output;
use crate::view::{self, Entry, Screen};

/// Everyone gets a plain listing: if the kernel may not be asked, it is made of the file that all may read.
pub(super) fn run(session: &mut Session, list: &List) -> Result<(), Failure> {
    if let Some(repetition) = list.watch {
        return watch::run(session, list, repetition);
    }
    match list.format {
        ListFormat::Text => {}
        ListFormat::Json => return documents::table(session, list),
        ListFormat::Table => return people_table(session, list),
        ListFormat::Metrics => return metrics::run(session, list),
    }
    match ask_kernel(session, list) {
        Err(Failure::Ipvs(error)) if list.columns == Columns::Plain && is_forbidden(&error) => {
            // The first error says more than that there is no file either.
            let Ok(file) = ProcTable::read() else { return Err(error.into()) };
            show_public_part(session, list, file)
        }
        outcome => outcome,
    }
}

/// Returns whether the caller lacks the right to ask, or to open a netlink socket.
fn is_forbidden(error: &Error) -> bool {
    match error {
        Error::Refused(refused) => refused.reason == Reason::NotPermitted,
        error => matches!(error, Error::Connection(_)),
    }
}

fn ask_kernel(session: &mut Session, list: &List) -> Result<(), Failure> {
    let ipvs = session.kernel()?;
    ipvs.set_include_stats(matches!(list.columns, Columns::Stats | Columns::Rate));
    let info = if list.service.is_none() { Some(ipvs.info()?) } else { None };
    if list.service.is_none() && list.columns == Columns::Plain {
        // Whatever is wrong with the file, netlink knows as much.
        let services = ipvs.summary(|| ProcTable::read().ok())?;
        return show(session, list, services, info, view::summary);
    }
    let entries = read_table(ipvs, list.service)?.entries;
    show(session, list, entries, info, view::table)
}

fn show_public_part(session: &mut Session, list: &List, file: ProcTable) -> Result<(), Failure> {
    let (mut services, mut info) = (file.services, Some(file.info));
    if let Some(id) = list.service {
        services.retain(|service| may_be(service, id));
        info = None;
        if services.is_empty() {
            return Err(
                Error::from(Refused::from_errno(Query::Service(id), Errno::ESRCH as i32, None)).into()
            );
        }
    }
    if !services.is_empty() {
        failure::note(
            "to ask the kernel needs CAP_NET_ADMIN; /proc/net/ip_vs shows the table without scheduler flags, \
             persistence engines and times (?), one-packet scheduling of IPv6 services, and the address family of some \
             firewall marks",
        );
    }
    show(session, list, services, info, view::public_part)
}

/// Returns whether a service of the file may be the one with this id. The family of a mark may be unknown: to leave out
/// what is there would be worse than to show what is perhaps not meant, and the note says so.
fn may_be(service: &ProcService, id: ServiceId) -> bool {
    match (service.id, id) {
        (ServiceId::Fwmark { mark: found, .. }, ServiceId::Fwmark { mark, .. })
            if !service.has_known_family =>
        {
            found == mark
        }
        (found, id) => found == id,
    }
}

/// Looks up the names of a listing and appends it.
fn show<E: Entry>(
    session: &mut Session,
    list: &List,
    entries: Vec<E>,
    info: Option<Info>,
    view: impl FnOnce(&mut Output, Vec<E>, Option<Info>, &List) -> io::Result<()>,
) -> Result<(), Failure> {
    session.output.names = Names::new(list.numeric);
    session.output.names.look_up(view::addresses(&entries));
    view(&mut session.output, entries, info, list).map_err(Failure::Output)
}

/// Shows the table for people.
#[cold]
fn people_table(session: &mut Session, list: &List) -> Result<(), Failure> {
    let ipvs = session.kernel()?;
    ipvs.set_include_stats(true);
    let (mut table, momentary) = momentary::read_with(|| read_table(ipvs, list.service))?;
    table.entries.iter_mut().for_each(|entry| momentary.show_removed(entry));
    session.output.names = Names::new(list.numeric);
    session.output.names.look_up(view::addresses(&table.entries));
    view::people_table(&mut session.output, table, &momentary, list, Screen::of_stdout(list.color));
    Ok(())
}
