//! The options of `--doctor`.

use ipvs_netlink::ServiceId;

use super::arguments::{Arguments, Result};
use super::listing::{self, Format};
use super::service;
use crate::cli::Opt;

/// The machine to examine, and the form of the findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Doctor {
    /// Examines this service alone.
    pub(crate) service: Option<ServiceId>,
    /// Examines a real server instead of a director.
    pub(crate) as_real_server: bool,
    pub(crate) format: Format,
}

pub(super) fn read(arguments: &mut Arguments<'_, '_>) -> Result<Doctor> {
    Ok(Doctor {
        service: service::read_optional_id(arguments)?,
        as_real_server: arguments.flag(Opt::AsRealServer),
        format: listing::read_format(arguments),
    })
}
