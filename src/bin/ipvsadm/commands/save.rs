//! `-S`: what the kernel has, as commands.

use ipvs::Ipvs;

use crate::error::Failure;
use crate::output::{self, Names};

pub fn run(ipvs: &mut Ipvs, numeric: bool, text: &mut String) -> Result<(), Failure> {
    let mut table = ipvs.table()?;
    output::sort(&mut table);
    let mut names = Names::new(numeric);
    names.look_up(output::addresses(&table));
    text.push_str(&output::save(&table, &names));
    Ok(())
}
