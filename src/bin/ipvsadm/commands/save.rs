//! `-S`: what the kernel has, as commands.

use ipvs::Ipvs;

use crate::error::Failure;
use crate::output;

pub fn run(ipvs: &mut Ipvs) -> Result<String, Failure> {
    let mut table = ipvs.table()?;
    output::sort(&mut table);
    Ok(output::save(&table))
}
