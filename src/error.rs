//! What can go wrong, in words that say what was attempted, on which object, and why it failed.

use std::fmt;
use std::net::IpAddr;

use rustix::io::Errno;

use crate::model::{Change, Destination, Family, Forwarding, PersistenceEngine, Query, Scheduler, Tunnel};
use crate::netlink::{DecodeError, SocketError};

/// What was asked of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A change.
    Change(Change),
    /// A query.
    Query(Query),
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Change(change) => change.fmt(f),
            Self::Query(query) => query.fmt(f),
        }
    }
}

impl From<Change> for Operation {
    fn from(change: Change) -> Self {
        Self::Change(change)
    }
}

impl From<Query> for Operation {
    fn from(query: Query) -> Self {
        Self::Query(query)
    }
}

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel has no IPVS, and its module could not be loaded.
    #[error(
        "the kernel has no IPVS: the module ip_vs is not loaded and {0}; \
         install it with the kernel's modules, or run 'modprobe ip_vs' as root to see why"
    )]
    NoIpvs(String),
    /// There is no connection to the kernel.
    #[error("cannot talk to the kernel: {0}")]
    Connection(#[source] SocketError),
    /// The kernel refused.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The exchange of messages failed.
    #[error("cannot {0}: {1}")]
    Exchange(Box<Operation>, #[source] SocketError),
    /// The answer cannot be understood.
    #[error("cannot {0}: malformed answer of the kernel: {1}")]
    Answer(Box<Operation>, #[source] DecodeError),
}

/// The kernel's refusal of an operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot {operation}: {}{}", .reason, .text.as_ref().map(|text| format!(" ({text})")).unwrap_or_default())]
pub struct Refused {
    /// What was refused.
    pub operation: Box<Operation>,
    /// Why.
    pub reason: Reason,
    /// The kernel's own words (extended acknowledgement), if it had any.
    pub text: Option<String>,
}

impl Refused {
    pub(crate) fn new(operation: impl Into<Operation>, errno: Errno, text: Option<String>) -> Self {
        let operation = operation.into();
        Self { reason: Reason::of(&operation, errno), operation: Box::new(operation), text }
    }
}

/// What an errno of the kernel means for the operation that it answers.
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
    #[error("the kernel has no scheduler \"{0}\" (module ip_vs_{0})")]
    NoScheduler(Scheduler),
    /// `ENOENT` for a service with a persistence engine
    #[error(
        "the kernel lacks the scheduler \"{0}\" (module ip_vs_{0}) or the persistence engine \"{1}\" \
         (module ip_vs_pe_{1})"
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
    #[error("the kernel has no {}", match .0 { Family::V4 => "IPv4", Family::V6 => "IPv6" })]
    NoFamily(Family),
    /// `EEXIST` for a sync daemon
    #[error("it runs already")]
    DaemonRuns,
    /// `ESRCH` for a sync daemon
    #[error("it does not run")]
    NoSuchDaemon,
    /// `ENODEV` for a sync daemon
    #[error("no such network interface")]
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
    /// Any other errno
    #[error("{}", std::io::Error::from(*.0))]
    Other(Errno),
}

impl Reason {
    fn of(operation: &Operation, errno: Errno) -> Self {
        if errno == Errno::PERM {
            return Self::NotPermitted;
        }
        let Operation::Change(change) = operation else {
            return match errno {
                Errno::SRCH => Self::NoSuchService,
                errno => Self::Other(errno),
            };
        };
        match (change, errno) {
            (Change::AddService(service) | Change::SetService(service), errno) => match errno {
                Errno::EXIST => Self::ServiceExists,
                Errno::SRCH => Self::NoSuchService,
                Errno::NOENT => match service.engine {
                    None => Self::NoScheduler(service.scheduler),
                    Some(engine) => Self::NoSchedulerOrEngine(service.scheduler, engine),
                },
                Errno::AFNOSUPPORT => Self::NoFamily(service.id().family()),
                errno => Self::Other(errno),
            },
            (Change::DeleteService(_) | Change::Zero(Some(_)), Errno::SRCH) => Self::NoSuchService,
            (
                Change::AddDestination(..) | Change::SetDestination(..) | Change::DeleteDestination(..),
                Errno::SRCH,
            ) => Self::ServiceNotDefined,
            (Change::AddDestination(..), Errno::EXIST) => Self::DestinationExists,
            (Change::SetDestination(..) | Change::DeleteDestination(..), Errno::NOENT) => {
                Self::NoSuchDestination
            }
            (
                Change::AddDestination(_, destination) | Change::SetDestination(_, destination),
                Errno::RANGE,
            ) => {
                let &Destination { weight, upper_threshold: upper, lower_threshold: lower, .. } = destination;
                match i32::try_from(weight) {
                    Err(_) => Self::Weight(weight),
                    Ok(_) => Self::Thresholds { upper, lower },
                }
            }
            (Change::AddDestination(id, destination) | Change::SetDestination(id, destination), errno) => {
                Self::of_destination(id.family(), destination, errno)
            }
            (Change::StartDaemon(_), Errno::EXIST) => Self::DaemonRuns,
            (Change::StartDaemon(_), Errno::NODEV) => Self::NoSuchInterface,
            (Change::StartDaemon(_), Errno::INVAL) => Self::DaemonSettings,
            (Change::StopDaemon(_), Errno::SRCH) => Self::NoSuchDaemon,
            (Change::SetTimeouts(_), Errno::INVAL) => Self::Timeout,
            (_, errno) => Self::Other(errno),
        }
    }

    /// The kernel has one errno for many faults of a destination: find the one that is there.
    fn of_destination(service: Family, destination: &Destination, errno: Errno) -> Self {
        let address = destination.id.address;
        match errno {
            Errno::AFNOSUPPORT => Self::NoFamily(address.into()),
            Errno::INVAL if matches!(destination.tunnel, Tunnel::Other { kind: 1, port: 0, .. }) => {
                Self::TunnelPort
            }
            Errno::INVAL if Family::from(address) != service => match destination.forwarding {
                Forwarding::Tunnel => Self::MixedFamiliesWithDaemon,
                _ => Self::MixedFamilies,
            },
            Errno::INVAL => Self::NotUnicast(address),
            errno => Self::Other(errno),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Protocol, Service, ServiceId};

    #[test]
    fn a_kernel_without_ipv6_is_named() {
        let id =
            ServiceId::Address { protocol: Protocol::TCP, address: "2001:db8::1".parse().unwrap(), port: 80 };
        let refused = Refused::new(Change::AddService(Service::new(id)), Errno::AFNOSUPPORT, None);
        assert_eq!(refused.to_string(), "cannot add service TCP [2001:db8::1]:80: the kernel has no IPv6");
    }

    #[test]
    fn the_kernels_own_words_are_added() {
        let refused = Refused::new(Change::Flush, Errno::INVAL, Some("attribute type 9 is odd".into()));
        assert_eq!(
            refused.to_string(),
            "cannot clear the table: Invalid argument (os error 22) (attribute type 9 is odd)"
        );
    }
}
