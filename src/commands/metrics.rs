//! `-L --metrics`: everything that a monitoring system may want to know, read at one time.

use std::time::{SystemTime, UNIX_EPOCH};

use super::momentary;
use super::session::{Session, read_table};
use crate::failure::Failure;
use crate::grammar::List;
use crate::names::Names;
use crate::view::{self, Reading};

#[cold]
pub(super) fn run(session: &mut Session, options: &List) -> Result<(), Failure> {
    let ipvs = session.kernel()?;
    ipvs.set_include_stats(true);
    let (info, timeouts, daemons) = (ipvs.info()?, ipvs.timeouts()?, ipvs.daemons()?);
    let (mut table, momentary) = momentary::read_with(|| read_table(ipvs, options.service))?;
    table.entries.iter_mut().for_each(|entry| momentary.show_removed(entry));
    // A clock before 1970 is none.
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Labels have to be the same each time, whatever a name server says.
    session.output.names = Names::default();
    let reading = Reading { table, momentary, info, timeouts, daemons, time };
    view::metrics(&mut session.output, reading, options.sum_by);
    Ok(())
}
