//! Rows and columns as lines of text. This is the only file that names prettytable.

use anstyle::{AnsiColor, Style};
use prettytable::format::{Alignment, FormatBuilder, LinePosition, LineSeparator};
use prettytable::{Cell, Row, Table};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::screen::Screen;
use crate::grammar::{ColumnKind, Side};

/// The number of blanks between columns.
const GAP: usize = 2;
/// The width in characters down to which a column of texts may be cut: an IPv4 address with its port fits.
const MIN_WIDTH: usize = 26;
/// The last character of a text that was cut.
const ELLIPSIS: char = '…';

/// The meaning of a line, which its colour shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    /// The first line of a group.
    Head,
    /// A detail that matters less.
    Aside,
    /// A server that gets no connections because it was told so.
    Drained,
    /// A server that gets no connections because it has too many.
    Full,
}

impl Tone {
    const fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Head => Style::new().bold(),
            Self::Aside => Style::new().dimmed(),
            Self::Drained => AnsiColor::Yellow.on_default(),
            Self::Full => AnsiColor::Red.on_default(),
        }
    }
}

/// A table that grows line by line.
pub(super) struct Grid<C> {
    columns: Vec<C>,
    lines: Vec<(Tone, Line)>,
}

enum Line {
    /// A text for each column.
    Cells(Vec<String>),
    /// A text across all columns.
    Text(String),
}

impl<C: ColumnKind> Grid<C> {
    pub(super) fn new(columns: Vec<C>) -> Self {
        Self { columns, lines: Vec::new() }
    }

    /// Appends a line with a text in each column.
    pub(super) fn row(&mut self, tone: Tone, text: impl FnMut(&C) -> String) {
        self.lines.push((tone, Line::Cells(self.columns.iter().map(text).collect())));
    }

    /// Appends a line with one text, which makes no column wider.
    pub(super) fn text(&mut self, tone: Tone, text: String) {
        self.lines.push((tone, Line::Text(text)));
    }

    /// Removes a column that has no text in any line.
    pub(super) fn remove_if_empty(&mut self, column: C) {
        let Some(index) = self.columns.iter().position(|&existing| existing == column) else { return };
        let is_empty = |(_, line): &(Tone, Line)| match line {
            Line::Cells(cells) => cells[index].is_empty(),
            Line::Text(_) => true,
        };
        if self.lines.iter().all(is_empty) {
            self.columns.remove(index);
            for (_, line) in &mut self.lines {
                if let Line::Cells(cells) = line {
                    cells.remove(index);
                }
            }
        }
    }

    /// Returns the text of the table, whose lines are no longer than the screen is wide. What does not fit is cut: first
    /// texts, then whole columns from the right, which the line that is returned beside it names. Numbers are never cut.
    pub(super) fn render(&self, screen: Screen) -> (String, Option<String>) {
        let widths = self.fit(screen.width);
        let left_out = &self.columns[widths.len()..];
        let mut lines = self.rows(&widths, screen.width.is_some()).into_iter();
        let mut text = String::new();
        let mut push = |tone, line: &str| {
            text += &paint(line.trim_end(), tone, screen);
            text.push('\n');
        };
        push(Tone::Head, &lines.next().unwrap_or_default());
        // prettytable also draws the gap behind the last column.
        push(Tone::Aside, &lines.next().unwrap_or_default()[..total(&widths)]);
        for (tone, line) in &self.lines {
            match line {
                Line::Cells(_) => push(*tone, &lines.next().unwrap_or_default()),
                Line::Text(text) => push(*tone, &cut(text, screen.width)),
            }
        }
        let names: Vec<_> = left_out.iter().map(|column| column.name()).collect();
        let note = format!("(no room for: {})", names.join(", "));
        let note = paint(&cut(&note, screen.width), Tone::Aside, screen) + "\n";
        (text, Some(note).filter(|_| !left_out.is_empty()))
    }

    /// Returns the widths of the columns that fit a width.
    fn fit(&self, available: Option<usize>) -> Vec<usize> {
        let columns = self.columns.iter().enumerate();
        let wanted: Vec<usize> = columns.map(|(index, column)| self.width(index, *column)).collect();
        let Some(available) = available else { return wanted };
        let is_text = |index: &usize| self.columns[*index].side() == Side::Left;
        for count in (1..=wanted.len()).rev() {
            let mut widths = wanted[..count].to_vec();
            while total(&widths) > available {
                let texts = (0..count).filter(|index| is_text(index) && widths[*index] > MIN_WIDTH);
                let Some(longest) = texts.max_by_key(|&index| widths[index]) else { break };
                widths[longest] -= 1;
            }
            if total(&widths) <= available {
                return widths;
            }
        }
        // A text is cut even more rather than left out.
        let first = wanted.first().copied().unwrap_or_default();
        vec![if is_text(&0) { first.min(available) } else { first }]
    }

    /// Returns the width of the longest text in a column.
    fn width(&self, index: usize, column: C) -> usize {
        let cells = self.lines.iter().filter_map(|(_, line)| match line {
            Line::Cells(cells) => Some(cells[index].width()),
            Line::Text(_) => None,
        });
        cells.chain([column.title().width()]).max().unwrap_or_default()
    }

    /// Returns the lines of the headings and of all rows. Texts that are longer than their columns may be cut.
    fn rows(&self, widths: &[usize], may_cut: bool) -> Vec<String> {
        let mut table = Table::new();
        table.set_format(
            FormatBuilder::new()
                .padding(0, GAP - 1)
                .column_separator(' ')
                .separator(LinePosition::Title, LineSeparator::new('-', '-', '-', '-'))
                .build(),
        );
        let cell = |(index, text): (usize, &str)| match self.columns[index].side() {
            Side::Left => Cell::new(&cut(text, may_cut.then_some(widths[index]))),
            Side::Right => Cell::new_align(text, Alignment::RIGHT),
        };
        let titles = self.columns.iter().map(|column| column.title());
        table.set_titles(Row::new(titles.take(widths.len()).enumerate().map(cell).collect()));
        for (_, line) in &self.lines {
            if let Line::Cells(cells) = line {
                let cells = cells.iter().map(String::as_str);
                table.add_row(Row::new(cells.take(widths.len()).enumerate().map(cell).collect()));
            }
        }
        table.to_string().lines().map(str::to_owned).collect()
    }
}

/// Returns the width of columns with the gaps between them.
fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

/// Cuts a text to a width, and marks that it was cut.
pub(crate) fn cut(text: &str, width: Option<usize>) -> String {
    let Some(width) = width.filter(|&width| text.width() > width) else { return text.to_owned() };
    let mut rest = width.saturating_sub(1);
    let fits = |character: &char| {
        let width = character.width().unwrap_or_default();
        rest.checked_sub(width).map(|remaining| rest = remaining).is_some()
    };
    text.chars().take_while(fits).chain([ELLIPSIS]).collect()
}

fn paint(text: &str, tone: Tone, screen: Screen) -> String {
    let style = tone.style();
    if !screen.colored || text.is_empty() || style.is_plain() {
        return text.to_owned();
    }
    format!("{style}{text}{style:#}")
}
