//! The options of `-L`.

use ipvs_netlink::ServiceId;

use super::arguments::{Arguments, Result, bad_value, number};
use super::columns::{self, Column, ConnectionColumn};
use super::filter::{self, ConnectionFilter, Count};
use super::{daemon, service};
use crate::cli::{Opt, Usage};

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

/// The options for columns. Of several the first in this order counts.
const COLUMNS: [(Opt, Columns); 5] = [
    (Opt::Stats, Columns::Stats),
    (Opt::Rate, Columns::Rate),
    (Opt::Thresholds, Columns::Thresholds),
    (Opt::PersistentConn, Columns::PersistentConn),
    (Opt::TunInfo, Columns::TunInfo),
];

/// The options for forms other than that of the original.
const FORMATS: [(Opt, ListFormat); 3] =
    [(Opt::Json, ListFormat::Json), (Opt::Table, ListFormat::Table), (Opt::Metrics, ListFormat::Metrics)];

pub(super) fn read(arguments: &mut Arguments<'_, '_>) -> Result<Listing> {
    daemon::read_sync_id(arguments)?;
    let service_option = arguments.find(&service::ID_OPTIONS);
    let other = arguments.exclusive([Opt::Connection, Opt::Timeout, Opt::Daemon, Opt::Drained])?;
    let other = other.map(|(option, _)| option);
    let (mut filter, mut count, mut service) = (ConnectionFilter::default(), None, None);
    if other == Some(Opt::Connection) {
        filter = filter::read(arguments)?;
        count = filter::read_count(arguments)?;
    } else {
        filter::refuse(arguments)?;
        if let (Some(other), Some(service)) = (other, service_option) {
            return Err(Usage::Conflict(other, service));
        }
        service = service::read_optional_id(arguments)?;
    }
    let columns = COLUMNS.into_iter().find(|&(option, _)| arguments.flag(option));
    let names = arguments.take(Opt::TableColumns).map(Option::unwrap_or_default);
    if columns::is_help(names.as_ref()) && matches!(other, None | Some(Opt::Connection)) {
        return Ok(if other.is_none() { Listing::ColumnNames } else { Listing::ConnectionColumnNames });
    }
    let form = arguments.exclusive(FORMATS.map(|(option, _)| option))?.map(|(option, _)| option);
    let format = FORMATS.iter().find(|&&(option, _)| form == Some(option));
    let format = format.map_or(ListFormat::Text, |&(_, format)| format);
    let look_up = arguments.exclusive([Opt::Numeric, Opt::Names])?.map(|(option, _)| option);
    let numeric = match (format, look_up) {
        // Programs want the same document everywhere, and at once.
        (ListFormat::Json, look_up) => look_up != Some(Opt::Names),
        (_, Some(Opt::Names)) => return Err(Usage::Needs(Opt::Names, Opt::Json)),
        (_, look_up) => look_up == Some(Opt::Numeric),
    };
    let color = read_color(arguments)?;
    let sum_by = read_sum_by(arguments)?;
    let watch = read_watch(arguments)?;
    for (option, is_given, needed, needed_format) in [
        (Opt::TableColumns, names.is_some(), Opt::Table, ListFormat::Table),
        (Opt::Color, color.is_some(), Opt::Table, ListFormat::Table),
        (Opt::SumBy, sum_by.is_some(), Opt::Metrics, ListFormat::Metrics),
    ] {
        if is_given && format != needed_format {
            return Err(Usage::Needs(option, needed));
        }
    }
    if format == ListFormat::Metrics {
        let watch = watch.map(|_| Opt::Watch);
        if let Some(option) = other.or(columns.map(|(option, _)| option)).or(watch) {
            return Err(Usage::Conflict(option, Opt::Metrics));
        }
    }
    let document = (format == ListFormat::Json).then_some(Opt::Json);
    if let (Some(option), Some(_)) = (other.or(document), watch) {
        return Err(Usage::Conflict(option, Opt::Watch));
    }
    if let (Some(_), Some((option, _))) = (&names, columns) {
        return Err(Usage::Conflict(Opt::TableColumns, option));
    }
    if let (Some(count), Some(_)) = (&count, &names) {
        return Err(Usage::Conflict(count.option(), Opt::TableColumns));
    }
    if let (true, Some((option @ Opt::PersistentConn, _))) = (filter.needs_origins(), columns) {
        return Err(Usage::Conflict(Opt::Origin, option));
    }
    let color = color.unwrap_or_default();
    Ok(match (other, columns) {
        (None, columns) => Listing::Table(List {
            format,
            service,
            columns: columns.map_or(Columns::Plain, |(_, columns)| columns),
            numeric,
            exact: arguments.flag(Opt::Exact),
            sorted: !arguments.flag(Opt::Nosort),
            chosen: names.map(|names| columns::read(&names)).transpose()?,
            color,
            sum_by: sum_by.unwrap_or_default(),
            watch,
        }),
        (Some(Opt::Connection), None | Some((Opt::TunInfo | Opt::PersistentConn, _))) => {
            Listing::Connections(ConnectionList {
                format,
                filter,
                count,
                engines: matches!(columns, Some((Opt::PersistentConn, _))),
                numeric,
                chosen: names.map(|names| columns::read(&names)).transpose()?,
                color,
            })
        }
        (Some(other), Some((option, _))) if option != Opt::TunInfo => {
            return Err(Usage::Conflict(other, option));
        }
        (Some(other), _) => {
            let format = match format {
                ListFormat::Text => Format::Text,
                ListFormat::Json => Format::Json,
                _ => return Err(Usage::Conflict(other, form.unwrap_or(Opt::Table))),
            };
            match other {
                Opt::Timeout => Listing::Timeouts(format),
                Opt::Daemon => Listing::Daemons(format),
                _ => Listing::Drained(format),
            }
        }
    })
}

