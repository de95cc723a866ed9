//! The virtual server table: `/proc/net/ip_vs`.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;

use super::fields::{parse_decimal, parse_hexadecimal, parse_ipv6, take_word};
use super::lines::{Lines, open};
use super::{ProcError, malformed};
use crate::address::AddressFamily;
use crate::destination::{DestinationSummary, Forwarding};
use crate::name::Scheduler;
use crate::service::{Netmask, Protocol, ServiceId};
use crate::settings::{Info, Version};

const NAME: &str = "ip_vs";
/// The number of destinations that need no second allocation.
const FEW: usize = 2;
/// The two lines between the one with the version and the first service.
const HEADINGS: [&[u8]; 2] = [b"Prot ", b"  -> RemoteAddress:Port "];

/// The table as `/proc/net/ip_vs` has it, which everyone may read.
///
/// It is cheaper than asking for each service's destinations, and knows less. The record of a service with its
/// destinations is consistent; a service that is there all the time may be missing if others come or go meanwhile.
/// [`Ipvs::summary`](crate::Ipvs::summary) completes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcTable {
    /// The version and the size of the connection table.
    pub info: Info,
    /// The services in the kernel's order. The same one may come twice.
    pub services: Vec<ProcService>,
}

/// A service in the file. The flags of its scheduler and its persistence engine are not there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcService {
    /// The identity of the service. The file does not tell the address family of a firewall mark.
    pub id: ServiceId,
    /// Set if the address family is known. That of a firewall mark is only if one of its destinations is reached by
    /// other means than a tunnel; otherwise it stands as IPv4.
    pub has_known_family: bool,
    /// The name of the scheduler; `none` if there is none.
    pub scheduler: Scheduler,
    /// One-packet scheduling. The file does not tell it for IPv6 services on an address.
    pub one_packet: bool,
    /// The persistence, if there is one.
    pub persistence: Option<ProcPersistence>,
    /// The destinations in the kernel's order: the one added last comes first.
    pub destinations: Vec<DestinationSummary>,
}

/// The persistence of a service in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcPersistence {
    /// The time for which a client keeps its destination, in jiffies: 100 to 1000 a second, which only the kernel's
    /// configuration tells.
    pub jiffies: u32,
    mask: u32,
}

impl ProcPersistence {
    /// Returns the part of a client's address that persistence looks at, for the address family of the service.
    #[must_use]
    pub fn netmask(&self, family: AddressFamily) -> Option<Netmask> {
        match family {
            AddressFamily::V4 => Some(Netmask::V4(Ipv4Addr::from(self.mask))),
            // The kernel takes the length of the prefix for a mask in network byte order.
            AddressFamily::V6 => Netmask::prefix(u32::from_be(self.mask)).ok(),
        }
    }
}

impl ProcTable {
    /// Reads the file of the calling thread's network namespace.
    ///
    /// # Errors
    /// [`ProcError::Read`] if there is no such file, as without IPVS, or [`ProcError::Malformed`].
    pub fn read() -> Result<Self, ProcError> {
        Self::from_reader(open(NAME)?)
    }

    /// Reads a table that was written by the kernel from somewhere else.
    ///
    /// # Errors
    /// If it cannot be read, or is not the kernel's.
    pub fn from_reader(source: impl Read) -> Result<Self, ProcError> {
        let mut lines = Lines::new(NAME, source);
        let line = lines.next_line()?.unwrap_or_default();
        let info = parse_info(line).ok_or_else(|| malformed(NAME, line))?;
        for heading in HEADINGS {
            let line = lines.next_line()?.unwrap_or_default();
            if !line.starts_with(heading) {
                return Err(malformed(NAME, line));
            }
        }
        let mut services = Vec::new();
        while let Some(line) = lines.next_line()? {
            add(&mut services, line).ok_or_else(|| malformed(NAME, line))?;
        }
        services.iter_mut().for_each(ProcService::find_family);
        Ok(Self { info, services })
    }
}

/// Parses `IP Virtual Server version 1.2.1 (size=4096)`.
fn parse_info(line: &[u8]) -> Option<Info> {
    let line = std::str::from_utf8(line).ok()?.strip_prefix("IP Virtual Server version ")?;
    let (version, size) = line.strip_suffix(')')?.split_once(" (size=")?;
    let mut parts = version.split('.').map(|part| part.parse::<u8>().ok());
    let version = [0, parts.next()??, parts.next()??, parts.next()??];
    parts
        .next()
        .is_none()
        .then_some(Info::new(Version::from_raw(u32::from_be_bytes(version)), size.parse().ok()?))
}

/// Adds a line: a service, or a destination of the last one.
fn add(services: &mut Vec<ProcService>, line: &[u8]) -> Option<()> {
    match line.strip_prefix(b"  -> ") {
        Some(destination) => services.last_mut()?.destinations.push(parse_destination(destination)?),
        None => services.push(parse_service(line)?),
    }
    Some(())
}

