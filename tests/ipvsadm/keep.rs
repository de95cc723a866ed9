//! `-E` and `-e` with `--keep`: what is named changes, and nothing else does.

use std::collections::BTreeMap;

use crate::random::{Random, restore, seeds, table};
use crate::support::*;

/// The options of a saved line with their values.
fn options(line: &str) -> BTreeMap<&str, &str> {
    let mut words = line.split(' ').skip(1).peekable();
    let mut options = BTreeMap::new();
    while let Some(option) = words.next() {
        let option = if matches!(option, "-g" | "-i" | "-m") { "method" } else { option };
        let value = words.next_if(|word| !word.starts_with('-')).unwrap_or_default();
        options.insert(option, value);
    }
    options
}

/// Returns the words that name the service of a saved line.
fn service_words(line: &str) -> String {
    let end = line.find(" -s ").or(line.find(" -r ")).unwrap();
    line[3..end].to_owned()
}

/// An edit: the words for it, and the options of the saved line that may differ afterwards.
type Edit = (String, Vec<&'static str>);

fn random_service_edit(random: &mut Random, line: &str) -> Edit {
    let known = options(line);
    let number = 1 + random.below(5000);
    let scheduler = random.pick(&["rr", "wrr", "sh", "mh", "lblc"]);
    let edit: Edit = match random.below(5) {
        0 => (format!("-s {scheduler}"), vec!["-s", "-b"]),
        1 => (format!("-p {number}"), vec!["-p", "-M"]),
        2 => ("-p".into(), if known.contains_key("-p") { vec![] } else { vec!["-p", "-M"] }),
        3 => ("-b flag-1,flag-3".into(), vec!["-b"]),
        _ if known.contains_key("-u") || known.contains_key("-f") => ("-o".into(), vec!["-o"]),
        _ => (format!("-s {scheduler} -b flag-2"), vec!["-s", "-b"]),
    };
    let words = format!("-E {} --keep {}", service_words(line), edit.0);
    (words, edit.1)
}

fn random_server_edit(random: &mut Random, line: &str) -> Edit {
    let known = options(line);
    let limit = |option| known.get(option).map_or(0, |text| text.parse::<u64>().unwrap());
    let number = 1 + random.below(5000);
    let edit: Edit = match random.below(5) {
        0 => ("-w 0".into(), vec!["-w"]),
        1 => (format!("-w {number}"), vec!["-w"]),
        2 => (format!("-x {}", limit("-y") + number), vec!["-x"]),
        3 => (format!("-y {}", limit("-x") / 2), vec!["-y"]),
        _ if known.get("--tun-type") == Some(&"gue") => (
            format!("--tun-port {number} --tun-csum"),
            vec!["--tun-port", "--tun-csum", "--tun-nocsum", "--tun-remcsum"],
        ),
        _ => (format!("-w {number} -x {}", limit("-y") + number), vec!["-w", "-x"]),
    };
    // The address alone is enough: each is there once.
    let server = known["-r"].rsplit_once(':').unwrap().0.trim_matches(['[', ']']);
    (format!("-e {} -r {server} --keep {}", service_words(line), edit.0), edit.1)
}

#[test]
fn an_edit_of_a_random_table_changes_nothing_that_it_does_not_name() {
    let director = Director::new();
    let mut ipvs = director.ipvs();
    let mut changed = 0;
    for seed in seeds().step_by(8) {
        let random = &mut Random::new(seed + 5_000_000);
        ipvs.flush().unwrap();
        restore(&director, "-R", &table(seed), seed);
        for _ in 0..4 {
            let before = director.ok("-S -n --full");
            let lines: Vec<&str> = before.lines().filter(|line| !line.starts_with("--")).collect();
            if lines.is_empty() {
                break;
            }
            let index = random.below(lines.len() as u64) as usize;
            let line = lines[index];
            let is_service = line.starts_with("-A");
            let (words, named) =
                if is_service { random_service_edit(random, line) } else { random_server_edit(random, line) };
            let run = director.run(&words);
            let may_lose_flags = words.contains(" -s ") && run.stderr.contains(" has lost the flags ");
            assert!(run.status == 0 && (run.stderr.is_empty() || may_lose_flags), "{words}: {run:?}");

            let after = director.ok("-S -n --full");
            let new: Vec<&str> = after.lines().filter(|line| !line.starts_with("--")).collect();
            assert_eq!(new.len(), lines.len(), "seed {seed}: {words}");
            for (number, (old, new)) in lines.iter().zip(new).enumerate() {
                if number != index {
                    assert_eq!(*old, new, "seed {seed}: {words}");
                    continue;
                }
                let without = |line| {
                    let mut options = options(line);
                    options.retain(|option, _| !named.contains(option));
                    options
                };
                assert_eq!(without(old), without(new), "seed {seed}: {words}\n{old}\n{new}");
                changed += usize::from(*old != new);
            }
        }
    }
    assert!(changed > 40, "only {changed} edits changed something");
}

const RULES: &str = "\
-A -t 192.0.2.1:80 -s sh -p 600 -M 255.255.255.0 -b sh-port
-a -t 192.0.2.1:80 -r 198.51.100.1:8080 -m -w 5 -x 20 -y 10
-a -t 192.0.2.1:80 -r 198.51.100.2:80 -m -w 3
-a -t 192.0.2.1:80 -r 198.51.100.2:81 -m -w 3
";

fn director() -> Director {
    let director = Director::new();
    assert_eq!(director.feed("-R", RULES).status, 0);
    director
}

#[test]
fn a_server_is_found_whatever_its_method_and_port() {
    let director = director();
    director.ok("-e -t 192.0.2.1:80 -r 198.51.100.1 --keep -w 0");
    assert_eq!(director.saved(), RULES.replace("-w 5", "-w 0"));
    director.ok("-e -t 192.0.2.1:80 -r 198.51.100.1:8080 --keep -w 5");
    assert_eq!(director.saved(), RULES);
    for (words, sentence) in [
        (
            "-e -t 192.0.2.1:80 -r 198.51.100.1:80 --keep -w 0",
            "service TCP 192.0.2.1:80 has no server 198.51.100.1:80, but 198.51.100.1:8080",
        ),
        (
            "-e -t 192.0.2.1:80 -r 198.51.100.3 --keep -w 0",
            "service TCP 192.0.2.1:80 has no server 198.51.100.3",
        ),
    ] {
        director.refuses(words, 255, sentence);
    }
    let sentence = "service TCP 192.0.2.1:80 has several servers at 198.51.100.2: \
                    name one of 198.51.100.2:80, 198.51.100.2:81";
    director.refuses("-e -t 192.0.2.1:80 -r 198.51.100.2 --keep -w 0", 2, sentence);
    let run = director.run("-e -t 192.0.2.9:80 -r 198.51.100.2 --keep -w 0");
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.stderr.contains("TCP 192.0.2.9:80"), "{run:?}");
    assert_eq!(director.saved(), RULES);
}

