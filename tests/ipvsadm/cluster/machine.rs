//! Machines: network namespaces.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::panic::resume_unwind;
use std::process::Command;
use std::thread;

use nix::sched::{CloneFlags, setns, unshare};

use crate::support::{PROGRAM, Run, feed, run};

/// A machine of the network. It ends when nothing of it is in use any more.
pub struct Machine {
    pub name: String,
    namespace: File,
}

impl Machine {
    /// A machine that is linked to nothing.
    pub fn new(name: &str) -> Self {
        let made = thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            namespace_of_this_thread()
        });
        Self { name: name.into(), namespace: made.join().unwrap() }
    }

    /// The machine that the calling thread is on.
    pub fn here(name: &str) -> Self {
        Self { name: name.into(), namespace: namespace_of_this_thread() }
    }

    /// Does this on the machine. Sockets that are opened stay there, whoever uses them later.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let there = || {
            setns(&self.namespace, CloneFlags::CLONE_NEWNET).unwrap();
            work()
        };
        thread::scope(|scope| scope.spawn(there).join()).unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Runs lines of shell, each of which has to succeed, and returns what they printed.
    pub fn sh(&self, script: &str) -> String {
        self.succeeds(script, || run(Command::new("sh").args(["-e", "-c", script])))
    }

    /// Runs commands of ip(8), one a line. Starting a program takes longer than what it does here, so this
    /// is one program for all of them.
    pub fn ip(&self, commands: &str) {
        self.succeeds(commands, || feed(Command::new("ip").args(["-batch", "-"]), commands.as_bytes()));
    }

    /// Runs the program under test, which has to succeed.
    pub fn ipvsadm(&self, words: &str) -> String {
        self.succeeds(words, || run(Command::new(PROGRAM).args(words.split_whitespace())))
    }

    fn succeeds(&self, what: &str, start: impl FnOnce() -> Run + Send) -> String {
        let run = self.within(start);
        assert_eq!(run.status, 0, "on {}: {what}\n{}{}", self.name, run.stdout, run.stderr);
        run.stdout
    }

    /// Sets variables of the kernel, such as `ipv4/ip_forward=1`, divided at blanks.
    pub fn sysctl(&self, settings: &str) {
        self.within(|| {
            for setting in settings.split_whitespace() {
                let (name, value) = setting.split_once('=').unwrap();
                let file = format!("/proc/sys/net/{name}");
                std::fs::write(&file, value).unwrap_or_else(|error| panic!("{file}: {error}"));
            }
        });
    }

    /// A name of the machine's network namespace for other programs.
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.namespace.as_raw_fd())
    }

    /// How many packets the interface has received and sent so far.
    pub fn packets(&self, interface: &str) -> Packets {
        let table = self.within(|| std::fs::read_to_string("/proc/thread-self/net/dev").unwrap());
        let line = table.lines().find_map(|line| line.trim_start().strip_prefix(&format!("{interface}:")));
        let line = line.unwrap_or_else(|| panic!("{} has no {interface}:\n{table}", self.name));
        let numbers: Vec<u64> = line.split_whitespace().map(|word| word.parse().unwrap()).collect();
        Packets { received: numbers[1], sent: numbers[9] }
    }
}

fn namespace_of_this_thread() -> File {
    File::open("/proc/thread-self/ns/net").unwrap()
}

/// Packets on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packets {
    pub received: u64,
    pub sent: u64,
}

impl Packets {
    /// What came since then.
    pub fn since(self, before: Self) -> Self {
        Self { received: self.received - before.received, sent: self.sent - before.sent }
    }
}
