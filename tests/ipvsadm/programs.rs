//! Programs in the wild: what Debian ships for use with ipvsadm, with ours standing in its place.

mod init_script;
mod keepalived;
mod ldirectord;
mod wrappers;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::*;

/// What scripts/testkernel/fetch has to unpack.
const WANTED: [&str; 8] =
    ["ipvsadm", "ldirectord", "keepalived", "busybox-static", "mandoc", "curl", "netcat-openbsd", "vsftpd"];

/// How long a program may take until the table is as it should be.
const PATIENCE: Duration = Duration::from_secs(60);

/// The folder with the unpacked packages: `root` has their files, `bin` starters of their programs.
static PACKAGES: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::var_os("IPVSADM_PROGRAMS").map(PathBuf::from).unwrap_or_else(fetched);
    let program = folder.join("root/usr/sbin/ldirectord");
    assert!(program.exists(), "there is no {}: {}", program.display(), advice());
    folder
});

/// The folder into which they were fetched before.
fn fetched() -> PathBuf {
    let fetch = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/testkernel/fetch");
    let run = run(Command::new(fetch).args(["--into", "programs"]).args(WANTED));
    assert_eq!(run.status, 0, "{}{}", run.stderr, advice());
    run.stdout.trim_end().into()
}

fn advice() -> String {
    format!("run scripts/testkernel/fetch --into programs {} outside the kernel first", WANTED.join(" "))
}

/// The starter of an unpacked program.
pub fn unpacked_program(name: &str) -> PathBuf {
    PACKAGES.join("bin").join(name)
}

/// The full name of an unpacked file.
fn unpacked(file: &str) -> String {
    PACKAGES.join("root").join(file).to_str().unwrap().to_string()
}

/// A process that ends with the test at the latest.
struct Process(Child);

impl Process {
    /// Starts a program that prints "ready" and then waits for the end of its input, which does not come.
    fn keeper(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut keeper = Self(child);
        let mut line = String::new();
        BufReader::new(keeper.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "{command:?}");
        keeper
    }

    /// Asks the process to end and waits until it has.
    fn terminate(mut self) {
        run(Command::new("kill").arg(self.0.id().to_string()));
        let end = Instant::now() + PATIENCE;
        while self.0.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "the process {} does not end", self.0.id());
            sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A mount namespace of which the host sees nothing: `/usr/sbin/ipvsadm` is the program under test, and
/// whatever is written to `/etc` and `/run` is gone with the namespace.
pub struct Stage(Process);

/// The folders are covered by others with links to the same files, which are read-only there.
const SETTING: &str = r#"
mount -t tmpfs tmpfs /mnt
for folder in $(readlink -f /etc /sbin /usr/sbin | sort -u); do
    mkdir -p "/mnt/below$folder" "/mnt/above$folder"
    mount --bind "$folder" "/mnt/below$folder"
    mount -o remount,bind,ro "/mnt/below$folder"
    cp -rs "/mnt/below$folder/." "/mnt/above$folder"
    mount --bind "/mnt/above$folder" "$folder"
done
mount -t tmpfs tmpfs /run
mkdir -p /run/lock /etc/default
rm -f /etc/ipvsadm.rules /etc/default/ipvsadm /sbin/ipvsadm /usr/sbin/ipvsadm
touch /usr/sbin/ipvsadm
mount --bind "$1" /usr/sbin/ipvsadm
[ -e /sbin/ipvsadm ] || ln -s /usr/sbin/ipvsadm /sbin/ipvsadm
mkdir /mnt/bin && ln -s /usr/sbin/ipvsadm /mnt/bin
echo ready
exec cat
"#;

impl Stage {
    pub fn new() -> Self {
        let mut command = Command::new("unshare");
        Self(Process::keeper(command.args(["--mount", "sh", "-e", "-c", SETTING, "sh", PROGRAM])))
    }

    /// A command on this stage. Whatever programs PATH has otherwise, ipvsadm is the one under test.
    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        self.nsenter(&[], program)
    }

    /// A command on this stage, and in other namespaces of some machine.
    fn nsenter(&self, options: &[String], program: impl AsRef<OsStr>) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--mount=/proc/{}/ns/mnt", self.0.0.id()))
            .args(options)
            .arg("--")
            .arg(program)
            .env("PATH", format!("/mnt/bin:{path}:/usr/sbin:/usr/bin:/sbin:/bin"));
        command
    }

    /// Runs a line of shell, which has to succeed without a word on standard error.
    pub fn ok(&self, line: &str) -> String {
        let run = run(self.command("sh").args(["-c", line]));
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{line}: {}", run.stdout);
        run.stdout
    }

    fn write(&self, file: &str, text: &str) {
        assert_eq!(feed(self.command("tee").arg(file), text.as_bytes()).status, 0, "{file}");
    }

    /// Starts a program that stays; what it says goes into `/run/log`.
    fn start(&self, command: &mut Command) -> Process {
        let log = "exec \"$@\" </dev/null >/run/log 2>&1";
        let mut shell = self.command("sh");
        shell.args(["-c", log, "sh"]).arg(command.get_program()).args(command.get_args());
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Process(shell.spawn().unwrap())
    }

    /// Waits until the table, as saved, is this one.
    fn wait_for(&self, director: &Director, what: &str, table: &str) {
        let end = Instant::now() + PATIENCE;
        while director.saved() != table {
            if Instant::now() > end {
                let log = self.ok("tail -n 50 /run/log");
                assert_eq!(director.saved(), table, "{what}; the program's last words:\n{log}");
            }
            sleep(Duration::from_millis(100));
        }
    }
}

/// A real server: a machine of its own, linked to the director, on which a web server can run.
struct WebServer {
    namespace: [String; 1],
    _machine: Process,
}

impl WebServer {
    /// The machine number N has the addresses 10.0.N.2 and 2001:db8:N::2.
    fn new(director: &Director, number: u8) -> Self {
        let wait = ["--net", "sh", "-c", "ip link set lo up && echo ready && exec cat"];
        let machine = Process::keeper(Command::new("unshare").args(wait));
        let id = machine.0.id();
        director.system(&format!(
            "set -e
            ip link add server{number} type veth peer name eth0 netns {id}
            ip address add 10.0.{number}.1/24 dev server{number}
            ip address add 2001:db8:{number}::1/64 dev server{number} nodad
            ip link set server{number} up
            exec nsenter --net=/proc/{id}/ns/net sh -e -c '
                ip address add 10.0.{number}.2/24 dev eth0
                ip address add 2001:db8:{number}::2/64 dev eth0 nodad
                ip link set eth0 up
                ip route add default via 10.0.{number}.1'"
        ));
        Self { namespace: [format!("--net=/proc/{id}/ns/net")], _machine: machine }
    }

    /// Its web server, until it is dropped. There is one page, with the words "it works".
    fn serve(&self, stage: &Stage) -> Process {
        stage.ok("mkdir -p /run/www && echo it works >/run/www/index.html");
        let mut command = stage.nsenter(&self.namespace, unpacked_program("busybox"));
        Process(command.args(["httpd", "-f", "-p", "80", "-h", "/run/www"]).spawn().unwrap())
    }
}
