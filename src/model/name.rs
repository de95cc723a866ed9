//! The short names by which the kernel knows schedulers, persistence engines and interfaces.

use std::fmt;
use std::str::FromStr;

/// The longest name the kernel keeps: its fields have 16 bytes, the last of them a NUL.
const LONGEST: usize = 15;

/// Why a text cannot be a name in the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("the name is empty")]
    Empty,
    /// The text has more than 15 bytes; the kernel would cut it silently.
    #[error("the name is longer than 15 characters")]
    TooLong,
    /// The text contains a NUL byte, a blank or another control character.
    #[error("the name contains a blank or a control character")]
    NotPrintable,
}

macro_rules! kernel_name {
    ($(#[$documentation:meta])* $name:ident) => {
        $(#[$documentation])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; LONGEST]);

        impl $name {
            /// The name's bytes as the kernel has them, without the NUL. Names that were parsed from
            /// text are UTF-8; those that the kernel reports may be anything.
            pub fn as_bytes(&self) -> &[u8] {
                let length = self.0.iter().position(|&byte| byte == 0).unwrap_or(LONGEST);
                &self.0[..length]
            }

            /// A name as the kernel reports it: at most 15 bytes, none of them a NUL.
            pub(crate) fn from_kernel(bytes: &[u8]) -> Option<Self> {
                let mut name = [0; LONGEST];
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
    /// The name of a scheduler (`sched_name`), such as `wlc`. Any name that the kernel has a module
    /// `ip_vs_NAME` for is valid; `none` stands for no scheduler at all.
    Scheduler
}

kernel_name! {
    /// The name of a persistence engine (`pe_name`), such as `sip`.
    PersistenceEngine
}

kernel_name! {
    /// The name of a network interface, such as `eth0`.
    Interface
}

impl Default for Scheduler {
    /// `wlc`, weighted least-connection, what `ipvsadm` has always chosen.
    fn default() -> Self {
        let mut name = [0; LONGEST];
        name[..3].copy_from_slice(b"wlc");
        Self(name)
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
    fn names_the_kernel_would_cut_or_misread_are_refused() {
        let refused = |text: &str| text.parse::<Interface>().unwrap_err();
        assert_eq!(refused(""), NameError::Empty);
        assert_eq!(refused("sixteen_bytes_xx"), NameError::TooLong);
        assert_eq!(refused("a\0b"), NameError::NotPrintable);
        assert_eq!(refused("a b"), NameError::NotPrintable);
    }
}
