//! `-S`: what the kernel has, as commands.

use ipvs::{Ipvs, Table};

use crate::error::Failure;
use crate::output::{self, Names, Text};

/// How often a table is read that others change meanwhile.
const READS: usize = 8;

pub fn run(ipvs: &mut Ipvs, numeric: bool, full: bool, text: &mut Text) -> Result<(), Failure> {
    ipvs.read_stats(false);
    let table = settled_table(ipvs)?;
    if full {
        text.push(output::save_timeouts(ipvs.timeouts()?));
    }
    let mut names = Names::new(numeric);
    names.look_up(output::addresses(&table));
    output::save(text, table, full, &names)?;
    if full {
        text.push(output::save_daemons(&ipvs.daemons()?));
    }
    Ok(())
}

/// The table, complete: if a service came or went while it was read, it is read again.
fn settled_table(ipvs: &mut Ipvs) -> Result<Table, Failure> {
    for _ in 0..READS {
        if let Some(table) = ipvs.undisturbed_table()? {
            return Ok(table);
        }
    }
    Err(Failure::Unsettled)
}
