//! The options of `-L -c` that choose connections and count them.

use std::net::IpAddr;

use ipvs_netlink::{AddressFamily, Connection, Origin, Protocol, ServiceId};

use super::arguments::{Arguments, Result, bad_value, number};
use super::network::{self, Network};
use super::{endpoint, service};
use crate::cli::{Opt, Usage};

/// The states that the kernel knows: of TCP, UDP and SCTP, and of persistence templates.
pub(crate) const STATES: &str = "NONE ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN SYNACK \
                      UDP INIT1 INIT COOKIE_SENT COOKIE_REPLIED COOKIE_WAIT COOKIE COOKIE_ECHOED SHUTDOWN_SENT \
                      SHUTDOWN_RECEIVED SHUTDOWN_ACK_SENT REJECTED CLOSED ASSURED ERR!";

/// The options that are for lists of connections alone.
const OPTIONS: [Opt; 10] = [
    Opt::RealServer,
    Opt::Client,
    Opt::State,
    Opt::Proto,
    Opt::Origin,
    Opt::Templates,
    Opt::NoTemplates,
    Opt::Count,
    Opt::CountBy,
    Opt::Top,
];

/// The connections that are wanted: those that satisfy every part that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ConnectionFilter {
    service: Option<ServiceId>,
    /// An address and a port, of which 0 stands for every port.
    server: Option<(IpAddr, u16)>,
    client: Option<Network>,
    /// Any of these, or all if it is empty.
    states: Vec<String>,
    /// Any of these, or all if it is empty.
    protocols: Vec<Protocol>,
    origin: Option<Origin>,
    /// Templates alone, or everything else alone.
    templates: Option<bool>,
}

/// The numbers to show in place of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    /// The number of all.
    All,
    /// A number for each client, service, server or state; with `top` only the largest ones.
    By { what: CountBy, top: Option<usize> },
}

impl Count {
    pub(super) fn option(&self) -> Opt {
        match self {
            Self::All => Opt::Count,
            Self::By { .. } => Opt::CountBy,
        }
    }
}

/// The parts of connections by which they can be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CountBy {
    Client,
    Service,
    Server,
    State,
}

impl ConnectionFilter {
    /// Returns whether every connection is wanted.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether origins are needed, which only one of the kernel's lists has.
    pub(crate) fn needs_origins(&self) -> bool {
        self.origin.is_some()
    }

    /// Returns whether a connection is wanted.
    pub(crate) fn matches(&self, connection: &Connection<'_>) -> bool {
        let is_protocol = |protocol: &Protocol| has_protocol(connection, *protocol);
        self.service.is_none_or(|service| belongs_to(connection, service))
            && self.server.is_none_or(|(address, port)| {
                let server = connection.destination;
                server.ip() == address && (port == 0 || server.port() == port)
            })
            && self.client.is_none_or(|network| network.contains(connection.client.ip()))
            && (self.states.is_empty()
                || self.states.iter().any(|state| state.as_bytes() == connection.state))
            && (self.protocols.is_empty() || self.protocols.iter().any(is_protocol))
            && self.origin.is_none_or(|origin| connection.origin == Some(origin))
            && self.templates.is_none_or(|templates| connection.is_template() == templates)
    }
}

fn has_protocol(connection: &Connection<'_>, protocol: Protocol) -> bool {
    let name: &[u8] = match protocol {
        Protocol::TCP => b"TCP",
        Protocol::UDP => b"UDP",
        Protocol::SCTP => b"SCTP",
        _ => return false,
    };
    connection.protocol == name
}

/// Returns whether a connection goes to the virtual address of a service, or is a template of its firewall mark. A
/// port 0 stands for every port.
fn belongs_to(connection: &Connection<'_>, service: ServiceId) -> bool {
    match service {
        ServiceId::Address { protocol, address, port } => {
            connection.service.ip() == address
                && (port == 0 || connection.service.port() == port)
                && has_protocol(connection, protocol)
        }
        ServiceId::Fwmark { .. } => mark(connection) == Some(service),
    }
}

/// Returns the firewall mark service of a template. The kernel writes the mark in place of the virtual address; other
/// connections have the address that the client called, and nothing tells their mark.
pub(crate) fn mark(connection: &Connection<'_>) -> Option<ServiceId> {
    if connection.protocol != b"IP" || !connection.is_template() {
        return None;
    }
    let (mark, family) = match connection.service.ip() {
        IpAddr::V4(address) => (u32::from(address), AddressFamily::V4),
        IpAddr::V6(address) => ((u128::from(address) >> 96) as u32, AddressFamily::V6),
    };
    Some(ServiceId::Fwmark { mark: mark.try_into().ok()?, family })
}

/// Fails if an option is given that goes only with a list of connections.
pub(super) fn refuse(arguments: &Arguments<'_, '_>) -> Result<()> {
    arguments.find(&OPTIONS).map_or(Ok(()), |option| Err(Usage::Needs(option, Opt::Connection)))
}

