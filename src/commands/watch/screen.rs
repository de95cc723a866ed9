//! A screen of the listing, which keys move, sort and filter.

use std::ops::Range;
use std::time::Instant;

use ipvs_netlink::{Table, TableEntry};
use nix::sys::signal::Signal;

use super::frame::{Changes, Look, Span, Subject};
use super::pane::{Action, Lines, Pane};
use super::reader::Reader;
use super::terminal::{Event, Terminal};
use super::{Clock, stamp};
use crate::failure::Failure;
use crate::grammar::{By, List, ListFormat, Watch};
use crate::momentary::MomentaryWeights;
use crate::output::Output;
use crate::view::{self, Screen, cut};

const KEYS: &str =
    "q quit  / filter  order: n name, a active, c cps, i in, o out  move: arrows, page keys, home, end";

/// Shows the listing until it is quit, a signal ends it, or it was read as often as was asked for.
pub(super) fn run(reader: &mut Reader<'_>, output: &mut Output, watch: Watch) -> Result<(), Failure> {
    // What was said before stays on the first screen.
    output.print().map_err(Failure::Output)?;
    output.held = true;
    let mut terminal = Terminal::enter().map_err(Failure::Output)?;
    let ending = show(&mut terminal, reader, output, watch);
    output.held = false;
    match ending? {
        None => Ok(()),
        Some(signal) => terminal.end_by(signal).map_err(Failure::Output),
    }
}

/// Shows the listing, and returns the signal that ends it, if one does.
fn show(
    terminal: &mut Terminal,
    reader: &mut Reader<'_>,
    output: &mut Output,
    watch: Watch,
) -> Result<Option<Signal>, Failure> {
    let mut clock = Clock::new(watch);
    let mut view =
        View { pane: Pane::new(watch.by), changes: Changes::default(), time: String::new(), watch };
    view.resize();
    loop {
        view.read(reader)?;
        view.draw(reader, output)?;
        let is_last = clock.advance();
        while Instant::now() < clock.next {
            let mut action = Action::Ignore;
            for event in terminal.wait(clock.next).map_err(Failure::Output)? {
                match event {
                    Event::HangUp => return Ok(Some(Signal::SIGHUP)),
                    Event::Signal(signal @ (Signal::SIGWINCH | Signal::SIGCONT)) => {
                        if signal == Signal::SIGCONT {
                            terminal.show_again().map_err(Failure::Output)?;
                        }
                        view.resize();
                        action = later(action, Action::Draw);
                    }
                    Event::Signal(Signal::SIGTSTP) => action = Action::Suspend,
                    Event::Signal(signal) => return Ok(Some(signal)),
                    Event::Key(key) => match view.pane.press(key) {
                        Action::Quit => return Ok(None),
                        pressed => action = later(action, pressed),
                    },
                }
            }
            match action {
                Action::Ignore | Action::Quit => continue,
                Action::Draw => {}
                Action::Read => view.read(reader)?,
                Action::Suspend => {
                    terminal.suspend().map_err(Failure::Output)?;
                    view.resize();
                }
            }
            view.draw(reader, output)?;
        }
        if is_last {
            return Ok(None);
        }
    }
}

/// Returns the action that includes both.
fn later(first: Action, second: Action) -> Action {
    let rank = |action| match action {
        Action::Ignore => 0,
        Action::Draw => 1,
        Action::Read => 2,
        Action::Suspend | Action::Quit => 3,
    };
    if rank(second) > rank(first) { second } else { first }
}

struct View {
    pane: Pane,
    changes: Changes,
    /// The time of the last reading.
    time: String,
    watch: Watch,
}

