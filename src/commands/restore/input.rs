//! Reads the input of `-R`.

use std::io::Read;

use ipvs_netlink::Change;

use crate::cli::{Opt, Usage, Verb};
use crate::commands::markers;
use crate::document::{Fault, Path, Place, Settings};
use crate::failure::{Failure, Mistakes, RefusedLine, at_path};
use crate::grammar::{self, Command, Format, Invocation, List, Listing, Parser, Restore, SavedLines};

/// The commands of a file or of standard input.
pub(super) struct Input {
    /// `<stdin>` or the name of the file.
    pub(super) name: String,
    /// The commands with their origins: the numbers of their lines or, in a document, the indexes of their places.
    pub(super) commands: Vec<(usize, Command)>,
    /// Set if no command is about services or servers, not even one that clears the table.
    pub(super) names_no_service: bool,
    bytes: Vec<u8>,
    /// The places of the commands, if the input is a document.
    places: Option<Vec<Place>>,
}

impl Input {
    /// Reads and checks everything.
    pub(super) fn read(restore: &Restore) -> Result<Self, Failure> {
        let mut input = Self::read_bytes(restore.file.as_deref())?;
        match restore.format {
            Format::Text => input.read_lines()?,
            Format::Json => input.read_document(restore.replace.is_some())?,
        }
        input.names_no_service = input.commands.iter().all(|(_, command)| {
            matches!(command, Command::Change(Change::SetTimeouts(_) | Change::StartDaemon(_)))
        });
        Ok(input)
    }

    /// Reads and checks the lines of a file, unless they have host names, whose addresses nobody is asked for.
    pub(super) fn read_without_names(file: &str) -> Result<Option<Self>, Failure> {
        let mut input = Self::read_bytes(Some(file))?;
        let mut parser = Parser::default();
        let mistakes = input.parse_lines(&mut parser);
        if parser.misses_names() {
            return Ok(None);
        }
        input.check(mistakes)?;
        Ok(Some(input))
    }

    /// Reads a file or standard input.
    fn read_bytes(file: Option<&str>) -> Result<Self, Failure> {
        let name = file.unwrap_or("<stdin>").to_owned();
        let mut bytes = Vec::new();
        let outcome = match file {
            Some(file) => std::fs::File::open(file).and_then(|mut file| file.read_to_end(&mut bytes)),
            None => std::io::stdin().lock().read_to_end(&mut bytes),
        };
        if let Err(error) = outcome {
            return Err(Failure::Input(name, error));
        }
        Ok(Self { name, commands: Vec::new(), names_no_service: false, bytes, places: None })
    }

    /// Reads all lines. Their host names are looked up together.
    fn read_lines(&mut self) -> Result<(), Failure> {
        let mut parser = Parser::default();
        loop {
            let mistakes = self.parse_lines(&mut parser);
            if !parser.look_up_names() {
                return self.check(mistakes);
            }
        }
    }

    /// Reads a document. One that is to be the whole table has to say so.
    fn read_document(&mut self, is_table: bool) -> Result<(), Failure> {
        let mut mistakes = Mistakes::default();
        match Settings::read(&self.bytes) {
            Err(Fault { line, path, why }) => mistakes.add_value(|| line, &path, &why),
            Ok(settings) if is_table && settings.services.is_none() => {
                let why =
                    "it is missing, but --replace needs the whole table; an empty list stands for no service";
                let line = || Path::top_object().line(self.text()).unwrap_or(1);
                mistakes.add_value(line, &Path::top("services").to_string(), why);
            }
            Ok(settings) => match settings.changes() {
                Ok(changes) => {
                    self.places = Some(changes.iter().map(|&(place, _)| place).collect());
                    let commands = changes.into_iter().map(|(_, change)| Command::Change(change));
                    self.commands = commands.enumerate().collect();
                }
                Err(faults) => {
                    let text = self.text();
                    for (path, why) in &faults.shown {
                        mistakes.add_value(|| path.line(text).unwrap_or(1), &path.to_string(), why);
                    }
                    mistakes.add_uncounted(faults.total - faults.shown.len());
                }
            },
        }
        self.check(mistakes)
    }