impl ProcService {
    /// Learns the address family of a firewall mark from its destinations. Only tunnels lead to the other one, and a
    /// tunnel to the director itself is listed as local.
    fn find_family(&mut self) {
        let ServiceId::Fwmark { mark, .. } = self.id else { return };
        let mut plain = self.destinations.iter().filter(|destination| {
            matches!(destination.forwarding, Forwarding::Masquerade | Forwarding::DirectRoute)
        });
        if let Some(destination) = plain.next() {
            self.id = ServiceId::fwmark(mark, destination.id.family());
            self.has_known_family = true;
        }
    }
}

/// Parses a line such as `UDP  C0000201:0050 wlc ops persistent 30000 FFFFFF00`.
fn parse_service(line: &[u8]) -> Option<ProcService> {
    let rest = &mut &*line;
    let (protocol, address) = (take_word(rest)?, take_word(rest)?);
    let on_address = |protocol| Some(ServiceId::new(protocol, parse_endpoint(address)?));
    let id = match protocol {
        b"TCP" => on_address(Protocol::TCP)?,
        b"UDP" => on_address(Protocol::UDP)?,
        b"SCTP" => on_address(Protocol::SCTP)?,
        b"FWM" if address.len() == 8 => {
            ServiceId::fwmark(NonZeroU32::new(parse_hexadecimal(address)?)?, AddressFamily::V4)
        }
        _ => return None,
    };
    let scheduler = Scheduler::from_kernel(take_word(rest)?)?;
    let mut word = take_word(rest);
    let one_packet = word == Some(b"ops");
    if one_packet {
        word = take_word(rest);
    }
    let persistence = match word {
        None => None,
        Some(b"persistent") => {
            let jiffies = parse_u32(take_word(rest)?)?;
            let mask = parse_hexadecimal(take_word(rest).filter(|mask| mask.len() == 8)?)?;
            Some(ProcPersistence { jiffies, mask })
        }
        Some(_) => return None,
    };
    let has_known_family = matches!(id, ServiceId::Address { .. });
    let destinations = Vec::with_capacity(FEW);
    let service = ProcService { id, has_known_family, scheduler, one_packet, persistence, destinations };
    rest.is_empty().then_some(service)
}

/// Parses a line such as `0A000001:1F90      Masq    3      0          0`.
fn parse_destination(line: &[u8]) -> Option<DestinationSummary> {
    let rest = &mut &*line;
    let id = parse_endpoint(take_word(rest)?)?.into();
    let forwarding = match take_word(rest)? {
        b"Masq" => Forwarding::Masquerade,
        b"Local" => Forwarding::Local,
        b"Tunnel" => Forwarding::Tunnel,
        b"Route" => Forwarding::DirectRoute,
        b"Bypass" => Forwarding::Bypass,
        _ => return None,
    };
    let mut number = || parse_u32(take_word(rest)?);
    let (weight, active_connections, inactive_connections) = (number()?, number()?, number()?);
    let summary = DestinationSummary { id, forwarding, weight, active_connections, inactive_connections };
    rest.is_empty().then_some(summary)
}

/// Parses `C0000201:0050` or `[2001:0db8:0000:0000:0000:0000:0000:0001]:0050`.
fn parse_endpoint(word: &[u8]) -> Option<SocketAddr> {
    let (address, port) = match word.strip_prefix(b"[") {
        None => {
            let (address, port) = word.split_first_chunk::<8>()?;
            (Ipv4Addr::from(parse_hexadecimal(address)?).into(), port)
        }
        Some(word) => {
            let (address, port) = word.split_first_chunk::<39>()?;
            (parse_ipv6(address)?.into(), port.strip_prefix(b"]")?)
        }
    };
    let port: [u8; 4] = port.strip_prefix(b":")?.try_into().ok()?;
    Some(SocketAddr::new(address, parse_hexadecimal(&port)? as u16))
}

