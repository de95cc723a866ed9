//! Every sentence about files and the kernel, and the exit statuses. [`Usage`] has those about command lines.

mod hints;
mod input;

use std::io::{self, Write};

use ipvs_netlink::{BatchError, DestinationState, Error, ProcError, Query, Reason, Refused, Request};

use crate::cli::{Opt, Usage, Verb};
use crate::terminal::{escape, quote};

pub(crate) use input::{MAX_SHOWN, Mistakes, RefusedLine, RefusedLines, Repeated, at_path};

/// The reason why the program ends without having done what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Usage(#[from] Usage),
    /// The kernel refused, or cannot be reached.
    #[error("{}{}", .0, hints::hint(.0))]
    Ipvs(#[from] Error),
    /// The service has no such server, but these at the same address.
    #[error("{} ({})", .0, hints::other_servers(.0, .1))]
    OtherServers(Refused, Vec<DestinationState>),
    /// A batch of changes broke off.
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error("cannot read {0}: {1}")]
    Input(String, io::Error),
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
    #[error("cannot list the connections: {0}")]
    Connections(#[from] ProcError),
    /// All connections were listed, but some lines are none.
    #[error("malformed lines in the kernel's list of connections: {0}, marked with ???")]
    MalformedConnections(usize),
    /// All connections were listed, but some lines are none, for which a document has no place.
    #[error("malformed lines in the kernel's list of connections: {0}, left out")]
    LeftOutConnections(usize),
    /// Some lines of the input of `-R` are wrong; nothing was applied.
    #[error("{}", input::mistakes(.0, .1))]
    Mistakes(String, Mistakes),
    /// The kernel refused some lines of the input; the others were applied.
    #[error("{}ipvsadm: the other {} were applied", input::refusals(.input, .refused), .others)]
    Refusals { input: String, refused: RefusedLines, others: &'static str },
    /// The kernel refused some lines of the input for `--replace`; the table is as it was before.
    #[error("{}ipvsadm: nothing was changed", input::refusals(.0, .1))]
    NothingChanged(String, RefusedLines),
    /// The kernel refused some lines of the input for `--replace`, and other programs have changed since what had been
    /// changed by then.
    #[error(
        "{}ipvsadm: everything was undone, but not what another program has changed meanwhile: {}",
        input::refusals(.input, .refused),
        input::shorten_list(.left)
    )]
    NotUndone { input: String, refused: RefusedLines, left: Vec<String> },
    #[error("cannot replace the table: {0}")]
    Replace(String),
    #[error("another ipvsadm has replaced the table meanwhile, and what this one was draining is left to it")]
    Superseded,
    #[error("{0} names no service; to clear the table with it, add --allow-empty")]
    EmptyInput(String),
    /// A saved file was cut.
    #[error(
        "{} is cut: its first line announces {announced} commands, and no last line closes it; nothing was applied",
        quote(input)
    )]
    Cut { input: String, announced: usize },
    #[error(
        "another ipvsadm{} restores, and was not done after {seconds} s: wait for it, or give more time with {} SECONDS",
        .holder.map(|holder| format!(" (process {holder})")).unwrap_or_default(),
        Opt::LockWait.name()
    )]
    Locked { seconds: u64, holder: Option<u32> },
    /// A file of notes cannot be read or understood.
    #[error(
        "cannot use the notes of weights in {}: {}; correct the file, or delete it and name weights: \
         {} -w WEIGHT",
        .0,
        .1,
        Verb::Undrain.name()
    )]
    Notes(String, String),
    /// Another process sets weights by load.
    #[error(
        "another ipvsadm {} runs in this network namespace: end it first; one can follow several services",
        Verb::FollowLoad.name()
    )]
    Followed,
    #[error("cannot follow the load: {0}")]
    NotFollowed(String),
    /// Some servers could not be drained or undrained, or not all of their connections ended.
    #[error("{}ipvsadm: {}", input::sentences(.lines), quote(.sentence))]
    Drain { lines: Vec<String>, sentence: String, status: u8 },
    #[error("cannot save into {}: {}", quote(.0), .1)]
    Save(String, io::Error),
    #[error("{} \"{word}\", taken for {taken_for}: {why}", Opt::Netns.name())]
    Namespace { word: String, taken_for: String, why: String },
    /// The others were shown.
    #[error("this is not all: {0}")]
    UnseenNamespaces(String),
    /// The kernel refused some deletions of `-C`; the others were made.
    #[error("{deleted}, {} refused: {}", .refused.len(), hints::refusals(.refused))]
    NotCleared { deleted: String, refused: Vec<Failure> },
    #[error("cannot save the table: it changed each time it was read")]
    Unstable,
    /// The machine cannot be examined.
    #[error("cannot look: {0}")]
    NotExamined(Box<Failure>),
    /// The examination has found something, which was printed.
    #[error("there are findings")]
    Ill,
    /// A name that the kernel reports cannot be read again.
    #[error("cannot save the name \"{}\": no command line can have it", String::from_utf8_lossy(&escape(.0)))]
    UnreadableName(Vec<u8>),
}

impl Failure {
    /// Returns the text for standard error, in which everything from outside is escaped. It is a single line, except
    /// for faults of lines, which begin with the name of the input, as editors expect.
    pub(crate) fn report(&self) -> String {
        match self {
            Self::Mistakes(..)
            | Self::Refusals { .. }
            | Self::NothingChanged(..)
            | Self::Drain { .. }
            | Self::NotUndone { .. } => self.to_string(),
            _ => format!("ipvsadm: {}", quote(&self.to_string())),
        }
    }

