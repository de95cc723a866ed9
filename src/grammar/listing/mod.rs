//! The options of `-L`.

mod forms;

use std::borrow::Cow;

use super::arguments::{Arguments, Result, bad_value, number};
use super::filter::{self, ConnectionFilter, Count};
use super::{columns, daemon, service};
use crate::cli::{Opt, Usage};

pub(crate) use forms::{By, Color, Columns, ConnectionList, Format, List, ListFormat, Listing, SumBy, Watch};

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

/// The options of a listing that depend on each other.
struct Given<'a> {
    /// The option for something else than the table.
    other: Option<Opt>,
    columns: Option<(Opt, Columns)>,
    /// Another option for columns, of which the original makes nothing.
    more_columns: Option<Opt>,
    form: Option<(Opt, ListFormat)>,
    /// The names of the columns of [`ListFormat::Table`].
    names: Option<Cow<'a, str>>,
    count: Option<Count>,
    /// The option that was given for looking names up, or for not doing so.
    look_up: Option<Opt>,
    needs_origins: bool,
    color: Option<Color>,
    sum_by: Option<SumBy>,
    watch: Option<Watch>,
}

impl Given<'_> {
    fn format(&self) -> ListFormat {
        self.form.map_or(ListFormat::Text, |(_, format)| format)
    }

    /// Returns whether the columns of a table are to be explained.
    fn asks_for_columns(&self) -> bool {
        columns::is_help(self.names.as_ref()) && matches!(self.other, None | Some(Opt::Connection))
    }

    /// Fails if options do not go together.
    fn check(&self) -> Result<()> {
        let format = self.format();
        let needs_table = self.names.is_some() && !(self.asks_for_columns() && self.form.is_none());
        for (option, is_given, needed, needed_format) in [
            (Opt::TableColumns, needs_table, Opt::Table, ListFormat::Table),
            (Opt::Color, self.color.is_some(), Opt::Table, ListFormat::Table),
            (Opt::SumBy, self.sum_by.is_some(), Opt::Metrics, ListFormat::Metrics),
        ] {
            if is_given && format != needed_format {
                return Err(Usage::Needs(option, needed));
            }
        }
        let columns = self.columns.map(|(option, _)| option);
        if format == ListFormat::Metrics {
            let watch = self.watch.map(|_| Opt::Watch);
            if let Some(option) = self.other.or(columns).or(watch) {
                return Err(Usage::Conflict(option, Opt::Metrics));
            }
        }
        let document = (format == ListFormat::Json).then_some(Opt::Json);
        if let (Some(option), Some(_)) = (self.other.or(document), self.watch) {
            return Err(Usage::Conflict(option, Opt::Watch));
        }
        if let (Some(_), Some(option)) = (&self.names, columns) {
            return Err(Usage::Conflict(Opt::TableColumns, option));
        }
        if let (Some(count), Some(_)) = (&self.count, &self.names) {
            return Err(Usage::Conflict(count.option(), Opt::TableColumns));
        }
        if let (true, Some(option @ Opt::PersistentConn)) = (self.needs_origins, columns) {
            return Err(Usage::Conflict(Opt::Origin, option));
        }
        if let (Some(other @ (Opt::Timeout | Opt::Daemon | Opt::Drained)), Some(Opt::Names)) =
            (self.other, self.look_up)
        {
            return Err(Usage::Conflict(other, Opt::Names));
        }
        self.check_columns()
    }

    /// Fails if columns say nothing. The original takes some of them beside others and shows the first alone, and takes
    /// those of tunnels beside everything else; forms of our own refuse that.
    fn check_columns(&self) -> Result<()> {
        let columns = self.columns.map(|(option, _)| option);
        let is_shown_in_columns = self.format() == ListFormat::Table || self.watch.is_some();
        if let (true, Some(first), Some(more)) = (is_shown_in_columns, columns, self.more_columns) {
            return Err(Usage::Conflict(first, more));
        }
        let is_own = self.form.is_some() || self.count.is_some() || self.other == Some(Opt::Drained);
        let shows_tunnels = [columns, self.more_columns].contains(&Some(Opt::TunInfo));
        if let (true, true, Some(other)) = (is_own, shows_tunnels, self.other) {
            return Err(Usage::Conflict(other, Opt::TunInfo));
        }
        match (self.other, columns) {
            (None, _) | (_, None | Some(Opt::TunInfo)) => Ok(()),
            (Some(Opt::Connection), Some(Opt::PersistentConn)) => Ok(()),
            (Some(other), Some(option)) => Err(Usage::Conflict(other, option)),
        }
    }
}

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
    let mut given_columns = COLUMNS.into_iter().filter(|&(option, _)| arguments.find(&[option]).is_some());
    let (columns, more_columns) = (given_columns.next(), given_columns.next());
    let names = arguments.take(Opt::TableColumns).map(Option::unwrap_or_default);
    let form = arguments.exclusive(FORMATS.map(|(option, _)| option))?.map(|(option, _)| option);
    let form = FORMATS.into_iter().find(|&(option, _)| form == Some(option));
    let look_up = arguments.exclusive([Opt::Numeric, Opt::Names])?.map(|(option, _)| option);
    let numeric = is_numeric(form, look_up)?;
    let given = Given {
        other,
        columns,
        more_columns: more_columns.map(|(option, _)| option),
        form,
        names,
        count,
        look_up,
        needs_origins: filter.needs_origins(),
        color: read_color(arguments)?,
        sum_by: read_sum_by(arguments)?,
        watch: read_watch(arguments)?,
    };
    given.check()?;
    if given.asks_for_columns() {
        return Ok(if other.is_none() { Listing::ColumnNames } else { Listing::ConnectionColumnNames });
    }
    let format = given.format();
    let color = given.color.unwrap_or_default();
    match other {
        None => Ok(Listing::Table(List {
            format,
            service,
            columns: columns.map_or(Columns::Plain, |(_, columns)| columns),
            numeric,
            exact: arguments.flag(Opt::Exact),
            sorted: !arguments.flag(Opt::Nosort),
            chosen: given.names.map(|names| columns::read(&names)).transpose()?,
            color,
            sum_by: given.sum_by.unwrap_or_default(),
            watch: given.watch,
        })),
        Some(Opt::Connection) => Ok(Listing::Connections(ConnectionList {
            format,
            filter,
            count: given.count,
            engines: matches!(columns, Some((Opt::PersistentConn, _))),
            numeric,
            chosen: given.names.map(|names| columns::read(&names)).transpose()?,
            color,
        })),
        Some(other) => plain_or_document(other, form),
    }
}

/// Returns the listing that has no form besides lines and documents.
fn plain_or_document(option: Opt, form: Option<(Opt, ListFormat)>) -> Result<Listing> {
    let format = match form {
        None => Format::Text,
        Some((_, ListFormat::Json)) => Format::Json,
        Some((form, _)) => return Err(Usage::Conflict(option, form)),
    };
    Ok(match option {
        Opt::Timeout => Listing::Timeouts(format),
        Opt::Daemon => Listing::Daemons(format),
        _ => Listing::Drained(format),
    })
}

/// Returns whether addresses and ports are shown as numbers.
fn is_numeric(form: Option<(Opt, ListFormat)>, look_up: Option<Opt>) -> Result<bool> {
    match (form, look_up) {
        // Programs want the same document everywhere, and at once.
        (Some((Opt::Json, _)), look_up) => Ok(look_up != Some(Opt::Names)),
        (_, Some(Opt::Names)) => Err(Usage::Needs(Opt::Names, Opt::Json)),
        (_, look_up) => Ok(look_up == Some(Opt::Numeric)),
    }
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
