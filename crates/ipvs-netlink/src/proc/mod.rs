//! The kernel's reports as text below `/proc/net`.
//!
//! Everyone may read these files. The kernel writes them while they are read, about a page at a time, and takes no
//! snapshot: records may be missing or come twice if others come or go between two reads.

mod connections;
mod fields;
mod lines;
mod table;

use std::io;

pub use connections::{Connection, Connections, Origin};
pub use table::{ProcPersistence, ProcService, ProcTable};

/// The reason why a file below `/proc/net` cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcError {
    /// The file of this name cannot be read.
    #[error("/proc/thread-self/net/{0}: {1}")]
    Read(&'static str, io::Error),
    /// A line of the file of this name is malformed.
    #[error("/proc/thread-self/net/{0}: malformed line \"{1}\"")]
    Malformed(&'static str, String),
}

#[cold]
fn malformed(name: &'static str, line: &[u8]) -> ProcError {
    ProcError::Malformed(name, String::from_utf8_lossy(line).escape_debug().to_string())
}
