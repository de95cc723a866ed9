//! `-L --watch`: the listing again and again, on a terminal as a screen to look around in, elsewhere block by block.

mod blocks;
mod frame;
mod history;
mod pane;
mod reader;
mod screen;
mod terminal;

use std::io::{IsTerminal, stdout};
use std::time::{Duration, Instant, SystemTime};

use super::session::Session;
use crate::failure::Failure;
use crate::grammar::{List, Watch};
use crate::names::Names;
use reader::Reader;

#[cold]
pub(super) fn run(session: &mut Session, list: &List, watch: Watch) -> Result<(), Failure> {
    // If there is no kernel to read from, what was said before is still printed.
    session.kernel()?;
    let mut output = std::mem::take(&mut session.output);
    output.names = Names::new(list.numeric);
    let on_screen = stdout().is_terminal();
    let mut reader = Reader::new(session.kernel()?, list, watch, !on_screen);
    let run = if on_screen { screen::run } else { blocks::run };
    let outcome = run(&mut reader, &mut output, watch);
    session.output = output;
    outcome
}

/// The times of the readings.
struct Clock {
    next: Instant,
    interval: Duration,
    /// The number of readings that are left.
    left: Option<u64>,
}

impl Clock {
    fn new(watch: Watch) -> Self {
        Self { next: Instant::now(), interval: Duration::from_secs(watch.seconds.into()), left: watch.times }
    }

    /// Notes that a reading was shown, and returns whether it was the last.
    fn advance(&mut self) -> bool {
        if let Some(left) = &mut self.left {
            *left -= 1;
        }
        self.next += self.interval;
        // Readings that took too long are not made up for.
        self.next = self.next.max(Instant::now());
        self.left == Some(0)
    }
}

/// Returns the time for people, and a warning if the kernel does not count.
fn stamp() -> String {
    let time = humantime::format_rfc3339_seconds(SystemTime::now());
    // Older kernels have no such file, and always count.
    let setting = std::fs::read_to_string("/proc/sys/net/ipv4/vs/run_estimation").unwrap_or_default();
    match setting.trim_end() {
        "0" => format!("{time} (counters stand still: net.ipv4.vs.run_estimation is 0)"),
        _ => time.to_string(),
    }
}
