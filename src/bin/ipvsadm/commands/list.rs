//! `-L`: the table or one service.

use ipvs::{Ipvs, Table, TableEntry};

use crate::args::{List, View};
use crate::error::Failure;
use crate::output::{self, Names, Text};

pub fn run(ipvs: &mut Ipvs, list: List, text: &mut Text) -> Result<(), Failure> {
    ipvs.read_stats(matches!(list.view, View::Stats | View::Rate));
    let (info, table) = match list.service {
        None => (Some(ipvs.info()?), ipvs.table()?),
        Some(id) => {
            let service = ipvs.service(id)?;
            let destinations = ipvs.destinations(id)?;
            (None, Table { entries: vec![TableEntry { service, destinations }] })
        }
    };
    let mut names = Names::new(list.numeric);
    names.look_up(output::addresses(&table));
    output::list(text, table, info, &list, &names)
}
