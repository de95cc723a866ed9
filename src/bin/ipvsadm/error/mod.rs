//! Every sentence that a user can be shown when something is wrong, and its exit status.

mod input;
mod usage;

pub use input::{Mistakes, RefusedLine};
pub use usage::Usage;

use std::io;

use ipvs::{Error, Operation, Query, Reason};

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
    /// The input of `-R` cannot be read.
    #[error("cannot read {0}: {1}")]
    Input(String, #[source] io::Error),
    /// Standard output cannot be written.
    #[error("cannot write to standard output: {0}")]
    Output(#[source] io::Error),
    /// The file with the connections cannot be read.
    #[error("cannot list the connections: {0}")]
    Connections(#[from] ipvs::proc::ConnectionsError),
    /// Whoever reads standard output has seen enough.
    #[error("standard output was closed")]
    OutputClosed,
    /// Some lines of the input of `-R` are wrong; nothing was applied.
    #[error("{}", input::mistakes(.0, .1))]
    Mistakes(String, Mistakes),
    /// The kernel refused some lines of the input; the others were applied.
    #[error("{}ipvsadm: the other lines were applied", input::refusals(.0, .1))]
    Refusals(String, Vec<RefusedLine>),
    /// The kernel refused some lines of the input for `--replace`; everything is as it was before.
    #[error("{}ipvsadm: nothing was changed", input::refusals(.0, .1))]
    NothingChanged(String, Vec<RefusedLine>),
    /// The table could not be replaced.
    #[error("cannot replace the table: {0}")]
    Replace(#[from] ipvs::reconcile::ApplyError),
    /// The input for `--replace` has no line that says anything.
    #[error("{0} says nothing at all; to clear the table with it, add --allow-empty")]
    EmptyInput(String),
    /// Others kept changing the table while it was read.
    #[error("cannot save the table: it changed each time it was read")]
    Unsettled,
}

impl Failure {
    /// What standard error gets. Faults of lines begin with the name of the input, as editors like it.
    pub fn report(&self) -> String {
        match self {
            Self::Mistakes(..) | Self::Refusals(..) | Self::NothingChanged(..) => self.to_string(),
            _ => format!("ipvsadm: {self}"),
        }
    }

    /// The exit status: 2 for a bad command line or if IPVS cannot be used at all, 255 if the kernel
    /// refused, if there is no command or an unknown option, 1 if a listing failed.
    pub fn status(&self) -> u8 {
        match self {
            Self::Usage(usage) => usage.status(),
            Self::Ipvs(Error::NoIpvs(_)) | Self::Mistakes(..) | Self::EmptyInput(_) => 2,
            Self::Ipvs(Error::Refused(refused)) => match (*refused.operation, &refused.reason) {
                (_, Reason::NotPermitted) => 2,
                (Operation::Query(Query::Service(_)), _) => 1,
                _ => 255,
            },
            Self::OutputClosed => 0,
            Self::Output(_) | Self::Connections(_) => 1,
            _ => 255,
        }
    }
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
