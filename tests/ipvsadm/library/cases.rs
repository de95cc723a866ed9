//! Every call of the library. Both clients run these tests: `Client` is the one or the other.

use std::num::NonZeroU16;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ipvs_netlink::*;
use nix::sched::{CloneFlags, unshare};

use super::Client;
use crate::support::*;

fn connect(_: &Director) -> Client {
    Client::connect().unwrap()
}

fn settings(table: &Table) -> Vec<(Service, Vec<Destination>)> {
    let destinations = |entry: &TableEntry| entry.destinations.iter().map(|state| state.settings).collect();
    let mut list: Vec<_> =
        table.entries.iter().map(|entry| (entry.service.settings, destinations(entry))).collect();
    list.sort_by_key(|(service, _)| service.id());
    list
}

#[test]
fn info_reports_the_version_of_ipvs() {
    let info = connect(&Director::new()).info().unwrap();
    assert_eq!(info.version.to_string(), "1.2.1");
}

#[test]
fn services_of_every_kind_and_address_family_keep_their_settings() {
    let director = Director::new();
    let mut ipvs = connect(&director);
    let ids = [
        tcp("192.0.2.1", 80),
        service_on(Protocol::UDP, "192.0.2.1", 53),
        service_on(Protocol::SCTP, "192.0.2.1", 9),
        tcp("2001:db8::1", 80),
        service_on(Protocol::UDP, "2001:db8::1", 53),
        service_on(Protocol::SCTP, "2001:db8::1", 9),
        fwmark(1, AddressFamily::V4),
        fwmark(1, AddressFamily::V6),
        fwmark(u32::MAX, AddressFamily::V4),
    ];
    let mut services = Vec::new();
    for (number, id) in ids.into_iter().enumerate() {
        let mut service = Service::new(id);
        service.scheduler = ["mh", "sh", "wrr"][number % 3].parse().unwrap();
        service.flags |=
            [ServiceFlags::SCHEDULER_1, ServiceFlags::SCHEDULER_2, ServiceFlags::SCHEDULER_3][number % 3];
        if number % 2 == 1 {
            service.flags |= ServiceFlags::ONE_PACKET;
            service.persistence = Some(100 + number as u32);
            let netmask = match id.family() {
                AddressFamily::V4 => Netmask::V4([255, 255, number as u8, 0].into()),
                AddressFamily::V6 => Netmask::prefix(64 + number as u32).unwrap(),
            };
            service.set_netmask(netmask).unwrap();
        }
        ipvs.add_service(service).unwrap();
        assert_eq!(ipvs.service(id).unwrap(), ServiceState::new(service, Stats::default()));
        services.push(service);
    }
    let mut listed: Vec<Service> = ipvs.services().unwrap().iter().map(|state| state.settings).collect();
    listed.sort_by_key(Service::id);
    services.sort_by_key(Service::id);
    assert_eq!(listed, services);

    for service in &mut services {
        *service = Service::new(service.id());
        ipvs.set_service(*service).unwrap();
        assert_eq!(ipvs.service(service.id()).unwrap().settings, *service);
    }
    for id in ids {
        ipvs.delete_service(id).unwrap();
    }
    assert_eq!(ipvs.table().unwrap(), Table::default());
}

#[test]
fn a_persistence_engine_is_kept() {
    let director = Director::new();
    let mut ipvs = connect(&director);
    let mut service = Service::new(service_on(Protocol::UDP, "192.0.2.1", 5060));
    service.persistence = Some(60);
    service.engine = Some("sip".parse().unwrap());
    ipvs.add_service(service).unwrap();
    assert_eq!(ipvs.service(service.id()).unwrap().settings, service);
    service.engine = None;
    ipvs.set_service(service).unwrap();
    assert_eq!(ipvs.service(service.id()).unwrap().settings, service);
}

