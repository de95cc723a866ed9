//! What can go wrong on the way.

use std::io;

use rustix::io::Errno;

use super::PATIENCE;

/// What can go wrong between us and the kernel.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// A system call failed.
    #[error("the netlink socket failed to {0}: {1}")]
    System(&'static str, #[source] io::Error),
    /// The kernel refused a request.
    #[error("{}", refusal_text(.0, .1))]
    Refused(Errno, Option<String>),
    /// No answer came in time.
    #[error("the kernel did not answer within {} seconds", PATIENCE.as_secs())]
    TimedOut,
    /// The receive buffer overflowed (`ENOBUFS`): requests were carried out, but how they ended is unknown.
    #[error("answers of the kernel were lost: the receive buffer overflowed")]
    AnswersLost,
    /// A datagram was longer than the buffer for it.
    #[error("an answer of the kernel was cut: it has {0} bytes")]
    Truncated(usize),
    /// A dump was changed by others each time it was read (`NLM_F_DUMP_INTR`).
    #[error("the table changed each time it was read")]
    Interrupted,
    /// What came is not netlink, or not an answer to the request.
    #[error("malformed answer of the kernel: {0}")]
    Malformed(String),
}

fn refusal_text(errno: &Errno, text: &Option<String>) -> String {
    let meaning = io::Error::from(*errno);
    match text {
        Some(text) => format!("{meaning}: {text}"),
        None => meaning.to_string(),
    }
}
