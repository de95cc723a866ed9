//! Runs and measures commands.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use super::Result;

/// The placeholder for the number of the run in a command.
pub(crate) const RUN_NUMBER: &str = "@";

/// Runs a command `count` times. Prints a line for each run with the elapsed, user and system time in
/// microseconds, and finally a line with the largest memory use of a run in KiB.
pub(crate) fn time(count: u32, command: &[&str]) -> Result<()> {
    let mut before = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    for number in 1..=count {
        let words = command.iter().map(|word| word.replace(RUN_NUMBER, &number.to_string()));
        let words: Vec<String> = words.collect();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        let started = Instant::now();
        let status = command.status()?;
        let elapsed = started.elapsed().as_micros();
        if !status.success() {
            return Err(format!("{words:?}: {status}").into());
        }
        let after = getrusage(UsageWho::RUSAGE_CHILDREN)?;
        let user = (after.user_time() - before.user_time()).num_microseconds();
        let system = (after.system_time() - before.system_time()).num_microseconds();
        eprintln!("{elapsed} {user} {system}");
        before = after;
    }
    eprintln!("{}", before.max_rss());
    Ok(())
}

/// The measured runs of a command.
#[derive(Default)]
pub(crate) struct Runs {
    times: Vec<Duration>,
    users: Vec<Duration>,
    pub(crate) kibibytes: u64,
}

impl Runs {
    /// Measures a command in a separate process, so that only the memory of that command counts.
    pub(crate) fn add(&mut self, count: u32, command: &[String], input: Option<&str>) -> Result<()> {
        let mut timer = Command::new(std::env::current_exe()?);
        timer.args(["time", &count.to_string()]).args(command).stdout(Stdio::null());
        timer.stdin(input.map_or(Ok(Stdio::null()), |file| File::open(file).map(Stdio::from))?);
        let output = timer.stderr(Stdio::piped()).output()?;
        let text = String::from_utf8(output.stderr)?;
        if !output.status.success() {
            return Err(format!("{command:?} failed: {text}").into());
        }
        for line in text.lines() {
            match line.split(' ').map(|word| word.parse().map(Duration::from_micros)).collect::<Vec<_>>()[..]
            {
                [Ok(time), Ok(user), Ok(_)] => {
                    self.times.push(time);
                    self.users.push(user);
                }
                [Ok(memory)] => self.kibibytes = self.kibibytes.max(memory.as_micros() as u64),
                _ => return Err(format!("{command:?} printed {line}").into()),
            }
        }
        Ok(())
    }

    pub(crate) fn median(&self) -> Option<Duration> {
        median(&self.times)
    }

    pub(crate) fn median_user(&self) -> Option<Duration> {
        median(&self.users)
    }

    /// Returns the largest distance of the middle half of the runs from the median. A single run has no
    /// spread.
    pub(crate) fn spread(&self) -> Option<Duration> {
        let mut times = self.times.clone();
        times.sort();
        let median = median(&times).filter(|_| times.len() > 1)?;
        let quarter = times.len() / 4;
        Some((median - times[quarter]).max(times[times.len() - 1 - quarter] - median))
    }
}

fn median(times: &[Duration]) -> Option<Duration> {
    let mut times = times.to_vec();
    times.sort();
    times.get(times.len() / 2).copied()
}

/// Counts the system calls of a command and its children.
pub(crate) fn system_calls(command: &[String], input: Option<&str>) -> Result<u64> {
    let summary = "/dev/shm/calls";
    let mut tracer = Command::new("strace");
    tracer.args(["-f", "-c", "-o", summary]).args(command).stdout(Stdio::null());
    tracer.stdin(input.map_or(Ok(Stdio::null()), |file| File::open(file).map(Stdio::from))?);
    if !tracer.status()?.success() {
        return Err(format!("strace {command:?} failed").into());
    }
    let text = fs::read_to_string(summary)?;
    let total = text.lines().find(|line| line.ends_with(" total")).ok_or("strace printed no total")?;
    Ok(total.split_whitespace().nth(3).ok_or("strace printed no number of calls")?.parse()?)
}

/// Runs a command, which must succeed, and returns its output.
pub(crate) fn output(command: &[String], input: Option<&str>) -> Result<String> {
    let mut process = Command::new(&command[0]);
    process.args(&command[1..]);
    process.stdin(input.map_or(Ok(Stdio::null()), |file| File::open(file).map(Stdio::from))?);
    let output = process.stderr(Stdio::inherit()).output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(format!("{command:?}: {}", output.status).into())
    }
}
