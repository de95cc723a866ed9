//! ipvsadm-save and ipvsadm-restore: our own scripts, and Debian's with our program.

use super::*;

const TABLE: &str = "\
-A -t 192.0.2.1:80 -s wrr -p 360
-a -t 192.0.2.1:80 -r 198.51.100.1:8080 -m -w 3 -x 100 -y 50
-A -f 4000000000 -s wlc
";

/// Returns the path of one of our scripts, which is in the folder of the program under test.
fn our_script(name: &str) -> String {
    format!("/mnt/bin/{name}")
}

/// Returns the path of Debian's script.
fn debian_script(name: &str) -> String {
    unpacked(&format!("sbin/{name}"))
}

fn restore(stage: &Stage, script: &str, options: &str, input: &str) -> Run {
    feed(stage.command(script).args(options.split_whitespace()), input.as_bytes())
}

#[test]
fn a_saved_table_is_restored() {
    let director = Director::new();
    let stage = Stage::new();
    for script in [our_script, debian_script] {
        director.ok("-A -f 1");
        let run = restore(&stage, &script("ipvsadm-restore"), "", &format!("# a comment\n{TABLE}"));
        assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""));
        assert_eq!(director.saved(), TABLE, "the restore replaces the old services");
        assert_eq!(stage.ok(&format!("{} -n", script("ipvsadm-save"))), TABLE);
        assert_eq!(stage.ok(&script("ipvsadm-save")), director.ok("-S"));
    }
}

#[test]
fn our_restore_does_not_clear_the_table_if_a_line_cannot_be_restored() {
    let director = Director::new();
    let stage = Stage::new();
    let before = "-A -f 1 -s wlc\n";
    director.ok("-A -f 1");
    let invalid = "-A -f 2\n-A -f none\n";
    for (input, problem, status) in [
        (invalid, "<stdin>:2: -f \"none\"", 2),
        ("-A -f 2\n-A -f 3 -s x\n", "<stdin>:2: cannot add service", 255),
    ] {
        let run = restore(&stage, &our_script("ipvsadm-restore"), "", input);
        assert!(run.stderr.contains(problem), "{}", run.stderr);
        assert_eq!((run.status, director.saved().as_str()), (status, before));
    }

    // `--flush` also checks the input before it clears the table.
    let run = run(stage.command(our_script("ipvsadm-restore")).arg("--flush").arg("/nonexistent/rules"));
    assert_eq!((run.status, director.saved().as_str()), (255, before));
    for options in ["--flush", "--flush -n -"] {
        let run = restore(&stage, &our_script("ipvsadm-restore"), options, invalid);
        assert!(run.stderr.starts_with("<stdin>:2: -f \"none\""), "{}", run.stderr);
        assert_eq!((run.status, director.saved().as_str()), (2, before));
    }

    // Debian's script clears the table before it checks the input.
    let run = restore(&stage, &debian_script("ipvsadm-restore"), "", invalid);
    assert!(run.stderr.contains("<stdin>:2: "), "{}", run.stderr);
    assert_eq!((run.status, director.saved().as_str()), (2, ""));
}

#[test]
fn our_restore_clears_the_table_only_if_told_to() {
    let director = Director::new();
    let stage = Stage::new();
    let script = our_script("ipvsadm-restore");
    director.ok("-A -f 1");
    for options in ["", "--flush"] {
        for input in ["", "# a comment\n\n"] {
            let run = restore(&stage, &script, options, input);
            assert!(run.stderr.contains("<stdin> names no service"), "{}", run.stderr);
            assert_eq!((run.status, director.saved().as_str()), (2, "-A -f 1 -s wlc\n"));
        }
        let run = restore(&stage, &script, &format!("{options} --allow-empty"), "");
        assert_eq!((run.status, run.stderr.as_str(), director.saved().as_str()), (0, "", ""));
        director.ok("-A -f 1");
    }
}

