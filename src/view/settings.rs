//! Answers of one line: the version, the timeouts, a sync daemon.

use std::fmt::Write;

use ipvs_netlink::{SyncDaemon, Timeouts};

use crate::output::Output;

/// The date of this release.
const RELEASE_DATE: &str = "2026/11/22";

/// Appends the answer to `-v`. Scripts look for `ipvsadm v` and a number at its start.
pub(crate) fn version(output: &mut Output) {
    let version = env!("CARGO_PKG_VERSION");
    // Writing to memory cannot fail.
    let _ = writeln!(output, "ipvsadm v{version} {RELEASE_DATE} (compiled with clap and IPVS v1.2.1)");
}

/// Appends the answer to `-L --timeout`.
pub(crate) fn timeouts(output: &mut Output, timeouts: Timeouts) {
    let Timeouts { tcp, tcp_fin, udp, .. } = timeouts;
    let _ = writeln!(output, "Timeout (tcp tcpfin udp): {tcp} {tcp_fin} {udp}");
}

/// Appends the answer to `-L --daemon`: a line for each sync daemon that runs.
pub(crate) fn daemons(output: &mut Output, daemons: &[SyncDaemon]) {
    for daemon in daemons {
        let SyncDaemon { state, interface, sync_id, max_length, port, ttl, .. } = daemon;
        let _ = write!(output, "{state} sync daemon (mcast=");
        output.foreign(interface.as_bytes());
        let _ = write!(output, ", syncid={sync_id}, maxlen={max_length}");
        if let Some(address) = daemon.group {
            output.push(", group=");
            output.address(address);
        }
        let _ = writeln!(output, ", port={port}, ttl={ttl})");
    }
}
