//! Lists the virtual server table: `cargo run --example list_table`

use std::process::ExitCode;

use ipvs_netlink::{Error, Ipvs};

fn main() -> ExitCode {
    let Err(error) = run() else { return ExitCode::SUCCESS };
    eprintln!("{error}");
    ExitCode::FAILURE
}

fn run() -> Result<(), Error> {
    let mut ipvs = Ipvs::connect()?;
    println!("IPVS {}", ipvs.info()?.version);
    for entry in ipvs.table()?.entries {
        let service = entry.service.settings;
        println!(
            "{} by {}, {} connections",
            service.id(),
            service.scheduler,
            entry.service.stats.connections
        );
        for state in entry.destinations {
            let server = state.settings;
            println!(
                "  {} by {}, weight {}, {} active",
                server.id, server.forwarding, server.weight, state.active_connections
            );
        }
    }
    Ok(())
}
