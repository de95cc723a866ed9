//! Command lines that programs and people use in practice.

use std::collections::HashSet;

use super::pair::Pair;
use super::step::Step;

/// Traced or quoted commands in alphabetical order. Some are invalid on purpose; some contain placeholders,
/// which both programs receive unchanged.
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

/// Returns the rank of a step's command in an order that builds a table up before taking it down.
fn rank(step: &Step) -> usize {
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

/// Returns the words of a step with addresses and numbers blanked out.
fn shape(step: &Step) -> Vec<&str> {
    let plain = |word: &str| !word.contains(['.', ':', '[']) && word.parse::<u32>().is_err();
    step.words.iter().map(|word| if plain(word) { word.as_str() } else { "" }).collect()
}

#[test]
fn commands_in_practice_behave_alike_on_an_empty_table() {
    let mut pair = Pair::new();
    let mut seen = HashSet::new();
    // Commands that add services meet an empty table in the other test as well.
    for step in commands().filter(|step| rank(step) != 0) {
        if seen.insert(shape(&step).join("\n")) {
            pair.reset();
            pair.step(&step);
        }
    }
    pair.finish();
}

#[test]
fn commands_in_practice_behave_alike_in_sequence() {
    let mut pair = Pair::new();
    let mut steps: Vec<Step> = commands().collect();
    steps.sort_by_key(rank);
    let mut seen = HashSet::new();
    for step in &steps {
        for prerequisite in prerequisites(step) {
            if seen.insert(prerequisite.words.clone()) {
                pair.step(&prerequisite);
            }
        }
        pair.step(step);
    }
    pair.finish();
}

/// Returns the steps that add the service and the server that a step refers to.
fn prerequisites(step: &Step) -> Vec<Step> {
    let rank = rank(step);
    let words_from = |options: &[&str]| {
        let index = step.words.iter().position(|word| options.contains(&word.as_str()))?;
        Some(step.words.get(index..index + 2)?.to_vec())
    };
    let Some(mut service) = words_from(&SERVICES).filter(|_| rank != 0) else { return Vec::new() };
    service.extend(step.words.iter().filter(|word| *word == "-6").cloned());
    let line = |words: &[&[String]], last: &str| {
        let words = words.concat();
        Step {
            words: words.into_iter().chain(last.split(' ').map(str::to_owned)).collect(),
            ..Step::default()
        }
    };
    let mut prerequisites = vec![line(&[&["-A".into()], &service], "-s rr")];
    if !prerequisites[0].words[2].contains(':') && !prerequisites[0].words[1].contains("-f") {
        prerequisites[0].words.extend(["-p".into(), "300".into()]);
    }
    if let Some(server) = words_from(&["-r", "--real-server"]).filter(|_| rank != 1) {
        prerequisites.push(line(&[&["-a".into()], &service, &server], "-m"));
    }
    prerequisites
}
