//! The values of commands and options.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;

use ipvs_netlink::{DestinationSummary, ProcTable, Protocol, ServiceFlags, ServiceId};

use super::line::Line;
use super::{Answer, Candidate};
use crate::cli::{Entry, Opt, Verb};
use crate::grammar::{By, Column, ColumnKind, ConnectionColumn, STATES};
use crate::terminal::is_printable;

const SCHEDULERS: [(&str, &str); 14] = [
    ("rr", "in turn"),
    ("wrr", "in turn, by weight"),
    ("lc", "fewest connections"),
    ("wlc", "fewest connections by weight"),
    ("lblc", "one server for each destination address, while it is not overloaded"),
    ("lblcr", "some servers for each destination address"),
    ("dh", "by the hash of the destination address"),
    ("sh", "by the hash of the client's address"),
    ("sed", "shortest expected delay"),
    ("nq", "an idle server, or the shortest expected delay"),
    ("fo", "the server with the highest weight"),
    ("ovf", "the server with the highest weight that is not full"),
    ("mh", "by a consistent hash of the client's address"),
    ("twos", "the less loaded of two random servers"),
];

/// Returns the values that a command or an option can have, as far as they can be known.
pub(super) fn of(
    entry: Entry,
    line: &Line<'_>,
    text: &str,
    table: impl FnOnce() -> Option<ProcTable>,
) -> Answer {
    let option = match entry {
        Entry::Verb(_) => return plain(["master", "backup"]),
        Entry::Option(option) => option,
    };
    match option {
        Opt::Output | Opt::Exec => Answer::Files,
        Opt::OnSilence => plain(["keep", "full", "drain"]),
        Opt::KeepLast => plain(["yes", "no"]),
        Opt::Scheduler => {
            Answer::Words(SCHEDULERS.iter().map(|(name, help)| Candidate::new(*name, help)).collect())
        }
        Opt::SchedFlags => several(text, flags(line).map(|name| (name, ""))),
        Opt::Engine => plain(["sip"]),
        Opt::TunType => plain(["ipip", "gue", "gre"]),
        Opt::Color => plain(["auto", "always", "never"]),
        Opt::SumBy => plain(["service", "server", "none"]),
        Opt::By => plain(By::ALL.map(|(name, _)| name)),
        Opt::TableColumns if line.has(Opt::Connection) => several(text, columns::<ConnectionColumn>()),
        Opt::TableColumns => several(text, columns::<Column>()),
        Opt::State => several(text, STATES.split_ascii_whitespace().map(|name| (name, ""))),
        Opt::Proto => several(text, ["tcp", "udp", "sctp"].into_iter().map(|name| (name, ""))),
        Opt::Origin => plain(["local", "sync"]),
        Opt::CountBy => plain(["client", "service", "server", "state"]),
        Opt::Netns if text.contains('/') => Answer::Files,
        Opt::Netns => plain(files("/run/netns")),
        // Those of other namespaces are not there.
        Opt::McastInterface if !line.has(Opt::Netns) => plain(interfaces()),
        // A new service is none of those that are there.
        _ if line.verb == Some(Verb::AddService) => plain::<&str>([]),
        Opt::TcpService => plain(addresses(table(), Protocol::TCP)),
        Opt::UdpService => plain(addresses(table(), Protocol::UDP)),
        Opt::SctpService => plain(addresses(table(), Protocol::SCTP)),
        Opt::FwmarkService => plain(marks(table())),
        Opt::RealServer => plain(servers(table(), line)),
        _ => plain::<&str>([]),
    }
}

fn plain<T: Into<String>>(words: impl IntoIterator<Item = T>) -> Answer {
    Answer::Words(words.into_iter().map(|word| Candidate::new(word, "")).collect())
}

/// Completes the last name of a list with commas by those that are not in it.
fn several(text: &str, names: impl Iterator<Item = (&'static str, &'static str)>) -> Answer {
    let start = &text[..text.rfind(',').map_or(0, |index| index + 1)];
    let names = names.filter(|(name, _)| !start.split(',').any(|given| given == *name));
    Answer::Words(names.map(|(name, help)| Candidate::new(format!("{start}{name}"), help)).collect())
}

fn flags(line: &Line<'_>) -> impl Iterator<Item = &'static str> {
    let scheduler = line.value(Opt::Scheduler).and_then(|name| name.parse().ok());
    let names = ServiceFlags::scheduler_names(scheduler.unwrap_or_default());
    names.into_iter().map(|(_, name)| name)
}

fn columns<T: ColumnKind>() -> impl Iterator<Item = (&'static str, &'static str)> {
    T::ALL.iter().map(|column| (column.name(), column.help()))
}

/// Returns the names of files, such as those of network interfaces. Names that no terminal should show are left out.
fn files(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| is_printable(name)).collect();
    names.sort();
    names
}

/// Returns the names of network interfaces, each of which is a folder.
fn interfaces() -> impl Iterator<Item = String> {
    let folder = "/sys/class/net";
    files(folder).into_iter().filter(move |name| Path::new(folder).join(name).is_dir())
}

fn ids(table: Option<ProcTable>) -> impl Iterator<Item = ServiceId> {
    table.into_iter().flat_map(|table| table.services).map(|service| service.id)
}

fn addresses(table: Option<ProcTable>, wanted: Protocol) -> BTreeSet<String> {
    let address = |id| match id {
        ServiceId::Address { protocol, address, port } if protocol == wanted => {
            Some(SocketAddr::new(address, port).to_string())
        }
        _ => None,
    };
    ids(table).filter_map(address).collect()
}

fn marks(table: Option<ProcTable>) -> BTreeSet<String> {
    let mark = |id| match id {
        ServiceId::Fwmark { mark, .. } => Some(mark.to_string()),
        ServiceId::Address { .. } => None,
    };
    ids(table).filter_map(mark).collect()
}

/// Returns the servers of the service that the line names or, if it names none, of all.
fn servers(table: Option<ProcTable>, line: &Line<'_>) -> BTreeSet<String> {
    let address = |option, protocol| {
        let address = line.value(option)?.parse::<SocketAddr>().ok()?;
        Some(ServiceId::new(protocol, address))
    };
    let wanted = address(Opt::TcpService, Protocol::TCP)
        .or_else(|| address(Opt::UdpService, Protocol::UDP))
        .or_else(|| address(Opt::SctpService, Protocol::SCTP));
    let mark = line.value(Opt::FwmarkService).and_then(|mark| mark.parse::<u32>().ok());
    let fits = |id: ServiceId| match id {
        ServiceId::Fwmark { mark: own, .. } if mark.is_some() => Some(own.get()) == mark,
        _ => mark.is_none() && wanted.is_none_or(|wanted| id == wanted),
    };
    // A server that is added is one of other services.
    let fits = |id| fits(id) != (line.verb == Some(Verb::AddServer) && (wanted.is_some() || mark.is_some()));
    let services = table.into_iter().flat_map(|table| table.services);
    let servers = services.filter(|service| fits(service.id)).flat_map(|service| service.destinations);
    servers.map(|DestinationSummary { id, .. }| SocketAddr::new(id.address, id.port).to_string()).collect()
}
