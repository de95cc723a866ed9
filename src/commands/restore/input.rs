//! Reads the input of `-R`.

use std::io::Read;

use crate::cli::Usage;
use crate::commands::markers;
use crate::failure::{Failure, Mistakes};
use crate::grammar::{Command, Invocation, List, Listing, Parser};

/// The commands of a file or of standard input.
pub(super) struct Input {
    /// `<stdin>` or the name of the file.
    pub(super) name: String,
    /// The commands with the numbers of their lines.
    pub(super) commands: Vec<(usize, Command)>,
    /// Set if there is no command at all, only blank lines and comments.
    pub(super) says_nothing: bool,
    bytes: Vec<u8>,
}

impl Input {
    /// Reads and checks all lines. Their host names are looked up together.
    pub(super) fn read(file: Option<&str>) -> Result<Self, Failure> {
        let name = file.unwrap_or("<stdin>").to_owned();
        let mut bytes = Vec::new();
        let outcome = match file {
            Some(file) => std::fs::File::open(file).and_then(|mut file| file.read_to_end(&mut bytes)),
            None => std::io::stdin().lock().read_to_end(&mut bytes),
        };
        if let Err(error) = outcome {
            return Err(Failure::Input(name, error));
        }
        let mut input = Self { name, commands: Vec::new(), says_nothing: false, bytes };
        let mut parser = Parser::default();
        loop {
            let mistakes = input.parse_lines(&mut parser);
            if !parser.look_up_names() {
                input.check(mistakes)?;
                input.says_nothing = input.commands.is_empty();
                return Ok(input);
            }
        }
    }

    /// Gives all lines their meaning. Only if no host name was missing the outcome counts.
    fn parse_lines(&mut self, parser: &mut Parser) -> Mistakes {
        let mut mistakes = Mistakes::default();
        self.commands.clear();
        for (number, line) in (1..).zip(self.bytes.split(|&byte| byte == b'\n')) {
            match parse_line(parser, line) {
                Ok(Some(command)) => self.commands.push((number, command)),
                Ok(None) => {}
                Err(error) => mistakes.add(number, || text(line), error),
            }
        }
        mistakes
    }

    /// Fails if there are mistakes.
    pub(super) fn check(&self, mistakes: Mistakes) -> Result<(), Failure> {
        if mistakes.is_empty() { Ok(()) } else { Err(Failure::Mistakes(self.name.clone(), mistakes)) }
    }

    /// Fails if the input is a saved file that was cut.
    pub(super) fn check_complete(&self) -> Result<(), Failure> {
        match markers::find_cut(&self.bytes) {
            Some(announced) => Err(Failure::Cut { input: self.name.clone(), announced }),
            None => Ok(()),
        }
    }

    /// Returns the line with this number.
    pub(super) fn line(&self, number: usize) -> String {
        text(self.bytes.split(|&byte| byte == b'\n').nth(number - 1).unwrap_or_default())
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}

/// Reads the command on a line. A blank line or a comment has none.
fn parse_line(parser: &mut Parser, line: &[u8]) -> Result<Option<Command>, Usage> {
    let line = std::str::from_utf8(line).map_err(|_| Usage::LineNotUtf8)?;
    let mut words = Vec::with_capacity(16);
    words.extend(
        split_at_blanks(line).take_while(|word| !word.starts_with('#')).skip_while(|word| *word == "ipvsadm"),
    );
    if words.is_empty() {
        return Ok(None);
    }
    match parser.parse_provisionally(&words)? {
        // It has no end, and others wait for this one.
        Invocation::Command(Command::List(Listing::Table(List { watch: Some(_), .. }))) => {
            Err(Usage::NestedWatch)
        }
        Invocation::Command(command) => Ok(Some(command)),
        Invocation::Restore(_) => Err(Usage::NestedRestore),
    }
}

/// Splits a line at blanks.
fn split_at_blanks(line: &str) -> impl Iterator<Item = &str> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r');
    let mut rest = line;
    std::iter::from_fn(move || {
        let start = rest.as_bytes().iter().position(|byte| !is_blank(byte))?;
        let length = rest.as_bytes()[start..].iter().position(is_blank);
        let (word, after) = rest[start..].split_at(length.unwrap_or(rest.len() - start));
        rest = after;
        Some(word)
    })
}
