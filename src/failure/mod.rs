//! Every sentence about files and the kernel, and the exit statuses. [`Usage`] has those about command lines.

mod input;

use std::io;

use ipvs_netlink::{BatchError, ConnectionsError, Error, Query, Reason, Request};

use crate::cli::{Opt, Usage};

pub(crate) use input::{Mistakes, RefusedLine, Repeated};

/// The reason why the program ends without having done what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Usage(#[from] Usage),
    /// The kernel refused, or cannot be reached.
    #[error("{}{}", .0, hint(.0))]
    Ipvs(#[from] Error),
    /// A batch of changes broke off.
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error("cannot read {0}: {1}")]
    Input(String, io::Error),
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
    #[error("cannot list the connections: {0}")]
    Connections(#[from] ConnectionsError),
    /// Some lines of the input of `-R` are wrong; nothing was applied.
    #[error("{}", input::mistakes(.0, .1))]
    Mistakes(String, Mistakes),
    /// The kernel refused some lines of the input; the others were applied.
    #[error("{}ipvsadm: the other lines were applied", input::refusals(.0, .1))]
    Refusals(String, Vec<RefusedLine>),
    /// The kernel refused some lines of the input for `--replace`; the table is as it was before.
    #[error("{}ipvsadm: nothing was changed", input::refusals(.0, .1))]
    NothingChanged(String, Vec<RefusedLine>),
    /// The kernel refused some lines of the input for `--replace`, and other programs have changed since what had been
    /// changed by then.
    #[error(
        "{}ipvsadm: everything was undone, but not what another program has changed meanwhile: {}",
        input::refusals(.input, .refused),
        .left.join(", ")
    )]
    NotUndone { input: String, refused: Vec<RefusedLine>, left: Vec<String> },
    #[error("cannot replace the table: {0}")]
    Replace(String),
    #[error("{0} says nothing at all; to clear the table with it, add --allow-empty")]
    EmptyInput(String),
    /// A saved file was cut.
    #[error(
        "{input} is cut: its first line announces {announced} commands, and no last line closes it; nothing was applied"
    )]
    Cut { input: String, announced: usize },
    #[error(
        "another ipvsadm{} restores, and was not done after {seconds} s: wait for it, or give more time with {} SECONDS",
        .holder.map(|holder| format!(" (process {holder})")).unwrap_or_default(),
        Opt::LockWait.name()
    )]
    Locked { seconds: u64, holder: Option<u32> },
    #[error("cannot save into {0}: {1}")]
    Save(String, io::Error),
    #[error("cannot save the table: it changed each time it was read")]
    Unstable,
}

impl Failure {
    /// Returns the text for standard error. Faults of lines begin with the name of the input, as editors
    /// expect.
    pub(crate) fn report(&self) -> String {
        match self {
            Self::Mistakes(..) | Self::Refusals(..) | Self::NothingChanged(..) | Self::NotUndone { .. } => {
                self.to_string()
            }
            _ => format!("ipvsadm: {self}"),
        }
    }

    /// Returns the exit status: 2 for a bad command line or if IPVS cannot be used at all, 255 if the kernel
    /// refused, if there is no command or an unknown option, 1 if a listing failed.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Usage(usage) => usage_status(usage),
            Self::Ipvs(Error::NoIpvs(_)) | Self::Mistakes(..) | Self::EmptyInput(_) | Self::Cut { .. } => 2,
            Self::Ipvs(Error::Refused(refused)) => match (&*refused.request, &refused.reason) {
                (_, Reason::NotPermitted) => 2,
                (Request::Query(Query::Service(_)), _) => 1,
                _ => 255,
            },
            Self::Output(_) | Self::Connections(_) | Self::Save(..) => 1,
            _ => 255,
        }
    }

    /// Returns whether the reader of standard output has seen enough, of which nobody needs to be told.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

fn usage_status(usage: &Usage) -> u8 {
    match usage {
        Usage::NoVerb(_) | Usage::UnknownOption { .. } | Usage::NoValue(_) | Usage::UnwantedValue(_) => 255,
        _ => 2,
    }
}

/// Returns advice on what to do next, if there is any.
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
