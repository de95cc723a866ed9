//! The values that the captured messages encode.

use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU16, NonZeroU32};

use super::*;

pub fn address(protocol: Protocol, address: &str, port: u16) -> ServiceId {
    ServiceId::new(protocol, SocketAddr::new(address.parse().unwrap(), port))
}

pub fn destination(address: &str, port: u16) -> Destination {
    Destination::new(DestinationId::new(address.parse::<IpAddr>().unwrap(), port))
}

pub fn web() -> Service {
    let mut web = Service::new(address(Protocol::TCP, "10.0.0.1", 80));
    web.scheduler = "sh".parse().unwrap();
    web.flags |= ServiceFlags::SCHEDULER_2;
    web.persistence = Some(300);
    web.set_netmask(Netmask::V4([255, 255, 0, 0].into())).unwrap();
    web
}

pub fn sip() -> Service {
    let mut sip = Service::new(address(Protocol::UDP, "10.0.0.1", 5060));
    sip.scheduler = "rr".parse().unwrap();
    sip.persistence = Some(60);
    sip.engine = Some("sip".parse().unwrap());
    sip.flags |= ServiceFlags::ONE_PACKET;
    sip
}

pub fn sctp() -> Service {
    let mut sctp = Service::new(address(Protocol::SCTP, "2001:db8::1", 53));
    sctp.scheduler = "mh".parse().unwrap();
    sctp.flags |= ServiceFlags::SCHEDULER_1;
    sctp.persistence = Some(60);
    sctp.set_netmask(Netmask::prefix(64).unwrap()).unwrap();
    sctp
}

pub fn mark(scheduler: &str) -> Service {
    let mark = NonZeroU32::new(4_000_000_000).unwrap();
    let mut service = Service::new(ServiceId::fwmark(mark, AddressFamily::V6));
    service.scheduler = scheduler.parse().unwrap();
    service
}

pub fn udp() -> Service {
    let mut udp = Service::new(address(Protocol::UDP, "10.0.0.1", 99));
    udp.scheduler = "rr".parse().unwrap();
    udp
}

pub fn gue() -> Destination {
    let port = NonZeroU16::new(6080).unwrap();
    destination("192.168.9.6", 80)
        .with_forwarding(Forwarding::Tunnel)
        .with_weight(10)
        .with_thresholds(100, 50)
        .with_tunnel(Tunnel::Gue { port, flags: TunnelFlags::CHECKSUM })
}

pub fn v6_server() -> Destination {
    destination("2001:db8::9", 80).with_forwarding(Forwarding::Tunnel).with_weight(3)
}

pub fn sip_server(weight: u32) -> Destination {
    destination("10.0.0.2", 7000).with_forwarding(Forwarding::Masquerade).with_weight(weight)
}

pub fn udp_server() -> Destination {
    destination("10.0.0.2", 98).with_forwarding(Forwarding::Masquerade)
}

pub fn master() -> SyncDaemon {
    SyncDaemon::new(DaemonState::Master, "d0".parse().unwrap())
        .with_sync_id(200)
        .with_max_length(1000)
        .with_group([224, 0, 0, 99].into())
        .with_port(9000)
        .with_ttl(5)
}

pub fn backup() -> SyncDaemon {
    SyncDaemon::new(DaemonState::Backup, "d0".parse().unwrap())
        .with_sync_id(7)
        .with_group("ff02::5".parse().unwrap())
}

/// The counters after six datagrams to a closed port, each answered by an ICMP message.
pub fn six_datagrams() -> Stats {
    let mut rates = Rates::default();
    (rates.connections, rates.in_packets, rates.out_packets) = (1, 1, 1);
    (rates.in_bytes, rates.out_bytes) = (19, 35);
    let mut stats = Stats::default();
    (stats.connections, stats.in_packets, stats.out_packets) = (6, 6, 6);
    (stats.in_bytes, stats.out_bytes, stats.rates) = (201, 369, rates);
    stats
}

/// The value of each captured message, in the order of the file.
pub fn meanings() -> Vec<Message> {
    let service = |service, stats| Message::Reply(Reply::Service(ServiceState::new(service, stats)));
    let server = |destination, inactive_connections, stats| {
        let mut state = DestinationState::new(destination);
        (state.inactive_connections, state.stats) = (inactive_connections, stats);
        Message::Reply(Reply::Destination(state))
    };
    let timeouts = Timeouts::new(901, 121, 301);
    let none = Stats::default();
    vec![
        Change::AddService(web()).into(),
        Change::AddService(sip()).into(),
        Change::AddService(sctp()).into(),
        Change::AddService(mark("wlc")).into(),
        Change::SetService(mark("rr")).into(),
        Change::AddDestination(web().id(), gue()).into(),
        Change::AddDestination(web().id(), v6_server()).into(),
        Change::AddDestination(sip().id(), sip_server(77)).into(),
        Change::SetDestination(sip().id(), sip_server(78)).into(),
        Change::AddService(udp()).into(),
        Change::AddDestination(udp().id(), udp_server()).into(),
        Query::Info.into(),
        Message::Reply(Reply::Info(Info::new(Version::from_raw(0x010201), 4096))),
        Query::Services.into(),
        service(udp(), six_datagrams()),
        service(web(), none),
        service(sctp(), none),
        service(sip(), none),
        service(mark("rr"), none),
        Query::Destinations(mark("rr").id()).into(),
        Query::Destinations(web().id()).into(),
        server(v6_server(), 0, none),
        server(gue(), 0, none),
        Query::Destinations(udp().id()).into(),
        server(udp_server(), 6, six_datagrams()),
        Query::Destinations(sip().id()).into(),
        server(sip_server(78), 0, none),
        Query::Destinations(sctp().id()).into(),
        Query::Service(udp().id()).into(),
        Change::SetTimeouts(timeouts).into(),
        Query::Timeouts.into(),
        Message::Reply(Reply::Timeouts(timeouts)),
        Change::DeleteDestination(web().id(), v6_server().id).into(),
        Change::StartDaemon(master()).into(),
        Change::StartDaemon(backup()).into(),
        Query::Daemons.into(),
        Message::Reply(Reply::Daemon(master())),
        Message::Reply(Reply::Daemon(backup().with_max_length(1452).with_port(8848).with_ttl(1))),
        Change::StopDaemon(DaemonState::Backup).into(),
        Change::StopDaemon(DaemonState::Master).into(),
        Change::Zero(Some(udp().id())).into(),
        Change::Zero(None).into(),
        Change::DeleteService(mark("rr").id()).into(),
        Change::Flush.into(),
    ]
}
