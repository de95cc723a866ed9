//! Errors, in words that say what was attempted, on which object, and why it failed.
//!
//! An error's text contains its whole cause, and its `source()` is `None`: print it with `{}`, once.

use std::fmt;
use std::io;
use std::net::IpAddr;

use nix::errno::Errno;

use crate::address::AddressFamily;
use crate::attribute::DecodeError;
use crate::destination::{Destination, Forwarding};
use crate::name::{PersistenceEngine, Scheduler};
use crate::request::{Change, Request};
use crate::socket::SocketError;

/// The reason why something failed in the kernel's IPVS or on the way to it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel has no IPVS, and its module was not or could not be loaded; the text says which.
    #[error(
        "the kernel has no IPVS: the module ip_vs is not loaded and {0}; \
         install it with the kernel's modules, or run 'modprobe ip_vs' as root to see why"
    )]
    NoIpvs(String),
    /// The connection to the kernel could not be made.
    #[error("cannot talk to the kernel: {0}")]
    Connection(SocketError),
    /// The kernel refused a request.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The exchange of messages failed.
    #[error("cannot {0}: {1}")]
    Exchange(Box<Request>, SocketError),
    /// The reply cannot be understood.
    #[error("cannot {0}: malformed answer of the kernel: {1}")]
    Reply(Box<Request>, DecodeError),
}

impl Error {
    /// Returns whether the same could succeed a moment later: a system call failed, replies were lost, or other writers
    /// disturbed each reading.
    pub(crate) fn is_transient(&self) -> bool {
        use SocketError::{Interrupted, RepliesLost, System, TimedOut};
        matches!(self, Self::Exchange(_, System { .. } | RepliesLost | TimedOut | Interrupted))
    }
}

/// The kernel's refusal of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// The refused request.
    pub request: Box<Request>,
    /// The meaning of the kernel's error number.
    pub reason: Reason,
    /// The kernel's own words (extended acknowledgement), if it had any.
    pub text: Option<String>,
}

impl Refused {
    /// Explains the kernel's error number for the request that it answers, such as `EEXIST` for an addition. The
    /// number is positive.
    pub fn from_errno(request: impl Into<Request>, errno: i32, text: Option<String>) -> Self {
        let request = request.into();
        Self { reason: Reason::from_errno(&request, errno), request: Box::new(request), text }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.request, self.reason)?;
        match &self.text {
            Some(text) => write!(f, " ({text})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refused {}

/// The meaning of the kernel's error number for the request that it answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// `EPERM`
    #[error("permission denied: this needs root, or CAP_NET_ADMIN in the initial user namespace")]
    NotPermitted,
    /// `EEXIST` for a service
    #[error("Service already exists")]
    ServiceExists,
    /// `ESRCH` for a service
    #[error("No such service")]
    NoSuchService,
    /// `ESRCH` for a destination
    #[error("Service not defined")]
    ServiceNotDefined,
    /// `EEXIST` for a destination
    #[error("Destination already exists")]
    DestinationExists,
    /// `ENOENT` for a destination
    #[error("No such destination")]
    NoSuchDestination,
    /// `ENOENT` for a service without a persistence engine
    #[error(
        "Scheduler or persistence engine not found: the kernel has no scheduler \"{0}\" (module ip_vs_{0})"
    )]
    NoScheduler(Scheduler),
    /// `ENOENT` for a service with a persistence engine
    #[error(
        "Scheduler or persistence engine not found: the kernel lacks the scheduler \"{0}\" (module ip_vs_{0}) or \
         the persistence engine \"{1}\" (module ip_vs_pe_{1})"
    )]
    NoSchedulerOrEngine(Scheduler, PersistenceEngine),
    /// `ERANGE` for a destination
    #[error("the weight {0} is above 2147483647")]
    Weight(u32),
    /// `ERANGE` for a destination
    #[error("the lower threshold {lower} is above the upper threshold {upper}")]
    Thresholds {
        /// The upper threshold.
        upper: u32,
        /// The lower threshold.
        lower: u32,
    },
    /// `EINVAL` for a destination whose tunnel lacks a port
    #[error("a GUE tunnel needs a port")]
    TunnelPort,
    /// `EINVAL` for a destination
    #[error(
        "{0} is not the unicast address of a host (it may be a multicast, broadcast or link-local one), or \
         no interface is up yet"
    )]
    NotUnicast(IpAddr),
    /// `EINVAL` for a destination of the other address family
    #[error("a server of the other address family than its service can only be reached by tunnelling")]
    MixedFamilies,
    /// `EINVAL` for a destination of the other address family that is tunnelled to
    #[error("a server of the other address family than its service is not possible while a sync daemon runs")]
    MixedFamiliesWithDaemon,
    /// `EAFNOSUPPORT`
    #[error("the kernel has no {0}")]
    NoAddressFamily(AddressFamily),
    /// `EEXIST` for a sync daemon
    #[error("it runs already")]
    DaemonRuns,
    /// `ESRCH` for a sync daemon
    #[error("No daemon is running in this state")]
    NoSuchDaemon,
    /// `ENODEV` for a sync daemon
    #[error("No such device: there is no such network interface")]
    NoSuchInterface,
    /// `EINVAL` for a sync daemon
    #[error(
        "the interface or a multicast setting does not suit it, or a server is of another address family \
         than its service"
    )]
    DaemonSettings,
    /// `EINVAL` for timeouts
    #[error("a timeout is too long for the kernel")]
    Timeout,
    /// Any other error number
    #[error("{}", io::Error::from_raw_os_error(*.0))]
    Other(i32),
}

