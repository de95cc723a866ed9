//! Services and servers as the kernel has them, with names if they were asked for.

use std::net::IpAddr;

use ipvs_netlink::{Destination, DestinationState, Protocol, ServiceId, ServiceState, TableEntry};
use serde::Serialize;

use crate::momentary::MomentaryWeights;
use crate::names::Names;
use crate::view;

/// A service with its servers: settings, connections, counters and rates.
#[derive(Serialize)]
pub(crate) struct ListedEntry<'a> {
    #[serde(flatten)]
    service: &'a ServiceState,
    #[serde(flatten)]
    names: EndpointNames<'a>,
    destinations: Vec<ListedDestination<'a>>,
    /// Those that are removed for the moment because of their load, with their configured weights.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    removed_destinations: Vec<&'a Destination>,
}

#[derive(Serialize)]
struct ListedDestination<'a> {
    #[serde(flatten)]
    destination: &'a DestinationState,
    /// Only if the present weight is a momentary one.
    #[serde(skip_serializing_if = "Option::is_none")]
    configured_weight: Option<u32>,
    #[serde(flatten)]
    names: EndpointNames<'a>,
}

/// The names of an address and a port, as far as they have any.
#[derive(Serialize)]
struct EndpointNames<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    address_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port_name: Option<&'a str>,
}

impl<'a> EndpointNames<'a> {
    fn new(names: &'a Names, address: IpAddr, port: u16, protocol: Option<Protocol>) -> Self {
        Self { address_name: names.host(address), port_name: names.port(port, protocol) }
    }
}

impl<'a> ListedEntry<'a> {
    pub(crate) fn new(
        entry: &'a TableEntry,
        momentary: &'a MomentaryWeights,
        names: &'a Names,
        sorted: bool,
    ) -> Self {
        let protocol = entry.service.id().protocol();
        let listed = |destination: &'a DestinationState| {
            let id = destination.id();
            let names = EndpointNames::new(names, id.address, id.port, protocol);
            let momentary = momentary.get(entry.service.id(), &destination.settings);
            let configured_weight = momentary.map(|momentary| momentary.configured);
            ListedDestination { destination, configured_weight, names }
        };
        let destinations = if sorted {
            view::sorted_servers(&entry.destinations).into_iter().map(listed).collect()
        } else {
            entry.destinations.iter().map(listed).collect()
        };
        let names = match entry.service.id() {
            ServiceId::Address { protocol, address, port } => {
                EndpointNames::new(names, address, port, Some(protocol))
            }
            ServiceId::Fwmark { .. } => EndpointNames { address_name: None, port_name: None },
        };
        let removed_destinations = momentary.removed(entry).map(|removed| &removed.settings).collect();
        Self { service: &entry.service, names, destinations, removed_destinations }
    }
}
