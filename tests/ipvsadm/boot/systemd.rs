//! The unit run by systemd.

use super::*;

/// The units that are installed.
const UNITS: [&str; 4] =
    ["ipvsadm.service", "ipvsadm-follow-load.service", "ipvsadm-metrics.service", "ipvsadm-metrics.timer"];

/// Runs systemd-analyze on an installed unit. It is unpacked like other programs, and finds its library and the
/// units of systemd there, unless they are installed.
fn analyze(machine: &Machine, words: &str, unit: &str) -> (String, i32) {
    machine.run_shell(&format!(
        "folder=$(echo {root}/usr/lib/*/systemd)
        export LD_LIBRARY_PATH=$folder SYSTEMD_UNIT_PATH={root}/lib/systemd/system:{root}/usr/lib/systemd/system
        {program} {words} /usr/local/lib/systemd/system/{unit}",
        root = unpacked(""),
        program = unpacked_program("systemd-analyze").display(),
    ))
}

#[test]
fn systemd_accepts_the_units() {
    let machine = Machine::new(&[]);
    for unit in UNITS {
        assert_eq!(analyze(&machine, "verify --man=no", unit), silent_success(), "{unit}");
    }
}

#[test]
fn the_units_are_confined() {
    let machine = Machine::new(&[]);
    for unit in UNITS.iter().filter(|unit| unit.ends_with(".service")) {
        // The threshold is ten times the exposure level.
        let (output, status) = analyze(&machine, "security --offline=true --no-pager --threshold=40", unit);
        assert_eq!(status, 0, "{output}");
    }
}

/// The agent and its units are for other machines, so nothing installs them.
#[test]
fn the_units_of_the_example_for_real_servers_are_accepted_and_confined() {
    let machine = Machine::new(&[]);
    let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts");
    let (output, status) = machine.run_shell(&format!(
        "install -D {scripts}/agent /usr/local/libexec/ipvsadm-agent && \
         cp {scripts}/systemd/ipvsadm-agent* /usr/local/lib/systemd/system"
    ));
    assert_eq!(status, 0, "{output}");
    assert_eq!(analyze(&machine, "verify --man=no", "ipvsadm-agent.socket"), silent_success());
    assert_eq!(analyze(&machine, "verify --man=no", "ipvsadm-agent@.service"), silent_success());
    let (output, status) =
        analyze(&machine, "security --offline=true --no-pager --threshold=15", "ipvsadm-agent@.service");
    assert_eq!(status, 0, "{output}");
}

/// Boots systemd in a container whose network comes up late. Once the network is up, `probe.service` starts,
/// reloads and stops the service and reports the table after each step.
const BOOT: &str = r#"
mkdir /run/root && mount -t tmpfs tmpfs /run/root && cd /run/root
mkdir -p usr etc/default etc/systemd/system proc sys dev run tmp old var/lib var/tmp
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
systemctl show --property=TimeoutStartUSec ipvsadm
look boot 0
echo '-A -f 9' >>/etc/ipvsadm.rules; systemctl reload ipvsadm; look reload $?
echo '-A -f none' >>/etc/ipvsadm.rules; systemctl reload ipvsadm; look 'bad reload' $?
sleep 1; systemctl stop ipvsadm; look stop $?
systemctl start ipvsadm; look 'bad start' $?
sed -i '$d' /etc/ipvsadm.rules; systemctl start ipvsadm; look start $?
sleep 1; systemctl restart ipvsadm; look restart $?
sleep 1; systemctl stop ipvsadm; look stop $?
mkdir /etc/sysconfig; touch /etc/sysconfig/ipvsadm; echo '# nothing' >/etc/ipvsadm.rules
echo 'AUTO="false"' >/etc/default/ipvsadm; systemctl start ipvsadm; look 'AUTO=false' $?
echo 'SAVE_ON_STOP=yes' >/etc/default/ipvsadm; systemctl restart ipvsadm; look 'no rules' $?
ipvsadm -A -f 5; systemctl stop ipvsadm; look 'saving stop' $?
systemctl start ipvsadm; look 'saved start' $?
mv /said /all
END
cat >init <<'END'
mount -t proc proc /proc
exec env -i container=test PATH=/usr/sbin:/usr/bin /usr/lib/systemd/systemd --system --unit=boot.target --log-target=console
END
unshare --mount --pid --uts --ipc --fork --kill-child sh -c '
    pivot_root . old && exec chroot . sh /init' >log 2>&1 &
for second in $(seq 180); do
    [ ! -e all ] || break
    sleep 1
done
kill $! 2>/dev/null
cat all 2>/dev/null || cat said log
"#;

/// Runs on user-mode Linux only, because systemd takes over the control groups.
#[test]
fn systemd_starts_reloads_and_stops_the_service() {
    if !fs::read_to_string("/proc/cpuinfo").unwrap().contains("User Mode Linux") {
        return;
    }
    assert!(Path::new("/usr/lib/systemd/systemd").exists(), "systemd is missing: install it");
    // Booting keeps the machine so busy that the test runs alone: other tests depend on timing.
    let machine = Machine::with_director(
        Director::alone(),
        &[("ipvsadm.rules", RULES), ("default/ipvsadm", "AUTO=true\nDAEMON=both\nIFACE=d1\nSYNCID=3\n")],
    );
    let (output, _) = machine.run_shell(&format!("set -- {}\n{BOOT}", machine.folder.0.display()));
    let expected = "\
TimeoutStartUSec=3min
boot: 0, active, 4 lines, 2 daemons
reload: 0, active, 5 lines, 2 daemons
bad reload: 1, active, 5 lines, 2 daemons
stop: 0, inactive, 0 lines, 0 daemons
bad start: 1, failed, 5 lines, 2 daemons
start: 0, active, 5 lines, 2 daemons
restart: 0, active, 5 lines, 2 daemons
stop: 0, inactive, 0 lines, 0 daemons
AUTO=false: 0, active, 0 lines, 0 daemons
no rules: 0, active, 0 lines, 0 daemons
saving stop: 0, inactive, 0 lines, 0 daemons
saved start: 0, active, 1 lines, 0 daemons
";
    assert_eq!(output, expected, "{output}");
}
