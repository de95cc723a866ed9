//! The fields that have seconds.

use std::ops::RangeInclusive;

use crate::grammar::MAX_SECONDS;

/// Returns the seconds that a field can have, if it has seconds: the same as on command lines.
pub(super) fn seconds_range(field: &str) -> Option<RangeInclusive<u32>> {
    match field {
        "tcp" | "tcp_fin" | "udp" => Some(0..=MAX_SECONDS),
        "persistence" => Some(1..=MAX_SECONDS),
        _ => None,
    }
}
