//! Services as headed groups, and their servers as rows.

use ipvs_netlink::{Destination, DestinationState, Forwarding, Stats, Table, TableEntry};

use super::grid::{Grid, Tone};
use super::screen::Screen;
use super::words;
use crate::grammar::{Column, Columns, List, list_tunnel};
use crate::momentary::{Momentary, MomentaryWeights};
use crate::output::Output;
use crate::view::order::{sort_services, sorted_servers};

/// Appends the table. `output` has the names.
pub(crate) fn people_table(
    output: &mut Output,
    table: Table,
    momentary: &MomentaryWeights,
    list: &List,
    screen: Screen,
) {
    let (text, note) = people_lines(output, table, momentary, list, screen);
    output.push(text);
    output.push(note.unwrap_or_default());
}

/// Returns the table, and a line about columns that the screen has no room for.
pub(crate) fn people_lines(
    output: &mut Output,
    mut table: Table,
    momentary: &MomentaryWeights,
    list: &List,
    screen: Screen,
) -> (String, Option<String>) {
    if list.sorted {
        sort_services(&mut table.entries);
    }
    let mut view = View {
        grid: Grid::new(list.chosen.clone().unwrap_or_else(|| default_columns(list.columns).to_vec())),
        output,
        momentary,
        list,
    };
    for entry in &table.entries {
        view.entry(entry);
    }
    if table.entries.is_empty() {
        view.grid.text(Tone::Aside, "There are no services.".to_owned());
    }
    if list.chosen.is_none() {
        view.grid.remove_if_empty(Column::State);
        if list.columns == Columns::Plain {
            view.grid.remove_if_empty(Column::Limits);
        }
    }
    view.grid.render(screen)
}

/// Returns the columns that stand for an option of the plain listing.
fn default_columns(columns: Columns) -> &'static [Column] {
    use Column::{
        Active, Clients, Cps, Forward, In, InPackets, Inactive, Limits, Name, Out, OutPackets, Share, State,
        TotalConnections, TotalIn, TotalInPackets, TotalOut, TotalOutPackets, Tunnel, Weight,
    };
    match columns {
        Columns::Plain => &[
            Name,
            State,
            Forward,
            Weight,
            Share,
            Active,
            Inactive,
            Limits,
            Cps,
            In,
            Out,
            TotalConnections,
            TotalIn,
            TotalOut,
        ],
        Columns::Stats => {
            &[Name, State, TotalConnections, TotalInPackets, TotalOutPackets, TotalIn, TotalOut]
        }
        Columns::Rate => &[Name, State, Cps, InPackets, OutPackets, In, Out],
        Columns::Thresholds => &[Name, State, Limits, Active, Inactive],
        Columns::PersistentConn => &[Name, State, Weight, Clients, Active, Inactive],
        Columns::TunInfo => &[Name, State, Forward, Tunnel, Weight, Active, Inactive],
    }
}

struct View<'a> {
    grid: Grid<Column>,
    /// Has the names.
    output: &'a mut Output,
    momentary: &'a MomentaryWeights,
    list: &'a List,
}

impl View<'_> {
    fn entry(&mut self, entry: &TableEntry) {
        let TableEntry { service, destinations, .. } = entry;
        let id = service.id();
        let protocol = id.protocol().map_or_else(|| "FWM".to_owned(), |protocol| protocol.to_string());
        let name = words::endpoint(self.output, |output| output.service(0, &id));
        let sum = |part: fn(&DestinationState) -> u32| destinations.iter().map(part).map(u64::from).sum();
        let weights: u64 = sum(|server| server.settings.weight);
        let numbers = Numbers {
            weight: weights,
            active: sum(|server| server.active_connections),
            inactive: sum(|server| server.inactive_connections),
            clients: sum(|server| server.persistent_connections),
            stats: &service.stats,
            exact: self.list.exact,
        };
        self.grid.row(Tone::Head, |column| match column {
            Column::Name => format!("{protocol} {name}"),
            column => numbers.text(*column),
        });
        self.grid.text(Tone::Aside, format!("  {}", words::settings(&service.settings)));
        let servers =
            if self.list.sorted { sorted_servers(destinations) } else { destinations.iter().collect() };
        for server in servers {
            let name = words::endpoint(self.output, |output| output.server(0, &id, server.id()));
            let momentary = self.momentary.get(id, &server.settings);
            server_row(&mut self.grid, server, momentary, &name, weights, self.list.exact);
        }
        if destinations.is_empty() {
            self.grid.text(Tone::Aside, "  no servers".to_owned());
        }
    }
}

