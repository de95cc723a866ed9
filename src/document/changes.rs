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
use super::seconds::seconds_range;
use crate::failure::MAX_SHOWN;

/// The changes that a document asks for, in order, each with its place.
pub(crate) type Changes = Vec<(Place, Change)>;

/// The first faults of a document with their places, and the number of all.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    pub(crate) shown: Vec<(Path, String)>,
    pub(crate) total: usize,
}

impl Settings {
    /// Returns the changes, or everything that is wrong with them.
    pub(crate) fn changes(&self) -> Result<Changes, Faults> {
        let mut checked = Checked::default();
        if let Some(FromObject(timeouts)) = self.timeouts {
            let Timeouts { tcp, tcp_fin, udp, .. } = timeouts;
            for (field, seconds) in [("tcp", tcp), ("tcp_fin", tcp_fin), ("udp", udp)] {
                checked.seconds(field, seconds, Place::Timeouts);
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
        if checked.faults.total == 0 { Ok(checked.changes) } else { Err(checked.faults) }
    }
}

#[derive(Default)]
struct Checked {
    changes: Changes,
    faults: Faults,
}

impl Checked {
    fn fault(&mut self, path: impl Into<Path>, why: impl Into<String>) {
        self.faults.total += 1;
        if self.faults.shown.len() < MAX_SHOWN {
            self.faults.shown.push((path.into(), why.into()));
        }
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

    fn seconds(&mut self, field: &'static str, seconds: u32, place: Place) {
        let path = Path::from(place).key(field);
        let Some(range) = seconds_range(field) else { return };
        if !range.contains(&seconds) {
            let why =
                format!("{seconds} is not a number of seconds from {} to {}", range.start(), range.end());
            self.fault(path, why);
        }
    }

    fn service(&mut self, service: &Service, place: Place) {
        if let Some(seconds) = service.persistence {
            self.seconds("persistence", seconds, place);
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
        assert_eq!(faults.total, faults.shown.len());
        faults.shown.iter().map(|(path, why)| format!("{path}: {why}")).collect()
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

    #[test]
    fn many_faults_are_counted_and_the_first_kept() {
        let service = r#"{"protocol":"TCP","address":"192.0.2.1","port":80}"#;
        let services = vec![service; 1000].join(",");
        let text = format!(r#"{{"ipvs":{{"schema":1,"services":[{services}]}}}}"#);
        let faults = Settings::read(text.as_bytes()).unwrap().changes().unwrap_err();
        assert_eq!((faults.total, faults.shown.len()), (999, MAX_SHOWN));
        assert_eq!(faults.shown[0].0.to_string(), "services[1]");
    }
}
