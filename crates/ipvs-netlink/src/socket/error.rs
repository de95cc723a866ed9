//! Errors of the socket.

use std::io;

use super::REPLY_TIMEOUT;

/// The reason why an exchange of messages with the kernel failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SocketError {
    /// A system call failed.
    #[error("the netlink socket failed to {action}: {error}")]
    System {
        /// Completes the sentence "the netlink socket failed to".
        action: &'static str,
        /// The error of the system call.
        error: io::Error,
    },
    /// The kernel refused a request.
    #[error("{}", refusal(*.errno, .text.as_deref()))]
    Refused {
        /// The number of the error, such as `ENOENT`; positive.
        errno: i32,
        /// The kernel's own words (extended acknowledgement), if it had any.
        text: Option<String>,
    },
    /// No reply came in time.
    #[error("the kernel did not answer within {} seconds", REPLY_TIMEOUT.as_secs())]
    TimedOut,
    /// The receive buffer overflowed (`ENOBUFS`): requests were carried out, but their outcomes are unknown.
    #[error("answers of the kernel were lost: the receive buffer overflowed")]
    RepliesLost,
    /// A datagram was longer than the buffer for it.
    #[error("an answer of the kernel was cut: it has {0} bytes")]
    Truncated(usize),
    /// A dump was disturbed by other writers each time it was read (`NLM_F_DUMP_INTR`).
    #[error("the table changed each time it was read")]
    Interrupted,
    /// The task that carries the messages has ended, because its runtime has.
    #[cfg(feature = "tokio")]
    #[error("the connection was closed")]
    Closed,
    /// The kernel's message is not netlink, or not a reply to the request.
    #[error("malformed answer of the kernel: {0}")]
    Malformed(String),
}

fn refusal(errno: i32, text: Option<&str>) -> String {
    let meaning = io::Error::from_raw_os_error(errno);
    match text {
        Some(text) => format!("{meaning}: {text}"),
        None => meaning.to_string(),
    }
}
