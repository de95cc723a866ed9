//! The system's resolver, asked through its program `getent`: that one knows what this machine is
//! configured to use (`/etc/nsswitch.conf`) and loads libraries for it. This program is linked statically
//! and loads none, in exchange for which it starts several times as fast.

use std::collections::HashMap;
use std::io::{self, Read};
use std::net::IpAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ipvs::Family;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How many questions are asked side by side at first, and at most.
const SIDE_BY_SIDE: (usize, usize) = (4, 16);
/// After this time without an answer some more are asked: a resolver that waits for others takes more at once,
/// while on a busy machine more processes would only be in each other's way.
const STEP: Duration = Duration::from_millis(500);

/// How long the look-up of one name may take: longer than resolvers themselves try by default.
const PATIENCE: Duration = Duration::from_secs(60);

type Addresses = HashMap<(String, Family), Option<IpAddr>>;

/// The first address of this family that a name has. Each name is asked for once: a saved table has them on
/// every line.
///
/// # Errors
/// If `getent` cannot be run.
pub fn address(name: &str, family: Family) -> io::Result<Option<IpAddr>> {
    static KNOWN: LazyLock<Mutex<Addresses>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let question = (name.to_owned(), family);
    if let Some(&address) = known.get(&question) {
        return Ok(address);
    }
    let database = match family {
        Family::V4 => "ahostsv4",
        Family::V6 => "ahostsv6",
    };
    // Also addresses of a family that this machine has none of. The name may begin with a dash.
    let words = ["--no-addrconfig", "--", database, name].map(String::from);
    let lines = ask(vec![words.into()], PATIENCE, PATIENCE)?;
    let mut addresses = lines.iter().filter_map(|line| line.split_whitespace().next()?.parse().ok());
    // For IPv6 it gives IPv4 addresses in disguise, too.
    let is_wanted = |address: &IpAddr| Family::from(*address) == family && *address == address.to_canonical();
    let address = addresses.find(is_wanted);
    known.insert(question, address);
    Ok(address)
}

/// Asks all questions, each the arguments of `getent`, and returns what all answers together say. The rest
/// is given up when no answer has come for the time of `silence`, and at the `limit`.
///
/// # Errors
/// If `getent` cannot be run.
pub fn ask(questions: Vec<Vec<String>>, silence: Duration, limit: Duration) -> io::Result<Vec<String>> {
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
    let mut width = SIDE_BY_SIDE.0;
    let mut questions = questions.into_iter();
    let mut running: Vec<Question> = Vec::new();
    let mut lines = Vec::new();
    loop {
        for words in questions.by_ref().take(width - running.len()) {
            running.push(Question::ask(program, &words)?);
        }
        // On a busy machine starting them takes long, too: that is no fault of the resolver's.
        let until = *deadline.get_or_insert_with(|| end.min(Instant::now() + silence));
        let left = until.saturating_duration_since(Instant::now());
        if running.is_empty() || left.is_zero() {
            break;
        }
        let mut ends: Vec<_> =
            running.iter().map(|question| PollFd::new(&question.stdout, PollFlags::IN)).collect();
        match poll(&mut ends, Timespec::try_from(left.min(STEP)).ok().as_ref()) {
            Ok(0) => width = SIDE_BY_SIDE.1.min(width + SIDE_BY_SIDE.0),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let ready: Vec<bool> = ends.iter().map(|end| !end.revents().is_empty()).collect();
        for (place, _) in ready.iter().enumerate().rev().filter(|&(_, &ready)| ready) {
            if running[place].is_answered() {
                deadline = None;
                lines.extend(running.swap_remove(place).lines());
            }
        }
    }
    lines.extend(running.into_iter().flat_map(Question::lines));
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

    /// Reads what is there and returns whether that was all.
    fn is_answered(&mut self) -> bool {
        let mut piece = [0; 4096];
        let length = self.stdout.read(&mut piece).unwrap_or(0);
        self.answer.extend_from_slice(&piece[..length]);
        length == 0
    }

    /// The lines of the answer as far as it is there.
    fn lines(mut self) -> Vec<String> {
        // One that has ended takes no harm.
        let _ = self.process.kill();
        let _ = self.process.wait();
        String::from_utf8_lossy(&self.answer).lines().map(String::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn shell(script: &str) -> Vec<String> {
        vec!["-c".into(), script.into()]
    }

    #[test]
    fn all_questions_are_answered() {
        let questions = (0..100).map(|number| shell(&format!("echo {number}; echo x"))).collect();
        let mut lines = run("sh", questions, PATIENCE, PATIENCE).unwrap();
        lines.retain(|line| line != "x");
        lines.sort_by_key(|line| line.parse::<u32>().unwrap());
        assert_eq!(lines, (0..100).map(|number| number.to_string()).collect::<Vec<_>>());
    }

    #[test]
    fn an_answer_that_does_not_come_is_given_up() {
        let started = Instant::now();
        let questions = vec![shell("echo early; exec sleep 60"), shell("echo done")];
        let mut lines = run("sh", questions, SECOND, PATIENCE).unwrap();
        lines.sort();
        assert_eq!(lines, ["done", "early"]);
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn answers_may_come_one_after_the_other_but_not_for_ever() {
        let mut questions: Vec<_> = (1..=9).map(|tenths| shell(&format!("sleep 0.{tenths}"))).collect();
        questions.push(shell("sleep 1.4; echo late"));
        assert_eq!(run("sh", questions.clone(), SECOND, PATIENCE).unwrap(), ["late"]);
        questions.pop();
        questions.push(shell("exec sleep 60"));
        let started = Instant::now();
        assert!(run("sh", questions, PATIENCE, SECOND).unwrap().is_empty());
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_missing_program_is_an_error() {
        assert!(run("no-such-program", vec![Vec::new()], SECOND, SECOND).is_err());
        assert!(run("no-such-program", Vec::new(), SECOND, SECOND).unwrap().is_empty());
    }
}
