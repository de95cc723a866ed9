//! Asks the system's resolver through its program `getent`.
//!
//! `getent` knows which databases this machine is configured to use (`/etc/nsswitch.conf`) and loads the
//! libraries for them. This program is linked statically and loads none, and so starts several times as fast.
//!
//! The `getent` of glibc looks up every key. The one of musl takes no options, and ends at the first key that
//! it does not find.

mod process;

use std::collections::VecDeque;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use process::{Dialect, Process, name, wait_for_output};

/// The places of `getent`. The caller's `PATH` is not searched: this program usually runs as root.
const PROGRAMS: [&str; 2] = ["/usr/bin/getent", "/bin/getent"];
/// The number of processes that run side by side at first.
const MIN_PROCESSES: usize = 4;
/// The number of processes that run side by side at most.
const MAX_PROCESSES: usize = 16;
/// Some more processes are started after this time without an answer: a resolver that waits for others can
/// take more, while on a busy machine more processes would only be in each other's way.
const STEP: Duration = Duration::from_millis(500);
/// The longest answer of one process, several times as long as all addresses that fit a DNS message.
const MAX_ANSWER: usize = 1 << 20;
/// The longest answers of all processes together.
const MAX_ANSWERS: usize = 64 << 20;

/// The reason why names cannot be looked up at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("{program} cannot be run: {error}; give the address, or install getent")]
    NotRun { program: String, error: String },
    #[error("{program} failed ({status}); give the address")]
    Failed { program: String, status: ExitStatus },
    #[error("the answer of {0} does not end; give the address")]
    Endless(String),
}

/// A question for one process, or for a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) database: &'static str,
    pub(super) keys: Vec<String>,
}

/// Many questions that are asked side by side.
pub(super) struct Inquiry<'a> {
    pub(super) questions: Vec<Question>,
    /// The number of waiting questions above which they may be put together.
    pub(super) max_waiting: usize,
    /// Returns the words that follow the database.
    pub(super) words: &'a dyn Fn(&Question) -> Vec<String>,
    /// The time without any answer after which no more are expected.
    pub(super) silence: Duration,
    /// The time that is left for all answers, which gets shorter.
    pub(super) limit: &'a mut Duration,
}

/// The complete answer to a question.
pub(super) struct Answer<'a> {
    pub(super) question: &'a Question,
    pub(super) text: &'a str,
    /// Set if `getent` ended at the first key that it did not find.
    pub(super) stopped: bool,
}