impl Reason {
    fn from_errno(request: &Request, errno: i32) -> Self {
        let change = match (request, Errno::from_raw(errno)) {
            (_, Errno::EPERM) => return Self::NotPermitted,
            (Request::Query(_), Errno::ESRCH) => return Self::NoSuchService,
            (Request::Query(_), _) => return Self::Other(errno),
            (Request::Change(change), _) => change,
        };
        match (change, Errno::from_raw(errno)) {
            (Change::AddService(_) | Change::SetService(_), Errno::EEXIST) => Self::ServiceExists,
            (
                Change::SetService(_)
                | Change::AddService(_)
                | Change::DeleteService(_)
                | Change::Zero(Some(_)),
                Errno::ESRCH,
            ) => Self::NoSuchService,
            (Change::AddService(service) | Change::SetService(service), Errno::ENOENT) => {
                match service.engine {
                    None => Self::NoScheduler(service.scheduler),
                    Some(engine) => Self::NoSchedulerOrEngine(service.scheduler, engine),
                }
            }
            (Change::AddService(service) | Change::SetService(service), Errno::EAFNOSUPPORT) => {
                Self::NoAddressFamily(service.id().family())
            }
            (
                Change::AddDestination(..) | Change::SetDestination(..) | Change::DeleteDestination(..),
                Errno::ESRCH,
            ) => Self::ServiceNotDefined,
            (Change::AddDestination(..), Errno::EEXIST) => Self::DestinationExists,
            (Change::SetDestination(..) | Change::DeleteDestination(..), Errno::ENOENT) => {
                Self::NoSuchDestination
            }
            (Change::AddDestination(id, destination) | Change::SetDestination(id, destination), errno) => {
                Self::from_destination_errno(id.family(), destination, errno)
            }
            (Change::StartDaemon(_), Errno::EEXIST) => Self::DaemonRuns,
            (Change::StartDaemon(_), Errno::ENODEV) => Self::NoSuchInterface,
            (Change::StartDaemon(_), Errno::EINVAL) => Self::DaemonSettings,
            (Change::StopDaemon(_), Errno::ESRCH) => Self::NoSuchDaemon,
            (Change::SetTimeouts(_), Errno::EINVAL) => Self::Timeout,
            _ => Self::Other(errno),
        }
    }

    /// Finds the fault of a destination: the kernel has one error number for many.
    fn from_destination_errno(service: AddressFamily, destination: &Destination, errno: Errno) -> Self {
        let &Destination { id, weight, upper_threshold: upper, lower_threshold: lower, .. } = destination;
        match errno {
            Errno::ERANGE if i32::try_from(weight).is_err() => Self::Weight(weight),
            Errno::ERANGE => Self::Thresholds { upper, lower },
            Errno::EAFNOSUPPORT => Self::NoAddressFamily(id.family()),
            Errno::EINVAL if destination.tunnel.lacks_port() => Self::TunnelPort,
            Errno::EINVAL if id.family() != service => match destination.forwarding {
                Forwarding::Tunnel => Self::MixedFamiliesWithDaemon,
                _ => Self::MixedFamilies,
            },
            Errno::EINVAL => Self::NotUnicast(id.address),
            errno => Self::Other(errno as i32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Query;
    use crate::service::Service;

    #[test]
    fn a_kernel_without_ipv6_is_named() {
        let service = Service::new("TCP [2001:db8::1]:80".parse().unwrap());
        let refused = Refused::from_errno(Change::AddService(service), Errno::EAFNOSUPPORT as i32, None);
        assert_eq!(refused.to_string(), "cannot add service TCP [2001:db8::1]:80: the kernel has no IPv6");
    }

    #[test]
    fn the_kernels_own_words_are_added() {
        let text = Some("attribute type 9 is odd".into());
        assert_eq!(
            Refused::from_errno(Change::Flush, Errno::EINVAL as i32, text).to_string(),
            "cannot clear the table: Invalid argument (os error 22) (attribute type 9 is odd)"
        );
    }

    #[test]
    fn the_cause_is_in_the_text_and_not_in_the_source() {
        let errors = [
            Error::Connection(SocketError::TimedOut),
            Error::Exchange(Box::new(Change::Flush.into()), SocketError::RepliesLost),
            Error::Reply(Box::new(Query::Info.into()), DecodeError::Command(9)),
            Refused::from_errno(Query::Services, 1, None).into(),
        ];
        for error in errors {
            assert!(std::error::Error::source(&error).is_none(), "{error}");
        }
    }
}
