//! Prints what changes in the table, with a reading every SECONDS, until it has seen COUNT differences:
//! `cargo run --features tokio --example watch_table 1 5`

use std::process::ExitCode;
use std::time::Duration;

use futures_util::StreamExt;
use ipvs_netlink::tokio::Ipvs;
use ipvs_netlink::{Difference, Error};

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let Err(error) = runtime.block_on(run()) else { return ExitCode::SUCCESS };
    eprintln!("{error}");
    ExitCode::FAILURE
}

async fn run() -> Result<(), Error> {
    let mut numbers = std::env::args().skip(1).filter_map(|text| text.parse::<usize>().ok());
    let (seconds, mut rest) = (numbers.next().unwrap_or(1), numbers.next().unwrap_or(usize::MAX));

    let mut ipvs = Ipvs::connect().await?;
    // Settings and numbers of connections are enough here.
    ipvs.set_include_stats(false);
    let mut watch = ipvs.watch(Duration::from_secs(seconds as u64));
    while let Some(differences) = watch.next().await {
        for difference in differences? {
            match difference {
                // More than this line says is in the fields.
                Difference::DestinationChanged { service, before, after } if after.weight == 0 => {
                    println!("{service}: {} drains, its weight was {}", after.id, before.weight);
                }
                difference => println!("{difference}"),
            }
            rest -= 1;
            if rest == 0 {
                return Ok(());
            }
        }
    }
    Ok(())
}
