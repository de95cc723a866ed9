//! Patience with failures that pass.

use std::io;
use std::thread::sleep;
use std::time::Duration;

use nix::errno::Errno;

/// How often something that fails for want of memory or buffers is tried again.
const MAX_RETRIES: u32 = 8;

/// Counts the failures of one task, and waits after each, twice as long every time: 255 ms in all.
#[derive(Debug, Default)]
pub(super) struct Patience {
    retries: u32,
}

impl Patience {
    /// Waits, and returns `true`, if the failure may pass and the task has not failed too often.
    pub(super) fn outlasts(&mut self, error: &io::Error) -> bool {
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EINTR) => true,
            Some(Errno::ENOBUFS | Errno::ENOMEM | Errno::EAGAIN) => self.wait(),
            _ => false,
        }
    }

    /// Waits, and returns `true`, if the task has not failed too often.
    pub(super) fn wait(&mut self) -> bool {
        if self.retries == MAX_RETRIES {
            return false;
        }
        sleep(Duration::from_millis(1 << self.retries));
        self.retries += 1;
        true
    }
}
