//! The client for tokio.

use ::tokio::runtime::{Builder, Runtime};
use ipvs_netlink::tokio::Ipvs;
use ipvs_netlink::*;

#[path = "cases.rs"]
mod cases;
mod concurrent;
#[path = "refusals.rs"]
mod refusals;
mod watching;

/// The client with blocking calls, for tests that the blocking client runs too.
struct Client {
    runtime: Runtime,
    ipvs: Ipvs,
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

macro_rules! blocking_calls {
    ($(fn $name:ident($($argument:ident: $kind:ty),*) -> $result:ty;)*) => {
        impl Client {
            $(fn $name(&mut self, $($argument: $kind),*) -> $result {
                self.runtime.block_on(async { self.ipvs.$name($($argument),*).await })
            })*
        }
    };
}

blocking_calls! {
    fn info() -> Result<Info, Error>;
    fn services() -> Result<Vec<ServiceState>, Error>;
    fn service(id: ServiceId) -> Result<ServiceState, Error>;
    fn destinations(id: ServiceId) -> Result<Vec<DestinationState>, Error>;
    fn table() -> Result<Table, Error>;
    fn timeouts() -> Result<Timeouts, Error>;
    fn daemons() -> Result<Vec<SyncDaemon>, Error>;
    fn add_service(service: Service) -> Result<(), Error>;
    fn set_service(service: Service) -> Result<(), Error>;
    fn delete_service(id: ServiceId) -> Result<(), Error>;
    fn update_service(id: ServiceId, update: impl FnOnce(&mut Service)) -> Result<(), Error>;
    fn update_destination(
        id: ServiceId,
        destination: DestinationId,
        update: impl FnOnce(&mut Destination)
    ) -> Result<(), Error>;
    fn add_destination(id: ServiceId, destination: Destination) -> Result<(), Error>;
    fn set_destination(id: ServiceId, destination: Destination) -> Result<(), Error>;
    fn delete_destination(id: ServiceId, destination: DestinationId) -> Result<(), Error>;
    fn zero(id: Option<ServiceId>) -> Result<(), Error>;
    fn flush() -> Result<(), Error>;
    fn set_timeouts(timeouts: Timeouts) -> Result<(), Error>;
    fn start_daemon(daemon: SyncDaemon) -> Result<(), Error>;
    fn stop_daemon(state: DaemonState) -> Result<(), Error>;
    fn apply(changes: &[Change]) -> Result<Vec<RefusedChange>, BatchError>;
}

impl Client {
    fn connect() -> Result<Self, Error> {
        let runtime = runtime();
        let ipvs = runtime.block_on(Ipvs::connect())?;
        Ok(Self { runtime, ipvs })
    }

    fn set_include_stats(&mut self, include_stats: bool) {
        self.ipvs.set_include_stats(include_stats);
    }
}
