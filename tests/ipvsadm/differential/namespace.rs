//! Sets up the namespaces of both programs.

use std::path::Path;
use std::process::Command;

use nix::sched::{CloneFlags, unshare};

/// Creates the interfaces that sync daemons need.
const SETUP: &str = "ip link set lo up
for i in d0 d1 eth0 eth1 a23456789012345; do
    ip link add $i type dummy && ip link set $i up
done
ip link set d1 mtu 9000
ip address add 10.99.0.1/24 dev d0
ip -6 address add 2001:db8:99::1/64 dev d0 nodad";

/// Sets up the thread's fresh network namespace.
pub fn set_up() {
    run_script(SETUP);
}

/// Gives the thread a mount namespace in which host names come from a file.
pub fn mount_private_hosts() {
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ipvsadm/differential/names");
    let folder = folder.display();
    run_script(&format!(
        "mount --make-rprivate /
        mount --bind {folder}/hosts /etc/hosts
        mount --bind {folder}/nsswitch.conf /etc/nsswitch.conf"
    ));
}

pub fn run_script(script: &str) {
    let status = Command::new("sh").args(["-e", "-c", script]).status().unwrap();
    assert!(status.success(), "{script}");
}
