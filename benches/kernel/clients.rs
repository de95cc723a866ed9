//! Compares the two clients of the library.

use std::time::Instant;

use futures_util::StreamExt;
use futures_util::future::join_all;
use ipvs_netlink::{Change, Ipvs, tokio};

use super::Result;
use super::table::Size;

const SERVICES: u32 = 1000;
const SERVERS: u32 = 10;

/// Prints a table with a column for each client.
pub(crate) fn run() -> Result<()> {
    let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut blocking, client) = (Ipvs::connect()?, runtime.block_on(tokio::Ipvs::connect())?);
    let changes = Size(SERVICES, SERVERS).changes(false);
    let Change::AddService(web) = changes[0] else { return Err("the table begins without a service".into()) };
    let (web, count) = (web.id(), SERVICES as usize);
    println!("| | blocking | tokio |\n|---|--:|--:|");

    // The kernel loads the scheduler's module the first time.
    blocking.apply(&changes)?;
    blocking.flush()?;
    let before = time(|| Ok(blocking.apply(&changes)?.len()), 0)?;
    blocking.flush()?;
    let title = format!("{} changes", changes.len());
    row(&title, before, time(|| Ok(runtime.block_on(client.apply(&changes))?.len()), 0)?);

    let before = time(|| Ok(blocking.table()?.entries.len()), count)?;
    let after = time(|| Ok(runtime.block_on(client.table())?.entries.len()), count)?;
    row(&format!("table of {SERVICES} x {SERVERS}"), before, after);

    let before = time(|| Ok(blocking.services()?.len()), count)?;
    let after = time(|| Ok(runtime.block_on(async { client.services().await })?.len()), count)?;
    row(&format!("list of {SERVICES} services"), before, after);
    let before = time(|| Ok(blocking.services_in_one_pass()?.len()), count)?;
    let after = time(|| Ok(runtime.block_on(client.services().count())), count)?;
    row("the same in one pass, as a stream", before, after);

    let asked = || (0..SERVICES).map(|_| client.service(web));
    let before = time(
        || (0..SERVICES).try_fold(0, |sum, _| Ok(sum + usize::from(blocking.service(web).is_ok()))),
        count,
    )?;
    let one_by_one = async {
        let mut answers = 0;
        for query in asked() {
            answers += usize::from(query.await.is_ok());
        }
        answers
    };
    row(
        &format!("{SERVICES} queries, one by one"),
        before,
        time(|| Ok(runtime.block_on(one_by_one)), count)?,
    );
    let side_by_side = async { join_all(asked()).await.iter().filter(|answer| answer.is_ok()).count() };
    row(
        &format!("{SERVICES} queries in flight"),
        before,
        time(|| Ok(runtime.block_on(side_by_side)), count)?,
    );
    Ok(())
}

fn row(title: &str, blocking: f64, tokio: f64) {
    println!("| {title} | {blocking:.1} ms | {tokio:.1} ms |");
}

/// Does something that returns this number, and returns the milliseconds that it took.
fn time(work: impl FnOnce() -> Result<usize>, expected: usize) -> Result<f64> {
    let start = Instant::now();
    let found = work()?;
    let taken = start.elapsed();
    if found != expected {
        return Err(format!("{found} instead of {expected}").into());
    }
    Ok(taken.as_secs_f64() * 1000.0)
}
