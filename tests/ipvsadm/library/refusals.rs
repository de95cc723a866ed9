//! Refusals: provokes each errno from the kernel. Both clients run these tests.

use std::thread::sleep;
use std::time::Duration;

use ipvs_netlink::*;

use super::Client;
use crate::support::*;

/// Returns the reason of a refusal.
fn reason<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Reason {
    match outcome {
        Err(Error::Refused(refused)) => refused.reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_exists_or_is_missing_is_named() {
    let director = Director::new();
    let mut ipvs = Client::connect().unwrap();
    let (web, missing) = (tcp("192.0.2.1", 80), tcp("192.0.2.1", 81));
    let (first, second) = (server("198.51.100.1", 80), server("198.51.100.2", 80));
    ipvs.add_service(Service::new(web)).unwrap();
    ipvs.add_destination(web, first).unwrap();
    assert_eq!(reason(ipvs.add_service(Service::new(web))), Reason::ServiceExists);
    assert_eq!(reason(ipvs.add_destination(web, first)), Reason::DestinationExists);
    assert_eq!(reason(ipvs.service(missing)), Reason::NoSuchService);
    assert_eq!(reason(ipvs.destinations(missing)), Reason::NoSuchService);
    assert_eq!(reason(ipvs.set_service(Service::new(missing))), Reason::NoSuchService);
    assert_eq!(reason(ipvs.update_service(missing, |_| {})), Reason::NoSuchService);
    assert_eq!(reason(ipvs.delete_service(missing)), Reason::NoSuchService);
    assert_eq!(reason(ipvs.zero(Some(missing))), Reason::NoSuchService);
    assert_eq!(reason(ipvs.add_destination(missing, first)), Reason::ServiceNotDefined);
    assert_eq!(reason(ipvs.set_destination(missing, first)), Reason::ServiceNotDefined);
    assert_eq!(reason(ipvs.delete_destination(missing, first.id)), Reason::ServiceNotDefined);
    assert_eq!(reason(ipvs.set_destination(web, second)), Reason::NoSuchDestination);
    assert_eq!(reason(ipvs.update_destination(web, second.id, |_| {})), Reason::NoSuchDestination);
    assert_eq!(reason(ipvs.delete_destination(web, second.id)), Reason::NoSuchDestination);
    assert_eq!(
        ipvs.update_destination(web, second.id, |_| {}).unwrap_err().to_string(),
        "cannot edit server 198.51.100.2:80 of service TCP 192.0.2.1:80: No such destination"
    );
    assert_eq!(
        director.saved(),
        "-A -t 192.0.2.1:80 -s wlc\n-a -t 192.0.2.1:80 -r 198.51.100.1:80 -m -w 1\n"
    );
}

#[test]
fn impossible_settings_are_named() {
    let director = Director::new();
    let mut ipvs = Client::connect().unwrap();
    let web = tcp("192.0.2.1", 80);
    let unknown: Scheduler = "nosuch".parse().unwrap();
    let engine: PersistenceEngine = "nosuch".parse().unwrap();
    let service = Service::new(web).with_scheduler(unknown);
    assert_eq!(reason(ipvs.add_service(service)), Reason::NoScheduler(unknown));
    let service = Service::new(web).with_scheduler(Scheduler::SED).with_persistence(60).with_engine(engine);
    assert_eq!(reason(ipvs.add_service(service)), Reason::NoSchedulerOrEngine(Scheduler::SED, engine));
    ipvs.add_service(Service::new(web)).unwrap();

    let mut refusal = |destination| reason(ipvs.add_destination(web, destination));
    let valid = server("198.51.100.1", 80);
    assert_eq!(refusal(valid.with_weight(0x8000_0000)), Reason::Weight(0x8000_0000));
    assert_eq!(refusal(valid.with_thresholds(3, 4)), Reason::Thresholds { upper: 3, lower: 4 });
    assert_eq!(refusal(server("2001:db8::5", 80)), Reason::MixedFamilies);
    let multicast = server("224.0.0.1", 80);
    assert_eq!(refusal(multicast), Reason::NotUnicast(multicast.id.address));
    let gue_without_port = Tunnel::from_raw(1, 0, TunnelFlags::NO_CHECKSUM);
    let gue = valid.with_forwarding(Forwarding::Tunnel).with_tunnel(gue_without_port);
    assert_eq!(refusal(gue), Reason::TunnelPort);
    assert_eq!(director.saved(), "-A -t 192.0.2.1:80 -s wlc\n");
}

#[test]
fn a_batch_asks_once_for_what_the_kernel_does_not_have() {
    let director = Director::new();
    let mut ipvs = Client::connect().unwrap();
    let requests = ModuleRequests::watch();
    let service = |mark: u32| Service::new(fwmark(mark, AddressFamily::V4));
    let (unknown, engine): (Scheduler, PersistenceEngine) =
        ("absent".parse().unwrap(), "absent".parse().unwrap());
    let changes: Vec<Change> = (1..=30)
        .map(|mark| match mark % 3 {
            0 => service(mark),
            1 => service(mark).with_scheduler(unknown),
            _ => service(mark).with_persistence(60).with_engine(engine),
        })
        .map(Change::AddService)
        .collect();
    let refused = ipvs.apply(&changes).unwrap();
    assert_eq!(director.saved().lines().count(), 10);
    let (mut schedulers, mut engines) = (0, 0);
    for RefusedChange { index, refused, .. } in refused {
        assert_eq!(*refused.request, changes[index].into());
        match refused.reason {
            Reason::NoScheduler(missing) if missing == unknown => schedulers += 1,
            Reason::NoSchedulerOrEngine(Scheduler::WLC, missing) if missing == engine => engines += 1,
            reason => panic!("{reason:?}"),
        }
    }
    assert_eq!((schedulers, engines), (10, 10));
    assert_eq!(requests.count("ip_vs_absent"), 1);
    assert_eq!(requests.count("ip_vs_pe_absent"), 1);
}

#[test]
fn sync_daemons_and_servers_of_the_other_address_family_exclude_each_other() {
    let director = Director::new();
    director.system("ip link add d0 type dummy; ip link set d0 up; ip addr add 192.0.2.1/24 dev d0");
    let mut ipvs = Client::connect().unwrap();
    let master = SyncDaemon::new(DaemonState::Master, "d0".parse().unwrap());
    let missing_interface = SyncDaemon::new(DaemonState::Master, "nosuch0".parse().unwrap());
    assert_eq!(reason(ipvs.start_daemon(missing_interface)), Reason::NoSuchInterface);
    assert_eq!(reason(ipvs.stop_daemon(DaemonState::Backup)), Reason::NoSuchDaemon);
    ipvs.start_daemon(master).unwrap();
    assert_eq!(reason(ipvs.start_daemon(master)), Reason::DaemonRuns);

    let service = tcp("192.0.2.1", 80);
    let tunnelled = server("2001:db8::5", 80).with_forwarding(Forwarding::Tunnel);
    ipvs.add_service(Service::new(service)).unwrap();
    assert_eq!(reason(ipvs.add_destination(service, tunnelled)), Reason::MixedFamiliesWithDaemon);
    // Linux 6.1 hangs if a daemon is stopped before its thread has run.
    sleep(Duration::from_millis(500));
    ipvs.stop_daemon(DaemonState::Master).unwrap();
    ipvs.add_destination(service, tunnelled).unwrap();
    assert_eq!(reason(ipvs.start_daemon(master)), Reason::DaemonSettings);
}

#[test]
fn overlong_timeouts_are_refused() {
    let _director = Director::new();
    let timeouts = Timeouts::new(u32::MAX, 0, 0);
    let Err(Error::Refused(refused)) = Client::connect().unwrap().set_timeouts(timeouts) else { panic!() };
    assert_eq!(refused.to_string(), "cannot set the timeouts: a timeout is too long for the kernel");
}
