//! Programs that use the library: the examples, and a package that depends on the library alone.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{Director, Folder, PROGRAM, run};

const TABLE: &str = "-A -t 192.0.2.1:80 -s wrr -p 300\n\
                     -a -t 192.0.2.1:80 -r 10.0.0.11:8080 -m -w 10\n\
                     -a -t 192.0.2.1:80 -r 10.0.0.12:8080 -m -w 0\n";

/// Finds a program among those that scripts/test builds along with the program under test.
pub fn built(name: &str) -> PathBuf {
    let path = Path::new(PROGRAM).with_file_name(name);
    assert!(path.exists(), "{} has not been built: run scripts/test", path.display());
    path
}

/// Runs an example, which has to succeed, and returns its standard output.
fn example(name: &str, words: &[&str]) -> String {
    let run = run(Command::new(built(&format!("examples/{name}"))).args(words));
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{name} {words:?}");
    run.stdout
}

#[test]
fn a_package_that_depends_on_the_library_alone_adds_lists_and_reconciles() {
    let director = Director::new();
    let run = run(&mut Command::new(built("crate-user")));
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert_eq!(
        run.stdout,
        "added:\n\
         TCP 192.0.2.1:80 wrr\n  10.0.0.12:8080 masquerade 1\n  10.0.0.11:8080 masquerade 1\n\
         cannot add service TCP 192.0.2.1:80: Service already exists\n\
         cannot edit server 10.0.0.99:1 of service TCP 192.0.2.1:80: No such destination\n\
         changed:\n\
         TCP 192.0.2.1:80 sed\n  10.0.0.12:8080 masquerade 0\n  10.0.0.11:8080 masquerade 1\n\
         1 service added, 1 deleted, 1 server added, 2 deleted\n\
         reconciled:\n\
         UDP 192.0.2.1:5060 wlc\n  10.0.0.11:5060 direct-route 3\n"
    );
    assert_eq!(
        director.saved(),
        "-A -u 192.0.2.1:5060 -s wlc -p 60 --pe sip -o\n\
         -a -u 192.0.2.1:5060 -r 10.0.0.11:5060 -g -w 3\n"
    );
}

#[test]
fn the_example_add_web_service_adds_two_servers_and_drains_one() {
    let director = Director::new();
    let output = example("add_web_service", &["192.0.2.1:80", "10.0.0.11:8080", "10.0.0.12:8080"]);
    assert_eq!(output, "TCP 192.0.2.1:80: 10.0.0.11:8080 is in service, 10.0.0.12:8080 drains\n");
    assert_eq!(director.saved(), TABLE);
}

#[test]
fn the_examples_list_table_and_raw_messages_show_every_service() {
    let director = Director::new();
    director.feed("-R", TABLE);
    assert_eq!(
        example("list_table", &[]),
        "IPVS 1.2.1\n\
         TCP 192.0.2.1:80 by wrr, 0 connections\n  \
         10.0.0.12:8080 by masquerade, weight 0, 0 active\n  \
         10.0.0.11:8080 by masquerade, weight 10, 0 active\n"
    );
    let messages = example("raw_messages", &[]);
    assert_eq!(messages.lines().count(), 1, "{messages}");
    assert!(messages.starts_with("Service(ServiceState { settings: Service { id: Address"), "{messages}");
}

#[test]
fn the_example_reconcile_file_makes_the_table_what_the_file_says_and_changes_nothing_the_second_time() {
    let director = Director::new();
    director.feed("-R", TABLE);
    let folder = Folder::new();
    let file = folder.0.join("table");
    std::fs::write(&file, "TCP 192.0.2.1:80\n    10.0.0.11:8080 masquerade 7\n\n").unwrap();
    let name = file.to_str().unwrap();
    assert_eq!(
        example("reconcile_file", &[name]),
        "line 1: edit service TCP 192.0.2.1:80\n\
         line 2: edit server 10.0.0.11:8080 of service TCP 192.0.2.1:80\n\
         not in the file: delete server 10.0.0.12:8080 of service TCP 192.0.2.1:80\n\
         1 service changed, 1 server changed, 1 deleted\n"
    );
    assert_eq!(example("reconcile_file", &[name]), "1 service untouched, 1 server untouched\n");
    assert_eq!(director.saved(), "-A -t 192.0.2.1:80 -s wlc\n-a -t 192.0.2.1:80 -r 10.0.0.11:8080 -m -w 7\n");
}

