//! The values that the captured messages encode.

use std::num::{NonZeroU16, NonZeroU32};

use super::*;

pub fn address(protocol: Protocol, address: &str, port: u16) -> ServiceId {
    ServiceId::Address { protocol, address: address.parse().unwrap(), port }
}

pub fn destination(address: &str, port: u16) -> Destination {
    Destination::new(DestinationId { address: address.parse().unwrap(), port })
}

pub fn web() -> Service {
    let mut web = Service::new(address(Protocol::TCP, "10.0.0.1", 80));
    web.scheduler = "sh".parse().unwrap();
    web.flags |= SchedulerFlag::Two;
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
    sctp.flags |= SchedulerFlag::One;
    sctp.persistence = Some(60);
    sctp.set_netmask(Netmask::prefix(64).unwrap()).unwrap();
    sctp
}

pub fn mark(scheduler: &str) -> Service {
    let mark = NonZeroU32::new(4_000_000_000).unwrap();
    let mut service = Service::new(ServiceId::Fwmark { mark, family: Family::V6 });
    service.scheduler = scheduler.parse().unwrap();
    service
}

pub fn udp() -> Service {
    let mut udp = Service::new(address(Protocol::UDP, "10.0.0.1", 99));
    udp.scheduler = "rr".parse().unwrap();
    udp
}

pub fn gue() -> Destination {
    Destination {
        forwarding: Forwarding::Tunnel,
        weight: 10,
        upper_threshold: 100,
        lower_threshold: 50,
        tunnel: Tunnel::Gue { port: NonZeroU16::new(6080).unwrap(), flags: TunnelFlags::CHECKSUM },
        ..destination("192.168.9.6", 80)
    }
}

pub fn v6_server() -> Destination {
    Destination { forwarding: Forwarding::Tunnel, weight: 3, ..destination("2001:db8::9", 80) }
}

pub fn sip_server(weight: u32) -> Destination {
    Destination { forwarding: Forwarding::Masquerade, weight, ..destination("10.0.0.2", 7000) }
}

pub fn udp_server() -> Destination {
    Destination { forwarding: Forwarding::Masquerade, ..destination("10.0.0.2", 98) }
}

pub fn master() -> SyncDaemon {
    SyncDaemon {
        sync_id: 200,
        max_length: 1000,
        group: Some([224, 0, 0, 99].into()),
        port: 9000,
        ttl: 5,
        ..SyncDaemon::new(DaemonState::Master, "d0".parse().unwrap())
    }
}

pub fn backup() -> SyncDaemon {
    SyncDaemon {
        sync_id: 7,
        group: Some("ff02::5".parse().unwrap()),
        ..SyncDaemon::new(DaemonState::Backup, "d0".parse().unwrap())
    }
}

/// The counters after six datagrams to a closed port, each answered by an ICMP message.
pub fn six_datagrams() -> Stats {
    Stats {
        connections: 6,
        in_packets: 6,
        out_packets: 6,
        in_bytes: 201,
        out_bytes: 369,
        rates: Rates { connections: 1, in_packets: 1, out_packets: 1, in_bytes: 19, out_bytes: 35 },
    }
}

/// The value of each captured message, in the order of the file.
pub fn meanings() -> Vec<IpvsMessage> {
    let service = |service, stats| IpvsMessage::Answer(Answer::Service(ServiceState { service, stats }));
    let server = |destination, inactive_connections, stats| {
        IpvsMessage::Answer(Answer::Destination(DestinationState {
            destination,
            active_connections: 0,
            inactive_connections,
            persistent_connections: 0,
            stats,
        }))
    };
    let timeouts = IpvsMessage::Answer(Answer::Timeouts(Timeouts { tcp: 901, tcp_fin: 121, udp: 301 }));
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
        IpvsMessage::Answer(Answer::Info(Info { version: Version(0x010201), connection_table_size: 4096 })),
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
        timeouts,
        Query::Timeouts.into(),
        timeouts,
        Change::DeleteDestination(web().id(), v6_server().id).into(),
        IpvsMessage::Answer(Answer::Daemon(master())),
        IpvsMessage::Answer(Answer::Daemon(backup())),
        Query::Daemons.into(),
        IpvsMessage::Answer(Answer::Daemon(master())),
        IpvsMessage::Answer(Answer::Daemon(SyncDaemon { max_length: 1452, port: 8848, ttl: 1, ..backup() })),
        Change::StopDaemon(DaemonState::Backup).into(),
        Change::StopDaemon(DaemonState::Master).into(),
        Change::Zero(Some(udp().id())).into(),
        Change::Zero(None).into(),
        Change::DeleteService(mark("rr").id()).into(),
        Change::Flush.into(),
    ]
}
