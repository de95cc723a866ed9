//! Every sentence about a command line, or a line of input for `-R`, that makes no sense.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv6Addr};
use std::os::unix::ffi::OsStrExt;

use ipvs_netlink::{DestinationId, Refused, ServiceId};

use super::characters;
use super::options::{Opt, Verb};
use crate::terminal::{escape, shorten};

/// The fault of a command line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Usage {
    #[error("the word {} is not valid UTF-8", shorten(&String::from_utf8_lossy(&escape(.0.as_bytes()))))]
    NotUtf8(OsString),
    #[error("the line is not valid UTF-8")]
    LineNotUtf8,
    #[error("the command must come first, such as -L or -A, but here is \"{}\" (see 'ipvsadm -h')", shorten(.0))]
    NoVerb(String),
    #[error("{} and {} are both commands; only one is possible", .0.name(), .1.name())]
    TwoVerbs(Verb, Verb),
    #[error(
        "unknown option \"{}\"{} (see 'ipvsadm -h')",
        shorten(word),
        similar.as_ref().map(|similar| format!("; did you mean {similar}?")).unwrap_or_default()
    )]
    UnknownOption { word: String, similar: Option<String> },
    #[error("{0} is given twice")]
    Repeated(String),
    #[error("{0} needs a value")]
    NoValue(String),
    #[error("{0} takes no value")]
    UnwantedValue(String),
    #[error("unexpected word \"{}\"", shorten(.0))]
    ExtraWord(String),
    /// A real server without its option.
    #[error("unexpected word \"{}\": did you mean {} {}?", shorten(.0), Opt::RealServer.name(), shorten(.0))]
    BareServer(String),
    /// A word is wrong because of a character that looks like another.
    #[error(
        "\"{}\" has {}: {}",
        shorten(word),
        characters::describe(*character),
        if typed.is_empty() { "leave it out".into() } else { format!("type \"{}\"", shorten(typed)) }
    )]
    Lookalike { word: String, character: char, typed: String, mistake: Box<Usage> },
    #[error("{}", .0.trim_start_matches("error: ").trim_end())]
    Other(String),
    #[error("{} is not possible with {}; it goes with {}", .0.name(), .1.name(), verbs(*.0))]
    NotAllowed(Opt, Verb),
    #[error("{} and {} exclude each other", .0.name(), .1.name())]
    Conflict(Opt, Opt),
    #[error(
        "{} needs a service: {}, {} or {} ADDRESS:PORT, or {} MARK",
        .0.name(),
        Opt::TcpService.name(),
        Opt::UdpService.name(),
        Opt::SctpService.name(),
        Opt::FwmarkService.name()
    )]
    NeedsService(Verb),
    #[error("{} needs a real server: {} ADDRESS[:PORT]", .0.name(), Opt::RealServer.name())]
    NeedsServer(Verb),
    #[error("{} needs {} PORT or {} PROGRAM, to ask servers for their load", .0.name(), Opt::Agent.name(), Opt::Exec.name())]
    NeedsAgent(Verb),
    #[error(
        "{} goes only with {}, a firewall mark service",
        Opt::Ipv6.name(),
        Opt::FwmarkService.name()
    )]
    Ipv6WithoutFwmark,
    #[error(
        "{} goes only with {} or {}: one-packet scheduling is for UDP",
        Opt::OnePacket.name(),
        Opt::UdpService.name(),
        Opt::FwmarkService.name()
    )]
    OnePacketNotUdp,
    #[error(
        "Zero port specified for non-persistent service {}: name a port, or add {} for every port{}",
        .0,
        Opt::Persistent.name(),
        bracket_hint(.0).map(|hint| format!(" ({hint})")).unwrap_or_default()
    )]
    ZeroPort(ServiceId),
    #[error(
        "server {} is of the other address family than its service: \
         Different address family is allowed only for tunneling servers (add {})",
        .0,
        Opt::Ipip.name()
    )]
    MixedFamilies(DestinationId),
    #[error("{} {} changes nothing: name a setting", .0.name(), Opt::Keep.name())]
    NothingToChange(Verb),
    #[error(
        "service {service} has no server {name}{}",
        if others.is_empty() { String::new() } else { format!(", but {}", list(others)) }
    )]
    NoSuchServer { service: ServiceId, name: String, others: Vec<DestinationId> },
    #[error(
        "no service has the server {name}{}",
        if others.is_empty() { String::new() } else { format!(", but {}", list(others)) }
    )]
    UnknownServer { name: String, others: Vec<DestinationId> },
    #[error("service {service} has several servers at {address}: name one of {}", list(servers))]
    SeveralServers { service: ServiceId, address: IpAddr, servers: Vec<DestinationId> },
    #[error(
        "server {} has another port than its service, which only {} can have: \
         add it anew without the port, and delete this one",
        .0,
        Opt::Masquerading.name()
    )]
    OtherPort(DestinationId),
    #[error("{} needs tunnelling: add {}", .0.name(), Opt::Ipip.name())]
    NeedsTunnelling(Opt),
    #[error("{} is only for tunnels of type {kinds}", option.name())]
    NotForTunnel { option: Opt, kinds: &'static str },
    #[error("a gue tunnel needs {}", Opt::TunPort.name())]
    TunnelPortMissing,
    #[error("{} \"{}\": {why}", option.name(), shorten(value))]
    BadValue { option: Opt, value: String, why: String },
    #[error("{} \"{}\": a sync daemon is master or backup", verb.name(), shorten(state))]
    DaemonState { verb: Verb, state: String },
    #[error("{} needs three timeouts in seconds: TCP TCPFIN UDP, 0 to leave one as it is", Verb::SetTimeouts.name())]
    ThreeTimeouts,
    #[error(
        "{} \"{}\": a timeout is a number of seconds from 0 to {max}",
        Verb::SetTimeouts.name(),
        shorten(text)
    )]
    BadTimeout { text: String, max: u32 },
    #[error("{} cannot stand in its own input", Verb::Restore.name())]
    NestedRestore,
    #[error("{} cannot stand in input for {}", .0.name(), Verb::Restore.name())]
    Nested(Opt),
    #[error(
        "the kernel's list of connections says the firewall mark of persistence templates alone: \
         add {}, or name the virtual addresses",
        Opt::Templates.name()
    )]
    MarkOfConnections,
    #[error("{} cannot stand in input for {}", .0.name(), Verb::Restore.name())]
    NestedVerb(Verb),
    #[error("{} needs {}", .0.name(), .1.name())]
    Needs(Opt, Opt),
    #[error(
        "{} says nothing of the table that is wanted: it cannot stand in input for {}",
        .0.name(),
        Opt::Replace.name()
    )]
    NotForReplace(Verb),
    #[error(
        "{} with conditions depends on the table that is there: it cannot stand in input for {}",
        Verb::Clear.name(),
        Opt::Replace.name()
    )]
    PartialClear,
    /// No kernel accepts it, whatever its table.
    #[error(transparent)]
    Impossible(Refused),
    #[error("{what} is there already, from line {line}")]
    DefinedTwice { what: String, line: usize },
    #[error("{0} is not there: no line before this one adds it")]
    NotDefined(String),
}

