//! The differences that are allowed are those that docs/differences.md tells of, and all of them are there.

use super::allowed::{TABLE, judge};
use super::pair::Pair;
use super::script;
use super::step::Step;

/// How a section says that no invocation here shows it.
const ELSEWHERE: &str = "*(Not seen by comparing invocations.)*";

#[test]
fn every_difference_is_in_the_documentation_and_the_other_way_round() {
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
fn every_difference_is_still_there() {
    let mut pair = Pair::new();
    for difference in TABLE {
        let script = difference.example;
        pair.given(&script::given(script));
        let case = pair.run(&Step::parse(script.lines().last().unwrap()));
        let seen = judge(&case);
        if seen != Ok(vec![difference.heading]) {
            pair.fail(&format!("expected of this: {}; but {seen:?}\n{}", difference.heading, case.report()));
        }
    }
    pair.finish();
}
