//! docs/guide.md and README.md: every chapter is played as a guided tour, which fails if a command does not print
//! the output shown there. Every chapter has a test, and every test has a chapter.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::programs::unpacked_program;
use crate::support::{Director, PROGRAM, run};

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

/// Plays a chapter with scripts/demo, which must succeed.
fn play(_director: Director, tour: &str) {
    let programs = unpacked_program("curl");
    let path = format!("{}:{}", std::env::var("PATH").unwrap(), programs.parent().unwrap().display());
    let mut demo = Command::new(format!("{REPOSITORY}/scripts/demo"));
    let played = run(demo.args([tour, "--inside", PROGRAM]).env("PATH", path));
    assert_eq!((played.status, played.stderr.as_str()), (0, ""), "{}", played.stdout);
}

/// Defines a test for each chapter. Chapters that are sensitive to timing run `alone`.
macro_rules! chapters {
    (together $($together:ident)*; alone $($alone:ident)*) => {
        $(#[test] fn $together() { play(Director::new(), stringify!($together)); })*
        $(#[test] fn $alone() { play(Director::alone(), stringify!($alone)); })*
        const PLAYED: &[&str] = &[$(stringify!($together),)* $(stringify!($alone)),*];
    };
}

chapters! {
    together glance first nat dr tun fwmark persistence ftp udp sip ipv6 maintenance load looking script reload schedulers programs;
    alone ha
}

#[test]
fn every_chapter_is_played() {
    let guide = fs::read_to_string(format!("{REPOSITORY}/docs/guide.md")).unwrap();
    let (introduction, _) = guide.split_once("\n## ").unwrap();
    assert!(!introduction.contains("```"), "there are commands before the first chapter");

    let names = guide.lines().filter(|line| line.starts_with("## ")).map(|heading| {
        let name = heading.strip_suffix("`)").and_then(|heading| heading.rsplit_once("(`"));
        name.unwrap_or_else(|| panic!("the heading names no tour: {heading}")).1.to_string()
    });
    // The chapters of README.md that have commands.
    let chapters: BTreeSet<String> = names.chain(["glance", "first"].map(String::from)).collect();
    let files = fs::read_dir(format!("{REPOSITORY}/scripts/demos")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let tours: BTreeSet<String> = names.filter(|name| name != "lib").collect();
    assert_eq!(chapters, tours);
    assert_eq!(chapters, PLAYED.iter().map(ToString::to_string).collect());
}
