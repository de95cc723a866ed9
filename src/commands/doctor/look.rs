//! Collects the evidence. Nothing is loaded, sent or changed.

use std::collections::HashSet;
use std::net::IpAddr;

use ipvs_netlink::{Ipvs, ServiceId, TableEntry, Tunnel};

use super::network::Network;
use super::{files, programs, rules};
use crate::commands::follower::Follower;
use crate::commands::momentary;
use crate::commands::notes::Notes;
use crate::doctor::{Evidence, Route};
use crate::failure::Failure;

/// Looks at a director, with these services or, if there are none, with all.
///
/// # Errors
/// If there is no IPVS, or the kernel may not be asked.
pub(super) fn at_director(only: Vec<ServiceId>) -> Result<Evidence, Failure> {
    // Without this file there is no IPVS here. To connect all the same would make the kernel load it.
    let connections = files::open_connections()?;
    let (ftp_ports, tracking_rules) = (files::ftp_ports(), files::tracking_rules());
    let mut evidence = Evidence { only, ftp_ports, tracking_rules, ..Evidence::default() };
    // Connections come before servers: one of a server that is added meanwhile is no connection without a server.
    evidence.connections = files::count_connections(connections)?;
    let mut ipvs = Ipvs::connect()?;
    evidence.connection_table_size = ipvs.info()?.connection_table_size;
    read_table(&mut ipvs, &mut evidence)?;
    evidence.programs = programs::find();
    look_at_machine(&mut evidence);
    let has_local_server = evidence
        .table
        .iter()
        .flat_map(|entry| &entry.destinations)
        .any(|server| evidence.routes.get(&server.id().address) == Some(&Route::Local));
    if has_local_server {
        evidence.listeners = files::listeners();
    }
    Ok(evidence)
}

/// Looks at a real server, which needs no IPVS and no privileges.
pub(super) fn at_real_server(only: Vec<ServiceId>, tunnel: Option<Tunnel>) -> Evidence {
    let mut evidence = Evidence { only, tunnel, listeners: files::listeners(), ..Evidence::default() };
    look_at_machine(&mut evidence);
    evidence
}

/// Reads the table or some services of it. The rules file is compared only with the whole table.
fn read_table(ipvs: &mut Ipvs, evidence: &mut Evidence) -> Result<(), Failure> {
    // Without notes, or if they cannot be read, a weight from before is not known.
    let drained =
        Notes::read().map(|notes| notes.drains().iter().map(|note| (note.service, note.server)).collect());
    evidence.drained = drained.unwrap_or_default();
    // A program that sets weights and ends puts them back first.
    evidence.has_follower = Follower::is_running().ok();
    if !evidence.only.is_empty() {
        evidence.daemons = ipvs.daemons()?;
        let entry = |&id: &ServiceId| Ok(TableEntry::new(ipvs.service(id)?, ipvs.destinations(id)?));
        let read = || evidence.only.iter().map(entry).collect();
        (evidence.table, evidence.momentary) = momentary::read_with(read)?;
        return Ok(());
    }
    let (snapshot, momentary) = momentary::read_with(|| Ok(ipvs.snapshot()?))?;
    evidence.rules = rules::compare(&snapshot, &momentary);
    evidence.momentary = momentary;
    evidence.daemons = snapshot.daemons;
    evidence.table = snapshot.table.entries;
    // So that findings come in the order of listings.
    evidence.table.sort_by_cached_key(|entry| entry.service.id().sort_key());
    Ok(())
}

/// Looks at everything that a director and a real server have in common.
fn look_at_machine(evidence: &mut Evidence) {
    let mut network = Network::open();
    if let Some(network) = &mut network {
        evidence.interfaces = network.interfaces();
        evidence.addresses = network.addresses();
        evidence.failed_neighbours = network.failed_neighbours();
        for address in addresses(evidence) {
            if let Some(route) = network.route(address) {
                evidence.routes.insert(address, route);
            }
        }
    }
    if evidence.interfaces.is_empty() {
        evidence.unread.push("the list of network interfaces".into());
    }
    evidence.kernel = files::kernel();
    evidence.settings = files::settings(&evidence.interfaces);
    if evidence.settings.is_empty() {
        evidence.unread.push("/proc/sys/net".into());
    }
}

/// Returns all addresses of services and servers, and those of this machine that it may have lost with their interfaces,
/// each once.
fn addresses(evidence: &Evidence) -> HashSet<IpAddr> {
    let is_down = |index| evidence.interface(index).is_some_and(|interface| !interface.is_up);
    let lost = evidence.addresses.iter().filter(|place| is_down(place.interface)).map(|place| place.ip);
    let table = &evidence.table;
    let servers = table.iter().flat_map(|entry| &entry.destinations).map(|server| server.id().address);
    let services = table.iter().filter_map(|entry| match entry.service.id() {
        ServiceId::Address { address, .. } => Some(address),
        ServiceId::Fwmark { .. } => None,
    });
    servers.chain(services).chain(lost).collect()
}
