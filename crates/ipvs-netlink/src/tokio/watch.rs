//! Watching the table: a stream of the differences between readings.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use ::tokio::time::{Interval, MissedTickBehavior, interval};
use futures_util::stream::{self, Stream};

use super::{Ipvs, Result};
use crate::difference::Difference;
use crate::error::Error;
use crate::request::Query;
use crate::snapshot::{MAX_READS, Table};
use crate::socket::SocketError;

/// The shortest time between two readings.
const MIN_INTERVAL: Duration = Duration::from_millis(1);

/// The differences between readings of the table; see [`Ipvs::watch`].
#[must_use = "a stream does nothing unless it is polled"]
pub struct Watch(Pin<Box<dyn Stream<Item = Result<Vec<Difference>>> + Send>>);

impl Ipvs {
    /// Reads the table again and again, and yields the differences, because the kernel reports no events. Readings that
    /// are the same yield nothing.
    ///
    /// The first item is the table itself, as additions. What comes and goes between two readings is not seen. Only
    /// complete readings count, so a service is never reported as removed because another one was added meanwhile. The
    /// kernel updates its counters every two seconds; without them ([`set_include_stats`](Self::set_include_stats))
    /// only the numbers of connections are compared.
    ///
    /// An error is an item, and the next reading is made all the same; if the connection has ended, it is the last one.
    /// An interval of 0 counts as a millisecond.
    pub fn watch(&self, interval: Duration) -> Watch {
        let watcher = Watcher { ipvs: self.clone(), interval, ticks: None, table: Table::default() };
        let readings = stream::unfold(Some(watcher), |watcher| async move {
            let mut watcher = watcher?;
            let reading = watcher.next().await;
            let closed =
                matches!(&reading, Err(Error::Exchange(_, SocketError::Closed | SocketError::System { .. })));
            Some((reading, (!closed).then_some(watcher)))
        });
        Watch(Box::pin(readings))
    }
}

struct Watcher {
    ipvs: Ipvs,
    interval: Duration,
    /// The clock, which starts with the first poll.
    ticks: Option<Interval>,
    /// The last reading.
    table: Table,
}

impl Watcher {
    /// Waits for the next reading that differs.
    async fn next(&mut self) -> Result<Vec<Difference>> {
        loop {
            let ticks = self.ticks.get_or_insert_with(|| {
                let mut ticks = interval(self.interval.max(MIN_INTERVAL));
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                ticks
            });
            ticks.tick().await;
            let table = self.read().await?;
            let differences = table.differences_since(&self.table);
            self.table = table;
            if !differences.is_empty() {
                return Ok(differences);
            }
        }
    }

    async fn read(&self) -> Result<Table> {
        for _ in 0..MAX_READS {
            if let Some(table) = self.ipvs.consistent_table().await? {
                return Ok(table);
            }
        }
        Err(Error::Exchange(Box::new(Query::Services.into()), SocketError::Interrupted))
    }
}

impl Stream for Watch {
    type Item = Result<Vec<Difference>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}
