//! A replacement that takes its time.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;

use crate::support::{PROGRAM, Run, signal_when_handled};

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
        signal_when_handled(self.0.as_ref().unwrap().id(), signal);
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
