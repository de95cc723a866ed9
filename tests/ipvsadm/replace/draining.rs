//! `--drain-removed` without any connections: what is planned, what is refused, and what is left by failures.

use super::*;

const PLAN: &str = "\
ipvsadm -e -t 192.0.2.1:80 -r 198.51.100.2:80 -m -w 5
ipvsadm -a -t 192.0.2.1:80 -r 198.51.100.3:80 -m -w 1
ipvsadm -A -u 192.0.2.1:53 -s rr -o
ipvsadm -e -t 192.0.2.1:80 -r 198.51.100.1:80 -m -w 0
# wait for the connections to end, at most 600 s
ipvsadm -d -t 192.0.2.1:80 -r 198.51.100.1:80
ipvsadm -D -f 7
# 1 service added, 1 deleted, 2 untouched, 1 server added, 1 changed, 1 deleted, 1 untouched
";

#[test]
fn a_dry_run_shows_the_weights_of_0_and_where_it_waits() {
    let director = director();
    let before = director.saved();
    let dry = director.feed("-R --replace --dry-run --drain-removed 600", WANTED);
    assert_eq!((dry.status, dry.stdout.as_str(), dry.stderr.as_str()), (0, PLAN, ""));
    assert_eq!(director.saved(), before);
    let check = director.feed("-R --replace --check --drain-removed 600", WANTED);
    assert_eq!((check.status, check.stdout.as_str(), check.stderr.as_str()), (0, "", ""));
    assert_eq!(director.saved(), before);
    let run = director.feed("-R --replace --drain-removed 600", WANTED);
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""));
    assert_eq!(director.saved(), WANTED);
    let again = director.feed("-R --replace --dry-run --drain-removed 600", WANTED);
    assert_eq!(again.stdout, "# 3 services untouched, 3 servers untouched\n");
}

#[test]
fn the_option_needs_a_replacement_and_a_number() {
    let director = director();
    director.refuses("-R --drain-removed 5", 2, "--drain-removed needs --replace");
    for number in ["many", "-1", "2678401", ""] {
        director.refuses(
            &format!("-R --replace --drain-removed={number}"),
            2,
            &format!("--drain-removed \"{number}\": it is a number from 0 to 2678400"),
        );
    }
    assert!(director.run("-R --replace --drain-removed").status != 0);
}

#[test]
fn services_of_others_are_not_drained() {
    let director = director();
    let run = director.feed("-R --replace --keep-others --drain-removed 5", "-A -t 192.0.2.1:80 -s rr\n");
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    let others =
        "-A -t 192.0.2.1:443 -s wlc\n-a -t 192.0.2.1:443 -r 198.51.100.1:443 -m -w 1\n-A -f 7 -s sh\n";
    assert_eq!(director.saved(), format!("-A -t 192.0.2.1:80 -s rr\n{others}"));
}

#[test]
fn everything_is_drained_if_the_table_may_be_cleared() {
    let director = director();
    let before = director.saved();
    assert_eq!(director.feed("-R --replace --drain-removed 5", "# nothing\n").status, 2);
    assert_eq!(director.saved(), before);
    let run = director.feed("-R --replace --drain-removed 5 --allow-empty", "");
    assert_eq!((run.status, run.stderr.as_str(), director.saved().as_str()), (0, "", ""));
}

#[test]
fn a_refused_replacement_drains_nothing() {
    let director = director();
    let before = director.saved();
    let run = director.feed("-R --replace --drain-removed 5", &format!("{WANTED}-A -f 9 -s nosuch\n"));
    assert_eq!(run.status, 255);
    assert!(run.stderr.ends_with("ipvsadm: nothing was changed\n"), "{}", run.stderr);
    assert_eq!(director.saved(), before);
}
