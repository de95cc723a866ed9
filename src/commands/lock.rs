//! The lock between instances of the program that restore or drain.
//!
//! Other programs that change the table do not know it. It keeps two restores of our own from mixing their tables, and
//! the notes of drained servers in step with it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};

use crate::failure::Failure;

/// The time between two attempts.
const INTERVAL: Duration = Duration::from_millis(20);

/// The lock of this network namespace, until it is dropped.
pub(super) struct Lock {
    _file: Option<Flock<File>>,
}

impl Lock {
    /// Waits for other instances that work in this network namespace.
    ///
    /// If the lock cannot be had at all, for example because `/run` is missing or read-only, the work goes on without it.
    ///
    /// # Errors
    /// [`Failure::Locked`] if another instance still holds the lock after this time.
    pub(super) fn acquire(patience: Duration) -> Result<Self, Failure> {
        let Some(mut file) = open() else { return Ok(Self { _file: None }) };
        let deadline = Instant::now() + patience;
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(mut locked) => {
                    note_holder(&mut locked);
                    return Ok(Self { _file: Some(locked) });
                }
                Err((unlocked, Errno::EWOULDBLOCK)) if Instant::now() < deadline => {
                    file = unlocked;
                    sleep(INTERVAL);
                }
                Err((unlocked, Errno::EWOULDBLOCK)) => {
                    return Err(Failure::Locked { seconds: patience.as_secs(), holder: holder(unlocked) });
                }
                Err((unlocked, Errno::EINTR)) => file = unlocked,
                Err(_) => return Ok(Self { _file: None }),
            }
        }
    }
}

/// Returns the number of the network namespace, which names the files that belong to it.
pub(super) fn namespace_number() -> Option<u64> {
    Some(std::fs::metadata("/proc/thread-self/ns/net").ok()?.ino())
}

/// Opens the file, whose name has the number of the network namespace. Links are not followed, and a file of another
/// user is not trusted.
fn open() -> Option<File> {
    let namespace = namespace_number()?;
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

/// Writes the process id into the file, for those that wait in vain. Without it they know less.
fn note_holder(file: &mut File) {
    let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
}

/// Reads the id of the process that holds the lock.
fn holder(mut file: File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
