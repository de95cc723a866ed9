//! Comparing settings, except for those that the kernel ignores or chooses itself.

use crate::daemon::SyncDaemon;
use crate::destination::{Destination, Forwarding};
use crate::service::Service;
use crate::settings::Timeouts;

/// Returns whether a service is as desired. Without persistence the kernel ignores the netmask.
pub(crate) fn same_service(present: &Service, desired: &Service) -> bool {
    let mut present = *present;
    if present.persistence.is_none() && desired.persistence.is_none() {
        // The address families are equal, as the ids are.
        let _ = present.set_netmask(desired.netmask());
    }
    present == *desired
}

/// Returns whether a destination is as desired. The kernel itself makes a destination local, and ignores the
/// encapsulation without tunnelling.
pub(crate) fn same_destination(present: &Destination, desired: &Destination) -> bool {
    let mut present = *present;
    if present.forwarding == Forwarding::Local {
        present.forwarding = desired.forwarding;
    }
    if desired.forwarding != Forwarding::Tunnel {
        present.tunnel = desired.tunnel;
    }
    present == *desired
}

/// Returns whether the timeouts are as desired. A desired one of 0 may have any value.
pub(crate) fn same_timeouts(present: &Timeouts, desired: &Timeouts) -> bool {
    let same = |present, desired| desired == 0 || present == desired;
    same(present.tcp, desired.tcp) && same(present.tcp_fin, desired.tcp_fin) && same(present.udp, desired.udp)
}

/// Returns whether a daemon is as desired. What is left to the kernel may have any value.
pub(crate) fn same_daemon(running: &SyncDaemon, desired: &SyncDaemon) -> bool {
    let &SyncDaemon { max_length, group, port, ttl, .. } = running;
    let or_running = |desired, running| if desired == 0 { running } else { desired };
    let desired = SyncDaemon {
        max_length: or_running(desired.max_length, max_length),
        port: or_running(desired.port, port),
        ttl: if desired.ttl == 0 { ttl } else { desired.ttl },
        group: desired.group.or(group),
        ..*desired
    };
    *running == desired
}