impl View {
    fn resize(&mut self) {
        let (width, height) = Terminal::size();
        if width != self.pane.width {
            // Lines are cut elsewhere now.
            self.changes.clear();
        }
        (self.pane.width, self.pane.height) = (width, height);
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure> {
        reader.by = self.pane.by;
        reader.read(&self.pane.filter)?;
        self.changes.advance();
        self.time = stamp();
        Ok(())
    }

    fn draw(&mut self, reader: &mut Reader<'_>, output: &mut Output) -> Result<(), Failure> {
        let lines = self.compose(reader, output)?;
        Terminal::draw(&lines).map_err(Failure::Output)
    }

    /// Returns the lines of the screen.
    fn compose(&mut self, reader: &mut Reader<'_>, output: &mut Output) -> Result<Vec<Vec<Span>>, Failure> {
        let shown = self.pane.settle(&mut Counted { reader })?;
        let entries = shown.clone().map(|index| reader.entry(index));
        let table = Table::new(entries.collect::<Result<_, _>>()?);
        output.names.look_up(view::addresses(&table.entries));
        let list = List { sorted: false, ..reader.list.clone() };
        let subjects: Vec<Subject> =
            table.entries.iter().flat_map(|entry| subjects(entry, list.format)).collect();
        let (text, note) = self.listing(output, table, reader.momentary(), &list)?;
        let mut listed = text.lines();

        let mut lines = vec![vec![(Look::Inverse, self.first_line(shown, reader.count()))]];
        for heading in listed.by_ref().take(2) {
            lines.push(vec![(Look::Bold, self.cut(heading))]);
        }
        let mut subjects = subjects.into_iter();
        let body: Vec<Vec<Span>> = listed
            .map(|line| {
                let line = self.cut(line);
                match subjects.next() {
                    Some(subject) => self.changes.mark(subject, &line),
                    None => vec![(Look::Plain, line)],
                }
            })
            .collect();
        let height = self.pane.body_height();
        lines.extend(body.into_iter().skip(self.pane.skip).take(height));
        lines.resize_with(height + 3, Vec::new);
        lines.push(vec![(Look::Plain, self.last_line(note))]);
        lines.truncate(self.pane.height);
        Ok(lines)
    }

    /// Returns the listing of the services that are shown, and a note below it.
    fn listing(
        &self,
        output: &mut Output,
        table: Table,
        momentary: &MomentaryWeights,
        list: &List,
    ) -> Result<(String, Option<String>), Failure> {
        if list.format == ListFormat::Table {
            let screen = Screen { width: Some(self.pane.width), colored: false };
            return Ok(view::people_lines(output, table, momentary, list, screen));
        }
        let mut outcome = Ok(());
        let text = output.text(|output| outcome = view::table(output, table.entries, None, list));
        outcome.map_err(Failure::Output)?;
        Ok((text, None))
    }

    fn first_line(&self, shown: Range<usize>, count: usize) -> String {
        let by = By::ALL.iter().find(|(_, by)| *by == self.pane.by).map_or("", |(name, _)| name);
        let filter = match &*self.pane.filter {
            "" => String::new(),
            filter => format!("  with \"{filter}\""),
        };
        let services = match count {
            0 => "no services".to_owned(),
            count => format!("services {}-{} of {count}", shown.start + 1, shown.end),
        };
        let (time, seconds) = (&self.time, self.watch.seconds);
        let line = self.cut(&format!("{time}  every {seconds} s  by {by}  {services}{filter}"));
        format!("{line:<width$}", width = self.pane.width)
    }

    fn last_line(&self, note: Option<String>) -> String {
        match (&self.pane.typed, note) {
            (Some(typed), _) => self.cut(&format!("/{typed}_")),
            (None, Some(note)) => self.cut(note.trim_end()),
            (None, None) => self.cut(KEYS),
        }
    }

    fn cut(&self, line: &str) -> String {
        cut(line.trim_end(), Some(self.pane.width))
    }
}

/// The services of a reader as lines.
struct Counted<'r, 'a> {
    reader: &'r mut Reader<'a>,
}

impl Lines for Counted<'_, '_> {
    type Error = Failure;

    fn count(&self) -> usize {
        self.reader.count()
    }

    fn lines(&mut self, index: usize) -> Result<usize, Failure> {
        let servers = self.reader.servers(index)?.len();
        Ok(match self.reader.list.format {
            // The settings, and a line that says that there are no servers.
            ListFormat::Table => 2 + servers.max(1),
            _ => 1 + servers,
        })
    }
}

/// Returns what the lines of a service are about.
fn subjects(entry: &TableEntry, format: ListFormat) -> impl Iterator<Item = Subject> {
    let id = entry.service.id();
    let is_table = format == ListFormat::Table;
    let head = [Some(Subject::Service(id)), is_table.then_some(Subject::Settings(id))];
    let none = (is_table && entry.destinations.is_empty()).then_some(Subject::NoServers(id));
    let servers = entry.destinations.iter().map(move |server| Subject::Server(id, server.id()));
    head.into_iter().flatten().chain(none).chain(servers)
}