fn server_row(
    grid: &mut Grid<Column>,
    server: &DestinationState,
    momentary: Option<&Momentary>,
    name: &str,
    weights: u64,
    exact: bool,
) {
    let Destination { weight, forwarding, tunnel, .. } = server.settings;
    let (is_drained, is_full) = (weight == 0, is_full(server));
    let tone = match (is_full, is_drained) {
        (true, _) => Tone::Full,
        (false, true) => Tone::Drained,
        (false, false) => Tone::Plain,
    };
    let numbers = Numbers {
        weight: weight.into(),
        active: server.active_connections.into(),
        inactive: server.inactive_connections.into(),
        clients: server.persistent_connections.into(),
        stats: &server.stats,
        exact,
    };
    grid.row(tone, |column| match column {
        Column::Name => format!("  {name}"),
        Column::Forward => words::forwarding(forwarding),
        Column::Tunnel if forwarding == Forwarding::Tunnel => {
            Output::default().text(|output| list_tunnel(output, tunnel))
        }
        Column::Share => words::share(weight.into(), weights),
        Column::Weight => words::weight(weight, momentary),
        Column::Limits => limits(&server.settings),
        Column::State => words::state(is_drained, is_full, momentary),
        column => numbers.text(*column),
    });
}

/// Returns whether a server has as many connections as it may have. The kernel does not tell whether one that has been
/// full waits for the lower threshold.
fn is_full(server: &DestinationState) -> bool {
    let upper = server.settings.upper_threshold;
    upper > 0 && u64::from(server.active_connections) + u64::from(server.inactive_connections) >= upper.into()
}

/// Returns the upper and the lower threshold, if there is an upper one.
fn limits(server: &Destination) -> String {
    match (server.upper_threshold, server.lower_threshold) {
        (0, _) => String::new(),
        (upper, 0) => format!("{upper}/{}", u64::from(upper) * 3 / 4),
        (upper, lower) => format!("{upper}/{lower}"),
    }
}

/// The numbers of a server, or of a service with the sums over its servers.
struct Numbers<'a> {
    weight: u64,
    active: u64,
    inactive: u64,
    clients: u64,
    stats: &'a Stats,
    exact: bool,
}

impl Numbers<'_> {
    /// Returns the text of a column, which is empty unless the column is a number.
    fn text(&self, column: Column) -> String {
        let (stats, rates) = (self.stats, &self.stats.rates);
        let number = match column {
            // A setting is shown whole.
            Column::Weight => return self.weight.to_string(),
            Column::Active => self.active,
            Column::Inactive => self.inactive,
            Column::Clients => self.clients,
            Column::Cps => rates.connections,
            Column::In => rates.in_bytes,
            Column::Out => rates.out_bytes,
            Column::InPackets => rates.in_packets,
            Column::OutPackets => rates.out_packets,
            Column::TotalConnections => stats.connections,
            Column::TotalIn => stats.in_bytes,
            Column::TotalOut => stats.out_bytes,
            Column::TotalInPackets => stats.in_packets,
            Column::TotalOutPackets => stats.out_packets,
            Column::Name
            | Column::Forward
            | Column::Tunnel
            | Column::Share
            | Column::Limits
            | Column::State => return String::new(),
        };
        if self.exact { number.to_string() } else { words::human(number) }
    }
}

#[cfg(test)]
mod tests {
    use ipvs_netlink::{DestinationId, Service, ServiceFlags, ServiceId, ServiceState};

    use super::*;

