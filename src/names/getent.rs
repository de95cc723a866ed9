//! Asks the system's resolver through its program `getent`.
//!
//! `getent` knows which databases this machine is configured to use (`/etc/nsswitch.conf`) and loads the
//! libraries for them. This program is linked statically and loads none, and so starts several times as fast.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// The number of questions that are asked side by side at first.
const MIN_PROCESSES: usize = 4;
/// The number of questions that are asked side by side at most.
const MAX_PROCESSES: usize = 16;
/// Some more questions are asked after this time without an answer: a resolver that waits for others can
/// take more, while on a busy machine more processes would only be in each other's way.
const STEP: Duration = Duration::from_millis(500);

/// Asks all questions, each the arguments of `getent`, and returns the lines of all answers.
///
/// Gives up when no answer has come for the time of `silence`, and at the `limit`.
///
/// # Errors
/// Fails if `getent` cannot be run.
pub(super) fn ask(
    questions: Vec<Vec<String>>,
    silence: Duration,
    limit: Duration,
) -> io::Result<Vec<String>> {
    run("getent", questions, silence, limit)
}

fn run(
    program: &str,
    questions: Vec<Vec<String>>,
    silence: Duration,
    limit: Duration,
) -> io::Result<Vec<String>> {
    let end = Instant::now() + limit;
    let mut deadline = None;
    let mut max_running = MIN_PROCESSES;
    let mut questions = questions.into_iter();
    let mut running: Vec<Question> = Vec::new();
    let mut lines = Vec::new();
    loop {
        for words in questions.by_ref().take(max_running - running.len()) {
            running.push(Question::ask(program, &words)?);
        }
        // Starting processes takes long on a busy machine, which is no fault of the resolver's.
        let until = *deadline.get_or_insert_with(|| end.min(Instant::now() + silence));
        let left = until.saturating_duration_since(Instant::now());
        if running.is_empty() || left.is_zero() {
            break;
        }
        let mut polled: Vec<PollFd> =
            running.iter().map(|question| PollFd::new(question.stdout.as_fd(), PollFlags::POLLIN)).collect();
        // poll(2) counts milliseconds.
        let timeout = left.min(STEP).max(Duration::from_millis(1));
        match poll(&mut polled, PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX)) {
            Ok(0) => max_running = MAX_PROCESSES.min(max_running + MIN_PROCESSES),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let ready: Vec<bool> = polled.iter().map(|polled| polled.any().unwrap_or(false)).collect();
        for (index, _) in ready.iter().enumerate().rev().filter(|&(_, &ready)| ready) {
            if running[index].is_answered() {
                deadline = None;
                lines.extend(running.swap_remove(index).finish());
            }
        }
    }
    lines.extend(running.into_iter().flat_map(Question::finish));
    Ok(lines)
}

/// A question that is being answered.
struct Question {
    process: Child,
    stdout: ChildStdout,
    answer: Vec<u8>,
}

impl Question {
    fn ask(program: &str, words: &[String]) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn()?;
        let stdout = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self { process, stdout, answer: Vec::new() })
    }

    /// Reads the next part of the answer, and returns whether that was its end.
    fn is_answered(&mut self) -> bool {
        let mut part = [0; 4096];
        let length = self.stdout.read(&mut part).unwrap_or(0);
        self.answer.extend_from_slice(&part[..length]);
        length == 0
    }

    /// Ends the process and returns the lines of the answer, as far as it has come.
    fn finish(mut self) -> Vec<String> {
        // Killing a process that has already exited is harmless.
        let _ = self.process.kill();
        let _ = self.process.wait();
        String::from_utf8_lossy(&self.answer).lines().map(String::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MINUTE: Duration = Duration::from_secs(60);

    fn shell(script: &str) -> Vec<String> {
        vec!["-c".into(), script.into()]
    }

    #[test]
    fn all_questions_are_answered() {
        let questions = (0..100).map(|number| shell(&format!("echo {number}; echo x"))).collect();
        let mut lines = run("sh", questions, MINUTE, MINUTE).unwrap();
        lines.retain(|line| line != "x");
        lines.sort_by_key(|line| line.parse::<u32>().unwrap());
        assert_eq!(lines, (0..100).map(|number| number.to_string()).collect::<Vec<_>>());
    }

    #[test]
    fn a_missing_answer_is_given_up() {
        let started = Instant::now();
        let questions = vec![shell("echo early; exec sleep 60"), shell("echo done")];
        let mut lines = run("sh", questions, SECOND, MINUTE).unwrap();
        lines.sort();
        assert_eq!(lines, ["done", "early"]);
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn each_answer_extends_the_time_up_to_the_limit() {
        let mut questions: Vec<_> = (1..=9).map(|tenths| shell(&format!("sleep 0.{tenths}"))).collect();
        questions.push(shell("sleep 1.4; echo late"));
        assert_eq!(run("sh", questions.clone(), SECOND, MINUTE).unwrap(), ["late"]);
        questions.pop();
        questions.push(shell("exec sleep 60"));
        let started = Instant::now();
        assert!(run("sh", questions, MINUTE, SECOND).unwrap().is_empty());
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_missing_program_is_an_error() {
        assert!(run("no-such-program", vec![Vec::new()], SECOND, SECOND).is_err());
        assert!(run("no-such-program", Vec::new(), SECOND, SECOND).unwrap().is_empty());
    }
}
