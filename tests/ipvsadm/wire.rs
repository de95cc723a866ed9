//! Messages as bytes: captured ones are decoded, compared with values, encoded again and compared.

use std::num::{NonZeroU16, NonZeroU32};

use ipvs::netlink::IpvsMessage;
use ipvs::*;
use netlink_packet_core::{Emitable, NetlinkDeserializable, NetlinkHeader, NetlinkMessage};
use netlink_packet_generic::GenlMessage;

/// One captured message.
struct Capture {
    /// The command line, with `>` before it for a request and `<` for an answer.
    title: &'static str,
    /// The message from the generic netlink header on.
    bytes: Vec<u8>,
}

fn captures() -> Vec<Capture> {
    let mut captures: Vec<Capture> = Vec::new();
    for line in include_str!("captures.txt").lines().filter(|line| !line.starts_with('#')) {
        match line.as_bytes() {
            [] => {}
            [b'<' | b'>', ..] => captures.push(Capture { title: line, bytes: Vec::new() }),
            digits => captures.last_mut().unwrap().bytes.extend(
                digits
                    .chunks(2)
                    .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()),
            ),
        }
    }
    captures
}

fn decode(bytes: &[u8]) -> IpvsMessage {
    GenlMessage::<IpvsMessage>::deserialize(&NetlinkHeader::default(), bytes).unwrap().payload
}

fn encode(message: IpvsMessage) -> Vec<u8> {
    let message = GenlMessage::from_payload(message);
    let mut bytes = vec![0; message.buffer_len()];
    message.emit(&mut bytes);
    bytes
}

fn address(protocol: Protocol, address: &str, port: u16) -> ServiceId {
    ServiceId::Address { protocol, address: address.parse().unwrap(), port }
}

fn destination(address: &str, port: u16) -> Destination {
    Destination::new(DestinationId { address: address.parse().unwrap(), port })
}

fn web() -> Service {
    let mut web = Service::new(address(Protocol::TCP, "10.0.0.1", 80));
    web.scheduler = "sh".parse().unwrap();
    web.flags |= SchedulerFlag::Two;
    web.persistence = Some(300);
    web.set_netmask(Netmask::V4([255, 255, 0, 0].into())).unwrap();
    web
}

fn sip() -> Service {
    let mut sip = Service::new(address(Protocol::UDP, "10.0.0.1", 5060));
    sip.scheduler = "rr".parse().unwrap();
    sip.persistence = Some(60);
    sip.engine = Some("sip".parse().unwrap());
    sip.flags |= ServiceFlags::ONE_PACKET;
    sip
}

fn sctp() -> Service {
    let mut sctp = Service::new(address(Protocol::SCTP, "2001:db8::1", 53));
    sctp.scheduler = "mh".parse().unwrap();
    sctp.flags |= SchedulerFlag::One;
    sctp.persistence = Some(60);
    sctp.set_netmask(Netmask::prefix(64).unwrap()).unwrap();
    sctp
}

fn mark(scheduler: &str) -> Service {
    let mark = NonZeroU32::new(4_000_000_000).unwrap();
    let mut service = Service::new(ServiceId::Fwmark { mark, family: Family::V6 });
    service.scheduler = scheduler.parse().unwrap();
    service
}

fn udp() -> Service {
    let mut udp = Service::new(address(Protocol::UDP, "10.0.0.1", 99));
    udp.scheduler = "rr".parse().unwrap();
    udp
}

fn gue() -> Destination {
    Destination {
        forwarding: Forwarding::Tunnel,
        weight: 10,
        upper_threshold: 100,
        lower_threshold: 50,
        tunnel: Tunnel::Gue { port: NonZeroU16::new(6080).unwrap(), flags: TunnelFlags::CHECKSUM },
        ..destination("192.168.9.6", 80)
    }
}

fn v6_server() -> Destination {
    Destination { forwarding: Forwarding::Tunnel, weight: 3, ..destination("2001:db8::9", 80) }
}

fn sip_server(weight: u32) -> Destination {
    Destination { forwarding: Forwarding::Masquerade, weight, ..destination("10.0.0.2", 7000) }
}

fn udp_server() -> Destination {
    Destination { forwarding: Forwarding::Masquerade, ..destination("10.0.0.2", 98) }
}

fn master() -> SyncDaemon {
    SyncDaemon {
        sync_id: 200,
        max_length: 1000,
        group: Some([224, 0, 0, 99].into()),
        port: 9000,
        ttl: 5,
        ..SyncDaemon::new(DaemonState::Master, "d0".parse().unwrap())
    }
}

fn backup() -> SyncDaemon {
    SyncDaemon {
        sync_id: 7,
        group: Some("ff02::5".parse().unwrap()),
        ..SyncDaemon::new(DaemonState::Backup, "d0".parse().unwrap())
    }
}

/// Six datagrams to a port that nobody listens on, each answered by an ICMP message.
fn six_datagrams() -> Stats {
    Stats {
        connections: 6,
        in_packets: 6,
        out_packets: 6,
        in_bytes: 201,
        out_bytes: 369,
        rates: Rates { connections: 1, in_packets: 1, out_packets: 1, in_bytes: 19, out_bytes: 35 },
    }
}