    /// A service with a drained, a full and a busy server, and one without servers.
    fn table() -> Table {
        let mut stats = Stats::default();
        (stats.connections, stats.in_bytes, stats.out_bytes) = (1_234_567, 98_765_432_100, 999);
        (stats.rates.connections, stats.rates.in_bytes) = (1234, 56_789);
        let server = |host, weight, upper, active| {
            let settings = Destination::new(DestinationId::new([10, 0, 0, host], 8080))
                .with_forwarding(Forwarding::Masquerade)
                .with_weight(weight)
                .with_thresholds(upper, 0);
            let mut state = DestinationState::new(settings);
            (state.active_connections, state.inactive_connections, state.stats) = (active, 5, stats);
            state
        };
        let web = Service::new(ServiceId::tcp(([192, 0, 2, 1], 80))).with_persistence(360);
        let mut sip = Service::new("UDP [2001:db8:1111:2222:3333:4444:5555:6666]:5060".parse().unwrap())
            .with_scheduler("sh".parse().unwrap())
            .with_flags(ServiceFlags::SCHEDULER_2 | ServiceFlags::ONE_PACKET);
        sip.engine = Some("sip".parse().unwrap());
        Table::new(vec![
            TableEntry::new(ServiceState::new(sip, Stats::default()), Vec::new()),
            TableEntry::new(
                ServiceState::new(web, stats),
                vec![server(12, 0, 0, 0), server(13, 1, 100, 95), server(11, 2, 0, 123_456)],
            ),
        ])
    }

    fn shown(list: &List, width: Option<usize>, colored: bool) -> String {
        let mut output = Output::default();
        let list = List { numeric: true, sorted: true, ..list.clone() };
        people_table(&mut output, table(), &MomentaryWeights::default(), &list, Screen { width, colored });
        output.to_string()
    }

    #[test]
    fn nothing_is_cut_without_a_width() {
        let expected = "\
Service, server                                    State    Forward  Weight  Share  Active  Inactive  Limits  Conn/s  In B/s  Out B/s  Conns   In B  Out B
----------------------------------------------------------------------------------------------------------------------------------------------------------
TCP 192.0.2.1:80                                                          3           123k        15           1.23k   56.7k        0  1.23M  98.7G    999
  scheduler wlc; a client stays on its server for 6 min
  10.0.0.11:8080                                            NAT           2  66.6%    123k         5           1.23k   56.7k        0  1.23M  98.7G    999
  10.0.0.12:8080                                   drained  NAT           0   0.0%       0         5           1.23k   56.7k        0  1.23M  98.7G    999
  10.0.0.13:8080                                   full     NAT           1  33.3%      95         5  100/75   1.23k   56.7k        0  1.23M  98.7G    999
UDP [2001:db8:1111:2222:3333:4444:5555:6666]:5060                         0              0         0               0       0        0      0      0      0
  scheduler sh (by address and port); clients are recognized by sip; each datagram is scheduled by itself
  no servers
";
        assert_eq!(shown(&List::default(), None, false), expected);
    }