#[test]
fn the_example_watch_rates_prints_a_line_for_each_service_and_interval() {
    let director = Director::new();
    director.feed("-R", TABLE);
    assert_eq!(example("watch_rates", &["1", "2"]), "TCP 192.0.2.1:80: 0.0 connections/s\n".repeat(2));
}

#[test]
fn the_example_drain_many_drains_a_server_in_all_services_and_keeps_everything_else() {
    let director = Director::new();
    let more = "-A -f 7 -s sed\n-a -f 7 -r 10.0.0.11 -i -w 5 -x 9 -y 3\n-a -f 7 -r 10.0.0.13 -g -w 6\n";
    director.feed("-R", &format!("{TABLE}{more}"));
    let mut lines: Vec<_> =
        example("drain_many", &["10.0.0.11", "10.9.9.9"]).lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["FWM 7: 10.0.0.11:0 drains", "TCP 192.0.2.1:80: 10.0.0.11:8080 drains"]);
    let drained = director.saved();
    assert_eq!(director.feed("-R", &format!("-C\n{TABLE}{more}")).status, 0);
    assert_eq!(drained, director.saved().replace("-w 10", "-w 0").replace("-w 5", "-w 0"));
}

#[test]
fn the_example_watch_table_prints_what_other_programs_change() {
    let director = Director::new();
    director.feed("-R", TABLE);
    let mut command = Command::new(built("examples/watch_table"));
    let mut watcher = command.args(["1", "5"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watcher.stdout.take().unwrap()).lines().map(Result::unwrap);
    let first: Vec<_> = lines.by_ref().take(3).collect();
    assert_eq!(first[0], "TCP 192.0.2.1:80: added");
    director.ok("-e -t 192.0.2.1:80 -r 10.0.0.11:8080 -m -w 0");
    assert_eq!(lines.next().unwrap(), "TCP 192.0.2.1:80: 10.0.0.11:8080 drains, its weight was 10");
    director.ok("-C");
    assert_eq!(lines.collect::<Vec<_>>(), ["TCP 192.0.2.1:80: removed"]);
    assert!(watcher.wait().unwrap().success());
}

#[test]
fn the_example_in_the_readmes_prints_a_sentence_when_it_is_run_twice() {
    let director = Director::new();
    assert_eq!(example("readme", &[]), "");
    assert_eq!(director.saved(), "-A -t 192.0.2.1:80 -s wlc\n-a -t 192.0.2.1:80 -r 10.0.0.11:8080 -m -w 1\n");
    let again = run(&mut Command::new(built("examples/readme")));
    let sentence = "cannot add service TCP 192.0.2.1:80: Service already exists\n";
    assert_eq!((again.status, again.stderr.as_str()), (1, sentence));
    let code = include_str!("../../crates/ipvs-netlink/examples/readme.rs").split_once("\n\n").unwrap().1;
    for readme in [include_str!("../../README.md"), include_str!("../../crates/ipvs-netlink/README.md")] {
        assert!(readme.contains(&format!("```rust,no_run\n{code}```\n")), "{readme}");
    }
}

#[test]
fn the_examples_print_a_sentence_when_they_fail() {
    let director = Director::new();
    director.ok("-A -t 192.0.2.1:80");
    let words = ["192.0.2.1:80", "10.0.0.11:8080", "10.0.0.12:8080"];
    let failed = run(Command::new(built("examples/add_web_service")).args(words));
    let sentence = "cannot add service TCP 192.0.2.1:80: Service already exists\n";
    assert_eq!((failed.status, failed.stderr.as_str()), (1, sentence));
    // The one of the blocking client, and the one of the client for tokio.
    for (name, attempt) in
        [("list_table", "ask for the version of IPVS"), ("watch_table", "list the services")]
    {
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set", "-net_admin", "--"]).arg(built(&format!("examples/{name}")));
        let sentence = format!(
            "cannot {attempt}: permission denied: this needs root, or CAP_NET_ADMIN in the initial user namespace\n"
        );
        let failed = run(&mut command);
        assert_eq!((failed.status, failed.stderr), (1, sentence), "{name}");
    }
}