/// Asks all questions side by side, and passes each answer to `accept`, which returns the question that is
/// left if the answer stopped early.
///
/// # Errors
/// Fails if `getent` cannot be used.
pub(super) fn ask(
    inquiry: Inquiry<'_>,
    accept: impl FnMut(&Answer<'_>) -> Option<Question>,
) -> Result<(), Unusable> {
    let program = PROGRAMS.iter().find(|program| Path::new(program).exists()).unwrap_or(&PROGRAMS[0]);
    run(&|| Command::new(program), inquiry, accept)
}

fn run(
    program: &dyn Fn() -> Command,
    inquiry: Inquiry<'_>,
    mut accept: impl FnMut(&Answer<'_>) -> Option<Question>,
) -> Result<(), Unusable> {
    let Inquiry { questions, max_waiting, words, silence, limit } = inquiry;
    let (mut silent, mut since) = (Duration::ZERO, Instant::now());
    let mut max_running = MIN_PROCESSES;
    let mut max_keys = 0;
    let mut dialect = Dialect::Glibc;
    let mut waiting = VecDeque::from(questions);
    let mut running: Vec<Process> = Vec::new();
    let mut total = 0;
    loop {
        while running.len() < max_running && !limit.is_zero() {
            let Some(mut question) = waiting.pop_front() else { break };
            while waiting.len() > max_waiting && put_together(&mut question, &mut waiting, max_keys) {}
            let words = words(&question);
            running.push(Process::start(program(), dialect, question, &words)?);
        }
        // Starting processes takes long on a busy machine, which is no fault of the resolver's.
        spend(limit, &mut since, STEP);
        let left = silence.saturating_sub(silent).min(*limit);
        if running.is_empty() || left.is_zero() {
            return Ok(());
        }
        let time = left.min(STEP);
        let ready = wait_for_output(&running, time);
        silent += spend(limit, &mut since, time);
        let Some(ready) = ready else {
            max_running = MAX_PROCESSES.min(max_running + MIN_PROCESSES);
            max_keys = 0;
            continue;
        };
        for index in ready {
            let length = running[index].read();
            total += length;
            if running[index].answer.len() > MAX_ANSWER || total > MAX_ANSWERS {
                return Err(Unusable::Endless(name(&program())));
            }
            if length > 0 {
                continue;
            }
            silent = Duration::ZERO;
            max_keys = running[index].quick_keys();
            let mut process = running.swap_remove(index);
            let Some(status) = process.wait() else { continue };
            match status.code() {
                Some(code @ (0 | 2)) => {
                    let text = String::from_utf8_lossy(&process.answer);
                    let stopped = process.dialect == Dialect::Plain && code == 2;
                    let answer = Answer { question: &process.question, text: &text, stopped };
                    waiting.extend(accept(&answer));
                }
                _ if process.dialect == Dialect::Glibc => {
                    dialect = Dialect::Plain;
                    waiting.push_front(process.question.clone());
                }
                _ => return Err(Unusable::Failed { program: name(&program()), status }),
            }
        }
    }
}

/// Takes the time that has passed from what is left, and returns it. What is beyond `at_most` does not count: the machine
/// stood still, and nobody could have answered.
fn spend(limit: &mut Duration, since: &mut Instant, at_most: Duration) -> Duration {
    let now = Instant::now();
    let time = now.duration_since(*since).min(at_most);
    *since = now;
    *limit = limit.saturating_sub(time);
    time
}

/// Adds the keys of the next question, if they are of the same database and not too many.
fn put_together(question: &mut Question, waiting: &mut VecDeque<Question>, max_keys: usize) -> bool {
    let fits = |next: &Question| {
        next.database == question.database && question.keys.len() + next.keys.len() <= max_keys
    };
    let next = waiting.front().is_some_and(fits).then(|| waiting.pop_front()).flatten();
    next.map(|next| question.keys.extend(next.keys)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MINUTE: Duration = Duration::from_secs(60);

    fn question(keys: &[&str]) -> Question {
        Question { database: "hosts", keys: keys.iter().map(|&key| key.into()).collect() }
    }

    fn inquiry(questions: Vec<Question>, silence: Duration, limit: &mut Duration) -> Inquiry<'_> {
        Inquiry {
            questions,
            max_waiting: usize::MAX,
            words: &|question| question.keys.clone(),
            silence,
            limit,
        }
    }

    /// Runs a script in place of `getent`, and returns the lines of all answers. A question that stopped
    /// early is asked again without the keys that have lines, and the next one.
    fn answers(
        script: &str,
        questions: Vec<Question>,
        silence: Duration,
        mut limit: Duration,
    ) -> Result<Vec<String>, Unusable> {
        let mut lines = Vec::new();
        let shell = || {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script, "getent"]);
            command
        };
        run(&shell, inquiry(questions, silence, &mut limit), |answer| {
            lines.extend(answer.text.lines().map(String::from));
            let left = answer.question.keys.get(answer.text.lines().count() + 1..).unwrap_or_default();
            let is_left = answer.stopped && !left.is_empty();
            is_left.then(|| Question { database: answer.question.database, keys: left.to_vec() })
        })?;
        lines.sort();
        Ok(lines)
    }

    #[test]
    fn all_questions_are_answered() {
        let keys: Vec<String> = (100..200).map(|number| number.to_string()).collect();
        let questions = keys.iter().map(|key| question(&[key])).collect();
        assert_eq!(answers("echo $4", questions, MINUTE, MINUTE), Ok(keys));
    }

    #[test]
    fn questions_are_put_together_while_answers_come_quickly() {
        let processes = |script: &'static str, count: usize, max_waiting| {
            let questions = (0..count).map(|number| question(&[&number.to_string()])).collect();
            let shell = || {
                let mut command = Command::new("/bin/sh");
                command.args(["-c", script, "getent"]);
                command
            };
            let (mut processes, mut keys) = (0, 0);
            let mut limit = MINUTE;
            let inquiry = Inquiry { max_waiting, ..inquiry(questions, MINUTE, &mut limit) };
            run(&shell, inquiry, |answer| {
                processes += 1;
                keys += answer.question.keys.len();
                None
            })
            .unwrap();
            assert_eq!(keys, count);
            processes
        };
        assert!(processes("", 200, 0) < 200);
        assert!(processes("", 200, 100) > 100);
        assert_eq!(processes("sleep 0.3", 20, 0), 20);
    }

    #[test]
    fn a_missing_answer_is_given_up() {
        let started = Instant::now();
        for script in [
            "[ $4 = good ] || { echo early; exec sleep 1000; }; echo done",
            "[ $4 = good ] || { echo early; exec >&-; exec sleep 1000; }; echo done",
        ] {
            let questions = vec![question(&["bad"]), question(&["good"])];
            assert_eq!(answers(script, questions, 2 * SECOND, MINUTE), Ok(vec!["done".into()]), "{script}");
        }
        assert!(started.elapsed() < Duration::from_secs(100));
    }

    #[test]
    fn each_answer_extends_the_time_up_to_the_limit() {
        let script = "sleep $4; echo $4";
        let seconds = ["0.3", "0.6", "0.9", "1.2", "1.5"];
        let questions: Vec<_> = seconds.iter().map(|seconds| question(&[seconds])).collect();
        assert_eq!(answers(script, questions.clone(), SECOND, MINUTE).unwrap(), seconds);
        let started = Instant::now();
        assert_eq!(answers(script, vec![question(&["1000"])], MINUTE, SECOND), Ok(Vec::new()));
        assert!(started.elapsed() < Duration::from_secs(100));
        assert_eq!(answers(script, questions, MINUTE, Duration::ZERO), Ok(Vec::new()));
    }

    #[test]
    fn time_in_which_the_machine_stood_still_does_not_count() {
        let (mut limit, mut since) = (MINUTE, Instant::now());
        let start = since.checked_sub(MINUTE / 2).unwrap();
        assert_eq!(
            (spend(&mut limit, &mut { start }, MINUTE) >= MINUTE / 2, limit <= MINUTE / 2),
            (true, true)
        );
        limit = MINUTE;
        assert_eq!(spend(&mut limit, &mut { start }, SECOND), SECOND);
        assert_eq!(limit, MINUTE - SECOND);
        assert!(spend(&mut limit, &mut since, MINUTE) < MINUTE / 2);
        assert!(since > start + MINUTE / 2);
    }

    #[test]
    fn a_getent_without_options_that_stops_early_is_asked_again() {
        let script = r#"[ "$1" = hosts ] || exit 1; shift
            for key; do [ "$key" != unknown ] || exit 2; echo "$key"; done"#;
        let questions = vec![question(&["a", "unknown", "unknown", "b", "--c"]), question(&["d", "unknown"])];
        assert_eq!(answers(script, questions, MINUTE, MINUTE).unwrap(), ["--c", "a", "b", "d"]);
    }

    #[test]
    fn a_getent_without_options_is_told_apart_from_a_broken_one() {
        let failed = answers("exit 3", vec![question(&["a"])], MINUTE, MINUTE);
        assert!(matches!(failed, Err(Unusable::Failed { status, .. }) if status.code() == Some(3)));
        let killed = answers("kill -9 $$", vec![question(&["a"])], MINUTE, MINUTE).unwrap_err();
        assert_eq!(killed.to_string(), "/bin/sh failed (signal: 9 (SIGKILL)); give the address");
    }

    #[test]
    fn an_endless_answer_is_refused() {
        let endless = answers("exec yes 198.51.100.1", vec![question(&["a"])], MINUTE, MINUTE);
        assert_eq!(endless, Err(Unusable::Endless("/bin/sh".into())));
    }

    #[test]
    fn nothing_of_the_environment_is_passed_on() {
        let environment = |key| answers("env", vec![question(&[key])], MINUTE, MINUTE).unwrap();
        let names = |lines: Vec<String>| {
            let names = lines.iter().map(|line| line.split('=').next().unwrap_or_default().to_owned());
            names.filter(|name| !["PWD", "_", "SHLVL"].contains(&name.as_str())).collect::<Vec<_>>()
        };
        assert_eq!(names(environment("a")), ["LC_ALL", "PATH"]);
        assert!(environment("a").contains(&"LC_ALL=C".into()));
        assert!(environment("ü").contains(&"LC_ALL=C.UTF-8".into()));
    }

    #[test]
    fn a_missing_program_is_an_error() {
        let missing = || Command::new("/nonexistent/getent");
        let ask = |questions| {
            let mut limit = SECOND;
            run(&missing, inquiry(questions, SECOND, &mut limit), |_| None)
        };
        assert!(matches!(ask(vec![question(&["a"])]), Err(Unusable::NotRun { .. })));
        assert_eq!(ask(Vec::new()), Ok(()));
    }
}
