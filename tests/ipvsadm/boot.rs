//! The installed service: the commands of the systemd unit with the settings of several distributions, and
//! saving into a file.

mod installing;
mod last_good;
mod loading;
mod saving;
mod settings;
mod stock_files;
mod systemd;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use crate::programs::{Stage, unpacked, unpacked_program};
use crate::support::*;

const INSTALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/install");
const UNIT: &str = "usr/local/lib/systemd/system/ipvsadm.service";

impl Folder {
    /// Installs into this folder with scripts/install, and returns its output.
    fn install(&self, options: &str) -> String {
        let mut command = Command::new(INSTALL);
        command.arg("--destdir").arg(&self.0).args(["--program", PROGRAM]).args(options.split_whitespace());
        let run = run(&mut command);
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{options}");
        run.stdout
    }
}

/// A director with the service installed in /usr/local. Its /usr/sbin/ipvsadm is the original.
struct Machine {
    stage: Stage,
    director: Director,
    unit: String,
    folder: Folder,
}

impl Machine {
    /// Creates a machine with these files in /etc.
    fn new(files: &[(&str, &str)]) -> Self {
        Self::with_director(Director::new(), files)
    }

    fn with_director(director: Director, files: &[(&str, &str)]) -> Self {
        director.system("ip link add d0 type dummy && ip link set d0 multicast on up");
        let folder = Folder::new();
        folder.install("");
        let unit = fs::read_to_string(folder.0.join(UNIT)).unwrap();
        let machine = Self { stage: Stage::new(), director, unit, folder };
        machine.stage.ok(&format!(
            "mount -t sysfs sysfs /sys
            mount -t tmpfs tmpfs /var/lib
            umount /usr/sbin/ipvsadm
            cat {} >/usr/sbin/ipvsadm
            chmod +x /usr/sbin/ipvsadm
            mkdir -p /etc/sysconfig
            mount --bind {}/usr/local /usr/local",
            unpacked_program("ipvsadm").display(),
            machine.folder.0.display(),
        ));
        for (file, content) in files {
            machine.write(file, content);
        }
        machine
    }

    fn write(&self, file: &str, content: &str) {
        self.stage.ok(&format!("cat >'/etc/{file}' <<'END'\n{content}END"));
    }

    fn read(&self, file: &str) -> String {
        self.stage.ok(&format!("cat /etc/{file}"))
    }

    /// Returns the commands in a file that ipvsadm-save has written, without its comments.
    fn read_commands(&self, file: &str) -> String {
        self.stage.ok(&format!("grep -v '^#' /etc/{file}"))
    }

    /// Runs a line of shell, and returns its combined output and its status.
    fn run_shell(&self, line: &str) -> (String, i32) {
        let output = self.stage.ok(&format!("exec 2>&1; {line}\necho \" $?\""));
        let (output, status) = output.trim_end().rsplit_once(' ').unwrap();
        (output.to_string(), status.parse().unwrap())
    }

    /// Runs a command of the unit in the environment that systemd provides.
    fn run_unit_command(&self, setting: &str) -> (String, i32) {
        let mut lines = self.unit.lines().filter_map(|line| line.strip_prefix(setting)?.strip_prefix('='));
        let (line, more) = (lines.next().unwrap(), lines.next());
        assert_eq!(more, None);
        self.run_shell(&format!("env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin {line}"))
    }

    fn start(&self) -> (String, i32) {
        self.run_unit_command("ExecStart")
    }

    fn reload(&self) -> (String, i32) {
        self.run_unit_command("ExecReload")
    }

    fn stop(&self) -> (String, i32) {
        // Linux 6.1 hangs if a daemon is stopped before its thread has run.
        sleep(Duration::from_millis(500));
        self.run_unit_command("ExecStop")
    }
}

/// The result of a command that succeeds and prints nothing.
fn silent_success() -> (String, i32) {
    (String::new(), 0)
}

const RULES: &str = "\
-A -t 192.0.2.1:80 -s wrr -p 360
-a -t 192.0.2.1:80 -r 198.51.100.1:8080 -m -w 3
-a -t 192.0.2.1:80 -r 198.51.100.2:8080 -m -w 1
-A -f 7 -s rr
";

const DAEMONS: &str = "\
master sync daemon (mcast=d0, syncid=3, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)
backup sync daemon (mcast=d0, syncid=3, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)
";
