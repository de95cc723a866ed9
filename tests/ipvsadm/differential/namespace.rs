//! What the namespaces of both programs have.

use std::path::Path;
use std::process::Command;

use nix::sched::{CloneFlags, unshare};

/// Interfaces that sync daemons need.
const SETUP: &str = "ip link set lo up
for i in d0 d1 eth0 eth1 a23456789012345; do
    ip link add $i type dummy && ip link set $i up
done
ip link set d1 mtu 9000
ip address add 10.99.0.1/24 dev d0
ip -6 address add 2001:db8:99::1/64 dev d0 nodad";

/// Fits the thread's fresh network namespace out.
pub fn set_up() {
    system(SETUP);
}

/// Names of hosts come from a file in the thread's own view of the file system.
pub fn private_names() {
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ipvsadm/differential/names");
    let folder = folder.display();
    system(&format!(
        "mount --make-rprivate /
        mount --bind {folder}/hosts /etc/hosts
        mount --bind {folder}/nsswitch.conf /etc/nsswitch.conf"
    ));
}

pub fn system(script: &str) {
    let status = Command::new("sh").args(["-e", "-c", script]).status().unwrap();
    assert!(status.success(), "{script}");
}
