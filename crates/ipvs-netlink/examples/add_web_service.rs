//! Adds a web service with two real servers behind NAT, and drains one of them:
//! `cargo run --example add_web_service 192.0.2.1:80 10.0.0.11:8080 10.0.0.12:8080`

use std::net::SocketAddr;
use std::process::ExitCode;

use ipvs_netlink::{Destination, DestinationId, Forwarding, Ipvs, Scheduler, Service, ServiceId};

fn main() -> ExitCode {
    let Err(error) = run() else { return ExitCode::SUCCESS };
    eprintln!("{error}");
    ExitCode::FAILURE
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let addresses = std::env::args().skip(1).map(|text| text.parse());
    let addresses: Vec<SocketAddr> = addresses.collect::<Result<_, _>>()?;
    let [web, first, second] = addresses[..] else {
        return Err("three addresses are needed: the virtual one and two real ones".into());
    };
    let web = ServiceId::tcp(web);

    let mut ipvs = Ipvs::options().load_module(true).connect()?;
    ipvs.add_service(Service::new(web).with_scheduler(Scheduler::WRR).with_persistence(300))?;
    for server in [first, second] {
        let server = Destination::new(server).with_forwarding(Forwarding::Masquerade).with_weight(10);
        ipvs.add_destination(web, server)?;
    }

    // Draining: no new connections, everything else as it is.
    ipvs.update_destination(web, DestinationId::from(second), |server| server.weight = 0)?;
    println!("{web}: {first} is in service, {second} drains");
    Ok(())
}