#[test]
fn flags_end_with_the_scheduler_that_knows_them() {
    let director = director();
    director.ok("-E -t 192.0.2.1:80 --keep -s mh");
    assert!(director.saved().starts_with("-A -t 192.0.2.1:80 -s mh -p 600 -M 255.255.255.0 -b mh-port\n"));
    let run = director.run("-E -t 192.0.2.1:80 --keep -s wrr");
    assert_eq!(
        (run.status, run.stderr.as_str()),
        (
            0,
            "ipvsadm: service TCP 192.0.2.1:80 has lost the flags mh-port with the scheduler mh: wrr has none of them\n"
        )
    );
    assert!(director.saved().starts_with("-A -t 192.0.2.1:80 -s wrr -p 600 -M 255.255.255.0\n"));
    // A bare -p names no time.
    director.ok("-E -t 192.0.2.1:80 --keep -p");
    assert!(director.saved().starts_with("-A -t 192.0.2.1:80 -s wrr -p 600 -M 255.255.255.0\n"));
}

#[test]
fn lines_of_input_keep_settings_of_the_kernel_or_of_the_lines_before() {
    let director = director();
    let edits = "\
-e -t 192.0.2.1:80 -r 198.51.100.1 --keep -w 9
-E -t 192.0.2.1:80 --keep -p 60
-e -t 192.0.2.1:80 -r 198.51.100.1 --keep -y 0
";
    let run = director.feed("-R", edits);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    let expected = RULES.replace("-p 600", "-p 60").replace("-w 5 -x 20 -y 10", "-w 9 -x 20");
    assert_eq!(director.saved(), expected);

    // The whole table is described by the lines: what the kernel has does not matter.
    let run =
        director.feed("-R --replace", &format!("{RULES}-e -t 192.0.2.1:80 -r 198.51.100.1 --keep -w 7\n"));
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert_eq!(director.saved(), RULES.replace("-w 5", "-w 7"));
    let run =
        director.feed("-R --replace", &format!("-e -t 192.0.2.1:80 -r 198.51.100.1 --keep -w 7\n{RULES}"));
    assert_eq!(run.status, 2);
    assert!(run.stderr.starts_with("<stdin>:1: service TCP 192.0.2.1:80 is not there"), "{}", run.stderr);
}

#[test]
fn only_people_are_told_of_what_a_plain_edit_resets() {
    let director = director();
    let on_terminal = |words: &str| {
        let line = format!("script -q -e -c '{PROGRAM} {words}' /dev/null </dev/null");
        director.system(&line).replace("\r\n", "\n")
    };
    let edit = "-e -t 192.0.2.1:80 -r 198.51.100.1:8080 -m -w 6";
    assert_eq!(
        on_terminal(edit),
        "ipvsadm: this resets the thresholds from 20 and 10 to 0 of server 198.51.100.1:8080, as -e does; \
         to keep them, add --keep\n"
    );
    assert_eq!(on_terminal(edit), "", "there is nothing left to reset");
    assert_eq!(
        on_terminal("-e -t 192.0.2.1:80 -r 198.51.100.2:80 -w 6"),
        "ipvsadm: this resets the method from -m to -g of server 198.51.100.2:80, as -e does; \
         to keep them, add --keep\n"
    );
    let lines = "-e -t 192.0.2.1:80 -r 198.51.100.2:81 -m -x 5\n-e -t 192.0.2.1:80 -r 198.51.100.2:81 -m\n";
    std::fs::write("/run/keep-lines", lines).unwrap();
    assert_eq!(on_terminal("-R /run/keep-lines"), "");
    // A program that reads standard error sees what it always has.
    director.ok("-e -t 192.0.2.1:80 -r 198.51.100.1:8080 -m -x 5");
    director.ok(edit);
}
