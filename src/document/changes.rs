//! A document as changes, and the rules that a single field cannot break.

use std::collections::HashMap;
use std::hash::Hash;

use ipvs_netlink::reconcile::Object;
use ipvs_netlink::{
    AddressFamily, Change, Destination, Forwarding, Protocol, Service, ServiceFlags, ServiceId, SyncDaemon,
    Timeouts,
};

use super::object::FromObject;
use super::place::{Path, Place};
use super::read::Settings;
use crate::grammar::MAX_SECONDS;

/// The changes that a document asks for, in order, each with its place.
pub(crate) type Changes = Vec<(Place, Change)>;

/// The faults of a document, and their places.
pub(crate) type Faults = Vec<(Path, String)>;

impl Settings {
    /// Returns the changes, or everything that is wrong with them.
    pub(crate) fn changes(&self) -> Result<Changes, Faults> {
        let mut checked = Checked::default();
        if let Some(FromObject(timeouts)) = self.timeouts {
            let Timeouts { tcp, tcp_fin, udp, .. } = timeouts;
            for (field, seconds) in [("tcp", tcp), ("tcp_fin", tcp_fin), ("udp", udp)] {
                checked.seconds(0, seconds, Path::from(Place::Timeouts).key(field));
            }
            checked.changes.push((Place::Timeouts, Change::SetTimeouts(timeouts)));
        }
        let mut services = HashMap::new();
        for (index, entry) in self.services.iter().flatten().enumerate() {
            let (place, service) = (Place::Service(index), entry.service);
            checked.service(&service, place);
            checked.add(&mut services, service.id(), place, Change::AddService(service));
            let mut servers = HashMap::new();
            for (number, &server) in entry.destinations.iter().enumerate() {
                let place = Place::Destination(index, number);
                checked.server(&server, service.id(), place);
                checked.add(&mut servers, server.id, place, Change::AddDestination(service.id(), server));
            }
        }
        let mut daemons = HashMap::new();
        for (index, &FromObject(daemon)) in self.daemons.iter().flatten().enumerate() {
            let place = Place::Daemon(index);
            checked.daemon(&daemon, place);
            checked.add(&mut daemons, daemon.state, place, Change::StartDaemon(daemon));
        }
        if checked.faults.is_empty() { Ok(checked.changes) } else { Err(checked.faults) }
    }
}

#[derive(Default)]
struct Checked {
    changes: Changes,
    faults: Faults,
}

impl Checked {
    fn fault(&mut self, path: impl Into<Path>, why: impl Into<String>) {
        self.faults.push((path.into(), why.into()));
    }

    /// Adds a change, whose object may come only once.
    fn add<K: Eq + Hash>(&mut self, seen: &mut HashMap<K, Place>, key: K, place: Place, change: Change) {
        match seen.insert(key, place) {
            Some(first) => {
                let object = Object::from(&change);
                self.fault(place, format!("{object} is there already, from {}", Path::from(first)));
            }
            None => self.changes.push((place, change)),
        }
    }

    fn seconds(&mut self, min: u32, seconds: u32, path: Path) {
        if !(min..=MAX_SECONDS).contains(&seconds) {
            let why = format!("{seconds} is not a number of seconds from {min} to {MAX_SECONDS}");
            self.fault(path, why);
        }
    }

    fn service(&mut self, service: &Service, place: Place) {
        if let Some(seconds) = service.persistence {
            self.seconds(1, seconds, Path::from(place).key("persistence"));
        }
        if matches!(service.id(), ServiceId::Address { port: 0, .. }) && service.persistence.is_none() {
            self.fault(place, "port 0 stands for every port, which needs persistence");
        }
        let is_udp = matches!(
            service.id(),
            ServiceId::Fwmark { .. } | ServiceId::Address { protocol: Protocol::UDP, .. }
        );
        if service.flags.contains(ServiceFlags::ONE_PACKET) && !is_udp {
            self.fault(Path::from(place).key("flags"), "one-packet is for UDP and firewall marks");
        }
    }

