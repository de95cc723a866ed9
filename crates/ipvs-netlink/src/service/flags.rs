//! The flags of a virtual service.

use std::ops::{BitOr, BitOrAssign};

use crate::constants::{
    IP_VS_SVC_F_HASHED, IP_VS_SVC_F_ONEPACKET, IP_VS_SVC_F_PERSISTENT, IP_VS_SVC_F_SCHED1,
    IP_VS_SVC_F_SCHED2, IP_VS_SVC_F_SCHED3,
};
use crate::name::Scheduler;

/// The flags of a service (`IPVS_SVC_ATTR_FLAGS`) that an administrator chooses. Unknown flags are kept.
///
/// Two of the kernel's flags are not among them: `IP_VS_SVC_F_PERSISTENT`, for which
/// [`Service::persistence`](super::Service::persistence) stands, and `IP_VS_SVC_F_HASHED`, which the kernel sets
/// itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct ServiceFlags(u32);

impl ServiceFlags {
    /// `IP_VS_SVC_F_ONEPACKET`: each UDP datagram is scheduled by itself.
    pub const ONE_PACKET: Self = Self(IP_VS_SVC_F_ONEPACKET);
    /// `IP_VS_SVC_F_SCHED1`, whose meaning depends on the scheduler: `sh-fallback` for `sh`, `mh-fallback` for `mh`.
    pub const SCHEDULER_1: Self = Self(IP_VS_SVC_F_SCHED1);
    /// `IP_VS_SVC_F_SCHED2`, whose meaning depends on the scheduler: `sh-port` for `sh`, `mh-port` for `mh`.
    pub const SCHEDULER_2: Self = Self(IP_VS_SVC_F_SCHED2);
    /// `IP_VS_SVC_F_SCHED3`, which none of the kernel's schedulers uses.
    pub const SCHEDULER_3: Self = Self(IP_VS_SVC_F_SCHED3);

    /// The flags that each scheduler may give a meaning, by the names that `ipvsadm -b` takes with every scheduler.
    pub const SCHEDULER_NAMES: [(Self, &str); 3] =
        [(Self::SCHEDULER_1, "flag-1"), (Self::SCHEDULER_2, "flag-2"), (Self::SCHEDULER_3, "flag-3")];

    /// Returns the same flags by the names that say what they mean to this scheduler, if it gives them a meaning.
    #[must_use]
    pub fn scheduler_names(scheduler: Scheduler) -> [(Self, &'static str); 3] {
        let [_, _, third] = Self::SCHEDULER_NAMES;
        match scheduler {
            Scheduler::SH => [(Self::SCHEDULER_1, "sh-fallback"), (Self::SCHEDULER_2, "sh-port"), third],
            Scheduler::MH => [(Self::SCHEDULER_1, "mh-fallback"), (Self::SCHEDULER_2, "mh-port"), third],
            _ => Self::SCHEDULER_NAMES,
        }
    }

    /// Converts from the kernel's bits, leaving out the two that are not flags of this type.
    #[must_use]
    pub const fn from_raw(bits: u32) -> Self {
        Self(bits & !(IP_VS_SVC_F_PERSISTENT | IP_VS_SVC_F_HASHED))
    }

    /// Converts to the kernel's bits.
    #[must_use]
    pub const fn to_raw(self) -> u32 {
        self.0
    }

    /// Returns whether all flags of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for ServiceFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for ServiceFlags {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_flags_are_kept_but_not_the_two_of_the_kernel() {
        let flags = ServiceFlags::from_raw(0x8000_000f);
        assert_eq!(flags.to_raw(), 0x8000_000c);
        assert!(flags.contains(ServiceFlags::ONE_PACKET | ServiceFlags::SCHEDULER_1));
        assert!(!flags.contains(ServiceFlags::SCHEDULER_2));
    }
}
