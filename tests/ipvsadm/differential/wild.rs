//! Command lines that programs and people really use.

use std::collections::HashSet;

use super::pair::Pair;
use super::step::Step;

/// Traced or quoted, in alphabetical order; some are wrong on purpose, some have placeholders in them,
/// which go to both programs as they are.
const COMMANDS: &str = include_str!("commands.txt");

const SERVICES: [&str; 7] =
    ["-t", "--tcp-service", "-u", "--udp-service", "--sctp-service", "-f", "--fwmark-service"];

fn commands() -> impl Iterator<Item = Step> {
    COMMANDS.lines().map(|line| {
        let (program, words) = line.split_once(' ').unwrap_or((line, ""));
        // The two scripts do no more than this.
        Step::parse(&match program {
            "ipvsadm-save" => format!("-S {words}"),
            "ipvsadm-restore" => format!("-R {words}"),
            _ => words.to_owned(),
        })
    })
}

/// A step's command, as a number by which it makes sense to order them.
fn turn(step: &Step) -> usize {
    const ORDER: [&[&str]; 9] = [
        &["-A", "--add-service"],
        &["-a", "--add-server"],
        &["-e", "--edit-server"],
        &["-E", "--edit-service"],
        &["-L", "-l", "--list", "-S", "--save"],
        &["-Z", "--zero", "--set", "--start-daemon", "--stop-daemon"],
        &["-d", "--delete-server"],
        &["-D", "--delete-service"],
        &["-C", "--clear"],
    ];
    let Some(first) = step.words.first() else { return 4 };
    let command =
        if first.starts_with("--") { first.split('=').next().unwrap() } else { first.get(..2).unwrap_or("") };
    ORDER.iter().position(|commands| commands.contains(&command)).unwrap_or(4)
}

/// A line with all addresses and numbers alike.
fn shape(step: &Step) -> Vec<&str> {
    let plain = |word: &str| !word.contains(['.', ':', '[']) && word.parse::<u32>().is_err();
    step.words.iter().map(|word| if plain(word) { word.as_str() } else { "" }).collect()
}

#[test]
fn on_an_empty_table() {
    let mut pair = Pair::new();
    let mut known = HashSet::new();
    // What adds services finds nothing in the other test either.
    for step in commands().filter(|step| turn(step) != 0) {
        if known.insert(shape(&step).join("\n")) {
            pair.reset();
            pair.step(&step);
        }
    }
    pair.finish();
}

#[test]
fn in_a_row() {
    let mut pair = Pair::new();
    let mut steps: Vec<Step> = commands().collect();
    steps.sort_by_key(turn);
    let mut known = HashSet::new();
    for step in &steps {
        for needed in needed(step) {
            if known.insert(needed.words.clone()) {
                pair.step(&needed);
            }
        }
        pair.step(step);
    }
    pair.finish();
}

/// What has to be added so that a step finds what it is about.
fn needed(step: &Step) -> Vec<Step> {
    let turn = turn(step);
    let after = |options: &[&str]| {
        let at = step.words.iter().position(|word| options.contains(&word.as_str()))?;
        Some(step.words.get(at..at + 2)?.to_vec())
    };
    let Some(mut service) = after(&SERVICES).filter(|_| turn != 0) else { return Vec::new() };
    service.extend(step.words.iter().filter(|word| *word == "-6").cloned());
    let line = |words: &[&[String]], last: &str| {
        let words = words.concat();
        Step {
            words: words.into_iter().chain(last.split(' ').map(str::to_owned)).collect(),
            ..Step::default()
        }
    };
    let mut needed = vec![line(&[&["-A".into()], &service], "-s rr")];
    if !needed[0].words[2].contains(':') && !needed[0].words[1].contains("-f") {
        needed[0].words.extend(["-p".into(), "300".into()]);
    }
    if let Some(server) = after(&["-r", "--real-server"]).filter(|_| turn != 1) {
        needed.push(line(&[&["-a".into()], &service, &server], "-m"));
    }
    needed
}
