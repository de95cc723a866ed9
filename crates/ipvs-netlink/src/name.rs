//! The short names by which the kernel knows schedulers, persistence engines and interfaces.

use std::fmt;
use std::str::FromStr;

use crate::constants::IP_VS_SCHEDNAME_MAXLEN;

/// The longest name in bytes. The kernel's fields for all three kinds of names have one byte more, for a NUL.
const MAX_LEN: usize = IP_VS_SCHEDNAME_MAXLEN - 1;

/// The fault of a text that cannot be a name in the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The text is empty.
    #[error("the name is empty")]
    Empty,
    /// The text has more than 15 bytes; the kernel would cut it silently.
    #[error("the name is longer than 15 characters")]
    TooLong,
    /// The text contains a blank or a control character.
    #[error("the name contains a blank or a control character")]
    NotPrintable,
}

macro_rules! kernel_name {
    ($(#[$documentation:meta])* $name:ident { $($(#[$constant_documentation:meta])* $constant:ident = $text:literal,)* }) => {
        $(#[$documentation])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; MAX_LEN]);

        impl $name {
            $(
                $(#[$constant_documentation])*
                pub const $constant: Self = Self::from_literal($text);
            )*

            /// Returns the name's bytes without the NUL. Names parsed from text are UTF-8; names reported by the
            /// kernel may be anything.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8] {
                let length = self.0.iter().position(|&byte| byte == 0).unwrap_or(MAX_LEN);
                &self.0[..length]
            }

            /// Makes one of the constants. A literal that is too long does not compile.
            #[allow(dead_code, reason = "not every kind of name has constants")]
            const fn from_literal(text: &str) -> Self {
                let mut name = [0; MAX_LEN];
                let mut index = 0;
                while index < text.len() {
                    name[index] = text.as_bytes()[index];
                    index += 1;
                }
                Self(name)
            }

            /// Takes a name as the kernel reports it: 1 to 15 bytes, none of them a NUL.
            pub(crate) fn from_kernel(bytes: &[u8]) -> Option<Self> {
                let mut name = [0; MAX_LEN];
                name.get_mut(..bytes.len())?.copy_from_slice(bytes);
                (!bytes.is_empty() && !bytes.contains(&0)).then_some(Self(name))
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                if text.is_empty() {
                    return Err(NameError::Empty);
                }
                if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
                    return Err(NameError::NotPrintable);
                }
                Self::from_kernel(text.as_bytes()).ok_or(NameError::TooLong)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&String::from_utf8_lossy(self.as_bytes()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

kernel_name! {
    /// The name of a scheduler (`IPVS_SVC_ATTR_SCHED_NAME`). Any name that the kernel has a module `ip_vs_NAME` for
    /// is valid, not only the constants.
    Scheduler {
        /// Round robin.
        RR = "rr",
        /// Weighted round robin.
        WRR = "wrr",
        /// Least connection.
        LC = "lc",
        /// Weighted least connection, the default.
        WLC = "wlc",
        /// Locality-based least connection.
        LBLC = "lblc",
        /// Locality-based least connection with replication.
        LBLCR = "lblcr",
        /// Destination hashing.
        DH = "dh",
        /// Source hashing.
        SH = "sh",
        /// Shortest expected delay.
        SED = "sed",
        /// Never queue.
        NQ = "nq",
        /// Weighted failover.
        FO = "fo",
        /// Weighted overflow.
        OVF = "ovf",
        /// Maglev hashing.
        MH = "mh",
        /// Power of two choices, weighted.
        TWOS = "twos",
        /// No scheduler at all: the service takes no new connections.
        NONE = "none",
    }
}

kernel_name! {
    /// The name of a persistence engine (`IPVS_SVC_ATTR_PE_NAME`), for which the kernel has a module
    /// `ip_vs_pe_NAME`.
    PersistenceEngine {
        /// Persistence by the Call-ID of SIP.
        SIP = "sip",
    }
}

kernel_name! {
    /// The name of a network interface (`IPVS_DAEMON_ATTR_MCAST_IFN`), such as `eth0`.
    Interface {}
}

#[cfg(feature = "serde")]
crate::serialize::as_text! {
    Scheduler: "the name of a scheduler",
    PersistenceEngine: "the name of a persistence engine",
    Interface: "the name of an interface",
}

impl Default for Scheduler {
    /// Returns [`WLC`](Self::WLC), which `ipvsadm` has always chosen.
    fn default() -> Self {
        Self::WLC
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_to_fifteen_bytes_are_kept() {
        for text in ["a", "rr", "exactly15bytes_"] {
            assert_eq!(text.parse::<Scheduler>().unwrap().to_string(), text);
        }
        assert_eq!(Scheduler::default().to_string(), "wlc");
        assert_eq!(format!("{:>5}|", Scheduler::default()), "  wlc|");
    }

    #[test]
    fn names_that_the_kernel_would_cut_or_misread_are_refused() {
        let refused = |text: &str| text.parse::<Interface>().unwrap_err();
        assert_eq!(refused(""), NameError::Empty);
        assert_eq!(refused("sixteen_bytes_xx"), NameError::TooLong);
        assert_eq!(refused("a\0b"), NameError::NotPrintable);
        assert_eq!(refused("a b"), NameError::NotPrintable);
    }
}
