//! The printed table.

use std::time::Duration;

use super::measure::Runs;

/// A row with the measurements of our program, the original and the floor.
pub(crate) struct Row {
    pub(crate) case: String,
    pub(crate) size: String,
    pub(crate) runs: [Runs; 3],
    /// The system calls of our program and of the original.
    pub(crate) calls: [Option<u64>; 2],
}

pub(crate) const HEADING: &str = "\
| case | size | ours | reference | floor | reference / ours | ours / floor | our user time | system calls | of the reference | memory | of the reference |
|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|";

/// The entry for values that were not measured.
const NOT_MEASURED: &str = "-";

impl Row {
    pub(crate) fn new(case: &str, size: &str) -> Self {
        Self { case: case.into(), size: size.into(), runs: Default::default(), calls: [None; 2] }
    }

    pub(crate) fn print(&self) {
        let [ours, reference, floor] = &self.runs;
        let ratio = |above: &Runs, below: &Runs| match (above.median(), below.median()) {
            (Some(above), Some(below)) => format!("{:.2}", above.as_secs_f64() / below.as_secs_f64()),
            _ => NOT_MEASURED.into(),
        };
        let memory = |runs: &Runs| match runs.kibibytes {
            0 => NOT_MEASURED.into(),
            kibibytes => format!("{:.1} MiB", kibibytes as f64 / 1024.0),
        };
        let [our_calls, their_calls] =
            self.calls.map(|calls| calls.map_or(NOT_MEASURED.into(), |calls| calls.to_string()));
        println!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {our_calls} | {their_calls} | {} | {} |",
            self.case,
            self.size,
            time(ours),
            time(reference),
            time(floor),
            ratio(reference, ours),
            ratio(ours, floor),
            ours.median_user().map_or(NOT_MEASURED.into(), milliseconds),
            memory(ours),
            memory(reference),
        );
    }
}

fn time(runs: &Runs) -> String {
    match (runs.median(), runs.spread()) {
        (Some(median), Some(spread)) => format!("{} ± {}", milliseconds(median), milliseconds(spread)),
        (Some(single), None) => format!("{} (one run)", milliseconds(single)),
        (None, _) => NOT_MEASURED.into(),
    }
}

fn milliseconds(time: Duration) -> String {
    match time.as_secs_f64() * 1000.0 {
        time @ 100.0.. => format!("{time:.0} ms"),
        time @ 10.0.. => format!("{time:.1} ms"),
        time => format!("{time:.2} ms"),
    }
}
