//! Checks that the expressions with which programs parse the output match the same text in both outputs.

use std::process::Command;

use super::listing::TABLE;
use super::pair::Pair;
use super::rewrite;
use super::step::Step;

/// The expressions as found in programs: expression, invocation, source. `filters.txt` has a shell command
/// for each expression that is a rule for text.
const PATTERNS: &str = include_str!("patterns.txt");
const FILTERS: &str = include_str!("filters.txt");

#[test]
fn expressions_of_other_programs_match_alike() {
    let mut pair = Pair::new();
    // Programs do not expect `flag-3`, which the reference never shows.
    pair.set_baseline(&TABLE.replace(",flag-3", ""));
    let filters: Vec<&str> = FILTERS.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(filters.len() >= PATTERNS.lines().count() - 12, "{} filters", filters.len());
    for line in filters {
        let (words, filter) = line.split_once('\t').unwrap();
        if words.contains("--daemon") {
            // A sync daemon cannot run beside a server whose address family differs from its service's.
            pair.set_baseline("");
            pair.step(&Step::parse("--start-daemon master --mcast-interface d0 --syncid 1"));
        }
        let case = pair.run(&Step::parse(if words == "no words" { "" } else { words }));
        // The reference truncates names and ours does not, so only the part that the reference shows is
        // compared.
        let numeric = words.contains('n') && !words.starts_with("no");
        let [reference, ours] = [&case.reference, &case.ours].map(|outcome| {
            let output =
                if numeric { outcome.stdout.clone() } else { rewrite::truncate_words(&outcome.stdout) };
            let words = vec!["-c".to_owned(), filter.to_owned()];
            Step { words, input: output, ..Step::default() }.run(Command::new("sh"))
        });
        assert!(!reference.stdout.is_empty() && reference.stderr.is_empty(), "{line}: {reference:?}");
        if reference != ours {
            pair.record_failure(&format!("{line}:\n{}\n{}", reference.stdout, ours.stdout));
        }
    }
    pair.finish();
}