pub(super) fn read(arguments: &mut Arguments<'_, '_>) -> Result<ConnectionFilter> {
    let templates = arguments.exclusive([Opt::Templates, Opt::NoTemplates])?;
    let templates = templates.map(|(option, _)| option == Opt::Templates);
    let service = service::read_optional_id(arguments)?;
    if matches!(service, Some(ServiceId::Fwmark { .. })) && templates != Some(true) {
        return Err(Usage::MarkOfConnections);
    }
    let protocols = arguments.value(Opt::Proto).map(|text| {
        let protocol = |name: &str| {
            let known = [Protocol::TCP, Protocol::UDP, Protocol::SCTP];
            let protocol = name.parse().ok().filter(|protocol| known.contains(protocol));
            protocol.ok_or_else(|| bad_value(Opt::Proto, name, "it is tcp, udp or sctp"))
        };
        text.split(',').map(protocol).collect::<Result<Vec<_>>>()
    });
    let protocols = protocols.transpose()?.unwrap_or_default();
    let server = arguments.value(Opt::RealServer).map(|text| {
        let protocol = service.as_ref().and_then(ServiceId::protocol).or(protocols.first().copied());
        let family = service.as_ref().map(ServiceId::family);
        let protocol = protocol.unwrap_or(Protocol::TCP);
        endpoint::read(arguments.hosts, Opt::RealServer, &text, Some(protocol), family)
    });
    let client = arguments.value(Opt::Client);
    let client = client.map(|text| network::read(arguments.hosts, Opt::Client, &text)).transpose()?;
    let states = arguments.value(Opt::State).map(|text| {
        let state = |name: &str| {
            let name = name.to_ascii_uppercase();
            let is_known = STATES.split_ascii_whitespace().any(|known| known == name);
            if is_known { Ok(name) } else { Err(bad_value(Opt::State, &name, unknown_state())) }
        };
        text.split(',').map(state).collect::<Result<Vec<_>>>()
    });
    Ok(ConnectionFilter {
        service,
        server: server.transpose()?.map(|(address, port)| (address, port.unwrap_or(0))),
        client,
        states: states.transpose()?.unwrap_or_default(),
        protocols,
        origin: read_origin(arguments)?,
        templates,
    })
}

fn unknown_state() -> String {
    format!("the kernel has no such state: it has {}", STATES.replace(' ', ", "))
}

fn read_origin(arguments: &mut Arguments<'_, '_>) -> Result<Option<Origin>> {
    let Some(text) = arguments.value(Opt::Origin) else { return Ok(None) };
    match &*text.to_ascii_lowercase() {
        "local" => Ok(Some(Origin::Local)),
        "sync" => Ok(Some(Origin::Synchronized)),
        _ => Err(bad_value(Opt::Origin, &text, "it is local or sync")),
    }
}

