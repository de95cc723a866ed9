//! What `-S --json` prints, read by `-R --json`.

use std::process::Command;

use serde_json::Value;

use super::validator::assert_valid;
use super::{list, parse};
use crate::programs::unpacked_program;
use crate::random::{kernel_state, min_changes, restore, seeds, table};
use crate::support::*;

#[test]
fn a_saved_document_changes_nothing_and_restores_everything() {
    let director = Director::new();
    let mut ipvs = director.ipvs();
    let mut documents = Vec::new();
    for seed in seeds().step_by(25) {
        ipvs.flush().unwrap();
        restore(&director, "-R", &table(seed), seed);
        let words = if seed % 2 == 1 { "-S --json" } else { "-S --json --full" };
        let (saved, before, text) =
            (director.ok(words), kernel_state(&mut ipvs), director.ok("-S -n --full"));
        let plan = director.feed("-R --json --replace --dry-run --allow-empty", &saved);
        assert_eq!((plan.status, plan.stderr.as_str()), (0, ""), "seed {seed}");
        if !list(&parse(&saved), "services").is_empty() {
            assert_eq!(list(&parse(&plan.stdout), "plan"), [] as [Value; 0], "seed {seed}: {}", plan.stdout);
            documents.push(plan.stdout);
        }
        restore(&director, "-R --json --replace --allow-empty", &saved, seed);
        assert_eq!(kernel_state(&mut ipvs), before, "seed {seed}");
        for words_of_restore in ["-R --json", "-R --json --replace --allow-empty"] {
            ipvs.flush().unwrap();
            restore(&director, words_of_restore, &saved, seed);
            assert_eq!(director.ok(words), saved, "seed {seed}");
            if words.ends_with("--full") {
                assert_eq!(director.ok("-S -n --full"), text, "seed {seed}");
            }
        }
        documents.push(saved);
    }
    assert_valid(&documents);
}

#[test]
fn any_table_becomes_any_other_by_the_smallest_change() {
    let director = Director::new();
    let mut ipvs = director.ipvs();
    let mut plans = Vec::new();
    for seed in seeds().skip(2).step_by(40) {
        let [(from, from_text), (to, to_text)] = [seed, seed + 2_000_000].map(|seed| {
            ipvs.flush().unwrap();
            restore(&director, "-R", &table(seed), seed);
            (director.ok("-S --json"), director.saved())
        });
        restore(&director, "-R --json --replace --allow-empty", &from, seed);
        assert_eq!(director.saved(), from_text, "seed {seed}");
        let plan = director.feed("-R --json --replace --allow-empty --dry-run --json", &to);
        assert_eq!(plan.status, 2, "seed {seed}: an option is given twice");
        let plan = director.feed("-R --json --replace --allow-empty --dry-run", &to);
        assert_eq!((plan.status, plan.stderr.as_str()), (0, ""), "seed {seed}");
        let steps = parse(&plan.stdout);
        let count = list(&steps, "plan").len();
        assert_eq!(count, min_changes(&from_text, &to_text), "seed {seed}\n{}", plan.stdout);
        assert_eq!(director.saved(), from_text, "seed {seed}: a dry run changed something");
        restore(&director, "-R --json --replace --allow-empty", &to, seed);
        assert_eq!(director.saved(), to_text, "seed {seed}");
        plans.push(plan.stdout);
    }
    assert!(plans.iter().any(|plan| plan.contains("\"delete-destination\"")), "{plans:?}");
    assert!(plans.iter().any(|plan| plan.contains("\"set-service\"")), "{plans:?}");
    assert_valid(&plans);
}

const TABLE: &str = "\
-A -t 192.0.2.1:80 -s wlc
-a -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 1 -x 100 -y 80
-a -t 192.0.2.1:80 -r 10.0.0.2:8080 -m -w 2
-A -f 7 -s rr -p 300
-a -f 7 -r 10.0.0.1:0 -g -w 3
";

#[test]
fn jq_changes_many_weights_in_one_step() {
    let director = Director::new();
    assert_eq!(director.feed("-R", TABLE).status, 0);
    let jq = |filter: &str, input: &str| {
        let run = feed(Command::new(unpacked_program("jq")).arg(filter), input.as_bytes());
        assert_eq!((run.status, run.stderr.as_str()), (0, ""));
        run.stdout
    };
    let edited = jq(
        "(.ipvs.services[].destinations[] | select(.address == \"10.0.0.1\") | .weight) = 0",
        &director.ok("-S --json"),
    );
    let run = director.feed("-R --json --replace", &edited);
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""));
    let expected = TABLE.replace("-m -w 1", "-m -w 0").replace("-w 3", "-w 0");
    assert_eq!(director.saved(), expected);

    // A filter that fails prints nothing, which is no document.
    let before = director.saved();
    let run = director.feed("-R --json --replace", "");
    assert_eq!(run.stderr, "<stdin>:1: there is no document\nipvsadm: nothing was applied\n");
    assert_eq!((run.status, director.saved()), (2, before));
}

#[test]
fn services_that_the_document_does_not_name_are_kept_if_it_is_wished() {
    let director = Director::new();
    assert_eq!(director.feed("-R", TABLE).status, 0);
    let document = r#"{"ipvs":{"schema":1,"services":[{"fwmark":8,"scheduler":"lc"}]}}"#;
    restore(&director, "-R --json --replace --keep-others", document, 0);
    assert_eq!(director.saved(), format!("{TABLE}-A -f 8 -s lc\n"));
    restore(&director, "-R --json --replace", document, 0);
    assert_eq!(director.saved(), "-A -f 8 -s lc\n");

    let empty = r#"{"ipvs":{"schema":1,"services":[]}}"#;
    let run = director.feed("-R --json --replace", empty);
    let sentence = "ipvsadm: <stdin> names no service; to clear the table with it, add --allow-empty\n";
    assert_eq!((run.status, run.stderr.as_str()), (2, sentence));
    restore(&director, "-R --json --replace --allow-empty", empty, 0);
    assert_eq!(director.saved(), "");
}

#[test]
fn a_document_is_saved_into_a_file_and_read_from_it() {
    let director = Director::new();
    assert_eq!(director.feed("-R", TABLE).status, 0);
    let folder = Folder::new();
    let path = folder.0.join("table.json");
    let name = path.to_str().unwrap();
    assert_eq!(director.ok(&format!("-S --json --full -o {name}")), "");
    let file = std::fs::read_to_string(&path).unwrap();
    assert_eq!(file, director.ok("-S --json --full"));
    director.ok("-C");
    director.ok(&format!("-R --json --check {name}"));
    director.ok(&format!("-R --json --replace --check {name}"));
    assert_eq!(director.saved(), "");
    director.ok(&format!("-R --json --replace {name}"));
    assert_eq!(director.saved(), TABLE);
}
