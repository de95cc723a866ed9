//! The options of `-L`.

use ipvs_netlink::ServiceId;

use super::arguments::{Arguments, Result};
use super::{daemon, service};
use crate::cli::{Opt, Usage};

/// Everything that `-L` can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listing {
    Table(List),
    /// The connections, with columns for persistence engines or without.
    Connections {
        format: Format,
        engines: bool,
        numeric: bool,
    },
    Timeouts(Format),
    Daemons(Format),
}

/// The form in which something is shown or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Lines, as they have always been.
    Text,
    /// A JSON document.
    Json,
}

/// The part of the table to list, and its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) format: Format,
    /// Lists this service alone.
    pub(crate) service: Option<ServiceId>,
    pub(crate) columns: Columns,
    /// Shows addresses and ports as numbers.
    pub(crate) numeric: bool,
    /// Shows counters whole instead of shortened with K, M, G.
    pub(crate) exact: bool,
    /// Sorts by address and port instead of keeping the kernel's order.
    pub(crate) sorted: bool,
}

/// The columns of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Columns {
    /// Settings and numbers of connections.
    Plain,
    /// Counters since the last zeroing.
    Stats,
    /// Counters per second.
    Rate,
    /// Thresholds of servers.
    Thresholds,
    /// Clients that are bound to servers.
    PersistentConn,
    /// Tunnels to servers.
    TunInfo,
}

/// The options for columns. Of several the first in this order counts.
const COLUMNS: [(Opt, Columns); 5] = [
    (Opt::Stats, Columns::Stats),
    (Opt::Rate, Columns::Rate),
    (Opt::Thresholds, Columns::Thresholds),
    (Opt::PersistentConn, Columns::PersistentConn),
    (Opt::TunInfo, Columns::TunInfo),
];

pub(super) fn read(arguments: &mut Arguments<'_, '_>) -> Result<Listing> {
    daemon::read_sync_id(arguments)?;
    let service_option = arguments.find(&service::ID_OPTIONS);
    let other = arguments.exclusive([Opt::Connection, Opt::Timeout, Opt::Daemon])?.map(|(option, _)| option);
    if let (Some(other), Some(service)) = (other, service_option) {
        return Err(Usage::Conflict(other, service));
    }
    let service = service::read_optional_id(arguments)?;
    let format = read_format(arguments);
    let names = arguments.exclusive([Opt::Numeric, Opt::Names])?.map(|(option, _)| option);
    let numeric = match (format, names) {
        (Format::Text, Some(Opt::Names)) => return Err(Usage::Needs(Opt::Names, Opt::Json)),
        // Programs want the same document everywhere, and at once.
        (Format::Json, names) => names != Some(Opt::Names),
        (Format::Text, names) => names == Some(Opt::Numeric),
    };
    let columns = COLUMNS.into_iter().find(|&(option, _)| arguments.flag(option));
    Ok(match (other, columns) {
        (None, columns) => Listing::Table(List {
            format,
            service,
            columns: columns.map_or(Columns::Plain, |(_, columns)| columns),
            numeric,
            exact: arguments.flag(Opt::Exact),
            sorted: !arguments.flag(Opt::Nosort),
        }),
        (Some(Opt::Connection), None | Some((Opt::TunInfo | Opt::PersistentConn, _))) => {
            let engines = matches!(columns, Some((Opt::PersistentConn, _)));
            Listing::Connections { format, engines, numeric }
        }
        (Some(Opt::Timeout), None | Some((Opt::TunInfo, _))) => Listing::Timeouts(format),
        (Some(_), None | Some((Opt::TunInfo, _))) => Listing::Daemons(format),
        (Some(other), Some((option, _))) => return Err(Usage::Conflict(other, option)),
    })
}

pub(super) fn read_format(arguments: &mut Arguments<'_, '_>) -> Format {
    if arguments.flag(Opt::Json) { Format::Json } else { Format::Text }
}
