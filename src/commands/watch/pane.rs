//! The part of the listing that the screen shows, and the keys that move and change it.

use std::ops::Range;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::grammar::By;
use crate::terminal::is_printable;

/// The lines that are no services or servers: the first line, two of headings, and the last one.
const OTHER_LINES: usize = 4;

/// The thing to do after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Ignore,
    /// Draws the screen again.
    Draw,
    /// Reads the services again, because others are wanted or another order is.
    Read,
    Suspend,
    Quit,
}

/// Services as lines. Counting the lines of one may mean reading its servers.
pub(super) trait Lines {
    type Error;

    fn count(&self) -> usize;

    /// Returns the number of lines of a service, at least 1.
    fn lines(&mut self, index: usize) -> Result<usize, Self::Error>;
}

/// A window on the listing.
pub(super) struct Pane {
    pub(super) width: usize,
    pub(super) height: usize,
    /// The first service that is shown.
    top: usize,
    /// The number of its lines that are above the window.
    pub(super) skip: usize,
    /// Lines to move down, or up if negative.
    scroll: isize,
    pub(super) filter: String,
    /// The filter that is being typed.
    pub(super) typed: Option<String>,
    pub(super) by: By,
}

impl Pane {
    pub(super) fn new(by: By) -> Self {
        Self { width: 80, height: 24, top: 0, skip: 0, scroll: 0, filter: String::new(), typed: None, by }
    }

    /// Returns the number of lines for services and servers.
    pub(super) fn body_height(&self) -> usize {
        self.height.saturating_sub(OTHER_LINES).max(1)
    }

    pub(super) fn press(&mut self, key: KeyEvent) -> Action {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        if key.modifiers.contains(KeyModifiers::ALT) {
            return Action::Ignore;
        }
        match (&mut self.typed, key.code) {
            (_, KeyCode::Char('c')) if is_control => Action::Quit,
            (_, KeyCode::Char('z')) if is_control => Action::Suspend,
            (Some(text), KeyCode::Char(character)) if !is_control => {
                if is_printable(character.encode_utf8(&mut [0; 4])) {
                    text.push(character);
                }
                Action::Draw
            }
            (Some(text), KeyCode::Backspace) => {
                text.pop();
                Action::Draw
            }
            (Some(_), KeyCode::Esc) => {
                self.typed = None;
                Action::Draw
            }
            (Some(text), KeyCode::Enter) => {
                self.filter = std::mem::take(text);
                self.typed = None;
                self.read_from_top()
            }
            (Some(_), _) => Action::Ignore,
            (None, code) => self.command(code),
        }
    }

    /// Carries out a key while no filter is being typed.
    fn command(&mut self, code: KeyCode) -> Action {
        let page = self.body_height().saturating_sub(1).max(1) as isize;
        match code {
            KeyCode::Char('q') => return Action::Quit,
            KeyCode::Char('/') => self.typed = Some(String::new()),
            KeyCode::Esc if !self.filter.is_empty() => {
                self.filter.clear();
                return self.read_from_top();
            }
            KeyCode::Up | KeyCode::Char('k') => self.scroll -= 1,
            KeyCode::Down | KeyCode::Char('j') => self.scroll += 1,
            KeyCode::PageUp => self.scroll -= page,
            KeyCode::PageDown | KeyCode::Char(' ') => self.scroll += page,
            KeyCode::Home | KeyCode::Char('g') => (self.top, self.skip, self.scroll) = (0, 0, 0),
            KeyCode::End | KeyCode::Char('G') => (self.top, self.skip, self.scroll) = (usize::MAX, 0, 0),
            KeyCode::Char('n') => return self.sort(By::Name),
            KeyCode::Char('a') => return self.sort(By::Active),
            KeyCode::Char('c') => return self.sort(By::Cps),
            KeyCode::Char('i') => return self.sort(By::In),
            KeyCode::Char('o') => return self.sort(By::Out),
            _ => return Action::Ignore,
        }
        Action::Draw
    }

    fn sort(&mut self, by: By) -> Action {
        self.by = by;
        self.read_from_top()
    }

    fn read_from_top(&mut self) -> Action {
        (self.top, self.skip, self.scroll) = (0, 0, 0);
        Action::Read
    }

