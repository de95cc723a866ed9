//! Clusters at work: real packets between the machines of a network of their own.

mod arp;
mod capture;
mod directors;
mod failover;
mod file_transfers;
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

/// How long a director may take on a machine that has much to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for something to become true, and tells whether it has.
pub fn soon(holds: impl Fn() -> bool) -> bool {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        if Instant::now() > end {
            return false;
        }
        sleep(Duration::from_millis(100));
    }
    true
}
