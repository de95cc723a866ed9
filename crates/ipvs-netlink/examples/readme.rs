//! The example in the README: adds a service with one real server behind NAT.

use std::process::ExitCode;

use ipvs_netlink::{Destination, DestinationId, Error, Forwarding, Ipvs, Service, ServiceId};

fn main() -> ExitCode {
    match add_web_service() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn add_web_service() -> Result<(), Error> {
    let web = ServiceId::tcp(([192, 0, 2, 1], 80));
    let server = DestinationId::new([10, 0, 0, 11], 8080);
    let mut ipvs = Ipvs::connect()?;
    ipvs.add_service(Service::new(web))?;
    ipvs.add_destination(web, Destination::new(server).with_forwarding(Forwarding::Masquerade))
}