    #[test]
    fn texts_are_cut_and_then_columns_are_left_out_on_a_narrow_screen() {
        let expected = "\
Service, server                    State    Forward  Weight  Share  Active  Inactive  Limits  Conn/s
----------------------------------------------------------------------------------------------------
TCP 192.0.2.1:80                                          3           123k        15           1.23k
  scheduler wlc; a client stays on its server for 6 min
  10.0.0.11:8080                            NAT           2  66.6%    123k         5           1.23k
  10.0.0.12:8080                   drained  NAT           0   0.0%       0         5           1.23k
  10.0.0.13:8080                   full     NAT           1  33.3%      95         5  100/75   1.23k
UDP [2001:db8:1111:2222:3333:444…                         0              0         0               0
  scheduler sh (by address and port); clients are recognized by sip; each datagram is scheduled by …
  no servers
(no room for: in, out, total-connections, total-in, total-out)
";
        assert_eq!(shown(&List::default(), Some(100), false), expected);
        let expected = "\
Service, server                  State
----------------------------------------
TCP 192.0.2.1:80
  scheduler wlc; a client stays on its …
  10.0.0.11:8080
  10.0.0.12:8080                 drained
  10.0.0.13:8080                 full
UDP [2001:db8:1111:2222:3333:4…
  scheduler sh (by address and port); c…
  no servers
(no room for: forward, weight, share, a…
";
        assert_eq!(shown(&List::default(), Some(40), false), expected);
        for width in 1..200 {
            let text = shown(&List::default(), Some(width), false);
            assert!(text.lines().all(|line| line.chars().count() <= width), "{width}: {text}");
        }
    }

    #[test]
    fn options_of_the_plain_listing_choose_columns() {
        let list = List { columns: Columns::Stats, exact: true, ..List::default() };
        let expected = "\
Service, server                                    State      Conns  In pkt  Out pkt         In B  Out B
--------------------------------------------------------------------------------------------------------
TCP 192.0.2.1:80                                            1234567       0        0  98765432100    999
";
        assert!(shown(&list, None, false).starts_with(expected));
        for (columns, title) in [
            (Columns::Rate, "In pkt/s"),
            (Columns::Thresholds, "Limits"),
            (Columns::PersistentConn, "Clients"),
            (Columns::TunInfo, "Tunnel"),
        ] {
            let text = shown(&List { columns, ..List::default() }, None, false);
            assert!(text.lines().next().is_some_and(|line| line.contains(title)), "{text}");
        }
        let list = List { chosen: Some(vec![Column::Weight, Column::Name]), ..List::default() };
        let expected = "Weight  Service, server\n";
        assert!(shown(&list, None, false).starts_with(expected));
    }

    #[test]
    fn momentary_weights_are_shown_with_the_configured_ones_and_the_answers_of_agents() {
        let mut momentary = MomentaryWeights::default();
        for (host, weight, configured, answer) in [
            (11, 2, 100, Some("2%\x1b[2J up, and much more that nobody has asked for")),
            (12, 0, 50, Some("drain")),
            (13, 1, 1, None),
            (13, 7, 9, None),
        ] {
            let why = Momentary { configured, answer: answer.map(str::to_owned), is_removed: false };
            let server = DestinationId::new([10, 0, 0, host], 8080);
            momentary.insert("TCP 192.0.2.1:80".parse().unwrap(), server, weight, why);
        }
        let mut output = Output::default();
        let list = List { columns: Columns::PersistentConn, sorted: true, numeric: true, ..List::default() };
        people_table(&mut output, table(), &momentary, &list, Screen::default());
        let expected = "\
Service, server                                    State                        Weight  Clients  Active  Inactive
-----------------------------------------------------------------------------------------------------------------
TCP 192.0.2.1:80                                                                     3        0    123k        15
  scheduler wlc; a client stays on its server for 6 min
  10.0.0.11:8080                                   load 2%\\u{1b}[2J up, and…  2 of 100        0    123k         5
  10.0.0.12:8080                                   drained, load drain         0 of 50        0       0         5
  10.0.0.13:8080                                   full, load                        1        0      95         5
";
        assert!(output.to_string().starts_with(expected), "{output}");
    }

    #[test]
    fn colors_mark_drained_and_full_servers_and_nothing_else_changes() {
        let list = List { columns: Columns::Thresholds, ..List::default() };
        let colored = shown(&list, None, true);
        let line = |text: &str| colored.lines().find(|line| line.contains(text)).unwrap().to_owned();
        assert!(line("drained").starts_with("\x1b[33m") && line("drained").ends_with("\x1b[0m"));
        assert!(line("full").starts_with("\x1b[31m"));
        assert!(!line("10.0.0.11").contains('\x1b'));
        let mut plain = colored.clone();
        for escape in ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[33m"] {
            plain = plain.replace(escape, "");
        }
        assert_eq!(plain, shown(&list, None, false));
    }

    #[test]
    fn an_empty_table_has_headings_and_says_so() {
        let mut output = Output::default();
        let nothing = MomentaryWeights::default();
        people_table(&mut output, Table::default(), &nothing, &List::default(), Screen::default());
        assert!(output.to_string().ends_with("\nThere are no services.\n"), "{output}");
    }
}
