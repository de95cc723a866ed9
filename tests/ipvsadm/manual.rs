//! The manual pages: they render without warnings, list every option of the program, and show working
//! examples.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::programs::{Stage, unpacked_program};
use crate::support::*;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs");

fn page(name: &str) -> String {
    fs::read_to_string(format!("{FOLDER}/{name}.8")).unwrap()
}

#[test]
fn the_manual_pages_render_without_warnings() {
    let names = ["ipvsadm", "ipvsadm-save", "ipvsadm-restore"];
    for name in names.into_iter().flat_map(|name| [name.to_owned(), format!("zh_CN/{name}")]) {
        let mut mandoc = Command::new(unpacked_program("mandoc"));
        let run = run(mandoc.args(["-T", "lint", "-W", "warning"]).arg(format!("{FOLDER}/{name}.8")));
        assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""));
    }
}

/// Joins the spellings of an option and the letters of its value: `-t --tcp-service ADDRESSPORT`.
fn normalize(names: &[String], value: &str) -> String {
    let value: String = value.to_uppercase().chars().filter(char::is_ascii_uppercase).collect();
    format!("{} {value}", names.join(" ")).trim_end().to_string()
}

/// Parses an option in the help, as in `  -t, --tcp-service <ADDRESS:PORT>   a TCP service`.
fn parse_help_option(line: &str) -> Option<String> {
    let spelling = line
        .strip_prefix("  ")?
        .trim_start()
        .split("  ")
        .next()
        .filter(|spelling| spelling.starts_with('-'))?;
    let (names, value): (Vec<&str>, Vec<&str>) =
        spelling.split_whitespace().partition(|word| word.starts_with('-'));
    let names: Vec<String> = names.iter().map(|name| name.trim_end_matches([',', '.']).to_string()).collect();
    Some(normalize(&names, &value.concat()))
}

/// Parses an option in a manual page, as in `.It Fl t , Fl -tcp-service Ar address : Ns Ar port`.
fn parse_page_option(line: &str) -> Option<String> {
    let mut words = line.strip_prefix(".It Fl ").map(|_| line.split(' ').skip(1))?;
    let (mut names, mut value) = (Vec::new(), String::new());
    while let Some(word) = words.next() {
        match word {
            "Fl" => names.push(format!("-{}", words.next()?)),
            "," | "Ar" | "Ns" | "Op" => {}
            word => value.push_str(word),
        }
    }
    Some(normalize(&names, &value))
}

#[test]
fn the_manual_and_the_help_list_the_same_options() {
    let help = |words: &[&str]| run(Command::new(PROGRAM).arg("-h").args(words)).stdout;
    let page = page("ipvsadm");
    let commands: BTreeSet<String> = help(&[]).lines().filter_map(parse_help_option).collect();
    let mut options = commands.clone();
    for command in &commands {
        let help = help(&[command.split(' ').next().unwrap()]);
        assert!(help.contains("\nExample:\n  ipvsadm -"), "{help}");
        options.extend(help.lines().filter_map(parse_help_option));
    }
    assert!(options.contains("-t --tcp-service ADDRESSPORT"), "{options:?}");
    assert_eq!(page.lines().filter_map(parse_page_option).collect::<BTreeSet<_>>(), options);

    // The text mentions no option that does not exist.
    let existing: BTreeSet<&str> =
        options.iter().flat_map(|option| option.split(' ')).chain(["-l"]).collect();
    let text: Vec<&str> = page.split_whitespace().collect();
    let mentioned: Vec<&[&str]> = text.windows(2).filter(|pair| pair[0].ends_with("Fl")).collect();
    assert!(mentioned.len() > existing.len(), "{}", mentioned.len());
    for pair in mentioned {
        assert!(
            existing.contains(format!("-{}", pair[1]).as_str()),
            "the option -{} does not exist",
            pair[1]
        );
    }
}

/// Returns the command lines in a page's examples.
fn examples(page: &str) -> Vec<String> {
    let section = page.split(".Sh EXAMPLES\n").nth(1).unwrap().split("\n.Sh ").next().unwrap();
    let displays = section.split(".Bd -literal").skip(1).map(|rest| rest.split(".Ed").next().unwrap());
    displays.flat_map(|display| display.lines().skip(1)).map(|line| line.replace("\\-", "-")).collect()
}

#[test]
fn the_examples_in_the_manual_pages_work() {
    let director = Director::new();
    director.system("ip link add eth0 type dummy && ip link set eth0 multicast on up");
    let stage = Stage::new();
    let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts");
    // Some examples use other programs behind a pipe.
    let others = unpacked_program("jq").parent().unwrap().display().to_string();
    let pages = ["ipvsadm", "ipvsadm-save", "ipvsadm-restore"].map(page);
    let lines: Vec<String> = pages.iter().flat_map(|page| examples(page)).collect();
    // Lines that run other programs are not tested.
    let ours: Vec<&String> = lines.iter().filter(|line| line.starts_with("ipvsadm")).collect();
    assert!(ours.len() > 30 && lines.len() < ours.len() + 5, "{lines:?}");
    for line in ours {
        stage.ok(&format!("PATH={scripts}:$PATH:{others}; {line}"));
    }
    assert!(director.saved().lines().count() > 10, "{}", director.saved());
}