#[test]
fn our_restore_reads_files_and_accepts_options() {
    let director = Director::new();
    let stage = Stage::new();
    let script = our_script("ipvsadm-restore");
    let ok = |options: &str| stage.ok(&format!("{script} {options} /run/rules"));
    stage.write("/run/rules", TABLE);
    let kept = format!("{TABLE}-A -f 4000000001 -s wlc\n");
    director.ok("-A -f 4000000001");

    for check in ["--check", "--test", "--flush --check", "--test --flush"] {
        assert_eq!(ok(check), "");
    }
    let summary = "# 2 services added, 1 deleted, 1 server added\n";
    assert!(ok("--dry-run").ends_with(summary), "{}", ok("--dry-run"));
    assert_eq!(director.saved(), "-A -f 4000000001 -s wlc\n");

    for options in ["--dry-run --drain-removed 5", "--drain-removed=5 --dry-run"] {
        assert!(ok(options).ends_with(&format!("ipvsadm -D -f 4000000001\n{summary}")), "{}", ok(options));
        assert!(ok(options).contains("at most 5 s\n"), "{}", ok(options));
    }
    ok("--keep-others");
    assert_eq!(director.saved(), kept);
    ok("");
    assert_eq!(director.saved(), TABLE);
    director.ok("-A -f 4000000001");
    ok("--flush -n");
    assert_eq!(director.saved(), TABLE);
    director.ok("-A -f 4000000001");
    stage.ok(&format!("{script} --flush </run/rules"));
    assert_eq!(director.saved(), TABLE);
    director.ok("-A -f 4000000001");
    stage.ok(&format!("cat /run/rules | {script} --flush"));
    assert_eq!(director.saved(), TABLE);

    // The first server of the table gets another weight by hand.
    let weight = |table: &str| {
        let line = table.lines().find(|line| line.starts_with("-a")).unwrap();
        line.split(" -w ").nth(1).unwrap().split(' ').next().unwrap().to_owned()
    };
    let line = TABLE.lines().find(|line| line.starts_with("-a")).unwrap();
    let (server, _) = line.split_once(&format!(" -w {}", weight(TABLE))).unwrap();
    director.ok(&format!("{} --keep -w 77", server.replacen("-a", "-e", 1)));
    ok("--keep-weights");
    assert_eq!(weight(&director.saved()), "77");
    ok("");
    assert_eq!(director.saved(), TABLE);

    for (options, problem) in [
        ("--dryrun", "unknown option --dryrun"),
        ("--flush --dry-run", "--flush and --dry-run exclude each other"),
        ("--keep-others --flush", "--flush and --keep-others exclude each other"),
        ("--drain-removed 5 --flush", "--flush and --drain-removed exclude each other"),
        ("--keep-weights --flush", "--flush and --keep-weights exclude each other"),
        ("/run/rules /run/more", "there can be only one file, not /run/rules and /run/more"),
    ] {
        let run = restore(&stage, &script, options, "-A -f 1\n");
        assert_eq!(run.stderr, format!("ipvsadm-restore: {problem} (see ipvsadm-restore -h)\n"));
        assert_eq!((run.status, director.saved().as_str()), (2, TABLE));
    }
}

#[test]
fn the_scripts_refuse_words_that_are_not_options() {
    let stage = Stage::new();
    let save = |word: &str| run(stage.command(our_script("ipvsadm-save")).args(["-n", word]));
    for (word, problem) in [
        ("/run/rules", "/run/rules is not an option: write -o /run/rules to save into this file"),
        ("–n", "???n begins with a dash that is not a minus sign: type - instead"),
        ("\x1b[1mx\ny", "?[1mx?y is not an option: write -o ?[1mx?y to save into this file"),
        ("\\033[1m", "\\033[1m is not an option: write -o \\033[1m to save into this file"),
    ] {
        let run = save(word);
        assert_eq!(run.stderr, format!("ipvsadm-save: {problem}\n"));
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{word}");
    }
    let restore = |words: &[&str]| run(stage.command(our_script("ipvsadm-restore")).args(words));
    for (words, problem) in [
        (&["–n"][..], "???n begins with a dash that is not a minus sign: type - instead"),
        (&["--\x1b]x"], "unknown option --?]x"),
        (&["\u{202e}a", "\\033"], "there can be only one file, not ???a and \\033"),
        (&["--lock-wait"], "--lock-wait needs a number of seconds"),
        (&["--drain-removed"], "--drain-removed needs a number of seconds"),
    ] {
        let run = restore(words);
        assert_eq!(run.stderr, format!("ipvsadm-restore: {problem} (see ipvsadm-restore -h)\n"));
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{words:?}");
    }
}

#[test]
fn the_scripts_run_the_program_beside_them_whatever_the_path_is() {
    let director = Director::new();
    let stage = Stage::new();
    director.ok("-A -f 1");
    stage.ok(
        "mkdir /run/evil && printf '#!/bin/sh\necho evil\n' >/run/evil/ipvsadm && chmod +x /run/evil/ipvsadm
        for name in cat mktemp printf rm tr; do cp /run/evil/ipvsadm /run/evil/$name; done",
    );
    let (save, restore) = (our_script("ipvsadm-save"), our_script("ipvsadm-restore"));
    for path in ["PATH=/run/evil", "PATH=", "-u PATH"] {
        assert_eq!(stage.ok(&format!("env {path} {save} -n")), "-A -f 1 -s wlc\n");
        assert_eq!(stage.ok(&format!("echo '-A -f 1' | env {path} {restore} --flush")), "");
    }
}

#[test]
fn the_scripts_have_help_and_refuse_unknown_options() {
    let stage = Stage::new();
    for name in ["ipvsadm-save", "ipvsadm-restore"] {
        for option in ["-h", "--help"] {
            let help = stage.ok(&format!("{} {option}", our_script(name)));
            assert!(help.starts_with(&format!("Usage: {name} ")), "{help}");
        }
    }
    for script in [our_script, debian_script] {
        let run = run(stage.command(script("ipvsadm-save")).arg("-q"));
        assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{run:?}");
        assert!(run.stderr.starts_with("ipvsadm-save: "), "{}", run.stderr);
    }
}