    /// Moves the window, and returns the services that it shows a part of. Nothing but these, and those that it moves
    /// over, are asked for their lines.
    pub(super) fn settle<L: Lines>(&mut self, lines: &mut L) -> Result<Range<usize>, L::Error> {
        let count = lines.count();
        if count == 0 {
            (self.top, self.skip, self.scroll) = (0, 0, 0);
            return Ok(0..0);
        }
        if self.top >= count {
            (self.top, self.skip) = (count - 1, usize::MAX);
        }
        self.skip = self.skip.min(lines.lines(self.top)? - 1);
        self.move_down(lines)?;
        self.move_up(lines)?;
        let end = self.fill(lines)?;
        let missing = self.body_height().saturating_sub(end.1);
        if missing > 0 {
            // The last line stays at the bottom.
            self.scroll = -(missing as isize);
            self.move_up(lines)?;
        }
        Ok(self.top..self.fill(lines)?.0)
    }

    fn move_down<L: Lines>(&mut self, lines: &mut L) -> Result<(), L::Error> {
        while self.scroll > 0 {
            let left = lines.lines(self.top)? - self.skip;
            let distance = self.scroll as usize;
            if distance < left {
                self.skip += distance;
                self.scroll = 0;
            } else if self.top + 1 < lines.count() {
                (self.top, self.skip) = (self.top + 1, 0);
                self.scroll -= left as isize;
            } else {
                self.skip += left - 1;
                self.scroll = 0;
            }
        }
        Ok(())
    }

    fn move_up<L: Lines>(&mut self, lines: &mut L) -> Result<(), L::Error> {
        while self.scroll < 0 && (self.top, self.skip) != (0, 0) {
            if self.skip == 0 {
                self.top -= 1;
                self.skip = lines.lines(self.top)?;
            }
            let distance = self.skip.min(self.scroll.unsigned_abs());
            self.skip -= distance;
            self.scroll += distance as isize;
        }
        self.scroll = 0;
        Ok(())
    }

