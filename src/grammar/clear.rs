//! The options of `-C`.

use std::net::IpAddr;

use ipvs_netlink::ServiceId;

use super::arguments::{Arguments, Result};
use super::network::{self, Network};
use super::service;
use crate::cli::Opt;

/// The part of the table that is to be cleared: what satisfies every kind of condition that is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clear {
    /// Any of these services, or all if it is empty.
    services: Vec<ServiceId>,
    /// Services on addresses in any of these networks, or all services if it is empty.
    virtual_addresses: Vec<Network>,
    /// Servers in any of these networks. If it is empty, whole services are meant.
    servers: Vec<Network>,
    /// Only prints the commands that would be run.
    pub(crate) dry_run: bool,
}

impl Clear {
    /// Returns whether a service is meant, or its servers may be.
    pub(crate) fn means_service(&self, id: &ServiceId) -> bool {
        let is_inside = || match id {
            ServiceId::Address { address, .. } => contains(&self.virtual_addresses, *address),
            ServiceId::Fwmark { .. } => false,
        };
        (self.services.is_empty() || self.services.contains(id))
            && (self.virtual_addresses.is_empty() || is_inside())
    }

    /// Returns whether servers are meant, and no services.
    pub(crate) fn means_servers(&self) -> bool {
        !self.servers.is_empty()
    }

    pub(crate) fn means_server(&self, address: IpAddr) -> bool {
        contains(&self.servers, address)
    }
}

fn contains(networks: &[Network], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(address))
}

/// Reads the options. Without any, everything is cleared in one step.
pub(super) fn read(arguments: &mut Arguments<'_, '_>) -> Result<Option<Clear>> {
    let services = service::read_ids(arguments)?;
    let virtual_addresses = read_networks(arguments, Opt::Vip)?;
    let servers = read_networks(arguments, Opt::Server)?;
    let clear = Clear { services, virtual_addresses, servers, dry_run: arguments.flag(Opt::DryRun) };
    let is_everything =
        clear.services.is_empty() && clear.virtual_addresses.is_empty() && clear.servers.is_empty();
    Ok(Some(clear).filter(|clear| !is_everything || clear.dry_run))
}

fn read_networks(arguments: &mut Arguments<'_, '_>, option: Opt) -> Result<Vec<Network>> {
    let mut networks = Vec::new();
    while let Some(value) = arguments.value(option) {
        networks.push(network::read(arguments.hosts, option, &value)?);
    }
    Ok(networks)
}

#[cfg(test)]
mod tests {
    use ipvs_netlink::Change;

    use super::*;
    use crate::grammar::{Command, Invocation, Parser};

    fn command(words: &str) -> Result<Command> {
        match Parser::default().parse(&words.split(' ').collect::<Vec<_>>())? {
            Invocation::Command(command) => Ok(command),
            other => panic!("{words}: {other:?}"),
        }
    }

    fn clear(words: &str) -> Clear {
        match command(words) {
            Ok(Command::Clear(clear)) => clear,
            other => panic!("{words}: {other:?}"),
        }
    }

    #[test]
    fn the_bare_command_is_one_message() {
        for words in ["-C", "--clear", "-C --sort"] {
            assert_eq!(command(words), Ok(Command::Change(Change::Flush)), "{words}");
        }
    }

    #[test]
    fn conditions_of_a_kind_are_alternatives_and_all_kinds_have_to_agree() {
        let services = [
            "TCP 10.96.0.1:443",
            "TCP 10.97.0.1:443",
            "UDP 10.96.0.1:443",
            "SCTP 192.0.2.1:80",
            "TCP [2001:db8::1]:80",
            "FWM 7",
            "FWM 7 IPv6",
        ]
        .map(|text| text.parse::<ServiceId>().unwrap());
        for (words, expected) in [
            ("-C --dry-run", "0123456"),
            ("-C --vip 10.96.0.0/12", "012"),
            ("-C --vip 10.96.0.0/16", "02"),
            ("-C --vip 10.96.0.1 --vip=2001:db8::/32", "024"),
            ("-C --vip 0.0.0.0/0", "0123"),
            ("-C -t 10.96.0.1:443", "0"),
            ("-C -t 10.96.0.1", ""),
            ("-C -t 10.96.0.1:443 -t 10.97.0.1:443 -u 10.96.0.1:443", "012"),
            ("-C -t 10.96.0.1:443 --sctp-service 192.0.2.1:80 -f 7", "035"),
            ("-Ct 10.96.0.1:443 -f 7 -f 8 -6", "06"),
            ("-C --vip 10.96.0.0/16 -t 10.96.0.1:443 -t 10.97.0.1:443", "0"),
            ("-C --vip 10.96.0.0/16 --vip 10.97.0.0/16 -t 10.97.0.1:443 -f 7", "1"),
            ("-C --server 10.0.0.0/8", "0123456"),
        ] {
            let clear = clear(words);
            let meant = services.iter().enumerate().filter(|(_, id)| clear.means_service(id));
            let meant: String = meant.map(|(index, _)| index.to_string()).collect();
            assert_eq!(meant, expected, "{words}");
            assert_eq!(clear.means_servers(), words.contains("--server"), "{words}");
            assert_eq!(clear.dry_run, words.contains("--dry-run"), "{words}");
        }
        let clear = clear("-C --server 10.0.0.0/8 --server 2001:db8::9");
        for (address, expected) in
            [("10.1.2.3", true), ("11.0.0.1", false), ("2001:db8::9", true), ("::", false)]
        {
            assert_eq!(clear.means_server(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for (words, sentence) in [
            ("-C -6", "-6 goes only with -f, a firewall mark service"),
            ("-C -t 10.0.0.1:80 -6", "-6 goes only with -f, a firewall mark service"),
            ("-C --vip 10.0.0.1/8", "--vip \"10.0.0.1/8\": it has bits behind the prefix"),
            ("-C --server 10.0.0.1:80", "--server \"10.0.0.1:80\": it is an address or a network"),
            ("-C -f 0", "-f \"0\": it is a number from 1"),
            ("-C -r 10.0.0.1", "-r is not possible with -C"),
            ("-C -n -n", "--numeric is given twice"),
            ("-C --dry-run --dry-run", "--dry-run is given twice"),
            ("-L --vip 10.0.0.1", "--vip is not possible with -L; it goes with -C"),
            ("-L -t 10.0.0.1:80 -t 10.0.0.2:80", "--tcp-service is given twice"),
            ("-C 10.0.0.1:80", "unexpected word \"10.0.0.1:80\""),
        ] {
            let mistake = command(words).unwrap_err().to_string();
            assert!(mistake.starts_with(sentence), "{words}: {mistake}");
        }
    }
}
