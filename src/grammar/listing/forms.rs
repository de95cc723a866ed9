//! What `-L` shows, and in which form.

use ipvs_netlink::ServiceId;

use crate::grammar::columns::{Column, ConnectionColumn};
use crate::grammar::filter::{ConnectionFilter, Count};

/// Everything that `-L` can show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listing {
    Table(List),
    Connections(ConnectionList),
    Timeouts(Format),
    Daemons(Format),
    /// The drained servers.
    Drained(Format),
    /// The names of the columns of `--table`.
    ColumnNames,
    /// The names of those of `-c --table`.
    ConnectionColumnNames,
}

/// The form in which something is saved, restored or shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Lines, as they have always been.
    Text,
    /// A JSON document.
    Json,
}

/// The form of a listing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ListFormat {
    /// The listing of the original, byte for byte.
    #[default]
    Text,
    /// A JSON document.
    Json,
    /// A table for people.
    Table,
    /// The text that Prometheus reads.
    Metrics,
}

/// The sums in [`ListFormat::Metrics`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum SumBy {
    /// Each server of each service by itself.
    #[default]
    None,
    /// Services, with sums over their servers.
    Service,
    /// Servers, with sums over the services that they belong to.
    Server,
}

/// The repetition of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Watch {
    /// The time between two readings in seconds.
    pub(crate) seconds: u32,
    /// The number of readings; without it there is no end.
    pub(crate) times: Option<u64>,
    pub(crate) by: By,
}

/// The order of a repeated listing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum By {
    /// Addresses and ports, or the kernel's order.
    #[default]
    Name,
    /// Established connections, most first, like the following ones.
    Active,
    /// New connections per second.
    Cps,
    /// Bytes from clients per second.
    In,
    /// Bytes to clients per second.
    Out,
}

impl By {
    pub(crate) const ALL: [(&str, Self); 5] = [
        ("name", Self::Name),
        ("active", Self::Active),
        ("cps", Self::Cps),
        ("in", Self::In),
        ("out", Self::Out),
    ];
}

/// The condition for colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Color {
    /// Only on a terminal that has them, and not with `NO_COLOR`.
    #[default]
    Auto,
    Always,
    Never,
}

/// The form of the list of connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConnectionList {
    pub(crate) format: ListFormat,
    pub(crate) filter: ConnectionFilter,
    /// Shows numbers in place of connections.
    pub(crate) count: Option<Count>,
    /// Shows the columns for persistence engines.
    pub(crate) engines: bool,
    /// Shows addresses and ports as numbers.
    pub(crate) numeric: bool,
    /// The columns of [`ListFormat::Table`] that were asked for.
    pub(crate) chosen: Option<Vec<ConnectionColumn>>,
    pub(crate) color: Color,
}

/// The part of the table to list, and its form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) format: ListFormat,
    /// Lists this service alone.
    pub(crate) service: Option<ServiceId>,
    pub(crate) columns: Columns,
    /// Shows addresses and ports as numbers.
    pub(crate) numeric: bool,
    /// Shows counters whole instead of shortened with K, M, G.
    pub(crate) exact: bool,
    /// Sorts by address and port instead of keeping the kernel's order.
    pub(crate) sorted: bool,
    /// The columns of [`ListFormat::Table`] that were asked for.
    pub(crate) chosen: Option<Vec<Column>>,
    pub(crate) color: Color,
    pub(crate) sum_by: SumBy,
    pub(crate) watch: Option<Watch>,
}

/// The columns of a listing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Columns {
    /// Settings and numbers of connections.
    #[default]
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
