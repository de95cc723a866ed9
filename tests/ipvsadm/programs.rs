//! Programs that Debian ships for use with ipvsadm, run with our program in place of the original.

mod init_script;
mod keepalived;
mod ldirectord;
mod selftest;
mod wrappers;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::*;

/// The packages that scripts/testkernel/fetch must unpack.
const PACKAGE_NAMES: &str = include_str!("programs/packages.txt");

/// The folder of our scripts.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts");

/// The longest time a program may take to bring the table into the expected state.
const PATIENCE: Duration = Duration::from_secs(60);

/// The folder with the unpacked packages: `root` holds their files, `bin` scripts that start their programs.
static PACKAGES: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::var_os("IPVSADM_PROGRAMS").map(PathBuf::from).unwrap_or_else(locate_packages);
    let program = folder.join("root/usr/sbin/ldirectord");
    assert!(program.exists(), "{} does not exist: {}", program.display(), advice());
    folder
});

/// Asks scripts/testkernel/fetch for the folder of the packages locate_packages earlier.
fn locate_packages() -> PathBuf {
    let fetch = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/testkernel/fetch");
    let run = run(Command::new(fetch).args(["--into", "programs"]).args(PACKAGE_NAMES.split_whitespace()));
    assert_eq!(run.status, 0, "{}{}", run.stderr, advice());
    run.stdout.trim_end().into()
}

fn advice() -> String {
    format!(
        "run scripts/testkernel/fetch --into programs {} outside the kernel first",
        PACKAGE_NAMES.replace('\n', " ")
    )
}

/// Returns the path of the script that starts an unpacked program.
pub fn unpacked_program(name: &str) -> PathBuf {
    PACKAGES.join("bin").join(name)
}

/// Returns the path of an unpacked file.
pub fn unpacked(file: &str) -> String {
    PACKAGES.join("root").join(file).to_str().unwrap().to_string()
}

/// A process that is killed when the test ends, if not before.
pub struct Process(Child);

impl Process {
    /// Starts a program that prints "ready" and then waits for the end of its input, which never comes.
    fn spawn_until_ready(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut process = Self(child);
        let mut line = String::new();
        BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "{command:?}");
        process
    }

    /// Terminates the process and waits until it has exited.
    fn terminate(mut self) {
        run(Command::new("kill").arg(self.0.id().to_string()));
        let deadline = Instant::now() + PATIENCE;
        while self.0.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "process {} does not exit", self.0.id());
            sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Killing a process that has already exited is harmless.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A mount namespace that is invisible to the host: `/usr/sbin/ipvsadm` is the program under test, and
/// everything written to `/etc` and `/run` disappears with the namespace.
/// `/mnt/bin` also has our two scripts.
pub struct Stage(Process);

/// Covers each folder with one of links to the original files, which are mounted read-only.
const STAGE_SETUP: &str = r#"
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
mkdir /mnt/bin && ln -s /usr/sbin/ipvsadm "$2/ipvsadm-save" "$2/ipvsadm-restore" /mnt/bin
echo ready
exec cat
"#;

impl Stage {
    pub fn new() -> Self {
        let mut command = Command::new("unshare");
        Self(Process::spawn_until_ready(command.args([
            "--mount",
            "sh",
            "-e",
            "-c",
            STAGE_SETUP,
            "sh",
            PROGRAM,
            SCRIPTS,
        ])))
    }

    /// Prepares a command to run on this stage. Whatever else PATH contains, `ipvsadm` is the program under
    /// test.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        self.nsenter(&[], program)
    }

    /// Prepares a command to run on this stage and in the further namespaces named by options of nsenter(1).
    pub fn nsenter(&self, options: &[String], program: impl AsRef<OsStr>) -> Command {
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

    /// Runs a line of shell, which must succeed and print nothing on standard error, and returns its output.
    pub fn ok(&self, line: &str) -> String {
        let run = run(self.command("sh").args(["-c", line]));
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{line}: {}", run.stdout);
        run.stdout
    }

    pub fn write(&self, file: &str, text: &str) {
        assert_eq!(feed(self.command("tee").arg(file), text.as_bytes()).status, 0, "{file}");
    }

    /// Starts a program in the background, with its output in `/run/log`.
    pub fn start(&self, command: &mut Command) -> Process {
        let log = "exec \"$@\" </dev/null >/run/log 2>&1";
        let mut shell = self.command("sh");
        shell.args(["-c", log, "sh"]).arg(command.get_program()).args(command.get_args());
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Process(shell.spawn().unwrap())
    }

    /// Waits until the saved table equals `table`.
    fn wait_for(&self, director: &Director, state: &str, table: &str) {
        let deadline = Instant::now() + PATIENCE;
        while director.saved() != table {
            if Instant::now() > deadline {
                let log = self.ok("tail -n 50 /run/log");
                assert_eq!(director.saved(), table, "{state}; the program's last output:\n{log}");
            }
            sleep(Duration::from_millis(100));
        }
    }
}

/// A real server: a separate machine, linked to the director, that can run a web server.
struct WebServer {
    namespace: [String; 1],
    _machine: Process,
}

impl WebServer {
    /// Creates machine number N, which has the addresses 10.0.N.2 and 2001:db8:N::2.
    fn new(director: &Director, number: u8) -> Self {
        let wait = ["--net", "sh", "-c", "ip link set lo up && echo ready && exec cat"];
        let machine = Process::spawn_until_ready(Command::new("unshare").args(wait));
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

    /// Starts its web server, which runs until it is dropped and has one page with the words "it works".
    fn serve(&self, stage: &Stage) -> Process {
        stage.ok("mkdir -p /run/www && echo it works >/run/www/index.html");
        let mut command = stage.nsenter(&self.namespace, unpacked_program("busybox"));
        Process(command.args(["httpd", "-f", "-p", "80", "-h", "/run/www"]).spawn().unwrap())
    }
}
