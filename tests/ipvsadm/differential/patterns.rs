//! The expressions with which programs read the output find the same in both.

use std::process::Command;

use super::listing::TABLE;
use super::pair::Pair;
use super::rewrite;
use super::step::Step;

/// The expressions as they were found: expression, invocation, source. `filters.txt` has each of them
/// that is a rule for text, as something that a shell can do.
const PATTERNS: &str = include_str!("patterns.txt");
const FILTERS: &str = include_str!("filters.txt");

#[test]
fn expressions_that_programs_use() {
    let mut pair = Pair::new();
    // Programs do not expect the flag that the reference does not show.
    pair.given(&TABLE.replace(",flag-3", ""));
    let filters: Vec<&str> = FILTERS.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(filters.len() >= PATTERNS.lines().count() - 12, "{} filters", filters.len());
    for line in filters {
        let (words, filter) = line.split_once('\t').unwrap();
        if words.contains("--daemon") {
            // Not beside servers of another family than their service's.
            pair.given("");
            pair.step(&Step::parse("--start-daemon master --mcast-interface d0 --syncid 1"));
        }
        let case = pair.run(&Step::parse(if words == "no words" { "" } else { words }));
        // Names that the reference cuts and ours does not are compared as far as it shows them.
        let numeric = words.contains('n') && !words.starts_with("no");
        let [reference, ours] = [&case.reference, &case.ours].map(|outcome| {
            let output = if numeric { outcome.stdout.clone() } else { rewrite::cut_names(&outcome.stdout) };
            let words = vec!["-c".to_owned(), filter.to_owned()];
            Step { words, input: output, ..Step::default() }.run(Command::new("sh"))
        });
        assert!(!reference.stdout.is_empty() && reference.stderr.is_empty(), "{line}: {reference:?}");
        if reference != ours {
            pair.fail(&format!("{line}:\n{}\n{}", reference.stdout, ours.stdout));
        }
    }
    pair.finish();
}
