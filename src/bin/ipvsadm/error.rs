//! Every sentence that a user can be shown when something is wrong, and its exit status.

use std::ffi::OsString;
use std::fmt;
use std::io;

use ipvs::{DestinationId, Error, Operation, Query, Reason, ServiceId};

use crate::args::{Opt, Verb};

/// Why the program ends without having done what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line makes no sense.
    #[error(transparent)]
    Usage(#[from] Usage),
    /// The kernel refused, or cannot be reached.
    #[error("{}{}", .0, hint(.0))]
    Ipvs(#[from] Error),
    /// A batch of changes broke off.
    #[error(transparent)]
    Batch(#[from] ipvs::BatchError),
    /// Standard input cannot be read.
    #[error("cannot read standard input: {0}")]
    Input(#[source] io::Error),
    /// Standard output cannot be written.
    #[error("cannot write to standard output: {0}")]
    Output(#[source] io::Error),
    /// The file with the connections cannot be read.
    #[error("cannot list the connections: {0}")]
    Connections(#[from] ipvs::proc::ConnectionsError),
    /// Whoever reads standard output has seen enough.
    #[error("standard output was closed")]
    OutputClosed,
    /// Some lines of standard input are wrong; nothing was applied.
    #[error("{}nothing was applied", lines(.0))]
    Lines(Vec<Line<Usage>>),
    /// The kernel refused some lines of standard input; the others were applied.
    #[error("{}the other lines were applied", lines(.0))]
    Refusals(Vec<Line<Failure>>),
}

/// Something wrong with a line of standard input.
#[derive(Debug)]
pub struct Line<E> {
    /// Its number, counted from 1.
    pub number: usize,
    /// What is wrong.
    pub error: E,
}

impl Failure {
    /// The exit status: 2 for a bad command line or if IPVS cannot be used at all, 255 if the kernel
    /// refused, if there is no command or an unknown option, 1 if a listing failed.
    pub fn status(&self) -> u8 {
        match self {
            Self::Usage(usage) => usage.status(),
            Self::Ipvs(Error::NoIpvs(_)) | Self::Lines(_) => 2,
            Self::Ipvs(Error::Refused(refused)) => match (*refused.operation, &refused.reason) {
                (_, Reason::NotPermitted) => 2,
                (Operation::Query(Query::Service(_)), _) => 1,
                _ => 255,
            },
            Self::OutputClosed => 0,
            Self::Output(_) | Self::Connections(_) => 1,
            Self::Ipvs(_) | Self::Batch(_) | Self::Input(_) | Self::Refusals(_) => 255,
        }
    }
}

fn lines<E: fmt::Display>(lines: &[Line<E>]) -> String {
    lines.iter().map(|line| format!("<stdin>:{}: {}\nipvsadm: ", line.number, line.error)).collect()
}

/// What to do next, where that is known.
fn hint(error: &Error) -> &'static str {
    let Error::Refused(refused) = error else { return "" };
    match refused.reason {
        Reason::ServiceExists => " (use -E to change it)",
        Reason::NoSuchService | Reason::ServiceNotDefined => " (see 'ipvsadm -L -n'; use -A to add it)",
        Reason::DestinationExists => " (use -e to change it)",
        Reason::NoSuchDestination => " (see 'ipvsadm -L -n'; use -a to add it)",
        _ => "",
    }
}

/// What is wrong with a command line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Usage {
    #[error("the word {} is not valid UTF-8", .0.to_string_lossy())]
    NotUtf8(OsString),
    #[error("the line is not valid UTF-8")]
    LineNotUtf8,
    #[error("the command must come first, such as -L or -A, but here is \"{0}\" (see 'ipvsadm -h')")]
    NoVerb(String),
    #[error("{} and {} are both commands; only one is possible", .0.name(), .1.name())]
    TwoVerbs(Verb, Verb),
    #[error(
        "unknown option \"{word}\"{} (see 'ipvsadm -h')",
        similar.as_ref().map(|similar| format!("; did you mean {similar}?")).unwrap_or_default()
    )]
    UnknownOption { word: String, similar: Option<String> },
    #[error("{0} is given twice")]
    Repeated(String),
    #[error("{0} needs a value")]
    NoValue(String),
    #[error("{0} takes no value")]
    UnwantedValue(String),
    #[error("unexpected word \"{0}\"")]
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
    #[error("{} \"{value}\": {why}", option.name())]
    BadValue { option: Opt, value: String, why: String },
    #[error("{} \"{state}\": a sync daemon is master or backup", verb.name())]
    DaemonState { verb: Verb, state: String },
    #[error("--set needs three timeouts in seconds: TCP TCPFIN UDP, 0 to leave one as it is")]
    ThreeTimeouts,
    #[error("--set \"{0}\": a timeout is a number of seconds from 0 to {1}")]
    BadTimeout(String, u32),
    #[error("-R cannot stand in its own input")]
    NestedRestore,
}

impl Usage {
    fn status(&self) -> u8 {
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