#[test]
fn destinations_of_every_forwarding_method_and_tunnel_keep_their_settings() {
    let director = Director::new();
    let mut ipvs = connect(&director);
    let port = NonZeroU16::new(6080).unwrap();
    for (service, other_family) in [("192.0.2.1", "2001:db8::99"), ("2001:db8::1", "198.51.100.99")] {
        let service = tcp(service, 80);
        ipvs.add_service(Service::new(service)).unwrap();
        let tunnels = [
            Tunnel::Ipip,
            Tunnel::Gue { port, flags: TunnelFlags::NO_CHECKSUM },
            Tunnel::Gue { port, flags: TunnelFlags::CHECKSUM },
            Tunnel::Gue { port, flags: TunnelFlags::REMOTE_CHECKSUM },
            Tunnel::Gre { flags: TunnelFlags::NO_CHECKSUM },
            Tunnel::Gre { flags: TunnelFlags::CHECKSUM },
        ];
        let methods = [Forwarding::Masquerade, Forwarding::DirectRoute]
            .map(|forwarding| (forwarding, Tunnel::Ipip))
            .into_iter()
            .chain(tunnels.map(|tunnel| (Forwarding::Tunnel, tunnel)));
        let mut added = Vec::new();
        for (number, (forwarding, tunnel)) in (1..).zip(methods) {
            let address = match service.family() {
                AddressFamily::V4 => format!("198.51.100.{number}"),
                AddressFamily::V6 => format!("2001:db8::1:{number}"),
            };
            added.push(
                server(&address, 80)
                    .with_forwarding(forwarding)
                    .with_tunnel(tunnel)
                    .with_weight(if number == 1 { 2_147_483_647 } else { number })
                    .with_thresholds(100 * number, number),
            );
        }
        added.push(server(other_family, 80).with_forwarding(Forwarding::Tunnel));
        for destination in &added {
            ipvs.add_destination(service, *destination).unwrap();
        }
        // The kernel lists destinations in reverse order of addition.
        added.reverse();
        let listed = |ipvs: &mut Client| -> Vec<Destination> {
            ipvs.destinations(service).unwrap().iter().map(|state| state.settings).collect()
        };
        assert_eq!(listed(&mut ipvs), added);

        for destination in &mut added {
            destination.weight = 0;
            destination.upper_threshold = 0;
            destination.lower_threshold = 0;
            ipvs.set_destination(service, *destination).unwrap();
        }
        assert_eq!(listed(&mut ipvs), added);

        let last = added.pop().unwrap();
        ipvs.delete_destination(service, last.id).unwrap();
        assert_eq!(listed(&mut ipvs), added);
    }
}

#[test]
fn an_address_of_the_director_itself_can_be_a_server() {
    let director = Director::new();
    let mut ipvs = connect(&director);
    let service = tcp("192.0.2.1", 80);
    ipvs.add_service(Service::new(service)).unwrap();
    ipvs.add_destination(service, server("127.0.0.1", 8080)).unwrap();
    assert_eq!(ipvs.destinations(service).unwrap()[0].id().port, 8080);
}

#[test]
fn a_missing_service_is_not_mistaken_for_one_without_servers() {
    let director = Director::new();
    let mut ipvs = connect(&director);
    let service = tcp("192.0.2.1", 80);
    ipvs.add_service(Service::new(service)).unwrap();
    assert_eq!(ipvs.destinations(service).unwrap(), []);
    let Err(Error::Refused(refused)) = ipvs.destinations(tcp("192.0.2.1", 81)) else { panic!() };
    assert_eq!(refused.reason, Reason::NoSuchService);
    assert_eq!(refused.to_string(), "cannot show service TCP 192.0.2.1:81: No such service");
}

