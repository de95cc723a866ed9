//! Timeouts as words.

use ipvs_netlink::Timeouts;

use super::arguments::{Arguments, Line, Result, decimal};
use crate::cli::Usage;

/// The longest timeout and the longest persistence: 31 days.
pub(crate) const MAX_SECONDS: u32 = 31 * 24 * 3600;

/// Reads the three words after `--set`.
pub(super) fn read(arguments: &Arguments<'_, '_>) -> Result<Timeouts> {
    let [tcp, tcp_fin, udp] = &arguments.words[..] else { return Err(Usage::ThreeTimeouts) };
    let seconds = |text: &str| {
        decimal(text, &(0..=MAX_SECONDS))
            .ok_or_else(|| Usage::BadTimeout { text: text.to_owned(), max: MAX_SECONDS })
    };
    Ok(Timeouts::new(seconds(tcp)?, seconds(tcp_fin)?, seconds(udp)?))
}

pub(super) fn write(line: &mut Line<'_>, timeouts: Timeouts) {
    for seconds in [timeouts.tcp, timeouts.tcp_fin, timeouts.udp] {
        line.word(seconds);
    }
}
