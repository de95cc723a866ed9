//! Small tables and edits whose effects are easy to foretell.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use ipvs_netlink::Ipvs;

use crate::random::Random;

/// A line that the kernel refuses after it has looked for a module, when other programs get their turn.
pub const UNKNOWN_SCHEDULER: &str = "-A -t 192.0.2.99:80 -s nosuch\n";

/// The weights of the servers, by the last octets of the service's and the server's address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table(pub BTreeMap<u8, BTreeMap<u8, u32>>);

/// One command of another writer.
#[derive(Debug, Clone, Copy)]
pub enum Edit {
    AddService(u8),
    DeleteService(u8),
    AddServer(u8, u8, u32),
    SetWeight(u8, u8, u32),
    DeleteServer(u8, u8),
}

/// Names a server as messages do.
pub fn server_name(service: u8, server: u8) -> String {
    format!("server 198.51.100.{server}:80 of service TCP 192.0.2.{service}:80")
}

impl Table {
    /// Makes up a table with some of these services.
    pub fn random(random: &mut Random, services: Range<u8>) -> Self {
        let mut table = Self::default();
        for service in services.filter(|_| random.below(3) > 0).collect::<Vec<_>>() {
            let servers = (1..5).filter(|_| random.below(3) > 0).collect::<Vec<_>>();
            let weighted = servers.into_iter().map(|server| (server, 1 + random.below(2) as u32));
            table.0.insert(service, weighted.collect());
        }
        if table.0.is_empty() { Self([(1, BTreeMap::from([(1, 1)]))].into()) } else { table }
    }

    /// Reads the kernel's table.
    pub fn read(ipvs: &mut Ipvs) -> Self {
        let octet = |address: std::net::IpAddr| match address {
            std::net::IpAddr::V4(address) => address.octets()[3],
            std::net::IpAddr::V6(_) => panic!("{address}"),
        };
        let entries = ipvs.table().unwrap().entries.into_iter().map(|entry| {
            let service = entry.service.id().to_string();
            let service = service.strip_prefix("TCP 192.0.2.").and_then(|name| name.strip_suffix(":80"));
            let servers = entry.destinations.iter();
            let weights = servers.map(|state| (octet(state.id().address), state.settings.weight));
            (service.unwrap().parse().unwrap(), weights.collect())
        });
        Self(entries.collect())
    }

    /// Writes lines for `-R`.
    pub fn lines(&self) -> String {
        let mut lines = String::new();
        for (&service, servers) in &self.0 {
            lines += &format!("{}\n", Edit::AddService(service).words());
            for (&server, &weight) in servers {
                lines += &format!("{}\n", Edit::AddServer(service, server, weight).words());
            }
        }
        lines
    }

    /// Writes lines for `-R`, among them one that the kernel refuses: immediately, or after it has looked for a module.
    pub fn lines_with_refused(&self, random: &mut Random) -> String {
        let refused = random.pick(&[
            UNKNOWN_SCHEDULER,
            UNKNOWN_SCHEDULER,
            "-A -t 192.0.2.99:80 -s rr\n-a -t 192.0.2.99:80 -r 198.51.100.1:80 -m -x 1 -y 2\n",
        ]);
        let lines = self.lines();
        let starts = lines.match_indices("-A").map(|(index, _)| index).chain([lines.len()]);
        let starts: Vec<usize> = starts.collect();
        let (head, tail) = lines.split_at(starts[random.below(starts.len() as u64) as usize]);
        format!("{head}{refused}{tail}")
    }

    /// Adds the services of another table that this one does not have.
    pub fn with_others_of(&self, other: &Self) -> Self {
        let mut table = other.clone();
        table.0.extend(self.0.clone());
        table
    }

