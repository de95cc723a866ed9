//! `-R`: the commands on standard input. All lines are read and checked before the first is run.

use std::io::Read;

use ipvs::{Change, Ipvs};

use crate::args::{Command, Parser};
use crate::commands::run_on;
use crate::error::{Failure, Line, Usage};

pub fn run(text: &mut String) -> Result<(), Failure> {
    let mut input = Vec::new();
    std::io::stdin().lock().read_to_end(&mut input).map_err(Failure::Input)?;
    let commands = parse(&input)?;
    apply(&mut Ipvs::connect()?, &commands, text)
}

fn parse(input: &[u8]) -> Result<Vec<(usize, Command)>, Failure> {
    let mut parser = Parser::new();
    let mut commands = Vec::new();
    let mut wrong = Vec::new();
    for (number, line) in (1..).zip(input.split(|&byte| byte == b'\n')) {
        match parse_line(&mut parser, line) {
            Ok(Some(command)) => commands.push((number, command)),
            Ok(None) => {}
            Err(error) => wrong.push(Line { number, error }),
        }
    }
    if wrong.is_empty() { Ok(commands) } else { Err(Failure::Lines(wrong)) }
}

/// The command on a line: none if it is blank or a comment.
fn parse_line(parser: &mut Parser, line: &[u8]) -> Result<Option<Command>, Usage> {
    let line = std::str::from_utf8(line).map_err(|_| Usage::LineNotUtf8)?;
    let words = line.split([' ', '\t', '\r']).filter(|word| !word.is_empty());
    let words = words.take_while(|word| !word.starts_with('#')).skip_while(|word| *word == "ipvsadm");
    let words: Vec<String> = words.map(String::from).collect();
    if words.is_empty() {
        return Ok(None);
    }
    match parser.parse(&words)? {
        Command::Restore => Err(Usage::NestedRestore),
        command => Ok(Some(command)),
    }
}

/// Runs the commands in order. Changes that follow each other go to the kernel together.
fn apply(ipvs: &mut Ipvs, commands: &[(usize, Command)], text: &mut String) -> Result<(), Failure> {
    let mut refused = Vec::new();
    let is_change = |command: &Command| matches!(command, Command::Change(_));
    for group in commands.chunk_by(|(_, a), (_, b)| is_change(a) && is_change(b)) {
        let changes: Vec<Change> = group
            .iter()
            .filter_map(|(_, command)| match command {
                Command::Change(change) => Some(*change),
                _ => None,
            })
            .collect();
        if changes.is_empty() {
            for &(number, command) in group {
                if let Err(error) = run_on(ipvs, command, text) {
                    refused.push(Line { number, error });
                }
            }
        } else {
            let failures = ipvs.apply(&changes)?;
            refused.extend(failures.into_iter().map(|failure| Line {
                number: group[failure.index].0,
                error: ipvs::Error::from(failure.refused).into(),
            }));
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(Failure::Refusals(refused)) }
}