#[test]
fn counters_are_read_and_zeroed() {
    let director = Director::new();
    director.system("ip addr add 192.0.2.1/32 dev lo; ip addr add 192.0.2.2/32 dev lo");
    let mut ipvs = connect(&director);
    let ids = [1001, 1002].map(|port| service_on(Protocol::UDP, "192.0.2.1", port));
    let receiver = std::net::UdpSocket::bind("192.0.2.2:1000").unwrap();
    for id in ids {
        ipvs.add_service(Service::new(id)).unwrap();
        ipvs.add_destination(id, server("192.0.2.2", 1000)).unwrap();
    }
    for port in [1001, 1001, 1002] {
        let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        client.send_to(b"hello", ("192.0.2.1", port)).unwrap();
        receiver.recv_from(&mut [0; 16]).unwrap();
    }
    let stats = |ipvs: &mut Client| {
        ids.map(|id| {
            let destination = ipvs.destinations(id).unwrap()[0].stats;
            let service = ipvs.service(id).unwrap().stats;
            [service, destination].map(|stats| (stats.connections, stats.in_packets, stats.in_bytes))
        })
    };
    let twice = |numbers: [(u64, u64, u64); 2]| numbers.map(|numbers| [numbers; 2]);
    // The kernel updates its counters every two seconds.
    let deadline = Instant::now() + Duration::from_secs(60);
    while stats(&mut ipvs) != twice([(2, 2, 66), (1, 1, 33)]) && Instant::now() < deadline {
        sleep(Duration::from_millis(100));
    }
    assert_eq!(stats(&mut ipvs), twice([(2, 2, 66), (1, 1, 33)]));
    let destination = ipvs.destinations(ids[0]).unwrap()[0];
    assert_eq!((destination.active_connections, destination.inactive_connections), (0, 2));
    ipvs.set_include_stats(false);
    let mut without = destination;
    without.stats = Stats::default();
    assert_eq!(ipvs.destinations(ids[0]).unwrap(), [without]);
    assert!(ipvs.services().unwrap().iter().all(|state| state.stats == Stats::default()));
    ipvs.set_include_stats(true);
    assert_eq!(ipvs.destinations(ids[0]).unwrap(), [destination]);
    ipvs.zero(Some(ids[0])).unwrap();
    assert_eq!(stats(&mut ipvs), twice([(0, 0, 0), (1, 1, 33)]));
    ipvs.zero(None).unwrap();
    assert_eq!(stats(&mut ipvs), twice([(0, 0, 0), (0, 0, 0)]));
}

#[test]
fn timeouts_set_to_zero_keep_their_values() {
    let director = Director::new();
    let mut ipvs = connect(&director);
    let before = ipvs.timeouts().unwrap();
    assert_eq!(before, Timeouts::new(900, 120, 300));
    ipvs.set_timeouts(Timeouts::new(1234, 0, 77)).unwrap();
    assert_eq!(ipvs.timeouts().unwrap(), Timeouts::new(1234, 120, 77));
}

#[test]
fn sync_daemons_start_with_their_settings_and_stop() {
    let director = Director::new();
    director.system("ip link add d0 type dummy; ip link set d0 up; ip addr add 192.0.2.1/24 dev d0");
    director.system("ip addr add 2001:db8::1/64 dev d0 nodad");
    let mut ipvs = connect(&director);
    assert_eq!(ipvs.daemons().unwrap(), []);
    let interface = "d0".parse().unwrap();
    let master = SyncDaemon::new(DaemonState::Master, interface)
        .with_sync_id(200)
        .with_max_length(1000)
        .with_group([224, 0, 0, 99].into())
        .with_port(9000)
        .with_ttl(5);
    let backup = SyncDaemon::new(DaemonState::Backup, interface).with_group("ff02::5".parse().unwrap());
    ipvs.start_daemon(master).unwrap();
    ipvs.start_daemon(backup).unwrap();
    let running = ipvs.daemons().unwrap();
    assert_eq!(running[0], master);
    // The kernel reports the values that it chose for unset settings.
    assert_eq!(running[1], backup.with_max_length(running[1].max_length).with_port(8848).with_ttl(1));
    assert!(running[1].max_length > 1000);
    // Linux 6.1 hangs if a daemon is stopped before its thread has run.
    sleep(Duration::from_millis(500));
    ipvs.stop_daemon(DaemonState::Backup).unwrap();
    assert_eq!(ipvs.daemons().unwrap(), [master]);
    ipvs.stop_daemon(DaemonState::Master).unwrap();
    assert_eq!(ipvs.daemons().unwrap(), []);
}

/// Lists the changes that add `count` services with `servers` servers each.
fn many(count: u16, servers: u16) -> Vec<Change> {
    let mut changes = Vec::new();
    for number in 0..count {
        let [high, low] = number.to_be_bytes();
        let id = tcp(&format!("10.1.{high}.{low}"), 80);
        changes.push(Change::AddService(Service::new(id)));
        for server in 1..=servers {
            let address = format!("10.2.{}.{}", server / 250, server % 250 + 1);
            changes.push(Change::AddDestination(id, crate::support::server(&address, 8000 + server)));
        }
    }
    changes
}

