//! The plan of a replacement that drains.

use super::validator::assert_valid;
use super::*;

#[test]
fn the_plan_has_the_weights_of_0_before_the_deletions_and_the_time_between_them() {
    let director = Director::new();
    let lines = "-A -f 7 -s rr\n-a -f 7 -r 198.51.100.1 -m -x 9\n-A -f 8 -s rr\n-a -f 8 -r 198.51.100.1 -i\n";
    assert_eq!(director.feed("-R", lines).status, 0);
    let wanted = director.ok("-S --json").replace("198.51.100.1", "198.51.100.9");
    let plan = director.feed("-R --json --replace --dry-run --drain-removed 600", &wanted);
    assert_eq!((plan.status, plan.stderr.as_str()), (0, ""));
    let document = parse(&plan.stdout);
    let steps = list(&document, "plan");
    let changes: Vec<&str> = steps.iter().map(|step| step["change"].as_str().unwrap()).collect();
    let expected = [["add-destination"; 2], ["set-destination"; 2], ["delete-destination"; 2]].concat();
    assert_eq!(changes, expected);
    assert_eq!(
        (&steps[2]["destination"]["weight"], &steps[2]["destination"]["upper_threshold"]),
        (&0.into(), &9.into())
    );
    assert_eq!(document["drain_removed"], 600);
    assert_valid(&[plan.stdout]);
    let run = director.feed("-R --json --replace --drain-removed 600", &wanted);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert_eq!(director.ok("-S --json"), wanted);
}