pub(super) fn read_count(arguments: &mut Arguments<'_, '_>) -> Result<Option<Count>> {
    let top = arguments.value(Opt::Top);
    let top = top.map(|text| number(Opt::Top, &text, 1..=usize::MAX)).transpose()?;
    let Some((option, value)) = arguments.exclusive([Opt::Count, Opt::CountBy])? else {
        return if top.is_some() { Err(Usage::Needs(Opt::Top, Opt::CountBy)) } else { Ok(None) };
    };
    if option == Opt::Count {
        return if top.is_some() { Err(Usage::Conflict(Opt::Top, Opt::Count)) } else { Ok(Some(Count::All)) };
    }
    let value = value.unwrap_or_default();
    let what = match &*value {
        "client" => CountBy::Client,
        "service" => CountBy::Service,
        "server" => CountBy::Server,
        "state" => CountBy::State,
        _ => return Err(bad_value(option, &value, "it is client, service, server or state")),
    };
    Ok(Some(Count::By { what, top }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::{Command, Invocation, Listing, Parser};

    const LINES: [&str; 10] = [
        "TCP C0000264 8F3A C0000201 0050 0A00000B 1F90 ESTABLISHED LOCAL 899",
        "TCP C0000265 8F3B C0000201 01BB 0A00000C 01BB SYN_RECV    SYNC  59",
        "UDP C0000264 8F3A C0000201 0050 0A00000B 0050 UDP         LOCAL 299",
        "TCP C0000200 0000 C0000201 0050 0A00000B 1F90 NONE        LOCAL 99",
        "UDP C0000200 0000 C0000201 0000 0A00000B 0000 ASSURED     LOCAL 99",
        "IP  C0000264 0000 00000007 0000 0A00000B 0000 NONE        LOCAL 99",
        "IP  2001:0db8:0001:0000:0000:0000:0000:0100 0000 0000:0007:0000:0000:0000:0000:0000:0000 0000 \
         2001:0db8:0002:0000:0000:0000:0000:0011 0000 NONE         LOCAL 99",
        "SCTP C0000264 8F3A C0000201 0050 0A00000B 0050 ESTABLISHED LOCAL 299",
        "TCP 2001:0db8:0001:0000:0000:0000:0000:0100 90C6 2001:0db8:0001:0000:0000:0000:0000:0001 0050 \
         2001:0db8:0002:0000:0000:0000:0000:0011 0050 CLOSE       LOCAL 9",
        "TCP C0000264 0000 C0000201 8000 0A00000B 8000 LISTEN      LOCAL 9",
    ];

    fn list(words: &str) -> Result<crate::grammar::ConnectionList> {
        let words: Vec<&str> = words.split(' ').collect();
        match Parser::default().parse(&words)? {
            Invocation::Command(Command::List(Listing::Connections(list))) => Ok(list),
            other => panic!("{words:?}: {other:?}"),
        }
    }

    #[test]
    fn filters_choose_connections() {
        for (words, expected) in [
            ("-L -c", "0123456789"),
            ("-L -c -t 192.0.2.1:80", "03"),
            ("-L -c -t 192.0.2.1", "0139"),
            ("-L -c -t 192.0.2.1:0 --no-templates", "019"),
            ("-L -c -u 192.0.2.1:80", "2"),
            ("-L -c --sctp-service 192.0.2.1:80", "7"),
            ("-L -c -t [2001:db8:1::1]:80", "8"),
            ("-L -c -f 7 --templates", "5"),
            ("-L -c -f 7 -6 --templates", "6"),
            ("-L -c -f 8 --templates", ""),
            ("-L -c -r 10.0.0.11", "0234579"),
            ("-L -c -r 10.0.0.11:8080", "03"),
            ("-L -c -r 2001:db8:2::11", "68"),
            ("-L -c --client 192.0.2.100", "02579"),
            ("-L -c --client 192.0.2.0/24", "01234579"),
            ("-L -c --client 2001:db8::/32", "68"),
            ("-L -c --state established", "07"),
            ("-L -c --state Established,SYN_RECV,asSured", "0147"),
            ("-L -c --proto tcp", "01389"),
            ("-L -c --proto UDP,sctp", "247"),
            ("-L -c --origin local", "023456789"),
            ("-L -c --origin SYNC", "1"),
            ("-L -c --templates", "3456"),
            ("-L -c --no-templates", "012789"),
            ("-L -c --client 192.0.2.100 --proto tcp --no-templates -r 10.0.0.11 --state LISTEN", "9"),
        ] {
            let list = list(words).unwrap();
            let chosen = LINES
                .iter()
                .enumerate()
                .filter(|(_, line)| list.filter.matches(&Connection::parse(line.as_bytes()).unwrap()));
            let chosen: String = chosen.map(|(index, _)| index.to_string()).collect();
            assert_eq!(chosen, expected, "{words}");
            assert_eq!(list.filter.is_empty(), words == "-L -c", "{words}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for (words, sentence) in [
            (
                "-L -c -f 7",
                "the kernel's list of connections says the firewall mark of persistence templates alone",
            ),
            ("-L -c -f 7 --no-templates", "the kernel's list of connections says the firewall mark"),
            (
                "-L -c --state ESTABLISHD",
                "--state \"ESTABLISHD\": the kernel has no such state: it has NONE, ",
            ),
            ("-L -c --state UDP,", "--state \"\": the kernel has no such state"),
            ("-L -c --proto icmp", "--proto \"icmp\": it is tcp, udp or sctp"),
            ("-L -c --proto 6x", "--proto \"6x\": it is tcp, udp or sctp"),
            ("-L -c --origin here", "--origin \"here\": it is local or sync"),
            ("-L -c --count-by port", "--count-by \"port\": it is client, service, server or state"),
            ("-L -c --count-by client --top 0", "--top \"0\": it is a number from 1"),
            ("-L -c --top 5", "--top needs --count-by"),
            ("-L -c --count --top 5", "--top and --count exclude each other"),
            ("-L -c --count --count-by state", "--count and --count-by exclude each other"),
            ("-L -c --templates --no-templates", "--templates and --no-templates exclude each other"),
            ("-L -c --origin sync --persistent-conn", "--origin and --persistent-conn exclude each other"),
            ("-L -c --count --columns state --table", "--count and --columns exclude each other"),
            ("-L --client 10.0.0.1", "--client needs -c"),
            ("-L -r 10.0.0.1", "-r needs -c"),
            ("-L -t 10.0.0.1:80 --count", "--count needs -c"),
            ("-L --timeout --count", "--count needs -c"),
            ("-L -c 10.0.0.1:80", "unexpected word \"10.0.0.1:80\""),
        ] {
            let mistake = list(words).unwrap_err().to_string();
            assert!(mistake.starts_with(sentence), "{words}: {mistake}");
        }
    }
}
