//! Lists that can be awaited, or read as a stream.

use std::fmt;
use std::future::IntoFuture;
use std::hash::Hash;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::stream::{self, Stream};
use rustc_hash::FxHashSet;

use super::exchange::DumpReading;
use super::read::Listing;
use super::{Ipvs, Result};
use crate::destination::DestinationState;
use crate::error::Error;
use crate::exchange::Fault;
use crate::service::{ServiceId, ServiceState};
use crate::socket::SocketError;

type Future<A> = Pin<Box<dyn std::future::Future<Output = Result<Vec<A>>> + Send>>;

/// A list of services or destinations, which is read once it is awaited or polled.
///
/// - `list.await` reads as the blocking client does: a list that comes in several datagrams is read until it is the same
///   twice.
/// - As a [`Stream`] it yields the elements as they come, each once, in one pass. While other writers change the table an
///   element may be missing; if the kernel notices (`NLM_F_DUMP_INTR`) or replies are lost, the last item is an
///   [`Error::Exchange`] with [`SocketError::Interrupted`].
#[must_use = "a list is read once it is awaited or polled"]
pub struct List<A> {
    whole: Future<A>,
    elements: Pin<Box<dyn Stream<Item = Result<A>> + Send>>,
}

impl List<ServiceState> {
    pub(super) fn services(ipvs: &Ipvs) -> Self {
        let reader = ipvs.clone();
        let whole = async move { reader.read_consistent(&Listing::services()).await };
        Self {
            whole: Box::pin(whole),
            elements: Box::pin(stream_elements(ipvs.clone(), Listing::services(), None)),
        }
    }
}

impl List<DestinationState> {
    pub(super) fn destinations(ipvs: &Ipvs, id: ServiceId) -> Self {
        let reader = ipvs.clone();
        let whole = async move {
            let destinations = reader.read_consistent(&Listing::destinations(id)).await?;
            if destinations.is_empty() {
                // The kernel answers an empty list for a service that does not exist.
                reader.service(id).await?;
            }
            Ok(destinations)
        };
        let elements = stream_elements(ipvs.clone(), Listing::destinations(id), Some(id));
        Self { whole: Box::pin(whole), elements: Box::pin(elements) }
    }
}

impl<A> IntoFuture for List<A> {
    type Output = Result<Vec<A>>;
    type IntoFuture = Future<A>;

    fn into_future(self) -> Future<A> {
        self.whole
    }
}

impl<A> Stream for List<A> {
    type Item = Result<A>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<A>>> {
        self.elements.as_mut().poll_next(context)
    }
}

impl<A> fmt::Debug for List<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").finish_non_exhaustive()
    }
}

/// The state of a stream of elements.
struct Elements<A, K> {
    ipvs: Ipvs,
    listing: Listing<A, K>,
    /// The service that has to exist if there are no elements.
    service: Option<ServiceId>,
    /// The dump, once it was asked for.
    reading: Option<DumpReading<A>>,
    seen: FxHashSet<K>,
}

fn stream_elements<A: Send + 'static, K: Eq + Hash + Send + 'static>(
    ipvs: Ipvs,
    listing: Listing<A, K>,
    service: Option<ServiceId>,
) -> impl Stream<Item = Result<A>> + Send {
    let elements = Elements { ipvs, listing, service, reading: None, seen: FxHashSet::default() };
    // After the end or an error there is no state any more.
    stream::unfold(Some(elements), |elements| async move {
        let mut elements = elements?;
        match elements.next().await {
            Ok(Some(element)) => Some((Ok(element), Some(elements))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
}

impl<A, K: Eq + Hash> Elements<A, K> {
    async fn next(&mut self) -> Result<Option<A>> {
        let Listing { query, pick, key } = self.listing;
        let into_error = |fault: Fault| fault.into_error(query.into());
        loop {
            let reading = match &mut self.reading {
                Some(reading) => reading,
                reading => reading.insert(self.ipvs.start_dump(query, pick).await.map_err(into_error)?),
            };
            match reading.next().await.map_err(into_error)? {
                Some(element) if !self.seen.insert(key(&element)) => {}
                Some(element) => return Ok(Some(element)),
                None if reading.is_disturbed() => {
                    return Err(Error::Exchange(Box::new(query.into()), SocketError::Interrupted));
                }
                None => break,
            }
        }
        if let (true, Some(id)) = (self.seen.is_empty(), self.service) {
            self.ipvs.service(id).await?;
        }
        Ok(None)
    }
}
