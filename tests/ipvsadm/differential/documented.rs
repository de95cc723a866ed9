//! Checks that docs/differences.md documents exactly the allowed differences, and that each still exists.

use super::allowed::{TABLE, judge};
use super::pair::Pair;
use super::script;
use super::step::Step;

/// The mark of a section about a difference that no invocation can show.
const ELSEWHERE: &str = "*(Not seen by comparing invocations.)*";

#[test]
fn the_documented_and_the_allowed_differences_are_the_same() {
    let text = include_str!("../../../docs/differences.md");
    let sections = text.split("\n## ").skip(1);
    let documented = sections.filter(|section| !section.contains(ELSEWHERE));
    let mut documented: Vec<&str> = documented.map(|section| section.lines().next().unwrap()).collect();
    let mut allowed: Vec<&str> = TABLE.iter().map(|difference| difference.heading).collect();
    documented.sort_unstable();
    allowed.sort_unstable();
    assert_eq!(documented, allowed);
}

#[test]
fn every_allowed_difference_still_exists() {
    let mut pair = Pair::new();
    for difference in TABLE {
        let script = difference.example;
        pair.set_baseline(&script::baseline_lines(script));
        let case = pair.run(&Step::parse(script.lines().last().unwrap()));
        let found = judge(&case);
        if found != Ok(vec![difference.heading]) {
            pair.record_failure(&format!(
                "expected the difference {:?}, found {found:?}\n{}",
                difference.heading,
                case.report()
            ));
        }
    }
    pair.finish();
}
