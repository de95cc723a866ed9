//! ipvsadm-save and ipvsadm-restore: Debian's with our program, and ours.

use super::*;

const TABLE: &str = "\
-A -t 192.0.2.1:80 -s wrr -p 360
-a -t 192.0.2.1:80 -r 198.51.100.1:8080 -m -w 3 -x 100 -y 50
-A -f 4000000000 -s wlc
";

/// One of our own scripts.
fn own(name: &str) -> String {
    format!("{}/scripts/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Debian's script.
fn debian(name: &str) -> String {
    unpacked(&format!("sbin/{name}"))
}

fn restore(stage: &Stage, script: &str, input: &str) -> Run {
    feed(&mut stage.command(script), input.as_bytes())
}

#[test]
fn what_is_saved_is_restored() {
    let director = Director::new();
    let stage = Stage::new();
    for script in [own, debian] {
        director.ok("-A -f 1");
        let run = restore(&stage, &script("ipvsadm-restore"), &format!("# a comment\n{TABLE}"));
        assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""));
        assert_eq!(director.saved(), TABLE, "the old services are gone");
        assert_eq!(stage.ok(&format!("{} -n", script("ipvsadm-save"))), TABLE);
        assert_eq!(stage.ok(&script("ipvsadm-save")), director.ok("-S"));
        let run = restore(&stage, &script("ipvsadm-restore"), "");
        assert_eq!((run.status, director.saved().as_str()), (0, ""));
    }
}

#[test]
fn a_line_that_cannot_be_restored_keeps_our_restore_from_clearing() {
    let director = Director::new();
    let stage = Stage::new();
    let before = "-A -f 1 -s wlc\n";
    director.ok("-A -f 1");
    let wrong = "-A -f 2\n-A -f none\n";
    for (input, what, status) in [
        (wrong, "<stdin>:2: -f \"none\"", 2),
        ("-A -f 2\n-A -f 3 -s x\n", "<stdin>:2: cannot add service", 255),
    ] {
        let run = restore(&stage, &own("ipvsadm-restore"), input);
        assert!(run.stderr.contains(what), "{}", run.stderr);
        assert_eq!((run.status, director.saved().as_str()), (status, before));
    }

    // Debian's script clears before it asks.
    let run = restore(&stage, &debian("ipvsadm-restore"), wrong);
    assert!(run.stderr.contains("<stdin>:2: "), "{}", run.stderr);
    assert_eq!((run.status, director.saved().as_str()), (2, ""));
}

#[test]
fn the_scripts_have_help_and_refuse_unknown_options() {
    let stage = Stage::new();
    for name in ["ipvsadm-save", "ipvsadm-restore"] {
        for option in ["-h", "--help"] {
            let help = stage.ok(&format!("{} {option}", own(name)));
            assert!(help.starts_with(&format!("Usage: {name} ")), "{help}");
        }
    }
    for script in [own, debian] {
        let run = run(stage.command(script("ipvsadm-save")).arg("-q"));
        assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{run:?}");
        assert!(run.stderr.starts_with("ipvsadm-save: "), "{}", run.stderr);
    }
}
