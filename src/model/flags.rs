//! The flags of a service.

use std::ops::{BitOr, BitOrAssign};

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

/// The flags of a service, except the kernel's own `IP_VS_SVC_F_HASHED` and the one for persistence, which
/// [`Service::persistence`](super::Service::persistence) stands for. Bits that are not known here are kept.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_keep_unknown_bits_but_not_the_kernels_own() {
        let flags = ServiceFlags::from_bits(0x8000_000f);
        assert_eq!(flags.bits(), 0x8000_000c);
        assert!(flags.contains(ServiceFlags::ONE_PACKET) && flags.contains(SchedulerFlag::One));
        assert!(!flags.contains(SchedulerFlag::Two));
    }
}
