//! A replacement that takes its time.

use std::fs;
use std::io::Write;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::cluster::wait_until;
use crate::support::{PROGRAM, Run};

/// A replacement that runs beside the test, until it has ended.
pub struct Replacement(Option<Child>);

impl Replacement {
    /// Starts the program with these additional options on the director, which the thread is on.
    pub fn start(options: &str, input: &str) -> Self {
        let pipes = |command: &mut Command| {
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let words = format!("-R --replace {options}");
        let mut child = pipes(Command::new(PROGRAM).args(words.split_whitespace()));
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Self(Some(child))
    }

    pub fn is_running(&mut self) -> bool {
        self.0.as_mut().unwrap().try_wait().unwrap().is_none()
    }

    /// Sends a signal as soon as the program holds it back.
    pub fn signal(&self, signal: Signal) {
        let id = self.0.as_ref().unwrap().id();
        let is_held = || {
            let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
            let held = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap();
            u64::from_str_radix(held.trim(), 16).unwrap() >> (signal as i32 - 1) & 1 == 1
        };
        assert!(wait_until(is_held));
        kill(Pid::from_raw(id as i32), signal).unwrap();
    }

    /// Waits for the end.
    pub fn end(mut self) -> Run {
        self.0.take().unwrap().wait_with_output().unwrap().into()
    }

    /// Waits for the end, which must be a success, and returns what was said beside the progress.
    pub fn notes(self) -> String {
        let run = self.end();
        assert_eq!((run.status, run.stdout.as_str()), (0, ""), "{}", run.stderr);
        without_progress(&run.stderr)
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Removes the lines that say how many connections are left.
pub fn without_progress(stderr: &str) -> String {
    let lines = stderr.split_inclusive('\n');
    lines.filter(|line| !line.starts_with("waiting for connections to end: ")).collect()
}
