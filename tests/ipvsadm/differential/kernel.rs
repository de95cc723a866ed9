//! The kernel's state, read by neither program but from the kernel's own file and through the library.

use std::fs::File;
use std::io::Read;

use ipvs_netlink::*;

/// Services with their destinations, in order of addition.
pub type Snapshot = Vec<(Service, Vec<Destination>)>;

/// The number of lines that the first read of the file always returns. If other namespaces have services,
/// kernels up to Linux 6.x lose their position between two reads.
const LINES_IN_FIRST_READ: usize = 40;

/// Reads `/proc/net/ip_vs` of the thread's namespace, or returns nothing if it is long. The kernel orders
/// services by a hash that differs between namespaces, so they are sorted here; servers are not.
pub fn proc_file(snapshot: &Snapshot) -> String {
    if snapshot.iter().map(|(_, destinations)| 1 + destinations.len()).sum::<usize>() > LINES_IN_FIRST_READ {
        return String::new();
    }
    let mut bytes = vec![0; 4096];
    let length = File::open("/proc/thread-self/net/ip_vs").unwrap().read(&mut bytes).unwrap();
    let text = std::str::from_utf8(&bytes[..length]).unwrap();
    let mut services: Vec<String> = Vec::new();
    for line in text.lines().skip(3) {
        match services.last_mut() {
            Some(service) if line.starts_with("  ->") => service.push_str(line),
            _ => services.push(line.to_owned()),
        }
        services.last_mut().unwrap().push('\n');
    }
    services.sort();
    services.concat()
}

/// Describes all settings, of which the file shows only some.
pub fn settings(ipvs: &mut Ipvs, snapshot: &Snapshot) -> String {
    let mut lines: Vec<String> = snapshot
        .iter()
        .map(|(service, destinations)| {
            let lines = destinations.iter().map(|destination| format!("    {destination:?}\n"));
            format!("{service:?}\n{}", lines.collect::<String>())
        })
        .collect();
    lines.sort();
    lines.push(format!("{:?}\n", ipvs.timeouts().unwrap()));
    lines.extend(ipvs.daemons().unwrap().iter().map(|daemon| format!("{daemon:?}\n")));
    lines.concat()
}

/// Reads the kernel's table.
pub fn snapshot(ipvs: &mut Ipvs) -> Snapshot {
    let table = ipvs.table().unwrap();
    let destinations =
        |entry: &TableEntry| entry.destinations.iter().rev().map(|state| state.settings).collect();
    table.entries.iter().map(|entry| (entry.service.settings, destinations(entry))).collect()
}

/// Replaces the kernel's table, restores the default timeouts and stops the sync daemons.
pub fn restore(ipvs: &mut Ipvs, snapshot: &Snapshot) {
    ipvs.flush().unwrap();
    // Stopping a daemon may take the kernel longer than the library waits.
    while let [daemon, ..] = ipvs.daemons().unwrap()[..] {
        let _ = ipvs.stop_daemon(daemon.state);
    }
    ipvs.set_timeouts(Timeouts::new(900, 120, 300)).unwrap();
    for (service, destinations) in snapshot {
        ipvs.add_service(*service).unwrap();
        for destination in destinations {
            ipvs.add_destination(service.id(), *destination).unwrap();
        }
    }
}
