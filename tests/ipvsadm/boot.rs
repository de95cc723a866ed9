//! What is installed: the commands of the systemd unit on old and new machines, and saving into a file.

use std::collections::BTreeSet;
use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use crate::programs::{Stage, unpacked_program};
use crate::support::*;

const INSTALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/install");
const UNIT: &str = "usr/local/lib/systemd/system/ipvsadm.service";

/// A folder that is gone after the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("ipvsadm-boot-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// Runs the install script for this folder, and returns what it printed.
    fn install(&self, options: &str) -> String {
        let mut command = Command::new(INSTALL);
        command.arg("--destdir").arg(&self.0).args(["--program", PROGRAM]).args(options.split_whitespace());
        let run = run(&mut command);
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{options}");
        run.stdout
    }

    /// The names of all files in it.
    fn files(&self) -> BTreeSet<String> {
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

/// A director on which the service is installed, in /usr/local. Its /usr/sbin/ipvsadm is the original.
struct Machine {
    stage: Stage,
    director: Director,
    unit: String,
    folder: Folder,
}

impl Machine {
    /// A machine with these files in /etc.
    fn new(files: &[(&str, &str)]) -> Self {
        Self::on(Director::new(), files)
    }

    fn on(director: Director, files: &[(&str, &str)]) -> Self {
        director.system("ip link add d0 type dummy && ip link set d0 multicast on up");
        let folder = Folder::new();
        folder.install("");
        let unit = fs::read_to_string(folder.0.join(UNIT)).unwrap();
        let machine = Self { stage: Stage::new(), director, unit, folder };
        machine.stage.ok(&format!(
            "mount -t sysfs sysfs /sys
            umount /usr/sbin/ipvsadm
            cat {} >/usr/sbin/ipvsadm
            chmod +x /usr/sbin/ipvsadm
            mkdir -p /etc/sysconfig
            mount --bind {}/usr/local /usr/local",
            unpacked_program("ipvsadm").display(),
            machine.folder.0.display(),
        ));
        for (file, text) in files {
            machine.write(file, text);
        }
        machine
    }

    fn write(&self, file: &str, text: &str) {
        self.stage.ok(&format!("cat >/etc/{file} <<'END'\n{text}END"));
    }

    fn read(&self, file: &str) -> String {
        self.stage.ok(&format!("cat /etc/{file}"))
    }

    /// What a line of shell says on both its outputs, and its status.
    fn attempt(&self, line: &str) -> (String, i32) {
        let output = self.stage.ok(&format!("exec 2>&1; {line}\necho \" $?\""));
        let (said, status) = output.trim_end().rsplit_once(' ').unwrap();
        (said.to_string(), status.parse().unwrap())
    }

    /// Runs a command of the unit as systemd does.
    fn systemd(&self, setting: &str) -> (String, i32) {
        let mut lines = self.unit.lines().filter_map(|line| line.strip_prefix(setting)?.strip_prefix('='));
        let (line, more) = (lines.next().unwrap(), lines.next());
        assert_eq!(more, None);
        self.attempt(&format!("env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin {line}"))
    }

    fn start(&self) -> (String, i32) {
        self.systemd("ExecStart")
    }

    fn reload(&self) -> (String, i32) {
        self.systemd("ExecReload")
    }

    fn stop(&self) -> (String, i32) {
        // Linux 6.1 cannot stop a daemon that has not run yet.
        sleep(Duration::from_millis(500));
        self.systemd("ExecStop")
    }
}

/// Nothing said, and status 0.
fn fine() -> (String, i32) {
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

#[test]
fn a_machine_with_debians_settings_keeps_its_rules_and_daemons() {
    let machine = Machine::new(&[("default/ipvsadm", "AUTO=true\nDAEMON=both\nIFACE=\"d0\"\nSYNCID=3\n")]);
    let director = &machine.director;
    // The original saves what it knows of.
    director.feed("-R", &RULES.replace("-w 3", "-w 3 -x 100"));
    let bin = unpacked_program("ipvsadm");
    let save = bin.with_file_name("../root/sbin/ipvsadm-save");
    machine.stage.ok(&format!("{} -n >/etc/ipvsadm.rules", save.display()));
    assert_eq!(machine.read("ipvsadm.rules").replace("8080   ", "8080 "), RULES);
    director.ok("-C");
    // These would be next, if Debian's were not there.
    machine.write("sysconfig/ipvsadm", "-A -f 1\n");

    for _ in 0..2 {
        assert_eq!(machine.start(), fine());
        assert_eq!(director.saved(), RULES);
        assert_eq!(director.ok("-L --daemon"), DAEMONS);
    }
    director.ok("--stop-daemon backup");
    assert_eq!(machine.reload(), fine());
    assert_eq!(director.ok("-L --daemon"), DAEMONS);

    let before = machine.read("ipvsadm.rules");
    assert_eq!(machine.stop(), fine());
    assert_eq!((director.saved(), director.ok("-L --daemon")), Default::default());
    assert_eq!(machine.read("ipvsadm.rules"), before);
    assert_eq!(machine.stop(), fine(), "there is nothing left to stop");
}

#[test]
fn a_machine_with_debians_settings_may_want_daemons_only() {
    let machine = Machine::new(&[
        ("ipvsadm.rules", RULES),
        ("default/ipvsadm", "AUTO=\"false\"\nDAEMON=\"master\"\nIFACE=d0\nSAVE_ON_STOP=yes\n"),
    ]);
    machine.director.ok("-A -f 1");
    let said = "ipvsadm.service: the rules in /etc/ipvsadm.rules are not loaded: AUTO is false\n";
    assert_eq!(machine.start(), (said.to_string(), 0));
    assert_eq!(machine.reload(), (said.to_string(), 0));
    let master = "master sync daemon (mcast=d0, syncid=0, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n";
    assert_eq!(machine.director.ok("-L --daemon"), master);
    assert_eq!(machine.stop(), fine());
    assert_eq!(machine.director.ok("-L --daemon"), "");
    assert_eq!(machine.director.saved(), "-A -f 1 -s wlc\n");
    assert_eq!(machine.read("ipvsadm.rules"), RULES);
}

#[test]
fn a_machine_with_red_hats_settings_keeps_its_rules() {
    let machine = Machine::new(&[
        ("sysconfig/ipvsadm", RULES),
        ("sysconfig/ipvsadm-config", "# Red Hat's\nIPVS_SAVE_ON_STOP=\"yes\"\nIPVS_SAVE_ON_RESTART=\"no\"\n"),
    ]);
    let director = &machine.director;
    assert_eq!(machine.start(), fine());
    assert_eq!(director.saved(), RULES);

    director.ok("-D -f 7");
    director.ok("--set 901 0 0");
    director.ok("--start-daemon master --mcast-interface d0 --syncid 3");
    let full = director.ok("-S -n --full");
    assert_eq!(machine.stop(), fine());
    assert_eq!((director.saved(), director.ok("-L --daemon")), Default::default());
    assert_eq!(machine.read("sysconfig/ipvsadm"), full);
    assert!(full.contains("--set 901 ") && full.contains("--start-daemon master "), "{full}");
    assert_eq!(machine.start(), fine());
    assert_eq!(director.ok("-S -n --full"), full);

    // Our own setting comes first.
    machine.write("default/ipvsadm", "SAVE_ON_STOP=no\n");
    director.ok("-C");
    director.ok("-A -f 1");
    assert_eq!(machine.stop(), fine());
    assert_eq!(machine.read("sysconfig/ipvsadm"), full);
}

#[test]
fn a_machine_without_rules_is_fine() {
    let machine = Machine::new(&[]);
    machine.director.ok("-A -f 1");
    machine.stage.ok(&format!("cp {}/etc/default/ipvsadm /etc/default/", machine.folder.0.display()));
    let said =
        "ipvsadm.service: there are no rules: neither /etc/ipvsadm.rules nor /etc/sysconfig/ipvsadm exists\n";
    assert_eq!(machine.start(), (said.to_string(), 0));
    assert_eq!(machine.reload(), (said.to_string(), 0));
    assert_eq!(machine.director.saved(), "-A -f 1 -s wlc\n");

    // The first rules are those that are saved.
    assert_eq!(machine.attempt("/usr/local/lib/ipvsadm/service save"), fine());
    assert_eq!(machine.read("ipvsadm.rules"), machine.director.ok("-S -n --full"));
    assert_eq!(machine.stage.ok("stat -c %a /etc/ipvsadm.rules"), "644\n");
}

#[test]
fn a_reload_does_not_touch_what_is_equal() {
    let rules = "-A -u 192.0.2.1:5000 -s rr\n-a -u 192.0.2.1:5000 -r 192.0.2.2:5001 -m -w 1\n";
    let machine = Machine::new(&[("ipvsadm.rules", rules)]);
    let director = &machine.director;
    director.system("ip address add 192.0.2.1 dev lo; ip address add 192.0.2.2 dev lo");
    assert_eq!(machine.start(), fine());
    let server = UdpSocket::bind("192.0.2.2:5001").unwrap();
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"hello", "192.0.2.1:5000").unwrap();
    server.recv_from(&mut [0; 16]).unwrap();
    sleep(Duration::from_millis(2500)); // for the kernel to bring its numbers up to date
    let counted = "  -> 192.0.2.2:5001                      1        1        0       33 ";
    let stats = || director.ok("-L -n --stats -u 192.0.2.1:5000");
    assert!(stats().contains(counted), "{}", stats());

    director.ok("-A -f 8");
    machine.write("ipvsadm.rules", &format!("{rules}-A -f 7 -s rr\n"));
    assert_eq!(machine.reload(), fine());
    assert_eq!(director.saved(), format!("{rules}-A -f 7 -s rr\n"));
    assert!(stats().contains(counted), "{}", stats());
}

#[test]
fn rules_that_cannot_be_loaded_change_nothing() {
    let machine = Machine::new(&[("default/ipvsadm", "DAEMON=both\nIFACE=d0\n")]);
    let before = "-A -f 1 -s wlc\n";
    machine.director.ok("-A -f 1");
    for (rules, what, status) in [
        ("-A -f 2\n-A -f none\n", "/etc/ipvsadm.rules:2: -f \"none\"", 2),
        ("-A -f 2\n-A -f 3 -s x\n", "/etc/ipvsadm.rules:2: cannot add service", 255),
        ("", "ipvsadm: /etc/ipvsadm.rules says nothing at all", 2),
    ] {
        machine.write("ipvsadm.rules", rules);
        for (said, result) in [machine.start(), machine.reload()] {
            assert!(said.starts_with(what), "{said}");
            assert_eq!(result, status);
        }
        assert_eq!(machine.director.saved(), before);
        assert_eq!(machine.director.ok("-L --daemon"), "");
    }

    machine.write("ipvsadm.rules", RULES);
    for (settings, what) in [
        ("DAEMON=all", "DAEMON=all: this can be none, master, backup or both"),
        ("AUTO=ture", "AUTO=ture: this can be yes or no"),
    ] {
        machine.write("default/ipvsadm", &format!("{settings}\n"));
        for run in [machine.start(), machine.reload(), machine.stop()] {
            assert_eq!(run, (format!("ipvsadm.service: {what}\n"), 1));
        }
    }
    machine.write("default/ipvsadm", "RULES=/etc/others\n");
    let missing = "ipvsadm: cannot read /etc/others: No such file or directory (os error 2)\n";
    assert_eq!(machine.start(), (missing.to_string(), 255));
    assert_eq!(machine.director.saved(), before);
}

#[test]
fn a_daemons_interface_may_come_late() {
    let daemon = "--start-daemon backup --mcast-interface d2 --syncid 3\n";
    let machine = Machine::new(&[
        ("ipvsadm.rules", &format!("{RULES}{daemon}")),
        ("default/ipvsadm", "DAEMON=master\nIFACE=d1\nSYNCID=3\n"),
    ]);
    machine.stage.ok("(sleep 1; ip link add d1 type dummy; ip link add d2 type dummy
        ip link set d1 multicast on up; sleep 1; ip link set d2 multicast on up) >/dev/null 2>&1 &");
    assert_eq!(machine.start(), fine());
    assert_eq!(machine.director.saved(), RULES);
    let daemons = DAEMONS.replacen("d0", "d1", 1).replacen("d0", "d2", 1);
    assert_eq!(machine.director.ok("-L --daemon"), daemons);
    assert_eq!(machine.stop(), fine());
}

#[test]
fn stopping_saves_and_clears_as_configured() {
    let machine = Machine::new(&[("ipvsadm.rules", RULES), ("default/ipvsadm", "CLEAR_ON_STOP=no\n")]);
    let director = &machine.director;
    let edited = RULES.replace("-w 3", "-w 5");
    let edit = || director.ok("-e -t 192.0.2.1:80 -r 198.51.100.1:8080 -m -w 5");
    assert_eq!(machine.start(), fine());
    edit();
    assert_eq!(machine.stop(), fine());
    assert_eq!((director.saved(), machine.read("ipvsadm.rules")), (edited.clone(), RULES.to_string()));

    // What cannot be saved is not cleared.
    machine.write("default/ipvsadm", "SAVE_ON_STOP=yes\n");
    machine.stage.ok("mv /etc/ipvsadm.rules /etc/rules && mkdir /etc/ipvsadm.rules");
    let (said, status) = machine.stop();
    let sentence = "ipvsadm-save: cannot write /etc/ipvsadm.rules: it is not a regular file\n";
    assert_eq!((said.as_str(), status), (sentence, 1));
    assert_eq!(director.saved(), edited);
    machine.stage.ok("rmdir /etc/ipvsadm.rules && mv /etc/rules /etc/ipvsadm.rules");

    assert_eq!(machine.stop(), fine());
    assert_eq!(director.saved(), "");
    assert_eq!(machine.start(), fine());
    assert_eq!(director.saved(), edited);

    // An empty table does not replace the rules.
    director.ok("-C");
    let said = "ipvsadm.service: the table is empty, which is not saved\n";
    assert_eq!(machine.stop(), (said.to_string(), 0));
    assert_eq!(machine.start(), fine());
    assert_eq!(director.saved(), edited);
}

#[test]
fn a_file_is_saved_wholly_or_not_at_all() {
    let machine = Machine::new(&[]);
    let (director, stage) = (&machine.director, &machine.stage);
    director.feed("-R", RULES);
    let save = |words: &str| machine.attempt(&format!("/usr/local/sbin/ipvsadm-save {words}"));
    stage.ok("mkdir /run/disk && mount -t tmpfs -o size=32k tmpfs /run/disk");
    let state = |what: &str| stage.ok(&format!("cd /run/disk && stat -c '%n %a %u:%g %F' * && {what}"));

    stage.ok("cd /run/disk && echo old >rules && chmod 640 rules && chown 12:34 rules && ln -s rules link");
    for (words, expected) in [
        ("-n -o /run/disk/rules", RULES.to_string()),
        ("-n --full --output /run/disk/link", director.ok("-S -n --full")),
        ("--output=/run/disk/link", director.ok("-S")),
        ("-n -o /run/disk/rules", RULES.to_string()),
    ] {
        assert_eq!(save(words), fine());
        assert_eq!(
            state("cat rules"),
            format!("link 777 0:0 symbolic link\nrules 640 12:34 regular file\n{expected}")
        );
    }
    assert_eq!(save("-n -o /run/disk/new"), fine());
    assert_eq!(stage.ok("cd /run/disk && stat -c %a new && cat new && rm new"), format!("644\n{RULES}"));
    assert_eq!(machine.attempt("umask 077; /usr/local/sbin/ipvsadm-save -o /run/disk/new"), fine());
    assert_eq!(stage.ok("cd /run/disk && stat -c %a new && rm new"), "600\n");

    // Enough for a copy of the old file, but not for the new one.
    let before = state("cat rules");
    let many: String = (1001..4000).map(|mark| format!("-A -f {mark}\n")).collect();
    assert_eq!(director.feed("-R", &many).status, 0);
    let (said, status) = save("-n -o /run/disk/rules");
    let end = "\nipvsadm-save: /run/disk/rules was not written, and is as it was\n";
    assert!(said.contains("No space left on device") && said.ends_with(end), "{said}");
    assert_eq!((status, state("cat rules")), (1, before.clone()));

    // Not enough for anything.
    machine.attempt("cat /dev/zero >/run/disk/zeros");
    let (said, status) = save("-n -o /run/disk/link");
    assert!(said.contains("No space left on device"), "{said}");
    assert!(said.ends_with("\nipvsadm-save: /run/disk/link was not written, and is as it was\n"), "{said}");
    stage.ok("rm /run/disk/zeros");
    assert_eq!((status, state("cat rules")), (1, before.clone()));

    // A program that fails, and places where no file can be.
    for (command, status, end) in [
        (
            "setpriv --bounding-set -net_admin -- /usr/local/sbin/ipvsadm-save -o /run/disk/rules",
            2,
            "ipvsadm-save: /run/disk/rules was not written, and is as it was\n",
        ),
        (
            "/usr/local/sbin/ipvsadm-save -o /run/disk",
            1,
            "cannot write /run/disk: it is not a regular file\n",
        ),
        (
            "/usr/local/sbin/ipvsadm-save -o /dev/null",
            1,
            "cannot write /dev/null: it is not a regular file\n",
        ),
        ("/usr/local/sbin/ipvsadm-save -o /run/no/rules", 1, "/run/no/rules: its folder does not exist\n"),
        ("/usr/local/sbin/ipvsadm-save -o", 1, "ipvsadm-save: -o needs the name of a file\n"),
    ] {
        let (said, result) = machine.attempt(command);
        assert!(said.ends_with(end), "{command}: {said}");
        assert_eq!((result, state("cat rules")), (status, before.clone()), "{command}");
    }
}

#[test]
fn what_is_installed_can_be_removed() {
    let folder = Folder::new();
    let expected: BTreeSet<String> = [
        "etc/default/ipvsadm",
        "usr/lib/ipvsadm/service",
        "usr/lib/systemd/system/ipvsadm.service",
        "usr/sbin/ipvsadm",
        "usr/sbin/ipvsadm-restore",
        "usr/sbin/ipvsadm-save",
        "usr/share/bash-completion/completions/ipvsadm",
        "usr/share/fish/vendor_completions.d/ipvsadm.fish",
        "usr/share/man/man8/ipvsadm-restore.8",
        "usr/share/man/man8/ipvsadm-save.8",
        "usr/share/man/man8/ipvsadm.8",
        "usr/share/zsh/site-functions/_ipvsadm",
    ]
    .map(String::from)
    .into();
    let said = folder.install("--prefix /usr/");
    assert!(said.contains("systemctl enable --now /usr/lib/systemd/system/ipvsadm.service"), "{said}");
    assert_eq!(folder.files(), expected);
    let read = |name: &str| fs::read_to_string(folder.0.join(name)).unwrap();
    let unit = read("usr/lib/systemd/system/ipvsadm.service");
    assert!(unit.contains("ExecStart=/usr/lib/ipvsadm/service start\n") && !unit.contains('@'), "{unit}");

    // Again, in place of what is there; but settings are the administrator's.
    fs::write(folder.0.join("etc/default/ipvsadm"), "AUTO=false\n").unwrap();
    fs::write(folder.0.join("etc/ipvsadm.rules"), RULES).unwrap();
    fs::write(folder.0.join("usr/sbin/other"), "").unwrap();
    let said = folder.install("--prefix /usr");
    assert!(said.contains("etc/default/ipvsadm was there already and stays.\n"), "{said}");
    assert_eq!(read("etc/default/ipvsadm"), "AUTO=false\n");

    for _ in 0..2 {
        let said = folder.install("--prefix /usr --uninstall");
        let place = folder.0.display();
        let stays = format!("{place}/etc/default/ipvsadm stays.\n{place}/etc/ipvsadm.rules stays.\n");
        assert_eq!(said, format!("Removed ipvsadm from {place}/usr.\n{stays}"));
        let rest = ["etc/default/ipvsadm", "etc/ipvsadm.rules", "usr/sbin/other"].map(String::from);
        assert_eq!(folder.files(), rest.into());
        assert!(!folder.0.join("usr/lib/ipvsadm").exists());
    }

    for (words, what) in [
        ("--prefix usr", "--prefix takes an absolute path, not usr"),
        ("--prefix /a|b", "--prefix takes letters, digits and any of ._/+-, not /a|b"),
        ("--prefix", "--prefix needs a value"),
        ("--help-me", "unknown option --help-me (see scripts/install -h)"),
    ] {
        let run = run(Command::new(INSTALL).args(words.split(' ')));
        assert_eq!((run.status, run.stderr), (1, format!("scripts/install: {what}\n")));
    }
}

/// Where systemd is not on the machine, there is nobody to ask.
#[test]
fn systemd_understands_the_unit() {
    let machine = Machine::new(&[]);
    let line = "systemd-analyze verify --man=no /usr/local/lib/systemd/system/ipvsadm.service";
    assert_eq!(
        machine.attempt("command -v systemd-analyze").1,
        0,
        "systemd-analyze is missing: install systemd"
    );
    assert_eq!(machine.attempt(line), fine());
}

/// A machine in a machine, with systemd: its network comes up late, what needs it looks at the table and
/// tries the service.
const BOOT: &str = r#"
mkdir /run/root && mount -t tmpfs tmpfs /run/root && cd /run/root
mkdir -p usr etc/default etc/systemd/system proc sys dev run tmp old
mount --bind /usr usr && mount -o remount,bind,ro usr && mount --bind "$1/usr/local" usr/local
for folder in bin sbin lib lib64; do ln -s usr/$folder $folder; done
for node in null zero random urandom; do touch dev/$node && mount --bind /dev/$node dev/$node; done
cp /etc/passwd /etc/group /etc/ld.so.cache etc
echo 0123456789abcdef0123456789abcdef >etc/machine-id
mount -t sysfs sysfs sys && mount -t cgroup2 cgroup2 sys/fs/cgroup
cp /etc/ipvsadm.rules etc && cp /etc/default/ipvsadm etc/default
cd etc/systemd/system
for target in sysinit basic shutdown; do printf '[Unit]\nDefaultDependencies=no\n' >$target.target; done
cat >boot.target <<'END'
[Unit]
Wants=network-online.target late.service ipvsadm.service probe.service
END
cat >late.service <<'END'
[Unit]
After=network.target
Before=network-online.target
[Service]
Type=oneshot
ExecStart=sh -c 'sleep 2; ip link add d1 type dummy; ip link set d1 multicast on up'
END
cat >probe.service <<'END'
[Unit]
After=network-online.target
[Service]
Type=oneshot
ExecStart=sh /probe
StandardOutput=file:/said
StandardError=null
END
cd /run/root
cat >probe <<'END'
PATH=/usr/local/sbin:/usr/sbin:/usr/bin
look() {
    echo "$1: $2, $(systemctl is-active ipvsadm), $(ipvsadm -S -n | wc -l) lines, $(ipvsadm -L --daemon | wc -l) daemons"
}
look boot 0
echo '-A -f 9' >>/etc/ipvsadm.rules; systemctl reload ipvsadm; look reload $?
echo '-A -f none' >>/etc/ipvsadm.rules; systemctl reload ipvsadm; look 'bad reload' $?
sleep 1; systemctl stop ipvsadm; look stop $?
systemctl start ipvsadm; look 'bad start' $?
sed -i '$d' /etc/ipvsadm.rules; systemctl start ipvsadm; look start $?
sleep 1; systemctl restart ipvsadm; look restart $?
sleep 1; systemctl stop ipvsadm; look stop $?
mv /said /all
END
cat >init <<'END'
mount -t proc proc /proc
exec env -i container=test PATH=/usr/sbin:/usr/bin /usr/lib/systemd/systemd --system --unit=boot.target --log-target=console
END
unshare --mount --pid --uts --ipc --fork --kill-child sh -c '
    pivot_root . old && exec chroot . sh /init' >log 2>&1 &
for second in $(seq 60); do
    [ ! -e all ] || break
    sleep 1
done
kill $! 2>/dev/null
cat all 2>/dev/null || cat said log
"#;

/// Only on user-mode Linux, as systemd takes the control groups over.
#[test]
fn systemd_starts_reloads_and_stops_the_service() {
    if !fs::read_to_string("/proc/cpuinfo").unwrap().contains("User Mode Linux") {
        return;
    }
    assert!(Path::new("/usr/lib/systemd/systemd").exists(), "systemd is missing: install it");
    // It has so much to do that it runs alone: other tests have programs that cannot wait.
    let machine = Machine::on(
        Director::alone(),
        &[("ipvsadm.rules", RULES), ("default/ipvsadm", "AUTO=true\nDAEMON=both\nIFACE=d1\nSYNCID=3\n")],
    );
    let (said, _) = machine.attempt(&format!("set -- {}\n{BOOT}", machine.folder.0.display()));
    let expected = "\
boot: 0, active, 4 lines, 2 daemons
reload: 0, active, 5 lines, 2 daemons
bad reload: 1, active, 5 lines, 2 daemons
stop: 0, inactive, 0 lines, 0 daemons
bad start: 1, failed, 0 lines, 0 daemons
start: 0, active, 5 lines, 2 daemons
restart: 0, active, 5 lines, 2 daemons
stop: 0, inactive, 0 lines, 0 daemons
";
    assert_eq!(said, expected, "{said}");
}