    /// Returns the exit status: 2 for a bad command line or if IPVS cannot be used at all, 255 if the kernel
    /// refused, if there is no command or an unknown option, 1 if a listing failed.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Usage(usage) => usage_status(usage),
            Self::Ipvs(Error::NoIpvs(_)) | Self::Mistakes(..) | Self::EmptyInput(_) | Self::Cut { .. } => 2,
            Self::Namespace { .. } => 2,
            Self::Ipvs(Error::Refused(refused)) => match (&*refused.request, &refused.reason) {
                (_, Reason::NotPermitted) => 2,
                (Request::Query(Query::Service(_)), _) => 1,
                _ => 255,
            },
            Self::NotExamined(_) => 2,
            Self::Ill => 1,
            Self::Drain { status, .. } => *status,
            Self::Output(_) | Self::Connections(_) | Self::MalformedConnections(_) => 1,
            Self::LeftOutConnections(_) | Self::Save(..) | Self::UnseenNamespaces(_) => 1,
            Self::NotCleared { .. } => 1,
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
        Usage::Lookalike { mistake, .. } => usage_status(mistake),
        Usage::NoVerb(_) | Usage::UnknownOption { .. } | Usage::NoValue(_) | Usage::UnwantedValue(_) => 255,
        // As if the kernel had been asked to change it.
        Usage::NoSuchServer { .. } | Usage::UnknownServer { .. } => 255,
        _ => 2,
    }
}

/// Writes a sentence to standard error that does not make the program fail.
pub(crate) fn note(sentence: &str) {
    // Nobody can be told if standard error is closed.
    let _ = writeln!(io::stderr(), "ipvsadm: {}", quote(sentence));
}

#[cfg(test)]
mod tests {
    use ipvs_netlink::{Change, Query, Refused};

    use super::*;
    use crate::terminal::tests::{HOSTILE, is_harmless};

    /// Returns a refusal in words of the kernel's own.
    fn refused(text: &str) -> Refused {
        Refused::from_errno(Change::Flush, 22, Some(text.into()))
    }

    #[test]
    fn hostile_texts_are_harmless_in_every_report_and_add_no_line() {
        for text in HOSTILE {
            let lines = || {
                let mut lines = RefusedLines::default();
                lines.add(|| RefusedLine { number: Some(7), error: text.into() });
                lines
            };
            let mistakes = || {
                let mut mistakes = Mistakes::default();
                mistakes.add(1, || text.into(), Usage::ExtraWord(text.into()));
                mistakes
            };
            for (failure, lines) in [
                (Failure::Usage(Usage::Other(text.into())), 1),
                (Failure::Ipvs(refused(text).into()), 1),
                (Failure::Ipvs(Error::NoIpvs(text.into())), 1),
                (Failure::OtherServers(refused(text), Vec::new()), 1),
                (Failure::Input(text.into(), io::ErrorKind::NotFound.into()), 1),
                (Failure::Output(io::Error::other(text)), 1),
                (Failure::Connections(ProcError::Malformed("ip_vs_conn", text.into())), 1),
                (Failure::Replace(text.into()), 1),
                (Failure::EmptyInput(text.into()), 1),
                (
                    Failure::NotCleared {
                        deleted: "nothing".into(),
                        refused: vec![Failure::Replace(text.into())],
                    },
                    1,
                ),
                (Failure::Namespace { word: text.into(), taken_for: text.into(), why: text.into() }, 1),
                (Failure::UnseenNamespaces(text.into()), 1),
                (Failure::UnreadableName(text.into()), 1),
                (Failure::Notes(text.into(), text.into()), 1),
                (Failure::NotFollowed(text.into()), 1),
                (Failure::Drain { lines: vec![text.into()], sentence: text.into(), status: 1 }, 2),
                (Failure::Mistakes(text.into(), mistakes()), 4),
                (Failure::Refusals { input: text.into(), refused: lines(), others: "lines" }, 2),
                (Failure::NothingChanged(text.into(), lines()), 2),
                (Failure::NotUndone { input: text.into(), refused: lines(), left: vec![text.into(); 50] }, 2),
            ] {
                let report = failure.report();
                assert!(report.split('\n').all(is_harmless), "{report:?}");
                // A word that cannot be found in the shown line is not marked.
                assert!(report.lines().count() <= lines && report.lines().count() + 1 >= lines, "{report}");
            }
        }
    }

    #[test]
    fn the_kernels_own_words_are_shown_on_one_line() {
        let failure = Failure::from(Error::from(refused("odd\nipvsadm: \u{202e}fine")));
        assert_eq!(
            failure.report(),
            "ipvsadm: cannot clear the table: Invalid argument (os error 22) (odd\\nipvsadm: \\u{202e}fine)"
        );
    }

    #[test]
    fn the_statuses_of_new_failures_are_those_of_their_classes() {
        assert_eq!(Failure::MalformedConnections(3).status(), 1);
        assert_eq!(Failure::from(Error::from(Refused::from_errno(Query::Services, 1, None))).status(), 2);
        let lookalike = |mistake| Usage::Lookalike {
            word: "–A".into(),
            character: '–',
            typed: "-A".into(),
            mistake: Box::new(mistake),
        };
        assert_eq!(Failure::Usage(lookalike(Usage::NoVerb("–A".into()))).status(), 255);
        assert_eq!(Failure::Usage(lookalike(Usage::ExtraWord("–t".into()))).status(), 2);
    }
}
