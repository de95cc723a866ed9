//! `scripts/agent`: what it answers, in the shells that real servers have.

use std::fs;
use std::process::Command;

use crate::programs::unpacked_program;
use crate::support::*;

const AGENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/agent");

/// Runs the agent in each shell with this load on two processors, and returns its answer.
fn answer(folder: &Folder, load: &str, words: &[&str]) -> Run {
    fs::write(folder.0.join("loadavg"), format!("{load} 0.01 0.05 1/99 4711\n")).unwrap();
    fs::write(folder.0.join("stat"), "cpu  4 0 4\ncpu0 2 0 2\ncpu1 2 0 2\nintr 9\ncpufreq 1\n").unwrap();
    let unpacked = unpacked_program("busybox");
    let busybox = if unpacked.exists() { unpacked.display().to_string() } else { "busybox".into() };
    let [first, second] = [vec!["sh"], vec![&busybox, "sh"]].map(|shell| {
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).arg(AGENT).args(words).env("AGENT_PROC", &folder.0).env_remove("PATH");
        run(&mut command)
    });
    assert_eq!((first.status, &first.stdout), (second.status, &second.stdout), "{load} {words:?}");
    first
}

#[test]
fn the_share_falls_as_the_load_for_each_processor_rises() {
    let folder = Folder::new();
    let switches = folder.0.join("switches").display().to_string();
    for (load, expected) in [
        ("0.00", "100%\n"),
        ("0.08", "96%\n"),
        ("2.00", "50%\n"),
        ("6.00", "25%\n"),
        ("18.09", "9%\n"),
        ("198.00", "1%\n"),
        ("99999.99", "1%\n"),
    ] {
        let run = answer(&folder, load, &[&switches]);
        assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, expected, ""), "{load}");
    }
    for unknown in ["x", "1", "1.5", "1.234", "-1.00", ".10", "1.2.30", "$(id).00"] {
        let run = answer(&folder, unknown, &[&switches]);
        assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{unknown}");
    }
}

#[test]
fn switches_come_before_the_load() {
    let folder = Folder::new();
    let path = folder.0.join("switches");
    let switches = path.display().to_string();
    fs::create_dir(&path).unwrap();
    let answer = |expected: &str| {
        assert_eq!(answer(&folder, "2.00", &[&switches]).stdout, expected);
    };
    answer("ready 50%\n");
    fs::write(path.join("drain"), "").unwrap();
    answer("drain\n");
    fs::write(path.join("maint"), "").unwrap();
    answer("maint\n");
    fs::remove_file(path.join("drain")).unwrap();
    answer("maint\n");
    fs::remove_file(path.join("maint")).unwrap();
    answer("ready 50%\n");
}

#[test]
fn other_command_lines_are_refused() {
    let folder = Folder::new();
    for words in [&["-x"][..], &["a", "b"], &[""], &["-h", "a"]] {
        let run = answer(&folder, "0.00", words);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{words:?}");
        assert!(run.stderr.starts_with("Usage: agent [FOLDER]\n"), "{}", run.stderr);
    }
    let help = answer(&folder, "0.00", &["--help"]);
    assert_eq!((help.status, help.stderr.as_str()), (0, ""));
    assert!(help.stdout.starts_with("Usage: agent [FOLDER]\n"), "{}", help.stdout);
}