impl Usage {
    /// Returns the word of the command line that is wrong, if it is one word.
    pub(crate) fn culprit(&self) -> Option<&str> {
        match self {
            Self::NoVerb(word)
            | Self::ExtraWord(word)
            | Self::BareServer(word)
            | Self::Lookalike { word, .. }
            | Self::BadTimeout { text: word, .. }
            | Self::UnknownOption { word, .. }
            | Self::DaemonState { state: word, .. }
            | Self::BadValue { value: word, .. } => Some(word),
            _ => None,
        }
    }
}

/// Explains brackets if the address of a service ends like a port and no port is given, as in `2001:db8::1:80`.
pub(crate) fn bracket_hint(service: &ServiceId) -> Option<String> {
    let ServiceId::Address { address: IpAddr::V6(address), port: 0, .. } = service else { return None };
    let text = address.to_string();
    let (address, port) = text.rsplit_once(':')?;
    let (address, port): (Ipv6Addr, u16) = (address.parse().ok()?, port.parse().ok()?);
    Some(format!("an IPv6 address with a port needs brackets: [{address}]:{port}"))
}

/// Lists servers, and the number of those beyond the first ones.
fn list(servers: &[DestinationId]) -> String {
    const MAX_SHOWN: usize = 5;
    let mut shown: Vec<String> = servers.iter().take(MAX_SHOWN).map(ToString::to_string).collect();
    if servers.len() > MAX_SHOWN {
        shown.push(format!("and {} more", servers.len() - MAX_SHOWN));
    }
    shown.join(", ")
}

fn verbs(option: Opt) -> String {
    option.verbs().iter().map(|verb| verb.name()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::tests::{HOSTILE, is_harmless};

    #[test]
    fn brackets_are_explained_where_an_address_ends_like_a_port() {
        let hint = |text: &str| bracket_hint(&format!("TCP {text}").parse().unwrap());
        let expected = "an IPv6 address with a port needs brackets: [2001:db8::1]:80";
        assert_eq!(hint("[2001:db8::1:80]:0").as_deref(), Some(expected));
        for text in ["[2001:db8::1:80]:443", "[2001:db8::1]:0", "[2001:db8::ab]:0", "10.0.0.1:0", "[::]:0"] {
            assert_eq!(hint(text), None, "{text}");
        }
    }

    #[test]
    fn hostile_words_are_harmless_in_every_sentence() {
        for word in HOSTILE.map(String::from) {
            for usage in [
                Usage::NotUtf8(word.clone().into()),
                Usage::NoVerb(word.clone()),
                Usage::UnknownOption { word: word.clone(), similar: None },
                Usage::ExtraWord(word.clone()),
                Usage::BareServer(word.clone()),
                Usage::Lookalike {
                    word: word.clone(),
                    character: '\u{feff}',
                    typed: word.clone(),
                    mistake: Box::new(Usage::ThreeTimeouts),
                },
                Usage::BadValue { option: Opt::TcpService, value: word.clone(), why: "it is wrong".into() },
                Usage::DaemonState { verb: Verb::StartDaemon, state: word.clone() },
                Usage::BadTimeout { text: word.clone(), max: 1 },
            ] {
                assert!(is_harmless(&usage.to_string()), "{usage:?}");
            }
        }
    }
}
