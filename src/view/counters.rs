//! The columns of `--stats` and `--rate`.

use ipvs_netlink::Stats;

use crate::grammar::{Columns, List};
use crate::output::Output;

/// Appends the counters or the rates of a service or a server.
pub(super) fn counters(output: &mut Output, stats: &Stats, list: &List) {
    let rates = &stats.rates;
    let counters = match list.columns {
        Columns::Rate => {
            [rates.connections, rates.in_packets, rates.out_packets, rates.in_bytes, rates.out_bytes]
        }
        _ => [stats.connections, stats.in_packets, stats.out_packets, stats.in_bytes, stats.out_bytes],
    };
    for counter in counters {
        counter_column(output, counter, list.exact);
    }
}

/// Appends a number in nine characters. From nine digits on it is cut to thousands, millions and so on.
fn counter_column(output: &mut Output, number: u64, exact: bool) {
    if number < 100_000_000 || exact {
        output.push(" ");
        return output.right(8, number);
    }
    let (divisor, unit) = match number {
        0..1_000_000_000 => (1_000, "K"),
        1_000_000_000..100_000_000_000 => (1_000_000, "M"),
        100_000_000_000..100_000_000_000_000 => (1_000_000_000, "G"),
        _ => (1_000_000_000_000, "T"),
    };
    output.right(8, number / divisor);
    output.push(unit);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_counters_are_shortened_unless_they_are_to_be_exact() {
        for (number, text) in [
            (0, "        0"),
            (99_999_999, " 99999999"),
            (199_999_999, "  199999K"),
            (1_000_000_000, "    1000M"),
            (99_999_999_999, "   99999M"),
            (100_000_000_000, "     100G"),
            (99_999_999_999_999, "   99999G"),
            (u64::MAX, "18446744T"),
        ] {
            let mut output = Output::default();
            counter_column(&mut output, number, false);
            output.push(" ");
            counter_column(&mut output, number, true);
            assert_eq!(output.to_string(), format!("{text}  {number:>8}"));
        }
    }
}
