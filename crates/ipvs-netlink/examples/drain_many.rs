//! Sets the weight of all real servers with one of these addresses to 0, in all services at the same time:
//! `cargo run --features tokio --example drain_many 10.0.0.11 10.0.0.12`

use std::net::IpAddr;
use std::process::ExitCode;

use futures_util::future::join_all;
use ipvs_netlink::tokio::Ipvs;
use ipvs_netlink::{Error, Reason};

fn main() -> ExitCode {
    let Err(error) = start() else { return ExitCode::SUCCESS };
    eprintln!("{error}");
    ExitCode::FAILURE
}

fn start() -> Result<(), Box<dyn std::error::Error>> {
    let addresses: Vec<IpAddr> =
        std::env::args().skip(1).map(|text| text.parse()).collect::<Result<_, _>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(drain(&addresses))?)
}

async fn drain(addresses: &[IpAddr]) -> Result<(), Error> {
    let ipvs = &Ipvs::connect().await?;
    let table = ipvs.table().await?;
    let servers = table.entries.iter().flat_map(|entry| {
        let states = entry.destinations.iter().filter(|state| addresses.contains(&state.id().address));
        states.map(|state| (entry.service.id(), state.id()))
    });
    // Each reads the newest settings and writes them back with another weight, so nothing else is changed.
    let drained = join_all(servers.map(|(service, server)| async move {
        let outcome = ipvs.update_destination(service, server, |server| server.weight = 0).await;
        (service, server, outcome)
    }));
    for (service, server, outcome) in drained.await {
        match outcome {
            Ok(()) => println!("{service}: {server} drains"),
            // Another program has deleted it meanwhile.
            Err(Error::Refused(refused)) if refused.reason == Reason::NoSuchDestination => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
