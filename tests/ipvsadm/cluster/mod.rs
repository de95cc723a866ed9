//! Working clusters: real packets between the machines of a private network.

mod arp;
mod capture;
mod directors;
mod doctor;
mod drain;
mod draining;
mod failover;
mod file_transfers;
mod filters;
mod follow_load;
mod ftp;
mod machine;
mod maintenance;
mod marks;
mod methods;
mod network;
mod one_packet;
mod persistence;
mod schedulers;
mod sip;
mod synchronisation;
mod tcp;
mod thresholds;
mod tunnels;
mod udp;

use std::thread::sleep;
use std::time::{Duration, Instant};

/// The time limit for a director to react on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until the condition holds, and returns whether it did in time.
pub fn wait_until(condition: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        sleep(Duration::from_millis(100));
    }
    true
}