/// What each captured message means, in the order of the file.
fn meanings() -> Vec<IpvsMessage> {
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

#[test]
fn captured_messages_mean_what_they_should() {
    let (captures, meanings) = (captures(), meanings());
    for (capture, meaning) in captures.iter().zip(&meanings) {
        assert_eq!(decode(&capture.bytes), *meaning, "{}", capture.title);
    }
    assert_eq!(captures.len(), meanings.len());
}

#[test]
fn the_kernels_answers_are_encoded_as_the_kernel_does() {
    let answers: Vec<Capture> =
        captures().into_iter().filter(|capture| capture.title.starts_with('<')).collect();
    assert_eq!(answers.len(), 13);
    for Capture { title, bytes } in answers {
        assert_eq!(canonical(&encode(decode(&bytes))), canonical(&bytes), "{title}");
    }
}

#[test]
fn requests_to_the_kernel_have_known_bytes() {
    let captures = captures();
    let captured = |title: &str| {
        let capture = captures.iter().find(|capture| capture.title.starts_with(title)).unwrap();
        capture.bytes.clone()
    };
    // These are, to the last byte, what the original sends.
    for title in [
        "> ipvsadm -A -t",
        "> ipvsadm -A --sctp",
        "> ipvsadm -A -f",
        "> ipvsadm -E",
        "> ipvsadm --start-daemon m",
    ] {
        let bytes = captured(title);
        assert_eq!(encode(decode(&bytes)), bytes, "{title}");
    }
    // Here the original repeats the settings of the service and puts attributes in another order.
    let server = encode(Change::AddDestination(web().id(), gue()).into());
    #[rustfmt::skip]
    assert_eq!(server, [
        5, 1, 0, 0,
        0x30, 0, 1, 0x80, 6, 0, 1, 0, 2, 0, 0, 0, 6, 0, 2, 0, 6, 0, 0, 0,
        0x14, 0, 3, 0, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 4, 0, 0, 80, 0, 0,
        0x60, 0, 2, 0x80, 0x14, 0, 1, 0, 192, 168, 9, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        6, 0, 2, 0, 0, 80, 0, 0, 8, 0, 3, 0, 2, 0, 0, 0, 8, 0, 4, 0, 10, 0, 0, 0,
        5, 0, 13, 0, 1, 0, 0, 0, 6, 0, 14, 0, 0x17, 0xc0, 0, 0, 6, 0, 15, 0, 1, 0, 0, 0,
        8, 0, 5, 0, 100, 0, 0, 0, 8, 0, 6, 0, 50, 0, 0, 0, 6, 0, 11, 0, 2, 0, 0, 0,
    ]);
}

#[test]
fn every_message_survives_encoding_and_decoding_inside_a_netlink_message() {
    for message in meanings() {
        let mut packet = NetlinkMessage::from(GenlMessage::from_payload(message));
        packet.finalize();
        let mut bytes = vec![0; packet.buffer_len()];
        packet.serialize(&mut bytes);
        let payload = &bytes[16..];
        assert_eq!(decode(payload), message);
    }
}

#[test]
fn no_damaged_message_is_taken_for_a_whole_one_or_panics() {
    for Capture { title, bytes } in captures() {
        for length in 4..bytes.len() {
            // A cut inside the trailing padding leaves the message as it was.
            if let Ok(message) =
                GenlMessage::<IpvsMessage>::deserialize(&NetlinkHeader::default(), &bytes[..length])
            {
                assert_ne!(message.payload, decode(&bytes), "{title}: {length}");
            }
        }
        for place in 4..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[place] ^= 1 << bit;
                let _ = GenlMessage::<IpvsMessage>::deserialize(&NetlinkHeader::default(), &damaged);
            }
        }
    }
}

/// The error for a message with these attributes.
fn refusal(command: u8, attributes: &[u8]) -> String {
    let bytes = [&[command, 1, 0, 0], attributes].concat();
    GenlMessage::<IpvsMessage>::deserialize(&NetlinkHeader::default(), &bytes).unwrap_err().to_string()
}

