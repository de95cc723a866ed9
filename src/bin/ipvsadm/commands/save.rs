//! `-S`: what the kernel has, as commands.

use ipvs::Ipvs;

use crate::error::Failure;
use crate::output;

pub fn run(ipvs: &mut Ipvs, text: &mut String) -> Result<(), Failure> {
    let mut table = ipvs.table()?;
    output::sort(&mut table);
    text.push_str(&output::save(&table));
    Ok(())
}
