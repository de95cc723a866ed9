//! Notes that are wrong, stale or out of reach.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::{NAMES, RULES, director, rules};
use crate::support::*;

#[test]
fn malformed_notes_are_named_and_do_not_get_in_the_way() {
    let (director, notes) = director();
    director.ok("--drain -r 198.51.100.1");
    let good = fs::read_to_string(&notes.0).unwrap();
    for bad in
        ["", "{", "\0\x1b[2J", &good[..100], &good.replace("\"weight\":5", "\"weight\":0"), "[[[[[[[[[[["]
    {
        fs::write(&notes.0, bad).unwrap();
        for words in ["--drain -r 198.51.100.2", "--undrain -r 198.51.100.1", "-L --drained"] {
            let run = director.run(words);
            assert_eq!((run.status, run.stdout.as_str()), (255, ""), "{words}: {run:?}");
            let start = format!("ipvsadm: cannot use the notes of weights in {}: ", notes.0);
            assert!(run.stderr.starts_with(&start), "{run:?}");
            assert!(run.stderr.ends_with("delete it and name weights: --undrain -w WEIGHT\n"), "{run:?}");
        }
        assert_eq!(director.ok("-S -n --present-weights"), rules(0, 0, 0));
        // A reload works, and so does naming the weight.
        let run = director.feed("-R --replace", &rules(0, 0, 0));
        assert!(run.status == 0 && run.stderr.contains(&notes.0), "{run:?}");
    }
    let run = director.run("--undrain -r 198.51.100.1 -w 2");
    assert_eq!((run.status, run.stderr.lines().count()), (0, 1), "{run:?}");
    assert_eq!(director.ok("-S -n --present-weights"), rules(2, 2, 2));
    assert_eq!(fs::read_to_string(&notes.0).unwrap(), "[[[[[[[[[[[");
}

#[test]
fn notes_that_others_could_have_written_are_not_believed() {
    let (director, notes) = director();
    director.ok("--drain -r 198.51.100.1");
    fs::set_permissions(&notes.0, fs::Permissions::from_mode(0o666)).unwrap();
    let run = director.run("--undrain -r 198.51.100.1");
    assert!(run.status == 255 && run.stderr.contains("somebody else can write to it"), "{run:?}");
    fs::rename(&notes.0, format!("{}.moved", notes.0)).unwrap();
    std::os::unix::fs::symlink(format!("{}.moved", notes.0), &notes.0).unwrap();
    let run = director.run("--undrain -r 198.51.100.1");
    assert!(run.status == 255 && run.stderr.contains("symbolic links"), "{run:?}");
    fs::remove_file(format!("{}.moved", notes.0)).unwrap();
    // Nobody writes into this pipe.
    fs::remove_file(&notes.0).unwrap();
    director.system(&format!("mkfifo -m 600 {}", notes.0));
    let run = crate::support::run(Command::new("timeout").args([
        "-s",
        "KILL",
        "60",
        PROGRAM,
        "--undrain",
        "-r",
        "198.51.100.1",
    ]));
    assert!(run.status == 255 && run.stderr.contains("EOF while parsing"), "{run:?}");
}

#[test]
fn stale_notes_are_recognised() {
    let (director, notes) = director();
    let [web, dns, mark] = NAMES;
    director.ok("--drain -r 198.51.100.1");
    director.ok("-e -t 192.0.2.1:80 -r 198.51.100.1 --keep -w 9");
    director.ok("-d -u 192.0.2.1:53 -r 198.51.100.1:53");
    let listed = director.ok("-L --drained");
    let lines: Vec<&str> = listed.lines().collect();
    assert!(lines[0].ends_with(", but has weight 9 now") && lines[1].ends_with(", but is gone"), "{listed}");

    let run = director.run("--undrain -r 198.51.100.1");
    assert_eq!(
        (run.status, run.stdout, run.stderr),
        (
            0,
            format!(
                "{web}: not drained, weight 9; the note of its weight before is removed\n{mark}: weight 3\n"
            ),
            format!("ipvsadm: {dns}: it is gone; the note of its weight is removed\n")
        )
    );
    assert!(!notes.exists());

    // A weight set by hand is the next one to come back to.
    director.ok("--drain -r 198.51.100.1:8080");
    director.ok("-e -t 192.0.2.1:80 -r 198.51.100.1 --keep -w 4");
    assert_eq!(director.ok("--drain -r 198.51.100.1:8080"), format!("{web}: weight 0, was 4\n"));
    director.ok("-d -t 192.0.2.1:80 -r 198.51.100.1:8080");
    let run = director.run("--undrain -r 198.51.100.1:8080");
    let sentence = format!(
        "ipvsadm: {web}: it is gone; the note of its weight is removed\nipvsadm: nothing was changed\n"
    );
    assert_eq!((run.status, run.stderr), (1, sentence));
}

#[test]
fn without_a_place_for_notes_servers_are_drained_all_the_same() {
    let (director, _notes) = director();
    let sandboxed = |words: &str| {
        let script = format!("mount -t tmpfs -o ro none /run && exec {PROGRAM} {words}");
        run(Command::new("unshare").args(["-m", "sh", "-c", &script]))
    };
    let run = sandboxed("--drain -r 198.51.100.1");
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(
        run.stderr,
        "ipvsadm: cannot note the weights (Read-only file system (os error 30)): --undrain will need -w WEIGHT\n"
    );
    assert_eq!(director.saved(), rules(0, 0, 0));
    assert_eq!(sandboxed("--undrain -r 198.51.100.1").status, 1);
    let run = sandboxed("--undrain -r 198.51.100.1 -w 6");
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert_eq!(director.saved(), rules(6, 6, 6));
}

#[test]
fn whoever_may_change_the_table_but_not_read_notes_can_drain() {
    let (director, _notes) = director();
    director.ok("--drain -r 198.51.100.1:8080");
    let as_user = |words: &str| {
        let user =
            ["--reuid", "1000", "--clear-groups", "--inh-caps", "+net_admin", "--ambient-caps", "+net_admin"];
        run(Command::new("setpriv").args(user).arg(PROGRAM).args(words.split(' ')))
    };
    let run = as_user("--drain -r 198.51.100.1 -f 7");
    assert_eq!(
        (run.status, run.stderr.as_str()),
        (
            0,
            "ipvsadm: cannot note the weights (Permission denied (os error 13)): --undrain will need -w WEIGHT\n"
        )
    );
    let run = as_user("-L --drained");
    assert!(run.status == 255 && run.stderr.contains("Permission denied"), "{run:?}");
    let run = as_user("--undrain -r 198.51.100.1 -f 7 -w 3");
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    director.ok("--undrain -r 198.51.100.1:8080");
    assert_eq!(director.saved(), RULES);
}