    fn server(&mut self, server: &Destination, service: ServiceId, place: Place) {
        let is_mixed = AddressFamily::from(server.id.address) != service.family();
        if is_mixed && server.forwarding != Forwarding::Tunnel {
            let why =
                "only with the forwarding method tunnel the address family may differ from the service's";
            self.fault(place, why);
        }
    }

    fn daemon(&mut self, daemon: &SyncDaemon, place: Place) {
        if let Some(group) = daemon.group.filter(|group| !group.is_multicast()) {
            self.fault(Path::from(place).key("group"), format!("{group} is not a multicast address"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what is wrong with a document, as it is shown.
    fn faults(ipvs: &str) -> Vec<String> {
        let text = format!(r#"{{"ipvs":{{"schema":1,{ipvs}}}}}"#);
        let settings = Settings::read(text.as_bytes()).unwrap();
        let faults = settings.changes().err().unwrap_or_default();
        faults.iter().map(|(path, why)| format!("{path}: {why}")).collect()
    }

    #[test]
    fn a_document_becomes_changes_in_order() {
        let text = r#"{"ipvs": {"schema": 1,
            "daemons": [{"state": "backup", "interface": "eth1"}],
            "services": [
                {"destinations": [{"address": "::1", "port": 0}], "fwmark": 7, "family": "IPv6"},
                {"protocol": "UDP", "address": "192.0.2.1", "port": 53, "flags": ["one-packet"]}
            ],
            "timeouts": {"udp": 5}}}"#;
        let changes = Settings::read(text.as_bytes()).unwrap().changes().unwrap();
        let shown: Vec<String> =
            changes.iter().map(|(place, change)| format!("{}: {change}", Path::from(*place))).collect();
        assert_eq!(
            shown,
            [
                "timeouts: set the timeouts",
                "services[0]: add service FWM 7 IPv6",
                "services[0].destinations[0]: add server [::1]:0 to service FWM 7 IPv6",
                "services[1]: add service UDP 192.0.2.1:53",
                "daemons[0]: start the backup sync daemon on eth1",
            ]
        );
    }

    #[test]
    fn everything_that_is_wrong_is_found() {
        let web = r#"{"protocol":"TCP","address":"192.0.2.1","port":80"#;
        let server = r#"{"address":"10.0.0.1","port":80}"#;
        for (ipvs, expected) in [
            (
                format!(r#""services":[{web}}},{web},"scheduler":"rr"}}]"#),
                vec!["services[1]: service TCP 192.0.2.1:80 is there already, from services[0]"],
            ),
            (
                format!(r#""services":[{web},"destinations":[{server},{server}]}}]"#),
                vec![
                    "services[0].destinations[1]: server 10.0.0.1:80 of service TCP 192.0.2.1:80 is there already, \
                     from services[0].destinations[0]",
                ],
            ),
            (
                format!(r#""services":[{web},"flags":["one-packet"],"persistence":2678401}}]"#),
                vec![
                    "services[0].persistence: 2678401 is not a number of seconds from 1 to 2678400",
                    "services[0].flags: one-packet is for UDP and firewall marks",
                ],
            ),
            (
                r#""services":[{"protocol":"TCP","address":"192.0.2.1","port":0}]"#.into(),
                vec!["services[0]: port 0 stands for every port, which needs persistence"],
            ),
            (
                r#""services":[{"fwmark":1,"destinations":[{"address":"::1","port":0}]}]"#.into(),
                vec![
                    "services[0].destinations[0]: only with the forwarding method tunnel the address family may \
                     differ from the service's",
                ],
            ),
            (
                r#""timeouts":{"tcp":2678401}"#.into(),
                vec!["timeouts.tcp: 2678401 is not a number of seconds from 0 to 2678400"],
            ),
            (
                r#""daemons":[{"state":"master","interface":"a"},{"state":"master","interface":"a","group":"::1"}]"#
                    .into(),
                vec![
                    "daemons[1].group: ::1 is not a multicast address",
                    "daemons[1]: the master sync daemon is there already, from daemons[0]",
                ],
            ),
        ] {
            assert_eq!(faults(&ipvs), expected, "{ipvs}");
        }
    }
}
