//! The options of `--doctor`.

use ipvs_netlink::{Forwarding, ServiceId, Tunnel};

use super::arguments::{Arguments, Result};
use super::listing::{self, Format};
use super::{service, tunnel};
use crate::cli::{Opt, Usage};

/// The machine to examine, and the form of the findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Doctor {
    /// Examines these services alone, or all if it is empty.
    pub(crate) services: Vec<ServiceId>,
    /// Examines a real server instead of a director.
    pub(crate) as_real_server: bool,
    /// Tries to connect to the real servers.
    pub(crate) probe: bool,
    /// The tunnel that leads to the real server.
    pub(crate) tunnel: Option<Tunnel>,
    pub(crate) format: Format,
}

pub(super) fn read(arguments: &mut Arguments<'_, '_>) -> Result<Doctor> {
    let services = service::read_ids(arguments)?;
    let as_real_server = arguments.flag(Opt::AsRealServer);
    let probe = arguments.flag(Opt::Probe);
    if probe && as_real_server {
        return Err(Usage::Conflict(Opt::Probe, Opt::AsRealServer));
    }
    let is_tunnelled = arguments.flag(Opt::Ipip);
    if is_tunnelled && !as_real_server {
        return Err(Usage::Needs(Opt::Ipip, Opt::AsRealServer));
    }
    let forwarding = if is_tunnelled { Forwarding::Tunnel } else { Forwarding::DirectRoute };
    let tunnel = tunnel::read(arguments, forwarding)?;
    Ok(Doctor {
        services,
        as_real_server,
        probe,
        tunnel: is_tunnelled.then_some(tunnel),
        format: listing::read_format(arguments),
    })
}
