//! The version and the date of a release, which stand in several files. docs/releasing.md names them.

use std::fs;
use std::process::Command;

use crate::support::{PROGRAM, run};

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");
const MONTHS: &str = "January February March April May June July August September October November December";

fn read(file: &str) -> String {
    fs::read_to_string(format!("{REPOSITORY}/{file}")).unwrap()
}

/// Reads version, year, month and day from the newest heading like `## [2.0.0] - 2026-11-22`.
fn newest_release(changelog: &str) -> (&str, u16, usize, u8) {
    let mut headings = changelog.lines().filter_map(|line| line.strip_prefix("## ["));
    let heading = headings.find(|heading| !heading.starts_with("Unreleased]")).unwrap();
    let (version, date) = heading.split_once("] - ").unwrap();
    let mut parts = date.splitn(3, '-');
    let mut part = || parts.next().unwrap();
    (version, part().parse().unwrap(), part().parse().unwrap(), part().parse().unwrap())
}

#[test]
fn the_changelog_has_the_version_and_date_of_the_program_and_the_manual_pages() {
    let changelog = read("CHANGELOG.md");
    let (version, year, month, day) = newest_release(&changelog);
    let answer = run(Command::new(PROGRAM).arg("-v")).stdout;
    let expected = format!("ipvsadm v{version} {year}/{month:02}/{day:02} (");
    assert!(answer.starts_with(&expected), "{answer:?} does not start with {expected:?}");

    let month = MONTHS.split(' ').nth(month - 1).unwrap();
    let date = format!(".Dd {month} {day}, {year}");
    for page in ["ipvsadm", "ipvsadm-save", "ipvsadm-restore"] {
        let text = read(&format!("docs/{page}.8"));
        let line = text.lines().find(|line| line.starts_with(".Dd ")).unwrap();
        assert_eq!(line, date, "{page}.8");
    }
}
