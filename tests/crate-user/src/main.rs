//! Does with the library what its users do: adds, lists, changes, reconciles, and handles a refusal.

use ipvs_netlink::reconcile::{Desired, Unlisted, apply, plan};
use ipvs_netlink::{
    Destination, DestinationId, Error, Forwarding, Ipvs, Netmask, PersistenceEngine, Protocol, Reason,
    Scheduler, Service, ServiceFlags, ServiceId,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut ipvs = Ipvs::connect()?;
    let web = ServiceId::tcp(([192, 0, 2, 1], 80));
    let servers = [11, 12].map(|host| DestinationId::new([10, 0, 0, host], 8080));

    let service = Service::new(web).with_scheduler(Scheduler::WRR).with_persistence(300);
    ipvs.add_service(service.with_netmask("255.255.255.0".parse::<Netmask>()?)?)?;
    for server in servers {
        ipvs.add_destination(web, Destination::new(server).with_forwarding(Forwarding::Masquerade))?;
    }
    print("added", &mut ipvs)?;

    match ipvs.add_service(service) {
        Err(Error::Refused(refused)) if refused.reason == Reason::ServiceExists => println!("{refused}"),
        other => return Err(format!("{other:?} for a service that exists").into()),
    }
    ipvs.update_service(web, |service| service.scheduler = Scheduler::SED)?;
    ipvs.update_destination(web, servers[1], |server| server.weight = 0)?;
    match ipvs.update_destination(web, DestinationId::new([10, 0, 0, 99], 1), |server| server.weight = 0) {
        Err(Error::Refused(refused)) if refused.reason == Reason::NoSuchDestination => println!("{refused}"),
        other => return Err(format!("{other:?} for a server that does not exist").into()),
    }
    print("changed", &mut ipvs)?;

    let sip = ServiceId::new(Protocol::UDP, ([192, 0, 2, 1], 5060));
    let mut desired = Desired::new();
    desired.add_service(
        Service::new(sip)
            .with_persistence(60)
            .with_engine(PersistenceEngine::SIP)
            .with_flags(ServiceFlags::ONE_PACKET),
    )?;
    desired
        .add_destination(sip, Destination::new("10.0.0.11:5060".parse::<DestinationId>()?).with_weight(3))?;
    println!("{}", plan(&ipvs.snapshot()?, &desired, Unlisted::Delete).summary);
    apply(&mut ipvs, &desired, Unlisted::Delete)?;
    print("reconciled", &mut ipvs)
}

fn print(title: &str, ipvs: &mut Ipvs) -> Result<(), Box<dyn std::error::Error>> {
    println!("{title}:");
    for entry in ipvs.table()?.entries {
        println!("{} {}", entry.service.id(), entry.service.settings.scheduler);
        for state in entry.destinations {
            println!("  {} {} {}", state.id(), state.settings.forwarding, state.settings.weight);
        }
    }
    Ok(())
}