    /// Returns the text of a document, which was found to be UTF-8 when it was read.
    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap_or_default()
    }

    /// Returns the path to the origin of a command, if the input is a document.
    pub(super) fn path(&self, origin: usize) -> Option<Path> {
        self.places.as_ref()?.get(origin).copied().map(Path::from)
    }

    /// Says where a refused command comes from. Deletions by `--replace` have no origin.
    pub(super) fn refused_line(&self, origin: Option<usize>, failure: Failure) -> RefusedLine {
        let error = failure.to_string();
        match origin.and_then(|origin| self.path(origin)) {
            Some(path) => {
                RefusedLine { number: path.line(self.text()), error: at_path(&path.to_string(), &error) }
            }
            None => RefusedLine { number: origin, error },
        }
    }

    /// Adds a mistake of the command with this origin.
    pub(super) fn add_mistake(&self, mistakes: &mut Mistakes, origin: usize, mistake: Usage) {
        match self.path(origin) {
            Some(path) => {
                let line = || path.line(self.text()).unwrap_or(1);
                mistakes.add_value(line, &path.to_string(), &mistake.to_string());
            }
            None => mistakes.add(origin, || command_at(&self.bytes, origin), mistake),
        }
    }

    /// Names the parts that the input consists of.
    pub(super) fn parts(&self) -> &'static str {
        if self.places.is_some() { "parts of the document" } else { "lines" }
    }

    /// Gives all lines their meaning. Only if no host name was missing the outcome counts.
    fn parse_lines(&mut self, parser: &mut Parser) -> Mistakes {
        let (mut mistakes, mut saved) = (Mistakes::default(), SavedLines::default());
        self.commands.clear();
        // Checking the whole text at once is faster than line by line.
        let text = std::str::from_utf8(&self.bytes);
        for (number, range) in grammar::commands(&self.bytes) {
            let line = match text {
                Ok(text) => Ok(&text[range]),
                Err(_) => std::str::from_utf8(&self.bytes[range]),
            };
            let command = line.map_err(|_| Usage::LineNotUtf8).and_then(|line| match saved.read(line) {
                Some(change) => Ok(Some(Command::Change(change))),
                None => parse_line(parser, line),
            });
            match command {
                Ok(Some(command)) => self.commands.push((number, command)),
                Ok(None) => {}
                Err(error) => mistakes.add(number, || command_at(&self.bytes, number), error),
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
}

/// Returns the command that begins on the line with this number.
fn command_at(bytes: &[u8], number: usize) -> String {
    let found = grammar::commands(bytes).find(|(first, _)| *first == number);
    let (_, range) = found.unwrap_or_default();
    grammar::joined(&String::from_utf8_lossy(&bytes[range]))
}

/// Reads a command of one or more lines. A blank line or a comment has none.
fn parse_line(parser: &mut Parser, line: &str) -> Result<Option<Command>, Usage> {
    let mut words = Vec::with_capacity(16);
    words.extend(grammar::words(line));
    if words.is_empty() {
        return Ok(None);
    }
    let invocation = parser.parse_provisionally(&words)?;
    // The whole input is for one table.
    if parser.take_namespace().is_some() {
        return Err(Usage::Nested(Opt::Netns));
    }
    match invocation {
        // It has no end, and others wait for this one.
        Invocation::Command(Command::List(Listing::Table(List { watch: Some(_), .. }))) => {
            Err(Usage::Nested(Opt::Watch))
        }
        Invocation::Command(command) => Ok(Some(command)),
        Invocation::EditServer(change, _) => Ok(Some(Command::Change(change))),
        Invocation::Drain(_) => Err(Usage::NestedVerb(Verb::Drain)),
        Invocation::Undrain(_) => Err(Usage::NestedVerb(Verb::Undrain)),
        Invocation::Restore(_) => Err(Usage::NestedRestore),
        Invocation::Doctor(_) => Err(Usage::NestedVerb(Verb::Doctor)),
        Invocation::FollowLoad(_) => Err(Usage::NestedVerb(Verb::FollowLoad)),
    }
}
