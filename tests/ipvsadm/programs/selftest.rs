//! The kernel's own test of IPVS, which builds clusters with ipvsadm and sends files through them.

use super::*;

/// Runs the test in a mount namespace, with the program under test as ipvsadm. The names of its network
/// namespaces disappear afterwards. The time limit is needed because the test waits forever if a cluster
/// does not answer.
const SCRIPT: &str = r#"
mkdir -p /run/netns
mount -t tmpfs tmpfs /run/netns
mount -t tmpfs tmpfs /mnt
ln -s "$1" /mnt/ipvsadm
ln -s "$2" /mnt/nc
ln -s "$3" /mnt/ethtool
PATH=/mnt:$PATH exec timeout 300 bash "$4"
"#;

#[test]
fn the_kernels_self_test_passes() {
    let fetch = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/testkernel/selftest");
    let script = run(&mut Command::new(fetch));
    assert_eq!(script.status, 0, "{}run {fetch} outside the kernel first", script.stderr);

    let _director = Director::new();
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-e", "-c", SCRIPT, "sh", PROGRAM]);
    command.args(["nc.openbsd", "ethtool"].map(unpacked_program)).arg(script.stdout.trim_end());
    let result = run(&mut command);
    let modes = ["DR", "NAT", "Tunnel"].map(|mode| format!("Testing {mode} mode...\n")).concat();
    assert_eq!(result.stdout, modes + "ipvs.sh: \x1b[0;92mPASS\x1b[0m\n", "{}", result.stderr);
    assert_eq!((result.status, result.stderr.as_str()), (0, ""));
}
