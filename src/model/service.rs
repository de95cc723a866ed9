//! Virtual services.

use std::cmp::Ordering;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;

use super::{Netmask, NetmaskError, PersistenceEngine, Scheduler, ServiceFlags, Stats};

/// The family of an address: what the kernel calls `AF_INET` and `AF_INET6`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// `AF_INET`
    V4,
    /// `AF_INET6`
    V6,
}

impl From<IpAddr> for Family {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Family::V4,
            IpAddr::V6(_) => Family::V6,
        }
    }
}

/// The transport protocol of a virtual service, by its IANA number (`IPPROTO_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protocol(pub u16);

impl Protocol {
    /// `IPPROTO_TCP`
    pub const TCP: Self = Self(6);
    /// `IPPROTO_UDP`
    pub const UDP: Self = Self(17);
    /// `IPPROTO_SCTP`
    pub const SCTP: Self = Self(132);
}

impl fmt::Display for Protocol {
    /// `TCP`, `UDP`, `SCTP`, or the number of another protocol.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TCP => f.pad("TCP"),
            Self::UDP => f.pad("UDP"),
            Self::SCTP => f.pad("SCTP"),
            Self(number) => f.pad(&number.to_string()),
        }
    }
}

/// What tells one virtual service from all others.
///
/// The order is the one in which services are listed: services on addresses first, then by firewall
/// mark; within these by family, protocol, address and port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceId {
    /// A service on an address and a port.
    Address {
        /// The transport protocol.
        protocol: Protocol,
        /// The virtual address.
        address: IpAddr,
        /// The virtual port in host byte order; 0 means every port, which needs persistence.
        port: u16,
    },
    /// A service for all packets that carry a firewall mark.
    Fwmark {
        /// The mark, as set by `iptables -j MARK` or `nft meta mark set`. 0 means no mark.
        mark: NonZeroU32,
        /// The family of the packets and, except with tunnels, of the destinations.
        family: Family,
    },
}

impl ServiceId {
    /// The address family of the service.
    pub fn family(&self) -> Family {
        match *self {
            Self::Address { address, .. } => address.into(),
            Self::Fwmark { family, .. } => family,
        }
    }

    /// What the order compares. Long lists are sorted faster by it than by the ids.
    pub fn sort_key(&self) -> impl Ord + use<> {
        match *self {
            Self::Address { protocol, address, port } => {
                let address = match address {
                    IpAddr::V4(address) => u32::from(address).into(),
                    IpAddr::V6(address) => u128::from(address),
                };
                (0, self.family(), protocol.0, address, port)
            }
            Self::Fwmark { mark, family } => (mark.get(), family, 0, 0, 0),
        }
    }
}

impl Ord for ServiceId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sort_key().cmp(&other.sort_key())
    }
}

impl PartialOrd for ServiceId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for ServiceId {
    /// As in the listings: `TCP 192.0.2.1:80`, `UDP [2001:db8::1]:53`, `FWM 7`, `FWM 7 IPv6`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Address { protocol, address, port } => {
                write!(f, "{protocol} {}", std::net::SocketAddr::new(address, port))
            }
            Self::Fwmark { mark, family: Family::V4 } => write!(f, "FWM {mark}"),
            Self::Fwmark { mark, family: Family::V6 } => write!(f, "FWM {mark} IPv6"),
        }
    }
}

/// The settings of a virtual service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Service {
    id: ServiceId,
    netmask: Netmask,
    /// How destinations are chosen.
    pub scheduler: Scheduler,
    /// One-packet scheduling and the scheduler's own flags.
    pub flags: ServiceFlags,
    /// For how many seconds a client keeps its destination; `None` for a service that is not
    /// persistent. The kernel counts it in jiffies, so that very long times are its own affair.
    pub persistence: Option<u32>,
    /// What persistence goes by instead of the client's address.
    pub engine: Option<PersistenceEngine>,
}

impl Service {
    /// A service with the kernel's and `ipvsadm`'s defaults: scheduler `wlc`, no flags, not persistent.
    pub fn new(id: ServiceId) -> Self {
        Self {
            id,
            netmask: Netmask::host(id.family()),
            scheduler: Scheduler::default(),
            flags: ServiceFlags::default(),
            persistence: None,
            engine: None,
        }
    }

    /// What tells the service from others.
    pub fn id(&self) -> ServiceId {
        self.id
    }

    /// How much of a client's address persistence looks at.
    pub fn netmask(&self) -> Netmask {
        self.netmask
    }

    /// Sets how much of a client's address persistence looks at.
    ///
    /// # Errors
    /// If the mask is for the other address family.
    pub fn set_netmask(&mut self, netmask: Netmask) -> Result<(), NetmaskError> {
        if netmask.family() != self.id.family() {
            return Err(NetmaskError::Family(netmask));
        }
        self.netmask = netmask;
        Ok(())
    }
}

/// A service as the kernel reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceState {
    /// Its settings.
    pub service: Service,
    /// What was counted since it was added or last zeroed.
    pub stats: Stats,
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn tcp(address: &str, port: u16) -> ServiceId {
        ServiceId::Address { protocol: Protocol::TCP, address: address.parse().unwrap(), port }
    }

    #[test]
    fn services_sort_by_family_protocol_address_and_port_before_firewall_marks() {
        let mark = |n, family| ServiceId::Fwmark { mark: NonZeroU32::new(n).unwrap(), family };
        let udp =
            ServiceId::Address { protocol: Protocol::UDP, address: "1.0.0.1".parse().unwrap(), port: 1 };
        let sorted = [
            tcp("1.0.0.1", 80),
            tcp("1.0.0.1", 443),
            tcp("200.0.0.1", 1),
            udp,
            tcp("::1", 1),
            mark(1, Family::V4),
            mark(1, Family::V6),
            mark(0x8000_0000, Family::V4),
        ];
        let mut shuffled = sorted;
        shuffled.reverse();
        shuffled.sort();
        assert_eq!(shuffled, sorted);
    }

    #[test]
    fn a_netmask_belongs_to_the_family_of_its_service() {
        let mut service = Service::new(tcp("2001:db8::1", 80));
        assert_eq!(service.netmask().to_string(), "128");
        service.set_netmask(Netmask::prefix(64).unwrap()).unwrap();
        assert_eq!(service.netmask().to_string(), "64");
        let v4 = Netmask::V4(Ipv4Addr::new(255, 255, 255, 0));
        assert_eq!(service.set_netmask(v4), Err(NetmaskError::Family(v4)));
        for length in [0, 129, 200, u32::MAX] {
            assert_eq!(Netmask::prefix(length), Err(NetmaskError::PrefixLength(length)));
        }
    }
}
