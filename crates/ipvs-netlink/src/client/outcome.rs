//! The outcome of a batch of changes.

use crate::error::{Error, Refused};

/// A change of a batch that the kernel refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusedChange {
    /// The index of the change in the batch.
    pub index: usize,
    /// The refusal.
    pub refused: Refused,
}

/// A batch that broke off, so that its outcome is not fully known.
#[derive(Debug, thiserror::Error)]
#[error("{error} (the changes before number {} are known to be done)", .known + 1)]
#[non_exhaustive]
pub struct BatchError {
    /// The cause.
    pub error: Error,
    /// The refusals that are known.
    pub refused: Vec<RefusedChange>,
    /// The number of changes, counted from the first, whose outcomes are known.
    pub known: usize,
    /// The number of changes, counted from the first, that reached the kernel. Later ones were not made.
    pub sent: usize,
}