fn parse_u32(digits: &[u8]) -> Option<u32> {
    parse_decimal(digits)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str = "IP Virtual Server version 1.2.1 (size=4096)\n\
                           Prot LocalAddress:Port Scheduler Flags\n  \
                           -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n";

    fn read(lines: &str) -> Result<ProcTable, ProcError> {
        ProcTable::from_reader(format!("{HEADING}{lines}").as_bytes())
    }

    fn service(lines: &str) -> ProcService {
        let mut table = read(lines).unwrap();
        assert_eq!(table.services.len(), 1, "{lines}");
        table.services.remove(0)
    }

    fn id(service: &str) -> ServiceId {
        service.parse().unwrap()
    }

    #[test]
    fn services_are_read_as_the_kernel_writes_them() {
        assert_eq!(read("").unwrap().info, Info::new(Version::from_raw(0x01_02_01), 4096));
        let plain = service("TCP  0A000001:0050 rr  \n");
        assert_eq!((plain.id, plain.has_known_family), (id("TCP 10.0.0.1:80"), true));
        assert_eq!((plain.scheduler, plain.one_packet), (Scheduler::RR, false));
        assert_eq!((plain.persistence, plain.destinations), (None, Vec::new()));

        let one_packet = service("UDP  0A000001:0035 wlc ops  \n");
        assert_eq!((one_packet.id, one_packet.one_packet), (id("UDP 10.0.0.1:53"), true));

        let persistent = service("TCP  0A000001:0050 rr  persistent 30000 FFFFFF00\n").persistence.unwrap();
        assert_eq!(
            (persistent.jiffies, persistent.netmask(AddressFamily::V4).unwrap().to_string().as_str()),
            (30_000, "255.255.255.0")
        );

        let prefix = format!("{:08X}", 64_u32.to_be());
        let ipv6 = service(&format!(
            "SCTP  [2001:0db8:0000:0000:0000:0000:0000:0001]:005A sh persistent 10000 {prefix}\n"
        ));
        assert_eq!(ipv6.id, id("SCTP [2001:db8::1]:90"));
        assert_eq!(ipv6.persistence.unwrap().netmask(AddressFamily::V6), Netmask::prefix(64).ok());
    }

    #[test]
    fn destinations_are_read_as_the_kernel_writes_them() {
        let lines = "TCP  [2001:0db8:0000:0000:0000:0000:0000:0001]:0050 sh \n  \
                     -> 0A010009:0050      Tunnel  1      0          0         \n  \
                     -> [2001:0db8:0000:0000:0000:0000:0000:0002]:1F90      Masq    65535  12345678901 0\n";
        assert!(matches!(read(lines), Err(ProcError::Malformed(..))), "a count of more than 32 bits");
        let destinations = service(&lines.replace("12345678901", "1234567890")).destinations;
        let summary = |id: &str, forwarding, weight, active_connections| DestinationSummary {
            id: id.parse().unwrap(),
            forwarding,
            weight,
            active_connections,
            inactive_connections: 0,
        };
        assert_eq!(
            destinations,
            [
                summary("10.1.0.9:80", Forwarding::Tunnel, 1, 0),
                summary("[2001:db8::2]:8080", Forwarding::Masquerade, 65_535, 1_234_567_890),
            ]
        );
    }

    #[test]
    fn the_family_of_a_mark_is_known_by_a_server_without_a_tunnel() {
        let ipv4_tunnel = "  -> 0A010003:0000      Tunnel  1      0          0         \n";
        let ipv6_local =
            "  -> [2001:0db8:0000:0000:0000:0000:0000:0007]:0000      Local   1      0          0\n";
        let ipv6 = "  -> [2001:0db8:0000:0000:0000:0000:0000:0007]:0000      Route   1      0          0\n";
        for (servers, expected) in [
            (vec![], None),
            (vec![ipv4_tunnel, ipv6_local], None),
            (vec![ipv4_tunnel, ipv6], Some("FWM 7 IPv6")),
            (vec!["  -> 0A010003:0000      Masq    1      0          0         \n"], Some("FWM 7")),
        ] {
            let service = service(&format!("FWM  00000007 rr \n{}", servers.concat()));
            let known = service.has_known_family.then(|| service.id.to_string());
            assert_eq!(known.as_deref(), expected);
            assert_eq!(service.id.to_string(), expected.unwrap_or("FWM 7"));
        }
    }

    #[test]
    fn malformed_lines_are_errors() {
        for heading in
            ["", "IP Virtual Server", "IP Virtual Server version 1.2 (size=1)\n", HEADING.split_at(80).0]
        {
            assert!(ProcTable::from_reader(heading.as_bytes()).is_err(), "{heading}");
        }
        for lines in [
            "\n",
            "TCP",
            "TCP  0A000001:0050",
            "ICMP  0A000001:0050 rr",
            "TCP  0A000001:00500 rr",
            "TCP  0A000001 0050 rr",
            "TCP  [2001:0db8:0000:0000:0000:0000:0001]:0050 rr",
            "TCP  [2001:0db8:0000:0000:0000:0000:0000:0001:0050 rr",
            "TCP  0A000001:0050 sixteen_bytes_xx",
            "TCP  0A000001:0050 rr odd",
            "TCP  0A000001:0050 rr persistent",
            "TCP  0A000001:0050 rr persistent 1 FFFFFFFFF",
            "TCP  0A000001:0050 rr persistent 1 FFFFFFFF more",
            "FWM  00000000 rr",
            "FWM  0000000007 rr",
            "  -> 0A010003:0000      Masq    1      0          0",
            "FWM  00000007 rr\n  -> 0A010003:0000      Odd    1      0          0",
            "FWM  00000007 rr\n  -> 0A010003:0000      Masq    -1      0          0",
            "FWM  00000007 rr\n  -> 0A010003:0000      Masq    1      0",
            "FWM  00000007 rr\n  -> 0A010003:0000      Masq    1      0   0  0",
        ] {
            assert!(matches!(read(lines), Err(ProcError::Malformed(NAME, _))), "{lines}");
        }
    }
}
