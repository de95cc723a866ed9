//! Rates from the differences of counters. The kernel's own are averages over several seconds.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use ipvs_netlink::{DestinationId, Rates, ServiceId, Stats};

/// The time that has to pass between two readings for a rate. The kernel counts every two seconds; timers are not exact.
const PERIOD: Duration = Duration::from_millis(1900);

/// A service, or a server of it.
type Key = (ServiceId, Option<DestinationId>);

/// The counters of earlier readings.
#[derive(Default)]
pub(super) struct History(HashMap<Key, Sample>);

struct Sample {
    time: Instant,
    stats: Stats,
    /// The rates between the two readings before. There are none after the first.
    rates: Option<Rates>,
}

impl History {
    /// Replaces the kernel's rates by those since an earlier reading, if there is one.
    pub(super) fn apply(&mut self, key: Key, stats: &mut Stats, now: Instant) {
        let sample = self.0.entry(key).or_insert(Sample { time: now, stats: *stats, rates: None });
        let elapsed = now.duration_since(sample.time);
        if elapsed >= PERIOD {
            sample.rates = rates(&sample.stats, stats, elapsed);
            (sample.time, sample.stats) = (now, *stats);
        }
        if let Some(rates) = sample.rates {
            stats.rates = rates;
        }
    }

    /// Forgets what was not read for a time.
    pub(super) fn forget(&mut self, now: Instant, age: Duration) {
        self.0.retain(|_, sample| now.duration_since(sample.time) <= age);
    }
}

/// Returns the rates between two readings; none if the counters were zeroed, or are those of another service.
fn rates(before: &Stats, after: &Stats, elapsed: Duration) -> Option<Rates> {
    let nanoseconds = elapsed.as_nanos();
    let rate = |before: u64, after: u64| {
        let difference = u128::from(after.checked_sub(before)?);
        u64::try_from((difference * 1_000_000_000 + nanoseconds / 2) / nanoseconds).ok()
    };
    let mut rates = Rates::default();
    rates.connections = rate(before.connections, after.connections)?;
    rates.in_packets = rate(before.in_packets, after.in_packets)?;
    rates.out_packets = rate(before.out_packets, after.out_packets)?;
    rates.in_bytes = rate(before.in_bytes, after.in_bytes)?;
    rates.out_bytes = rate(before.out_bytes, after.out_bytes)?;
    Some(rates)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the rate of connections that is shown for each number of connections, read at these milliseconds.
    fn shown(readings: &[(u64, u64)]) -> Vec<u64> {
        let (mut history, start) = (History::default(), Instant::now());
        let key = (ServiceId::tcp(([192, 0, 2, 1], 80)), None);
        let show = |&(milliseconds, connections): &(u64, u64)| {
            let mut stats = Stats::default();
            (stats.connections, stats.rates.connections) = (connections, 77);
            history.apply(key, &mut stats, start + Duration::from_millis(milliseconds));
            stats.rates.connections
        };
        readings.iter().map(show).collect()
    }

    #[test]
    fn rates_are_differences_and_the_first_is_the_kernels() {
        assert_eq!(shown(&[(0, 1000), (2000, 1100), (4000, 1100), (9000, 1105)]), [77, 50, 0, 1]);
    }

    #[test]
    fn readings_within_two_seconds_share_a_rate() {
        let readings = [(0, 0), (1000, 100), (2000, 100), (3000, 300), (4000, 300)];
        assert_eq!(shown(&readings), [77, 77, 50, 50, 100]);
    }

    #[test]
    fn counters_that_were_zeroed_have_no_rate_until_the_next_reading() {
        assert_eq!(shown(&[(0, 1000), (2000, 1100), (4000, 10), (6000, 30)]), [77, 50, 77, 10]);
    }

    #[test]
    fn what_is_not_read_any_more_is_forgotten() {
        let (mut history, start) = (History::default(), Instant::now());
        history.apply((ServiceId::tcp(([192, 0, 2, 1], 80)), None), &mut Stats::default(), start);
        history.forget(start + Duration::from_secs(10), Duration::from_secs(10));
        assert_eq!(history.0.len(), 1);
        history.forget(start + Duration::from_secs(11), Duration::from_secs(10));
        assert_eq!(history.0.len(), 0);
    }
}
