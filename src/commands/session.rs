//! The state of one run of the program.

use ipvs_netlink::{Ipvs, ServiceId, Table, TableEntry};

use crate::failure::Failure;
use crate::output::Output;

/// The output, and a connection to the kernel that is made on first use: help needs none.
#[derive(Default)]
pub(crate) struct Session {
    pub(crate) output: Output,
    ipvs: Option<Ipvs>,
}

impl Session {
    /// Returns the connection to the kernel. Making it loads IPVS if it is missing.
    pub(super) fn kernel(&mut self) -> Result<&mut Ipvs, Failure> {
        match &mut self.ipvs {
            Some(ipvs) => Ok(ipvs),
            none => Ok(none.insert(Ipvs::options().load_module(true).connect()?)),
        }
    }
}

/// Reads the whole table, or one service of it.
pub(super) fn read_table(ipvs: &mut Ipvs, service: Option<ServiceId>) -> Result<Table, Failure> {
    Ok(match service {
        None => ipvs.table()?,
        Some(id) => Table::new(vec![TableEntry::new(ipvs.service(id)?, ipvs.destinations(id)?)]),
    })
}
