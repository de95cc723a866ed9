//! What can be wrong with a command line or a line of `-R`.

use std::ffi::OsString;

use ipvs::{DestinationId, ServiceId};

use crate::args::{Opt, Verb};

/// What is wrong with a command line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Usage {
    #[error("the word {} is not valid UTF-8", .0.to_string_lossy())]
    NotUtf8(OsString),
    #[error("the line is not valid UTF-8")]
    LineNotUtf8,
    #[error("the command must come first, such as -L or -A, but here is \"{}\" (see 'ipvsadm -h')", short(.0))]
    NoVerb(String),
    #[error("{} and {} are both commands; only one is possible", .0.name(), .1.name())]
    TwoVerbs(Verb, Verb),
    #[error(
        "unknown option \"{}\"{} (see 'ipvsadm -h')",
        short(word),
        similar.as_ref().map(|similar| format!("; did you mean {similar}?")).unwrap_or_default()
    )]
    UnknownOption { word: String, similar: Option<String> },
    #[error("{0} is given twice")]
    Repeated(String),
    #[error("{0} needs a value")]
    NoValue(String),
    #[error("{0} takes no value")]
    UnwantedValue(String),
    #[error("unexpected word \"{}\"", short(.0))]
    ExtraWord(String),
    #[error("{}", .0.trim_start_matches("error: ").trim_end())]
    Other(String),
    #[error("{} is not possible with {}; it goes with {}", .0.name(), .1.name(), allowed(.0))]
    NotAllowed(Opt, Verb),
    #[error("{} and {} exclude each other", .0.name(), .1.name())]
    Conflict(Opt, Opt),
    #[error("{} needs a service: -t, -u or --sctp-service ADDRESS:PORT, or -f MARK", .0.name())]
    NeedsService(Verb),
    #[error("{} needs a real server: -r ADDRESS[:PORT]", .0.name())]
    NeedsServer(Verb),
    #[error("-6 goes only with -f, a firewall mark service")]
    Ipv6WithoutFwmark,
    #[error("-o goes only with -u or -f: one-packet scheduling is for UDP")]
    OnePacketNotUdp,
    #[error("Zero port specified for non-persistent service {0}: name a port, or add -p for every port")]
    ZeroPort(ServiceId),
    #[error(
        "server {0} is of the other address family than its service: \
         Different address family is allowed only for tunneling servers (add -i)"
    )]
    OtherFamily(DestinationId),
    #[error("{} needs tunnelling: add -i", .0.name())]
    NeedsTunnelling(Opt),
    #[error("{} is only for tunnels of type {kinds}", option.name())]
    NotForTunnel { option: Opt, kinds: &'static str },
    #[error("a gue tunnel needs --tun-port")]
    TunnelPortMissing,
    #[error("{} \"{}\": {why}", option.name(), short(value))]
    BadValue { option: Opt, value: String, why: String },
    #[error("{} \"{}\": a sync daemon is master or backup", verb.name(), short(state))]
    DaemonState { verb: Verb, state: String },
    #[error("--set needs three timeouts in seconds: TCP TCPFIN UDP, 0 to leave one as it is")]
    ThreeTimeouts,
    #[error("--set \"{}\": a timeout is a number of seconds from 0 to {most}", short(text))]
    BadTimeout { text: String, most: u32 },
    #[error("-R cannot stand in its own input")]
    NestedRestore,
    #[error("{} needs --replace", .0.name())]
    NeedsReplace(Opt),
    #[error("{} says nothing of the table that is wanted: it cannot stand in input for --replace", .0.name())]
    NotForReplace(Verb),
    #[error("{what} is there already, from line {line}")]
    DefinedTwice { what: String, line: usize },
    #[error("{0} is not there: no line before this one adds it")]
    NotDefined(String),
}

impl Usage {
    /// The word of the command line that is wrong, if it is one word.
    pub fn culprit(&self) -> Option<&str> {
        match self {
            Self::NoVerb(word)
            | Self::ExtraWord(word)
            | Self::UnknownOption { word, .. }
            | Self::DaemonState { state: word, .. }
            | Self::BadValue { value: word, .. } => Some(word),
            _ => None,
        }
    }

    pub(super) fn status(&self) -> u8 {
        match self {
            Self::NoVerb(_) | Self::UnknownOption { .. } | Self::NoValue(_) | Self::UnwantedValue(_) => 255,
            _ => 2,
        }
    }
}

fn allowed(option: &Opt) -> String {
    let names: Vec<String> = option.row().verbs.iter().map(|verb| verb.name()).collect();
    names.join(" ")
}

/// A word of the user's that is not too long for a sentence.
fn short(word: &str) -> String {
    const LONGEST: usize = 80;
    match word.char_indices().nth(LONGEST) {
        None => printable(word),
        Some((end, _)) => format!("{}...", printable(&word[..end])),
    }
}

/// Characters that could harm a terminal, one for one by something harmless.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\t' => ' ',
            character if character.is_control() => '?',
            character => character,
        })
        .collect()
}