    /// Returns the service behind the last one that is shown, and the number of lines of the window that have text.
    fn fill<L: Lines>(&self, lines: &mut L) -> Result<(usize, usize), L::Error> {
        let (mut end, mut filled) = (self.top, 0);
        while end < lines.count() && filled < self.body_height() {
            filled += lines.lines(end)? - if end == self.top { self.skip } else { 0 };
            end += 1;
        }
        Ok((end, filled))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// Services with numbers of lines, which notes who was asked.
    struct Fake {
        lines: Vec<usize>,
        asked: Vec<usize>,
    }

    impl Lines for Fake {
        type Error = Infallible;

        fn count(&self) -> usize {
            self.lines.len()
        }

        fn lines(&mut self, index: usize) -> Result<usize, Infallible> {
            self.asked.push(index);
            Ok(self.lines[index])
        }
    }

    fn pane(body: usize) -> Pane {
        Pane { height: body + OTHER_LINES, ..Pane::new(By::Name) }
    }

    /// Presses keys, and returns the services that are shown and the number of lines skipped.
    fn pressed(pane: &mut Pane, fake: &mut Fake, keys: &[KeyCode]) -> (Range<usize>, usize) {
        for &code in keys {
            pane.press(code.into());
        }
        let shown = pane.settle(fake).unwrap();
        (shown, pane.skip)
    }

    #[test]
    fn keys_move_over_the_lines_of_services_and_stop_at_both_ends() {
        use KeyCode::{Down, End, Home, PageDown, PageUp, Up};
        let mut fake = Fake { lines: vec![3, 1, 5, 2], asked: vec![] };
        let mut pane = pane(4);
        for (keys, expected) in [
            (&[][..], (0..2, 0)),
            (&[Up], (0..2, 0)),
            (&[Down], (0..3, 1)),
            (&[Down, Down], (1..3, 0)),
            (&[Down], (2..3, 0)),
            (&[PageDown], (2..4, 3)),
            (&[Down], (2..4, 3)),
            (&[PageUp], (2..3, 0)),
            (&[Up, Up], (0..3, 2)),
            (&[Home], (0..2, 0)),
            (&[End], (2..4, 3)),
            (&[PageUp, PageUp, PageUp], (0..2, 0)),
        ] {
            assert_eq!(pressed(&mut pane, &mut fake, keys), expected, "{keys:?}");
        }
    }

    #[test]
    fn every_position_of_every_small_list_is_within_it() {
        for lines in [vec![1], vec![9], vec![1; 20], vec![2, 7, 1, 1, 30, 4]] {
            for body in [1, 2, 5, 50] {
                let mut fake = Fake { lines: lines.clone(), asked: vec![] };
                let mut pane = pane(body);
                let total: usize = lines.iter().sum();
                for step in 0..total + 5 {
                    let (shown, skip) = pressed(&mut pane, &mut fake, &[]);
                    let above: usize = lines[..shown.start].iter().sum::<usize>() + skip;
                    assert_eq!(above, step.min(total.saturating_sub(body)), "{lines:?} {body} {step}");
                    pane.press(KeyCode::Down.into());
                }
            }
        }
    }

    #[test]
    fn of_a_long_list_only_the_shown_part_is_read() {
        let mut fake = Fake { lines: vec![3; 10_000], asked: vec![] };
        let mut pane = pane(20);
        assert_eq!(pressed(&mut pane, &mut fake, &[]), (0..7, 0));
        assert_eq!(pressed(&mut pane, &mut fake, &[KeyCode::End]), (9993..10_000, 1));
        fake.asked.sort_unstable();
        fake.asked.dedup();
        assert!(fake.asked.len() <= 15, "{:?}", fake.asked);
    }

    #[test]
    fn a_list_that_becomes_shorter_keeps_its_last_lines_in_the_window() {
        let mut fake = Fake { lines: vec![1; 100], asked: vec![] };
        let mut pane = pane(10);
        assert_eq!(pressed(&mut pane, &mut fake, &[KeyCode::End]), (90..100, 0));
        fake.lines.truncate(20);
        assert_eq!(pressed(&mut pane, &mut fake, &[]), (10..20, 0));
        fake.lines.clear();
        assert_eq!(pressed(&mut pane, &mut fake, &[]), (0..0, 0));
    }

    #[test]
    fn a_filter_is_typed_corrected_and_removed() {
        let mut pane = pane(10);
        let type_text = |pane: &mut Pane, text: &str| {
            text.chars().map(|character| pane.press(KeyCode::Char(character).into())).last()
        };
        assert_eq!(type_text(&mut pane, "/80q"), Some(Action::Draw));
        assert_eq!(pane.press(KeyCode::Backspace.into()), Action::Draw);
        assert_eq!(type_text(&mut pane, "\u{202e}\u{1b}"), Some(Action::Draw));
        assert_eq!((pane.typed.as_deref(), pane.filter.as_str()), (Some("80"), ""));
        assert_eq!(pane.press(KeyCode::Enter.into()), Action::Read);
        assert_eq!((pane.typed.as_deref(), pane.filter.as_str()), (None, "80"));
        type_text(&mut pane, "/x");
        assert_eq!(pane.press(KeyCode::Esc.into()), Action::Draw);
        assert_eq!(pane.filter, "80");
        assert_eq!(pane.press(KeyCode::Esc.into()), Action::Read);
        assert_eq!(pane.filter, "");
    }

    #[test]
    fn keys_choose_the_order_and_end() {
        let mut pane = pane(10);
        for (key, by) in [('a', By::Active), ('c', By::Cps), ('i', By::In), ('o', By::Out), ('n', By::Name)] {
            assert_eq!(pane.press(KeyCode::Char(key).into()), Action::Read);
            assert_eq!(pane.by, by);
        }
        assert_eq!(pane.press(KeyCode::Char('q').into()), Action::Quit);
        assert_eq!(pane.press(KeyCode::Char('x').into()), Action::Ignore);
        let control = |key| KeyEvent::new(KeyCode::Char(key), KeyModifiers::CONTROL);
        assert_eq!(pane.press(control('c')), Action::Quit);
        assert_eq!(pane.press(control('z')), Action::Suspend);
        assert_eq!(pane.press(KeyEvent::new(KeyCode::Char('q'), KeyModifiers::ALT)), Action::Ignore);
    }
}
