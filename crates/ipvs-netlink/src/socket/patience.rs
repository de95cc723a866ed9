//! Patience with failures that pass.

use std::io;
use std::thread::sleep;
use std::time::Duration;

use nix::errno::Errno;

/// The number of times that a failing task is tried again.
const MAX_RETRIES: u32 = 8;

/// Counts the failures of one task, and waits after each, twice as long every time: 255 ms in all.
#[derive(Debug, Default)]
pub(super) struct Patience {
    retries: u32,
}

impl Patience {
    /// Waits, and returns `true`, if the task has not failed too often. It does not matter how it failed: a broken
    /// connection costs a moment, and a failure that is taken for a lasting one may cost half a table.
    pub(super) fn outlasts(&mut self, error: &io::Error) -> bool {
        error.raw_os_error() == Some(Errno::EINTR as i32) || self.wait()
    }

    /// Waits, and returns `true`, if the task has not failed too often.
    pub(super) fn wait(&mut self) -> bool {
        if self.retries == MAX_RETRIES {
            return false;
        }
        // Fuzzing has no time to lose.
        if !cfg!(fuzzing) {
            sleep(Duration::from_millis(1 << self.retries));
        }
        self.retries += 1;
        true
    }
}
