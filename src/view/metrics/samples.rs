//! The numbers behind the samples, and the labels that tell samples apart.

use std::collections::BTreeMap;

use ipvs_netlink::{DestinationId, DestinationState, ServiceState, Stats, Table};

use super::label;
use crate::grammar::SumBy;
use crate::momentary::MomentaryWeights;
use crate::view::order::sorted_servers;

/// The numbers of a service or a server, or sums of them.
#[derive(Default)]
pub(super) struct Numbers {
    pub(super) stats: Stats,
    pub(super) servers: u64,
    pub(super) active: u64,
    pub(super) inactive: u64,
    pub(super) clients: u64,
    pub(super) weight: u64,
    pub(super) configured: u64,
    pub(super) upper: u64,
    pub(super) lower: u64,
}

impl Numbers {
    fn add(&mut self, server: &DestinationState, configured: u32) {
        self.servers += 1;
        self.active += u64::from(server.active_connections);
        self.inactive += u64::from(server.inactive_connections);
        self.clients += u64::from(server.persistent_connections);
        self.weight += u64::from(server.settings.weight);
        self.configured += u64::from(configured);
        self.upper += u64::from(server.settings.upper_threshold);
        self.lower += u64::from(server.settings.lower_threshold);
    }

    /// Adds counters, which begin at 0 again after the largest number, as in the kernel.
    fn add_stats(&mut self, stats: &Stats) {
        let sum = &mut self.stats;
        for (sum, part) in [
            (&mut sum.connections, stats.connections),
            (&mut sum.in_packets, stats.in_packets),
            (&mut sum.out_packets, stats.out_packets),
            (&mut sum.in_bytes, stats.in_bytes),
            (&mut sum.out_bytes, stats.out_bytes),
        ] {
            *sum = sum.wrapping_add(part);
        }
    }
}

/// Labels and numbers of everything that is shown.
#[derive(Default)]
pub(super) struct Samples {
    pub(super) services: Vec<(String, Numbers)>,
    pub(super) servers: Vec<(String, Numbers)>,
}

impl Samples {
    pub(super) fn new(table: &Table, momentary: &MomentaryWeights, sum_by: SumBy) -> Self {
        let mut samples = Self::default();
        let mut by_server: BTreeMap<DestinationId, Numbers> = BTreeMap::new();
        for entry in &table.entries {
            let service = service_labels(&entry.service);
            // Its counters have those of servers that are gone, too.
            let mut sums = Numbers { stats: entry.service.stats, ..Numbers::default() };
            for server in sorted_servers(&entry.destinations) {
                let configured = momentary.configured(entry.service.id(), &server.settings);
                sums.add(server, configured);
                let numbers = match sum_by {
                    SumBy::Service => continue,
                    SumBy::Server => by_server.entry(server.id()).or_default(),
                    SumBy::None => {
                        let labels = format!("{service},{}", label("server", &server.id()));
                        samples.servers.push((labels, Numbers::default()));
                        let Some((_, numbers)) = samples.servers.last_mut() else { continue };
                        numbers
                    }
                };
                numbers.add(server, configured);
                numbers.add_stats(&server.stats);
            }
            if sum_by != SumBy::Server {
                samples.services.push((service, sums));
            }
        }
        samples.servers.extend(by_server.into_iter().map(|(id, numbers)| (label("server", &id), numbers)));
        samples
    }
}

/// Returns the labels of a service: its protocol, and its address and port or its mark.
fn service_labels(service: &ServiceState) -> String {
    let id = service.id().to_string();
    let (protocol, service) = id.split_once(' ').unwrap_or(("", &id));
    format!("{},{}", label("protocol", &protocol), label("service", &service))
}