#[test]
fn errors_name_the_attribute() {
    let value = |kind: u8, value: &[u8]| {
        let mut bytes = vec![4 + value.len() as u8, 0, kind, 0];
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    let info = |attributes: &[Vec<u8>]| refusal(14, &attributes.concat());
    let (version, size) = (value(1, &[1, 2, 1, 0]), value(2, &[0, 16, 0, 0]));
    assert_eq!(info(&[]), "IPVS_INFO_ATTR_VERSION is missing");
    assert_eq!(info(std::slice::from_ref(&version)), "IPVS_INFO_ATTR_CONN_TAB_SIZE is missing");
    assert_eq!(info(&[version.clone(), version.clone(), size]), "IPVS_INFO_ATTR_VERSION is repeated");
    assert_eq!(
        info(&[version.clone(), value(2, &[0, 16])]),
        "IPVS_INFO_ATTR_CONN_TAB_SIZE has 2 bytes instead of 4"
    );
    assert_eq!(
        info(&[version, value(2, &[0, 16, 0, 0, 0, 0, 0, 0])]),
        "IPVS_INFO_ATTR_CONN_TAB_SIZE has 8 bytes instead of 4"
    );
    assert_eq!(refusal(14, &[3, 0, 1, 0]), "malformed attributes inside IPVS_CMD_SET_INFO");
    assert_eq!(refusal(14, &[9, 0, 1, 0]), "malformed attributes inside IPVS_CMD_SET_INFO");
    assert_eq!(refusal(99, &[]), "unknown command 99");

    let service = |attributes: &[Vec<u8>]| refusal(1, &value(1, &attributes.concat()));
    let (v4, v6) = (value(1, &[2, 0]), value(1, &[10, 0]));
    assert_eq!(refusal(1, &[]), "IPVS_CMD_ATTR_SERVICE is missing");
    assert_eq!(service(&[]), "IPVS_SVC_ATTR_AF is missing");
    assert_eq!(service(&[value(1, &[9, 0])]), "IPVS_SVC_ATTR_AF has an impossible value");
    assert_eq!(service(std::slice::from_ref(&v4)), "IPVS_SVC_ATTR_PROTOCOL is missing");
    assert_eq!(service(&[v4, value(3, &[10, 0, 0, 1])]), "IPVS_SVC_ATTR_ADDR has 4 bytes instead of 16");
    let prefix_of_200 = [
        v6,
        value(5, &[1, 0, 0, 0]),
        value(6, b"rr\0"),
        value(7, &[0; 8]),
        value(8, &[0; 4]),
        value(9, &[200, 0, 0, 0]),
    ];
    assert_eq!(service(&prefix_of_200), "IPVS_SVC_ATTR_NETMASK has an impossible value");
}

#[test]
fn unknown_attributes_and_values_of_newer_kernels_are_no_obstacle() {
    let mut bytes = answer();
    bytes.extend([8, 0, 77, 0, 1, 2, 3, 4]);
    assert_eq!(decode(&bytes), decode(&answer()));

    let odd = Destination {
        forwarding: Forwarding::Other(6),
        tunnel: Tunnel::Other { kind: 9, port: 1, flags: TunnelFlags(0x8000) },
        ..destination("10.0.0.9", 1)
    };
    let message = Change::AddDestination(web().id(), odd).into();
    assert_eq!(decode(&encode(message)), message);
}

#[test]
fn old_kernels_send_statistics_of_32_bits_only() {
    let bytes = answer();
    let whole = decode(&bytes);
    let nested = without(&bytes[8..], 12);
    let mut old = bytes[..4].to_vec();
    old.extend(((4 + nested.len()) as u16).to_ne_bytes());
    old.extend([1, 0]);
    old.extend(nested);
    assert!(old.len() < bytes.len());
    assert_eq!(decode(&old), whole);
}

/// A service as the kernel reports it.
fn answer() -> Vec<u8> {
    let is_service = |bytes: &[u8]| matches!(decode(bytes), IpvsMessage::Answer(Answer::Service(_)));
    captures().into_iter().map(|capture| capture.bytes).find(|bytes| is_service(bytes)).unwrap()
}

/// Attributes without those of one kind.
fn without(attributes: &[u8], unwanted: u16) -> Vec<u8> {
    let all = split(attributes);
    all.into_iter().filter(|(kind, _)| *kind != unwanted).flat_map(|(_, bytes)| bytes.to_vec()).collect()
}

/// Attributes with their kinds, padding included.
fn split(mut attributes: &[u8]) -> Vec<(u16, &[u8])> {
    let mut list = Vec::new();
    while let [low, high, kind, flags, ..] = *attributes {
        let length = usize::from(u16::from_ne_bytes([low, high])).next_multiple_of(4);
        let (first, rest) = attributes.split_at(length.min(attributes.len()));
        list.push((u16::from_ne_bytes([kind, flags]), first));
        attributes = rest;
    }
    list
}

/// A message without what varies: the mark of nested attributes, which the kernel leaves out, and the
/// padding before 64-bit numbers (`IPVS_STATS_ATTR_PAD`), which only some architectures have.
fn canonical(message: &[u8]) -> Vec<u8> {
    fn attributes(bytes: &[u8], path: &[u16]) -> Vec<u8> {
        let mut canonical = Vec::new();
        for (kind, attribute) in split(bytes) {
            let kind = kind & 0x7fff;
            let path = [path, &[kind]].concat();
            let value = match path[..] {
                [1..=3] | [1 | 2, 10 | 12] => attributes(&attribute[4..], &path),
                [1 | 2, 10 | 12, 11] => continue,
                _ => attribute[4..].to_vec(),
            };
            let length = match path.len() {
                1 => value.len() + 4,
                _ => usize::from(u16::from_ne_bytes([attribute[0], attribute[1]])).min(value.len() + 4),
            };
            canonical.extend((length as u16).to_ne_bytes());
            canonical.extend(kind.to_ne_bytes());
            canonical.extend(value);
        }
        canonical
    }
    let nested = matches!(message[0], 1..=11);
    let content = if nested { attributes(&message[4..], &[]) } else { message[4..].to_vec() };
    [&message[..4], &content].concat()
}
