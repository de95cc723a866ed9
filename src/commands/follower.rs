//! The lock of `--follow-load`, which one process in a network namespace holds as long as it runs.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::folder;

/// The number of attempts: whoever only asks whether a process runs holds the lock for a moment.
const ATTEMPTS: usize = 10;
const INTERVAL: Duration = Duration::from_millis(20);

/// The process whose load notes are in force, until this is dropped.
pub(super) struct Follower {
    /// The locked file. The lock ends when it is closed.
    _file: File,
}

impl Follower {
    /// Takes the lock, or returns `None` if another process has it.
    ///
    /// # Errors
    /// If the file cannot be made, or is not to be trusted.
    pub(super) fn acquire() -> io::Result<Option<Self>> {
        folder::make()?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = folder::open(&path(), &mut options)?;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                sleep(INTERVAL);
            }
            if try_lock(&file, FlockOperation::NonBlockingLockExclusive)? {
                return Ok(Some(Self { _file: file }));
            }
        }
        Ok(None)
    }

    /// Returns whether a process holds the lock.
    ///
    /// # Errors
    /// If this cannot be found out.
    pub(super) fn is_running() -> io::Result<bool> {
        match folder::open(&path(), OpenOptions::new().read(true)) {
            Ok(file) => Ok(!try_lock(&file, FlockOperation::NonBlockingLockShared)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Returns whether the lock could be had.
fn try_lock(file: &File, operation: FlockOperation) -> io::Result<bool> {
    loop {
        match flock(file, operation) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn path() -> PathBuf {
    folder::path("follow-load", "lock")
}
