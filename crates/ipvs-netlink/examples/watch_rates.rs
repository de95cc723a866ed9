//! Prints the connections per second of each service, every SECONDS, TIMES times: `cargo run --example watch_rates 2 5`
//!
//! The rates are computed from two readings. The kernel's own are smoothed, and stand still while
//! `net.ipv4.vs.run_estimation` is 0. The kernel updates the counters every two seconds.

use std::collections::HashMap;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use ipvs_netlink::{Error, Ipvs, ServiceId};

fn main() -> ExitCode {
    let Err(error) = run() else { return ExitCode::SUCCESS };
    eprintln!("{error}");
    ExitCode::FAILURE
}

fn run() -> Result<(), Error> {
    let mut numbers = std::env::args().skip(1).filter_map(|text| text.parse::<u32>().ok());
    let (seconds, times) = (numbers.next().unwrap_or(2).max(1), numbers.next().unwrap_or(5));

    let mut ipvs = Ipvs::connect()?;
    let mut previous = count_connections(&mut ipvs)?;
    for _ in 0..times {
        sleep(Duration::from_secs(seconds.into()));
        let current = count_connections(&mut ipvs)?;
        for (id, count) in &current {
            // A service that was added or zeroed meanwhile starts at 0.
            let before = previous.get(id).copied().filter(|before| before <= count).unwrap_or(0);
            println!("{id}: {:.1} connections/s", (count - before) as f64 / f64::from(seconds));
        }
        previous = current;
    }
    Ok(())
}

fn count_connections(ipvs: &mut Ipvs) -> Result<HashMap<ServiceId, u64>, Error> {
    Ok(ipvs.services()?.iter().map(|state| (state.id(), state.stats.connections)).collect())
}
