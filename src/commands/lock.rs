//! The lock between instances of the program that restore or drain.
//!
//! Other programs that change the table do not know it. It keeps two restores of our own from mixing their tables, and
//! the notes of weights in step with it.
//!
//! The file has two lines: the process id of the holder, and the number of replacements so far, by which one that lets go
//! of the lock for a while finds out whether another one has come after it.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::failure::Failure;

/// The time between two attempts.
const INTERVAL: Duration = Duration::from_millis(20);

/// The lock of this network namespace, until it is dropped.
pub(super) struct Lock {
    /// The locked file. The lock ends when it is closed.
    file: Option<File>,
    /// The number of replacements that the file has.
    replacements: Option<u64>,
}

impl Lock {
    /// Waits for other instances that work in this network namespace.
    ///
    /// If the lock cannot be had at all, for example because `/run` is missing or read-only, the work goes on without it.
    ///
    /// # Errors
    /// [`Failure::Locked`] if another instance still holds the lock after this time.
    pub(super) fn acquire(patience: Duration) -> Result<Self, Failure> {
        let Some(file) = open() else { return Ok(Self { file: None, replacements: None }) };
        let deadline = Instant::now() + patience;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {
                    let replacements = read(&file).map(|(_, replacements)| replacements);
                    // Those that wait in vain want to know the holder.
                    let is_written = replacements.is_some_and(|replacements| write(&file, replacements));
                    return Ok(Self { file: Some(file), replacements: replacements.filter(|_| is_written) });
                }
                Err(Errno::WOULDBLOCK) if Instant::now() < deadline => sleep(INTERVAL),
                Err(Errno::WOULDBLOCK) => {
                    let holder = read(&file).and_then(|(holder, _)| holder);
                    return Err(Failure::Locked { seconds: patience.as_secs(), holder });
                }
                Err(Errno::INTR) => {}
                Err(_) => return Ok(Self { file: None, replacements: None }),
            }
        }
    }

    /// Counts a replacement.
    pub(super) fn count_replacement(&mut self) {
        let next = self.replacements.map(|replacements| replacements.wrapping_add(1));
        let is_written = |&next: &u64| self.file.as_ref().is_some_and(|file| write(file, next));
        self.replacements = next.filter(is_written);
    }

    /// Returns the number of replacements so far, unless there is no lock or its file cannot be read and written.
    pub(super) fn replacements(&self) -> Option<u64> {
        self.replacements
    }
}

/// Returns the number of the network namespace, which names the files that belong to it.
pub(super) fn namespace_number() -> Option<u64> {
    Some(std::fs::metadata("/proc/thread-self/ns/net").ok()?.ino())
}

/// Returns a number that no network namespace had before, unlike the one in the names of files: the kernel gives that to
/// the next namespace as soon as one is gone. It is the inode of the kernel's own socket for generic netlink.
pub(super) fn namespace_identity() -> Option<u64> {
    let sockets = std::fs::read_to_string("/proc/thread-self/net/netlink").ok()?;
    sockets.lines().find_map(identity)
}

/// Reads a line such as `00000000f6dc4d0b 16 0 00000000 0 0 0 2 0 1085`, if it is about that socket.
fn identity(line: &str) -> Option<u64> {
    const GENERIC_NETLINK: &str = "16";
    const KERNEL: &str = "0";
    let mut fields = line.split_whitespace().skip(1);
    if fields.next() != Some(GENERIC_NETLINK) || fields.next() != Some(KERNEL) {
        return None;
    }
    fields.last()?.parse().ok().filter(|&inode| inode != 0)
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

/// Writes the id of this process and the number of replacements, and returns whether that was possible.
fn write(file: &File, replacements: u64) -> bool {
    let text = format!("{}\n{replacements}\n", std::process::id());
    file.write_all_at(text.as_bytes(), 0).and_then(|()| file.set_len(text.len() as u64)).is_ok()
}

/// Reads the id of the process that holds the lock or held it last, and the number of replacements.
fn read(file: &File) -> Option<(Option<u32>, u64)> {
    let mut bytes = [0; 64];
    let length = file.read_at(&mut bytes, 0).ok()?;
    let text = String::from_utf8_lossy(&bytes[..length]);
    let mut numbers = text.lines().map(|line| line.trim().parse::<u64>().ok());
    let holder = numbers.next().flatten().and_then(|id| id.try_into().ok());
    Some((holder, numbers.next().flatten().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_known_by_the_kernels_socket() {
        for (line, expected) in [
            (
                "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode",
                None,
            ),
            ("00000000f6dc4d0b 0   0          00000000 0        0        0     2        0        1084", None),
            ("00000000d9e4a8f3 16  1234       00000000 0        0        0     2        0        5", None),
            (
                "00000000f6dc4d0b 16  0          00000000 0        0        0     2        0        1085",
                Some(1085),
            ),
            ("00000000f6dc4d0b 16  0          00000000 0        0        0     2        0        0", None),
            ("0 16 0", None),
            ("", None),
        ] {
            assert_eq!(identity(line), expected, "{line}");
        }
    }
}
