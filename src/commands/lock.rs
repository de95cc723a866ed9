//! The lock between instances of the program that restore.
//!
//! Other programs that change the table do not know it. It keeps two restores of our own from mixing their tables.
//!
//! The file has two lines: the process id of the holder, and the number of replacements so far, by which one that lets go
//! of the lock for a while finds out whether another one has come after it.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};

use crate::failure::Failure;

/// The time between two attempts.
const INTERVAL: Duration = Duration::from_millis(20);

/// The lock of this network namespace, until it is dropped.
pub(super) struct Lock {
    /// The locked file, and the number of replacements that it has.
    locked: Option<(Flock<File>, u64)>,
}

impl Lock {
    /// Waits for other instances that restore in this network namespace.
    ///
    /// If the lock cannot be had at all, for example because `/run` is missing or read-only, the work goes on without it.
    ///
    /// # Errors
    /// [`Failure::Locked`] if another instance still holds the lock after this time.
    pub(super) fn acquire(patience: Duration) -> Result<Self, Failure> {
        let Some(mut file) = open() else { return Ok(Self { locked: None }) };
        let deadline = Instant::now() + patience;
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(file) => {
                    let (_, replacements) = read(&file);
                    write(&file, replacements);
                    return Ok(Self { locked: Some((file, replacements)) });
                }
                Err((unlocked, Errno::EWOULDBLOCK)) if Instant::now() < deadline => {
                    file = unlocked;
                    sleep(INTERVAL);
                }
                Err((unlocked, Errno::EWOULDBLOCK)) => {
                    let (holder, _) = read(&unlocked);
                    return Err(Failure::Locked { seconds: patience.as_secs(), holder });
                }
                Err((unlocked, Errno::EINTR)) => file = unlocked,
                Err(_) => return Ok(Self { locked: None }),
            }
        }
    }

    /// Counts a replacement.
    pub(super) fn count_replacement(&mut self) {
        if let Some((file, replacements)) = &mut self.locked {
            *replacements += 1;
            write(file, *replacements);
        }
    }

    /// Returns the number of replacements so far; always 0 if the lock could not be had.
    pub(super) fn replacements(&self) -> u64 {
        self.locked.as_ref().map_or(0, |&(_, replacements)| replacements)
    }
}

/// Opens the file, whose name has the number of the network namespace. Links are not followed, and a file of another
/// user is not trusted.
fn open() -> Option<File> {
    let namespace = std::fs::metadata("/proc/thread-self/ns/net").ok()?.ino();
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(format!("/run/ipvsadm-{namespace}.lock"))
        .ok()?;
    let metadata = file.metadata().ok()?;
    (metadata.is_file() && metadata.uid() == nix::unistd::geteuid().as_raw()).then_some(file)
}

/// Notes this process, for those that wait in vain, and the number of replacements. If that fails they know less.
fn write(file: &File, replacements: u64) {
    let text = format!("{}\n{replacements}\n", std::process::id());
    let _ = file.write_all_at(text.as_bytes(), 0).and_then(|()| file.set_len(text.len() as u64));
}

/// Reads the id of the process that holds the lock or held it last, and the number of replacements.
fn read(file: &File) -> (Option<u32>, u64) {
    let mut bytes = [0; 64];
    let length = file.read_at(&mut bytes, 0).unwrap_or(0);
    let text = String::from_utf8_lossy(&bytes[..length]);
    let mut lines = text.lines();
    let holder = lines.next().and_then(|line| line.trim().parse().ok());
    (holder, lines.next().and_then(|line| line.trim().parse().ok()).unwrap_or(0))
}
