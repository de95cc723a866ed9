//! The terminal, which is put back as it was after anything but SIGKILL.

use std::io::{self, IsTerminal, Write, stdin, stdout};
use std::os::fd::AsFd;
use std::sync::Once;
use std::time::{Duration, Instant};

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{self, KeyEvent};
use crossterm::style::{Attribute, Print, SetAttribute};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, DisableLineWrap, EnableLineWrap, EndSynchronizedUpdate,
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::frame::{Look, Span};

/// The signals that would end or stop the program, and those that concern the screen.
const SIGNALS: [Signal; 7] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGTSTP,
    Signal::SIGCONT,
    Signal::SIGWINCH,
];

/// An event other than that time has passed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    Key(KeyEvent),
    Signal(Signal),
    /// The terminal is gone.
    HangUp,
}

/// A terminal in raw mode that shows its other screen. Signals wait until they are asked for.
pub(super) struct Terminal {
    signals: SignalFd,
    mask_before: SigSet,
    has_keys: bool,
}

impl Terminal {
    pub(super) fn enter() -> io::Result<Self> {
        restore_after_panics();
        let set: SigSet = SIGNALS.into_iter().collect();
        let signals = SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        let mask_before = set.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let terminal = Self { signals, mask_before, has_keys: stdin().is_terminal() };
        // From here on the terminal is restored whatever fails.
        terminal.show()?;
        Ok(terminal)
    }

    /// Shows the other screen.
    fn show(&self) -> io::Result<()> {
        if self.has_keys {
            enable_raw_mode()?;
        }
        execute!(stdout(), EnterAlternateScreen, Hide, DisableLineWrap, Clear(ClearType::All))
    }

    /// Stops the program as Ctrl-Z does elsewhere, and shows the screen again when it continues.
    pub(super) fn suspend(&self) -> io::Result<()> {
        restore();
        raise(Signal::SIGSTOP)?;
        self.show()
    }

    /// Shows the other screen after somebody else has used the terminal.
    pub(super) fn show_again(&self) -> io::Result<()> {
        // Otherwise crossterm believes that raw mode is still on.
        let _ = disable_raw_mode();
        self.show()
    }

    /// Waits for events, at most until this time.
    pub(super) fn wait(&mut self, until: Instant) -> io::Result<Vec<Event>> {
        let timeout = until.saturating_duration_since(Instant::now());
        // Rounded up, so that nobody waits for nothing again and again.
        let timeout = PollTimeout::try_from(timeout + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        let stdin = stdin();
        let mut files = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        if self.has_keys {
            files.push(PollFd::new(stdin.as_fd(), PollFlags::POLLIN));
        }
        match poll(&mut files, timeout) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let keys = files.get(1).and_then(PollFd::revents).unwrap_or(PollFlags::empty());
        let mut events = Vec::new();
        while let Some(signal) = self.signals.read_signal()? {
            events.extend(Signal::try_from(signal.ssi_signo as i32).ok().map(Event::Signal));
        }
        if keys.intersects(PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL) {
            events.push(Event::HangUp);
        } else if keys.contains(PollFlags::POLLIN) {
            while event::poll(Duration::ZERO)? {
                if let event::Event::Key(key) = event::read()? {
                    events.push(Event::Key(key));
                }
            }
        }
        Ok(events)
    }

    /// Returns the width and the height, or the usual ones if the terminal does not know.
    pub(super) fn size() -> (usize, usize) {
        let size = rustix::termios::tcgetwinsize(stdout()).ok();
        let size = size.filter(|size| size.ws_col > 0 && size.ws_row > 0);
        size.map_or((80, 24), |size| (size.ws_col.into(), size.ws_row.into()))
    }

    /// Draws lines, the first of them at the top, and clears everything else.
    pub(super) fn draw(lines: &[Vec<Span>]) -> io::Result<()> {
        let mut bytes = Vec::new();
        queue!(bytes, BeginSynchronizedUpdate)?;
        for (row, line) in (0..).zip(lines) {
            queue!(bytes, MoveTo(0, row))?;
            for (look, text) in line {
                let attribute = match look {
                    Look::Plain => Attribute::Reset,
                    Look::Bold => Attribute::Bold,
                    Look::Inverse => Attribute::Reverse,
                };
                queue!(bytes, SetAttribute(attribute), Print(text), SetAttribute(Attribute::Reset))?;
            }
            queue!(bytes, Clear(ClearType::UntilNewLine))?;
        }
        queue!(bytes, Clear(ClearType::FromCursorDown), EndSynchronizedUpdate)?;
        let mut stdout = stdout().lock();
        stdout.write_all(&bytes)?;
        stdout.flush()
    }

    /// Puts the terminal back, and lets a signal do what it would have done.
    pub(super) fn end_by(self, signal: Signal) -> io::Result<()> {
        drop(self);
        Ok(raise(signal)?)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
        let _ = self.mask_before.thread_set_mask();
    }
}

/// Puts the terminal back as it was. If it is gone, nothing can be done about it.
fn restore() {
    let _ = execute!(stdout(), EnableLineWrap, Show, LeaveAlternateScreen);
    let _ = disable_raw_mode();
}

/// Puts the terminal back before the message of a panic, which would not be seen on the other screen.
fn restore_after_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            report(panic);
        }));
    });
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// Panics with the other screen on a terminal, where the next test runs this one.
    #[test]
    #[ignore = "it always fails"]
    fn panic_on_the_screen() {
        let _terminal = Terminal::enter().unwrap();
        // As in a release build, nothing is dropped: the hook alone has to restore the terminal.
        std::panic::catch_unwind(|| panic!("on purpose")).unwrap_err();
        std::process::abort();
    }

    #[test]
    fn a_panic_restores_the_terminal_before_it_is_reported() {
        let test = std::env::current_exe().unwrap();
        let name = "commands::watch::terminal::tests::panic_on_the_screen";
        let command = format!("{} --ignored --exact --nocapture {name}; stty -a", test.display());
        let mut script = Command::new("script");
        script.args(["-q", "-c", &command, "/dev/null"]).env("SHELL", "/bin/sh").stdin(Stdio::null());
        let shown = String::from_utf8_lossy(&script.output().unwrap().stdout).into_owned();
        let place = |text: &str| shown.find(text).unwrap_or_else(|| panic!("{text:?}: {shown:?}"));
        let order = ["\x1b[?1049h", "\x1b[?1049l", "on purpose", " icanon"].map(place);
        assert!(order.is_sorted(), "{shown:?}");
        assert!(!shown.contains("-icanon"), "{shown:?}");
    }
}
