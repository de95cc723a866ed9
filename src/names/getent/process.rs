//! A process of `getent` that answers a question.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{Question, Unusable};

/// The time that a process may take to exit after it has closed its output.
const EXIT: Duration = Duration::from_secs(1);
/// Answers come quickly if a process takes no longer than this. Then waiting questions are put together, as
/// starting a process takes longer than looking a name up in a file.
const QUICK: Duration = Duration::from_millis(250);
/// The number of keys up to which questions are put together.
const MAX_KEYS: usize = 256;

/// The arguments that a `getent` understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Options before the database. An address counts even if this machine has none of its family.
    Glibc,
    /// The database and its keys.
    Plain,
}

/// A question that is being answered. The process ends with it.
pub(super) struct Process {
    pub(super) question: Question,
    pub(super) dialect: Dialect,
    start: Instant,
    child: Child,
    stdout: ChildStdout,
    pub(super) answer: Vec<u8>,
}

impl Process {
    pub(super) fn start(
        mut command: Command,
        dialect: Dialect,
        question: Question,
        words: &[String],
    ) -> Result<Self, Unusable> {
        let start = Instant::now();
        if dialect == Dialect::Glibc {
            // A key may begin with a dash.
            command.args(["--no-addrconfig", "--"]);
        }
        // Names that are not ASCII are encoded by the rules of the locale.
        let locale = if question.keys.iter().all(|key| key.is_ascii()) { "C" } else { "C.UTF-8" };
        command.arg(question.database).args(words);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", locale);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let started = command.spawn().and_then(|mut child| {
            let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
            Ok((child, stdout))
        });
        let (child, stdout) = started
            .map_err(|error| Unusable::NotRun { program: name(&command), error: error.to_string() })?;
        Ok(Self { question, dialect, start, child, stdout, answer: Vec::new() })
    }

    /// Returns the number of keys to which the answers would come quickly at the speed of this one.
    pub(super) fn quick_keys(&self) -> usize {
        let per_key = self.start.elapsed().as_micros() / self.question.keys.len().max(1) as u128;
        (QUICK.as_micros() / per_key.max(1)).min(MAX_KEYS as u128) as usize
    }

    /// Reads the next part of the answer, and returns its length, which is 0 at the end.
    pub(super) fn read(&mut self) -> usize {
        let mut part = [0; 16 * 1024];
        let length = self.stdout.read(&mut part).unwrap_or(0);
        self.answer.extend_from_slice(&part[..length]);
        length
    }

    /// Waits for the end of a process that has closed its output. One that goes on has given no answer.
    pub(super) fn wait(&mut self) -> Option<ExitStatus> {
        let (start, mut is_last) = (Instant::now(), false);
        loop {
            let status = self.child.try_wait().ok()?;
            if is_last || status.is_some() {
                return status;
            }
            // After the last pause it had its turn, even if the machine stood still before.
            is_last = start.elapsed() >= EXIT;
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Killing a process that has already exited is harmless.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the indices of the processes that have written something or ended, the last one first, or `None`
/// if there are none by the end of the time.
pub(super) fn wait_for_output(running: &[Process], time: Duration) -> Option<Vec<usize>> {
    let mut polled: Vec<PollFd> =
        running.iter().map(|process| PollFd::new(process.stdout.as_fd(), PollFlags::POLLIN)).collect();
    // poll(2) counts milliseconds.
    let timeout = PollTimeout::try_from(time.max(Duration::from_millis(1))).unwrap_or(PollTimeout::MAX);
    match poll(&mut polled, timeout) {
        Ok(0) => None,
        Err(Errno::EINTR) => Some(Vec::new()),
        // Reading will show what is wrong.
        Err(_) => Some((0..running.len()).rev().collect()),
        Ok(_) => Some((0..running.len()).rev().filter(|&index| polled[index].any() != Some(false)).collect()),
    }
}

pub(super) fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}