#[test]
fn thousands_of_changes_are_applied_and_listed_completely_while_another_process_lists() {
    let director = Director::alone();
    let mut ipvs = connect(&director);
    let changes = many(2000, 5);
    assert_eq!(ipvs.apply(&changes).unwrap(), []);

    let mut expected: Vec<(Service, Vec<Destination>)> = Vec::new();
    for change in &changes {
        match change {
            Change::AddService(service) => expected.push((*service, Vec::new())),
            Change::AddDestination(_, destination) => {
                expected.last_mut().unwrap().1.insert(0, *destination);
            }
            _ => unreachable!(),
        }
    }
    expected.sort_by_key(|(service, _)| service.id());
    let table = ipvs.table().unwrap();
    assert_eq!(table.entries.len(), 2000);
    assert_eq!(settings(&table), expected);

    let (deleted, kept): (Vec<_>, Vec<_>) =
        expected.into_iter().enumerate().partition(|(number, _)| number % 2 == 0);
    let deletions: Vec<Change> =
        deleted.iter().map(|(_, (service, _))| Change::DeleteService(service.id())).collect();
    let lister = std::process::Command::new(PROGRAM)
        .args(["-L", "-n"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    assert_eq!(ipvs.apply(&deletions).unwrap(), []);
    let output = lister.wait_with_output().unwrap();
    assert!(output.status.success());
    let listed = String::from_utf8(output.stdout).unwrap();
    let mut services: Vec<&str> = listed.lines().filter(|line| line.starts_with("TCP ")).collect();
    let count = services.len();
    services.dedup();
    assert_eq!(services.len(), count, "a service was listed twice");
    assert!((1000..=2000).contains(&count), "{count} services were listed");

    let kept: Vec<_> = kept.into_iter().map(|(_, entry)| entry).collect();
    assert_eq!(settings(&ipvs.table().unwrap()), kept);
    ipvs.flush().unwrap();
    assert_eq!(ipvs.table().unwrap(), Table::default());
}

#[test]
fn a_batch_reports_the_one_refused_change_and_applies_the_others() {
    let director = Director::alone();
    let mut ipvs = connect(&director);
    let mut changes = many(1000, 0);
    let Change::AddService(mut service) = changes[699] else { unreachable!() };
    service.scheduler = "nosuch".parse().unwrap();
    changes[699] = Change::AddService(service);
    let failures = ipvs.apply(&changes).unwrap();
    let places: Vec<usize> = failures.iter().map(|failure| failure.index).collect();
    assert_eq!(places, [699]);
    assert_eq!(failures[0].refused.reason, Reason::NoScheduler(service.scheduler));
    assert_eq!(ipvs.services().unwrap().len(), 999);
}

#[test]
fn a_batch_of_refused_changes_loses_no_reply() {
    let director = Director::alone();
    let mut ipvs = connect(&director);
    let changes: Vec<Change> =
        many(1000, 0).into_iter().flat_map(|change| [change, change]).skip(1).collect();
    let failures = ipvs.apply(&changes).unwrap();
    let places: Vec<usize> = failures.iter().map(|failure| failure.index).collect();
    let second_ones: Vec<usize> = (1..1000).map(|number| 2 * number).collect();
    assert_eq!(places, second_ones);
    assert_eq!(ipvs.apply(&many(1000, 0)).unwrap().len(), 1000);
    assert!(failures.iter().all(|failure| failure.refused.reason == Reason::ServiceExists));
    assert_eq!(ipvs.services().unwrap().len(), 1000);
}

#[test]
fn a_namespace_sees_only_its_own_table() {
    let director = Director::new();
    connect(&director).add_service(Service::new(tcp("192.0.2.1", 80))).unwrap();
    let elsewhere = || {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        assert_eq!(Client::connect().unwrap().table().unwrap(), Table::default());
    };
    std::thread::spawn(elsewhere).join().unwrap();
    assert_eq!(connect(&director).services().unwrap().len(), 1);
}
