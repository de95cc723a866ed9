//! Machines, each of which is a network namespace.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::panic::resume_unwind;
use std::process::Command;
use std::thread;

use nix::sched::{CloneFlags, setns, unshare};

use crate::support::{PROGRAM, Run, feed, run};

/// A machine of the network. It disappears when nothing in it is in use any more.
pub struct Machine {
    pub name: String,
    namespace: File,
}

impl Machine {
    /// Creates a machine without any links.
    pub fn new(name: &str) -> Self {
        let creator = thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            namespace_of_this_thread()
        });
        Self { name: name.into(), namespace: creator.join().unwrap() }
    }

    /// Returns the machine that the calling thread is on.
    pub fn current(name: &str) -> Self {
        Self { name: name.into(), namespace: namespace_of_this_thread() }
    }

    /// Calls `work` on the machine. The sockets that it opens stay on the machine, whichever thread uses them
    /// later.
    pub fn run_inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let inside = || {
            setns(&self.namespace, CloneFlags::CLONE_NEWNET).unwrap();
            work()
        };
        thread::scope(|scope| scope.spawn(inside).join()).unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Runs lines of shell, each of which must succeed, and returns their output.
    pub fn sh(&self, script: &str) -> String {
        self.run_successfully(script, || run(Command::new("sh").args(["-e", "-c", script])))
    }

    /// Runs commands of ip(8), one per line. Starting a program takes longer than the commands themselves, so
    /// a single process runs all of them.
    pub fn ip(&self, commands: &str) {
        self.run_successfully(commands, || {
            feed(Command::new("ip").args(["-batch", "-"]), commands.as_bytes())
        });
    }

    /// Runs the program under test, which must succeed, and returns its output.
    pub fn ipvsadm(&self, words: &str) -> String {
        self.run_successfully(words, || run(Command::new(PROGRAM).args(words.split_whitespace())))
    }

    fn run_successfully(&self, description: &str, start: impl FnOnce() -> Run + Send) -> String {
        let run = self.run_inside(start);
        assert_eq!(run.status, 0, "on {}: {description}\n{}{}", self.name, run.stdout, run.stderr);
        run.stdout
    }

    /// Sets kernel parameters below `net`, such as `ipv4/ip_forward=1`, separated by blanks.
    pub fn sysctl(&self, settings: &str) {
        self.run_inside(|| {
            for setting in settings.split_whitespace() {
                let (name, value) = setting.split_once('=').unwrap();
                let file = format!("/proc/sys/net/{name}");
                std::fs::write(&file, value).unwrap_or_else(|error| panic!("{file}: {error}"));
            }
        });
    }

    /// Returns a path by which other programs can open the machine's network namespace.
    pub fn namespace_path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.namespace.as_raw_fd())
    }

    /// Returns the numbers of packets that the interface has received and sent so far.
    pub fn packets(&self, interface: &str) -> Packets {
        let table = self.run_inside(|| std::fs::read_to_string("/proc/thread-self/net/dev").unwrap());
        let line = table.lines().find_map(|line| line.trim_start().strip_prefix(&format!("{interface}:")));
        let line = line.unwrap_or_else(|| panic!("{} has no {interface}:\n{table}", self.name));
        let numbers: Vec<u64> = line.split_whitespace().map(|word| word.parse().unwrap()).collect();
        Packets { received: numbers[1], sent: numbers[9] }
    }
}

fn namespace_of_this_thread() -> File {
    File::open("/proc/thread-self/ns/net").unwrap()
}

/// Numbers of packets on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packets {
    pub received: u64,
    pub sent: u64,
}

impl Packets {
    /// Subtracts an earlier count.
    pub fn since(self, before: Self) -> Self {
        Self { received: self.received - before.received, sent: self.sent - before.sent }
    }
}
