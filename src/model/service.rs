//! Virtual services.

use std::cmp::Ordering;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::num::{NonZeroU8, NonZeroU32};
use std::ops::{BitOr, BitOrAssign};

use super::{PersistenceEngine, Scheduler, Stats};

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
}

impl Ord for ServiceId {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |id: &Self| match *id {
            Self::Address { protocol, address, port } => (None, id.family(), Some((protocol, address, port))),
            Self::Fwmark { mark, family } => (Some(mark), family, None),
        };
        key(self).cmp(&key(other))
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

/// One of the three flags that each scheduler may give a meaning of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SchedulerFlag {
    /// `IP_VS_SVC_F_SCHED1`: `sh-fallback` for `sh`, `mh-fallback` for `mh`.
    One,
    /// `IP_VS_SVC_F_SCHED2`: `sh-port` for `sh`, `mh-port` for `mh`.
    Two,
    /// `IP_VS_SVC_F_SCHED3`: no scheduler of the kernel uses it.
    Three,
}

/// The flags of a service, except the one for persistence, which [`Service::persistence`] stands for,
/// and the kernel's own `IP_VS_SVC_F_HASHED`. Bits that are not known here are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct ServiceFlags(u32);

impl ServiceFlags {
    /// `IP_VS_SVC_F_ONEPACKET`: every UDP datagram is scheduled by itself.
    pub const ONE_PACKET: Self = Self(0x4);

    const PERSISTENT: u32 = 0x1;
    const HASHED: u32 = 0x2;

    /// The flags among the bits of the kernel's `flags` field.
    pub fn from_bits(bits: u32) -> Self {
        Self(bits & !(Self::PERSISTENT | Self::HASHED))
    }

    /// The bits in the kernel's numbering.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// Whether all flags of `other` are set.
    pub fn contains(self, other: impl Into<Self>) -> bool {
        let other = other.into().0;
        self.0 & other == other
    }
}

impl From<SchedulerFlag> for ServiceFlags {
    fn from(flag: SchedulerFlag) -> Self {
        Self(match flag {
            SchedulerFlag::One => 0x08,
            SchedulerFlag::Two => 0x10,
            SchedulerFlag::Three => 0x20,
        })
    }
}

impl<T: Into<ServiceFlags>> BitOr<T> for ServiceFlags {
    type Output = Self;

    fn bitor(self, other: T) -> Self {
        Self(self.0 | other.into().0)
    }
}

impl<T: Into<ServiceFlags>> BitOrAssign<T> for ServiceFlags {
    fn bitor_assign(&mut self, other: T) {
        *self = *self | other;
    }
}

/// How much of a client's address persistence looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Netmask {
    /// A mask over IPv4 addresses. The kernel takes any bits, also with gaps.
    V4(Ipv4Addr),
    /// The length of an IPv6 prefix: see [`Netmask::prefix`].
    V6(PrefixLength),
}

/// The length of an IPv6 prefix, 1 to 128.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrefixLength(NonZeroU8);

impl PrefixLength {
    /// The length in bits.
    pub fn get(self) -> u8 {
        self.0.get()
    }
}

/// Why a netmask cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetmaskError {
    /// An IPv6 prefix is 1 to 128 bits long.
    #[error("an IPv6 prefix length is 1 to 128, not {0}")]
    PrefixLength(u32),
    /// The mask is for the other address family.
    #[error("the netmask {0} is not for the address family of the service")]
    Family(Netmask),
}

impl Netmask {
    /// The mask of one whole address, the kernel's default.
    pub fn host(family: Family) -> Self {
        match family {
            Family::V4 => Self::V4(Ipv4Addr::BROADCAST),
            Family::V6 => Self::V6(PrefixLength(NonZeroU8::MIN.saturating_add(127))),
        }
    }

    /// An IPv6 prefix of this many bits.
    ///
    /// # Errors
    /// If the length is not 1 to 128, which the kernel refuses with `EINVAL`.
    pub fn prefix(length: u32) -> Result<Self, NetmaskError> {
        u8::try_from(length)
            .ok()
            .and_then(NonZeroU8::new)
            .filter(|length| length.get() <= 128)
            .map(|length| Self::V6(PrefixLength(length)))
            .ok_or(NetmaskError::PrefixLength(length))
    }

    /// The family whose addresses the mask is for.
    pub fn family(self) -> Family {
        match self {
            Self::V4(_) => Family::V4,
            Self::V6(_) => Family::V6,
        }
    }
}

impl fmt::Display for Netmask {
    /// `255.255.255.0` or, for IPv6, `64`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(mask) => mask.fmt(f),
            Self::V6(length) => length.get().fmt(f),
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

    #[test]
    fn flags_keep_unknown_bits_but_not_the_kernels_own() {
        let flags = ServiceFlags::from_bits(0x8000_000f);
        assert_eq!(flags.bits(), 0x8000_000c);
        assert!(flags.contains(ServiceFlags::ONE_PACKET) && flags.contains(SchedulerFlag::One));
        assert!(!flags.contains(SchedulerFlag::Two));
    }
}