    /// Returns whether making `before` this table means to add, edit or delete what the edit is about, or a service
    /// that the edit's server belongs to.
    pub fn touches(&self, before: &Self, edit: Edit) -> bool {
        let service = edit.service();
        let (now, wanted) = (before.0.get(&service), self.0.get(&service));
        match (now, wanted) {
            // Deletions come only after all additions were accepted.
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(now), Some(wanted)) => match edit.server() {
                Some(server) => wanted.get(&server).is_some_and(|weight| now.get(&server) != Some(weight)),
                None => now != wanted,
            },
        }
    }

    /// Names the services and servers that differ, as messages do.
    pub fn differences(&self, other: &Self) -> BTreeSet<String> {
        let objects = |table: &Self| {
            let services = table.0.iter().flat_map(|(&service, servers)| {
                let service_only = (format!("service TCP 192.0.2.{service}:80"), None);
                let server = move |(&server, &weight)| (server_name(service, server), Some(weight));
                std::iter::once(service_only).chain(servers.iter().map(server))
            });
            services.collect::<BTreeSet<_>>()
        };
        objects(self).symmetric_difference(&objects(other)).map(|(name, _)| name.clone()).collect()
    }

    /// Returns the edits that a restore of `wanted` would make.
    pub fn edits_towards(&self, wanted: &Self) -> Vec<Edit> {
        let mut edits = Vec::new();
        for (&service, servers) in &wanted.0 {
            let Some(present) = self.0.get(&service) else {
                edits.push(Edit::AddService(service));
                continue;
            };
            for (&server, &weight) in servers {
                match present.get(&server) {
                    None => edits.push(Edit::AddServer(service, server, weight)),
                    Some(&now) if now != weight => edits.push(Edit::SetWeight(service, server, weight)),
                    Some(_) => {}
                }
            }
            let gone = present.keys().filter(|server| !servers.contains_key(server));
            edits.extend(gone.map(|&server| Edit::DeleteServer(service, server)));
        }
        let gone = self.0.keys().filter(|service| !wanted.0.contains_key(service));
        edits.extend(gone.map(|&service| Edit::DeleteService(service)));
        edits
    }
}

impl Edit {
    /// Makes up an edit that at least one of these tables accepts.
    pub fn random(random: &mut Random, tables: &[&Table]) -> Self {
        loop {
            let (service, server) = (1 + random.below(9) as u8, 1 + random.below(5) as u8);
            let edit = match random.below(8) {
                0..=2 => Self::AddService(service),
                3 => Self::DeleteService(service),
                4 | 5 => Self::SetWeight(service, server, 9),
                6 => Self::AddServer(service, server, 9),
                _ => Self::DeleteServer(service, server),
            };
            if tables.iter().any(|table| edit.applied_to(table) != **table) {
                return edit;
            }
        }
    }

    /// Returns the words of the command.
    pub fn words(self) -> String {
        let service = format!("-t 192.0.2.{}:80", self.service());
        let server = |server, weight| format!("{service} -r 198.51.100.{server}:80 -m -w {weight}");
        match self {
            Self::AddService(_) => format!("-A {service} -s rr"),
            Self::DeleteService(_) => format!("-D {service}"),
            Self::AddServer(_, host, weight) => format!("-a {}", server(host, weight)),
            Self::SetWeight(_, host, weight) => format!("-e {}", server(host, weight)),
            Self::DeleteServer(_, host) => format!("-d {service} -r 198.51.100.{host}:80"),
        }
    }

    pub fn service(self) -> u8 {
        match self {
            Self::AddService(service)
            | Self::DeleteService(service)
            | Self::AddServer(service, ..)
            | Self::SetWeight(service, ..)
            | Self::DeleteServer(service, _) => service,
        }
    }

    pub fn server(self) -> Option<u8> {
        match self {
            Self::AddService(_) | Self::DeleteService(_) => None,
            Self::AddServer(_, server, _) | Self::SetWeight(_, server, _) | Self::DeleteServer(_, server) => {
                Some(server)
            }
        }
    }

    /// Returns what the kernel makes of a table: what it refuses changes nothing.
    pub fn applied_to(self, table: &Table) -> Table {
        let mut table = table.clone();
        let servers = table.0.get_mut(&self.service());
        match (self, servers) {
            (Self::AddService(service), None) => {
                table.0.insert(service, BTreeMap::new());
            }
            (Self::DeleteService(service), Some(_)) => {
                table.0.remove(&service);
            }
            (Self::AddServer(_, server, weight), Some(servers)) => {
                servers.entry(server).or_insert(weight);
            }
            (Self::SetWeight(_, server, weight), Some(servers)) => {
                servers.entry(server).and_modify(|old| *old = weight);
            }
            (Self::DeleteServer(_, server), Some(servers)) => {
                servers.remove(&server);
            }
            _ => {}
        }
        table
    }
}
