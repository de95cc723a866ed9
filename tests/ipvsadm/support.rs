//! A private network namespace for each test, and the program to run in it.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipvs_netlink::*;
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_ipvsadm");

/// Lets either many tests run side by side or one run alone. Up to Linux 6.x all namespaces share one hash
/// table of services, and a dump that takes several messages counts the services of every namespace: if
/// another test adds or deletes some between two messages, the dump misses services.
static TABLE_LOCK: RwLock<()> = RwLock::new(());

/// A director: a fresh network namespace that the test's thread and the programs it starts run in.
pub struct Director {
    _lock: TableLock,
}

#[expect(dead_code, reason = "the guards are only held")]
enum TableLock {
    Shared(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

impl Director {
    /// Creates a director with a small table.
    pub fn new() -> Self {
        Self::enter_namespace(TableLock::Shared(TABLE_LOCK.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Creates a director while no other test runs: for a table so large that its dump takes several
    /// messages, and for programs that are sensitive to timing.
    pub fn alone() -> Self {
        Self::enter_namespace(TableLock::Alone(TABLE_LOCK.write().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Enters a fresh namespace. The test fails if the kernel has no IPVS.
    fn enter_namespace(lock: TableLock) -> Self {
        unshare(CloneFlags::CLONE_NEWNET).expect(
            "these tests need a kernel of their own: run scripts/test, or scripts/kernel -- cargo test",
        );
        assert!(
            fs::exists("/proc/net/ip_vs").unwrap(),
            "this kernel has no IPVS: run scripts/test, or scripts/kernel -- cargo test"
        );
        let director = Self { _lock: lock };
        // In a namespace without any address the kernel accepts no address as a server's.
        director.system("ip link set lo up");
        director
    }

    /// Connects the library to the kernel.
    pub fn ipvs(&self) -> Ipvs {
        Ipvs::connect().unwrap()
    }

    /// Runs the program with these arguments, split at blanks.
    pub fn run(&self, words: &str) -> Run {
        run(Command::new(PROGRAM).args(words.split_whitespace()))
    }

    /// Runs the program, which must succeed and print nothing on standard error, and returns its output.
    pub fn ok(&self, words: &str) -> String {
        let run = self.run(words);
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "ipvsadm {words}");
        run.stdout
    }

    /// Runs the program, which must fail with this status and print only this sentence on standard error.
    pub fn refuses(&self, words: &str, status: i32, sentence: &str) {
        let run = self.run(words);
        assert_eq!(run.stderr, format!("ipvsadm: {sentence}\n"), "ipvsadm {words}");
        assert_eq!((run.status, run.stdout.as_str()), (status, ""), "ipvsadm {words}");
    }

    /// Runs the program with this standard input.
    pub fn feed(&self, words: &str, input: &str) -> Run {
        feed(Command::new(PROGRAM).args(words.split_whitespace()), input.as_bytes())
    }

    /// Runs a line of shell, which must succeed, and returns its output.
    pub fn system(&self, command: &str) -> String {
        let run = run(Command::new("sh").args(["-c", command]));
        assert_eq!(run.status, 0, "{command}: {}", run.stderr);
        run.stdout
    }

    /// Returns the table as the program saves it (`-S -n`).
    pub fn saved(&self) -> String {
        self.ok("-S -n")
    }
}

/// A value below /proc/sys/net that holds for all network namespaces and can be set only in the first one. It is
/// set for the time of a test.
pub struct Sysctl {
    name: &'static str,
    before: String,
}

impl Sysctl {
    pub fn set(name: &'static str, value: &str) -> Self {
        let before = Self::access(&format!("cat /proc/sys/net/{name}"));
        Self::access(&format!("echo {value} >/proc/sys/net/{name}"));
        Self { name, before }
    }

    fn access(script: &str) -> String {
        let command = ["--net=/proc/1/ns/net", "sh", "-c", script];
        let run = run(Command::new("nsenter").args(command));
        assert_eq!(run.status, 0, "{script}: {}", run.stderr);
        run.stdout
    }
}

impl Drop for Sysctl {
    fn drop(&mut self) {
        Self::access(&format!("echo {} >/proc/sys/net/{}", self.before.trim_end(), self.name));
    }
}

/// Counts how often the kernel asks for modules, which it gets as ever.
pub struct ModuleRequests {
    folder: Folder,
    before: String,
    _alone: MutexGuard<'static, ()>,
}

impl ModuleRequests {
    const LOADER: &str = "/proc/sys/kernel/modprobe";

    pub fn watch() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = Folder::new();
        let before = fs::read_to_string(Self::LOADER).unwrap();
        let (loader, requests) = (folder.0.join("modprobe"), folder.0.join("requests"));
        let script =
            format!("#!/bin/sh\necho \"$*\" >>{}\nexec {} \"$@\"\n", requests.display(), before.trim_end());
        fs::write(&loader, script).unwrap();
        fs::set_permissions(&loader, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(Self::LOADER, loader.as_os_str().as_bytes()).unwrap();
        Self { folder, before, _alone: alone }
    }

    /// Returns how often a module was asked for by now.
    pub fn count(&self, module: &str) -> usize {
        let requests = fs::read_to_string(self.folder.0.join("requests")).unwrap_or_default();
        requests.lines().filter(|line| line.ends_with(module)).count()
    }
}

impl Drop for ModuleRequests {
    fn drop(&mut self) {
        fs::write(Self::LOADER, &self.before).unwrap();
    }
}

/// The exit status and output of a program.
#[derive(Debug)]
pub struct Run {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().expect("the program was killed"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub fn run(command: &mut Command) -> Run {
    command.stdin(Stdio::null()).output().unwrap().into()
}

pub fn feed(command: &mut Command, input: &[u8]) -> Run {
    use std::io::Write;
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    // A program that rejects its command line does not read its input.
    let _ = writer.join().unwrap();
    output.into()
}

pub fn tcp(address: &str, port: u16) -> ServiceId {
    service_on(Protocol::TCP, address, port)
}

pub fn service_on(protocol: Protocol, address: &str, port: u16) -> ServiceId {
    ServiceId::new(protocol, SocketAddr::new(address.parse().unwrap(), port))
}

pub fn fwmark(mark: u32, family: AddressFamily) -> ServiceId {
    ServiceId::fwmark(mark.try_into().unwrap(), family)
}

pub fn server(address: &str, port: u16) -> Destination {
    let id = DestinationId::new(address.parse::<IpAddr>().unwrap(), port);
    Destination::new(id).with_forwarding(Forwarding::Masquerade)
}

/// The time limit for whatever has to happen on a machine that is busy, or stands still for a while.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until the condition holds, and returns whether it did in time.
pub fn wait_until(condition: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        sleep(Duration::from_millis(100));
    }
    true
}

/// Sends a signal to a program as soon as it handles it or holds it back. Earlier it would be killed.
pub fn signal_when_handled(process: u32, signal: Signal) {
    let is_handled = || {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        ["SigBlk:", "SigCgt:"].iter().any(|name| {
            let signals = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            u64::from_str_radix(signals.trim(), 16).unwrap() >> (signal as i32 - 1) & 1 == 1
        })
    };
    assert!(wait_until(is_handled), "process {process} does not handle {signal}");
    kill(Pid::from_raw(process as i32), signal).unwrap();
}

/// A temporary folder that is removed after the test.
pub struct Folder(pub PathBuf);

impl Folder {
    /// Creates one. A test on another kernel may have the same process id, and see the same folders.
    pub fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        loop {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("ipvsadm-{}-{number}", std::process::id()));
            match fs::create_dir(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                created => {
                    created.unwrap();
                    return Self(path);
                }
            }
        }
    }

    /// Returns the relative paths of all files in it.
    pub fn files(&self) -> BTreeSet<String> {
        fn visit(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    visit(&entry.path(), found);
                } else {
                    found.push(entry.path());
                }
            }
        }
        let mut found = Vec::new();
        visit(&self.0, &mut found);
        let name = |path: PathBuf| path.strip_prefix(&self.0).unwrap().to_str().unwrap().to_string();
        found.into_iter().map(name).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