pub(super) fn read_format(arguments: &mut Arguments<'_, '_>) -> Format {
    if arguments.flag(Opt::Json) { Format::Json } else { Format::Text }
}

fn read_color(arguments: &mut Arguments<'_, '_>) -> Result<Option<Color>> {
    let Some(value) = arguments.take(Opt::Color).map(Option::unwrap_or_default) else { return Ok(None) };
    match &*value {
        "auto" => Ok(Some(Color::Auto)),
        "always" => Ok(Some(Color::Always)),
        "never" => Ok(Some(Color::Never)),
        _ => Err(bad_value(Opt::Color, &value, "it is auto, always or never")),
    }
}

fn read_sum_by(arguments: &mut Arguments<'_, '_>) -> Result<Option<SumBy>> {
    let Some(value) = arguments.take(Opt::SumBy).map(Option::unwrap_or_default) else { return Ok(None) };
    match &*value {
        "none" => Ok(Some(SumBy::None)),
        "service" => Ok(Some(SumBy::Service)),
        "server" => Ok(Some(SumBy::Server)),
        _ => Err(bad_value(Opt::SumBy, &value, "it is service, server or none")),
    }
}

/// The time between two readings in seconds, unless another is given.
const DEFAULT_INTERVAL: u32 = 2;
/// The longest time: a day.
const MAX_INTERVAL: u32 = 86_400;

fn read_watch(arguments: &mut Arguments<'_, '_>) -> Result<Option<Watch>> {
    let Some(seconds) = arguments.take(Opt::Watch) else {
        let option = [Opt::By, Opt::Times].into_iter().find(|&option| arguments.take(option).is_some());
        return option.map_or(Ok(None), |option| Err(Usage::Needs(option, Opt::Watch)));
    };
    let seconds = seconds.map(|text| number(Opt::Watch, &text, 1..=MAX_INTERVAL)).transpose()?;
    let by = arguments.value(Opt::By).map(|text| {
        let by = By::ALL.iter().find(|(name, _)| *name == text);
        by.map(|&(_, by)| by).ok_or_else(|| bad_value(Opt::By, &text, "it is name, active, cps, in or out"))
    });
    Ok(Some(Watch {
        seconds: seconds.unwrap_or(DEFAULT_INTERVAL),
        times: arguments.number(Opt::Times, 1..=u64::MAX)?,
        by: by.transpose()?.unwrap_or_default(),
    }))
}
