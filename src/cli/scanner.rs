//! Turns the words of a command line into a command and pairs of option and value.
//!
//! This is the only file that names clap, which learns the table of options. It is asked for help and for
//! every line that is not plainly right.

use std::borrow::Cow;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};

use super::options::{Arity, Entry, Opt, Row, Verb};
use super::quick;
use super::scanned::{Scanned, Value};
use super::usage::Usage;

/// The id by which clap knows the words that are neither options nor values.
const WORDS: &str = "words";

/// Reads command lines. clap's parsers are built when they are first needed.
#[derive(Default)]
pub(crate) struct Scanner {
    parser: Option<clap::Command>,
    /// The parser of commands some of whose options may be repeated.
    repeating: Option<clap::Command>,
}

impl Scanner {
    /// Reads the words of a command line, without the program's name; there has to be one at least.
    pub(crate) fn scan<'a>(&mut self, words: &[&'a str]) -> Result<Scanned<'a>, Usage> {
        quick::scan(words).map_or_else(|| self.scan_with_clap(words), Ok)
    }

    fn scan_with_clap<'a>(&mut self, words: &[&'a str]) -> Result<Scanned<'a>, Usage> {
        let first = words.iter().find(|word| word.len() > 1 && **word != "--" && word.starts_with('-'));
        let first = *first.ok_or_else(|| Usage::NoVerb(words[0].to_owned()))?;
        match entry_at_start(first) {
            // Nothing after them matters but a command that is to be explained.
            Some(Entry::Verb(verb @ (Verb::Help | Verb::Version))) => {
                let after = words.iter().skip_while(|word| **word != first).skip(1);
                let words =
                    after.take(usize::from(verb == Verb::Help)).map(|word| Cow::Borrowed(*word)).collect();
                return Ok(Scanned { verb, value: None, options: Vec::new(), words });
            }
            Some(Entry::Option(_)) => return Err(Usage::NoVerb(first.to_owned())),
            _ => {}
        }
        let parser = match entry_at_start(first) {
            Some(Entry::Verb(verb)) if verb.may_repeat_options() => {
                self.repeating.get_or_insert_with(|| parser_for(Some(verb)))
            }
            _ => self.parser.get_or_insert_with(parser),
        };
        let matches = parser.try_get_matches_from_mut(words).map_err(|error| usage(&error, first))?;
        let mut verbs: Vec<Verb> =
            Verb::ALL.iter().copied().filter(|verb| is_given(&matches, verb.row())).collect();
        verbs.sort_by_key(|verb| matches.index_of(verb.row().long));
        let verb = match verbs[..] {
            [] => return Err(Usage::NoVerb(words[0].to_owned())),
            [verb] => verb,
            [first, second, ..] => return Err(Usage::TwoVerbs(first, second)),
        };
        let options = Opt::ALL.iter().filter(|option| is_given(&matches, option.row()));
        Ok(Scanned {
            verb,
            value: values(&matches, verb.row()).next().flatten(),
            options: options
                .flat_map(|&option| values(&matches, option.row()).map(move |value| (option, value)))
                .collect(),
            words: matches.get_many(WORDS).into_iter().flatten().cloned().map(Cow::Owned).collect(),
        })
    }
}

/// Returns the text of `--help`: that of a command if the word is one, or else a list of all commands.
pub(crate) fn help(word: Option<&str>) -> String {
    let verb = word.and_then(entry_at_start).and_then(|entry| match entry {
        Entry::Verb(verb) => Some(verb),
        Entry::Option(_) => None,
    });
    let help = |mut parser: clap::Command| parser.render_help().to_string();
    match verb {
        None => help(
            parser_of(Verb::ALL.iter().copied().map(Entry::Verb))
                .about("Administer IPVS, the layer-4 load balancer in the Linux kernel.")
                .override_usage("ipvsadm COMMAND [OPTION]...")
                .after_help(
                    "'ipvsadm -h COMMAND' explains a command with its options, such as 'ipvsadm -h -A'.\n\
                     ipvsadm(8) is the manual page.",
                ),
        ),
        Some(verb) => {
            let row = verb.row();
            let value = match row.arity {
                Arity::Required(name) => format!(" {name}"),
                Arity::None | Arity::Optional(_) => String::new(),
            };
            // The one that every command takes does nothing.
            let is_shown =
                |option: &Opt| option.verbs().contains(&verb) && (*option != Opt::Sort || verb == Verb::List);
            let options = Opt::ALL.iter().copied().filter(is_shown);
            let file = if verb == Verb::Restore { " [FILE]" } else { "" };
            let examples = super::examples::examples(verb).lines().map(|line| format!("\n  {line}"));
            let spellings =
                row.short.map_or(format!("--{}", row.long), |short| format!("-{short}, --{}", row.long));
            help(
                parser_of(options.map(Entry::Option))
                    .about(format!("{spellings}: {}", row.help))
                    .override_usage(format!("ipvsadm {}{value} [OPTION]...{file}", row.name))
                    .after_help(format!("Example:{}", examples.collect::<String>())),
            )
        }
    }
}

/// Finds the command or the option that a word begins with.
fn entry_at_start(word: &str) -> Option<Entry> {
    let begins = |entry: &&Entry| match (word.strip_prefix("--"), entry) {
        (Some(long), Entry::Verb(_)) => long == entry.row().long,
        (Some(long), Entry::Option(_)) => long.split('=').next() == Some(entry.row().long),
        (None, _) => entry.row().short.is_some_and(|short| word[1..].starts_with(short)),
    };
    Entry::ALL.iter().find(begins).copied()
}

/// Returns whether an option was typed; clap gives flags that were not a value of their own.
fn is_given(matches: &ArgMatches, row: &Row) -> bool {
    matches.value_source(row.long) == Some(ValueSource::CommandLine)
}

/// Returns the values of an entry, or one that is missing if it has none.
fn values(matches: &ArgMatches, row: &Row) -> impl Iterator<Item = Value<'static>> + use<> {
    let values = match row.arity {
        Arity::None => None,
        Arity::Required(_) | Arity::Optional(_) => matches.get_many::<String>(row.long),
    };
    let mut values: Vec<_> =
        values.into_iter().flatten().map(|value| Some(Cow::Owned(value.clone()))).collect();
    if values.is_empty() {
        values.push(None);
    }
    values.into_iter()
}

fn parser() -> clap::Command {
    parser_for(None)
}

/// Returns a parser that lets options be repeated if this command takes them with several values.
fn parser_for(verb: Option<Verb>) -> clap::Command {
    let may_repeat = |entry| match (entry, verb) {
        (Entry::Option(option), Some(verb)) => option.may_repeat(verb),
        _ => false,
    };
    let entries = Entry::ALL.iter().copied();
    let repeated = entries.clone().filter(|&entry| may_repeat(entry));
    repeated
        .fold(parser_of(entries), |parser, entry| {
            parser.mut_arg(entry.row().long, |arg| arg.action(ArgAction::Append))
        })
        .arg(Arg::new(WORDS).action(ArgAction::Append).hide(true))
}

fn parser_of(entries: impl Iterator<Item = Entry>) -> clap::Command {
    clap::Command::new("ipvsadm")
        .no_binary_name(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args(entries.map(arg))
}

fn arg(entry: Entry) -> Arg {
    let row = entry.row();
    let arg = Arg::new(row.long).long(row.long).short(row.short).help(row.help);
    let arg = match row.arity {
        Arity::None => arg.action(ArgAction::SetTrue),
        Arity::Required(name) => arg.action(ArgAction::Set).value_name(name).allow_hyphen_values(true),
        Arity::Optional(name) => arg.action(ArgAction::Set).value_name(name).num_args(0..=1),
    };
    let arg = arg.help_heading(match entry {
        Entry::Verb(_) => "Commands (one, and first)",
        Entry::Option(_) => "Options",
    });
    match entry {
        Entry::Verb(Verb::List) => arg.visible_short_alias('l'),
        // The only two that may be repeated.
        Entry::Option(Opt::Ipv6 | Opt::Sort) => arg.overrides_with(row.long),
        _ => arg,
    }
}

/// Translates clap's error about a line with this first option into ours.
fn usage(error: &clap::Error, first: &str) -> Usage {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => None,
    };
    let argument = text(ContextKind::InvalidArg).unwrap_or_default();
    // Without the name of its value.
    let argument = argument.split([' ', '=']).next().unwrap_or_default().to_owned();
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let similar = text(ContextKind::SuggestedArg)
                .filter(|similar| is_safe(similar, first.starts_with(&argument)));
            Usage::UnknownOption { word: argument, similar }
        }
        ErrorKind::ArgumentConflict => Usage::Repeated(argument),
        ErrorKind::InvalidValue if text(ContextKind::InvalidValue).is_none_or(|value| value.is_empty()) => {
            Usage::NoValue(argument)
        }
        ErrorKind::TooManyValues => Usage::UnwantedValue(argument),
        _ => Usage::Other(error.to_string()),
    }
}

/// Returns whether a suggestion can be followed blindly. Behind a command only an option can be meant, and no command
/// that takes something away is ever suggested.
fn is_safe(suggestion: &str, is_command: bool) -> bool {
    let verb = Verb::ALL.iter().find(|verb| suggestion.strip_prefix("--") == Some(verb.row().long));
    match verb {
        None => true,
        Some(
            Verb::Clear
            | Verb::DeleteService
            | Verb::DeleteServer
            | Verb::Zero
            | Verb::StopDaemon
            | Verb::Drain,
        ) => false,
        Some(_) => is_command,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces of random lines; the first fourteen may begin one.
    const PIECES: &str = "-C -Cf1 -A -a -L -E -d -R -S -Z --set --start-daemon -Ln -At --stop-daemon=master \
                          -t -tX -t=X --tcp-service --tcp-service=X -f1 -6 -s -s= -s=rr --scheduler= \
                          -p -p= -p60 -p=60 --persistent= --persistent=60 -m -mw5 -w -1 X rr 60 --sort \
                          --vip --vip=X --vip= --server --server=X --dry-run -n --bogus -q -- - -h";

    fn scanned(line: &str) -> Result<Scanned<'_>, Usage> {
        Scanner::default().scan_with_clap(&line.split(' ').collect::<Vec<_>>())
    }

    #[test]
    fn the_quick_scanner_reads_random_lines_as_clap_does() {
        let mut seed = 1_u64;
        let mut random = |bound: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % bound
        };
        let pieces: Vec<&str> = PIECES.split(' ').collect();
        let mut scanner = Scanner::default();
        let mut understood = 0;
        for _ in 0..20_000 {
            let mut words = vec![pieces[random(14)]];
            words.extend((0..random(7)).map(|_| pieces[random(pieces.len())]));
            if let Some(scanned) = quick::scan(&words) {
                assert_eq!(scanner.scan_with_clap(&words), Ok(scanned), "{words:?}");
                understood += 1;
            }
        }
        assert!(understood > 1000, "{understood}");
    }

    #[test]
    fn an_option_may_be_spelled_in_any_way() {
        let expected = [(Opt::TcpService, Some("X".into())), (Opt::Scheduler, Some("rr".into()))];
        for line in [
            "-A -t X -s rr",
            "-At X -s=rr",
            "-AtX -srr",
            "-At=X --scheduler=rr",
            "--add-service --tcp-service X --scheduler rr",
            "-A -s rr --tcp-service=X",
        ] {
            let scanned = scanned(line).unwrap();
            assert_eq!(
                (scanned.verb, scanned.options.as_slice()),
                (Verb::AddService, &expected[..]),
                "{line}"
            );
        }
    }

    #[test]
    fn the_value_of_p_is_optional_and_other_values_may_begin_with_a_dash() {
        let persistent = |line| scanned(line).unwrap().options.pop().unwrap();
        for line in ["-A -p -s rr", "-A -p", "-A --persistent -o", "-A -p --"] {
            assert!(scanned(line).unwrap().options.contains(&(Opt::Persistent, None)), "{line}");
        }
        for line in ["-A -p 60", "-A -p60", "-A -p=60", "-A --persistent=60"] {
            assert_eq!(persistent(line), (Opt::Persistent, Some("60".into())), "{line}");
        }
        assert_eq!(scanned("-a -w -1").unwrap().options, [(Opt::Weight, Some("-1".into()))]);
    }

    #[test]
    fn the_command_has_to_be_first_and_alone() {
        for line in ["-n -L", "-t X -A", "--numeric -L", "-nL", "foo", "-", "--"] {
            assert!(matches!(scanned(line), Err(Usage::NoVerb(_))), "{line}");
        }
        for line in ["-L -L", "-A -D", "-Lv", "-Z --help"] {
            assert!(matches!(scanned(line), Err(Usage::TwoVerbs(..) | Usage::Repeated(_))), "{line}");
        }
        for line in ["-h -q", "-v foo", "--help --bar", "-vL"] {
            assert!(matches!(scanned(line).unwrap().verb, Verb::Help | Verb::Version), "{line}");
        }
        assert_eq!(scanned("1 --set 2 --sort 3").unwrap().words, ["1", "2", "3"]);
    }

    #[test]
    fn only_two_options_may_be_repeated() {
        for line in ["-A -f 1 -6 -6", "-L --sort -n --sort"] {
            assert!(scanned(line).is_ok(), "{line}");
        }
        for line in ["-L -n -n", "-A -t X -t X", "-A -p -p 5"] {
            assert!(matches!(scanned(line), Err(Usage::Repeated(_))), "{line}");
        }
    }

    #[test]
    fn a_similar_option_is_suggested_for_a_misspelt_one() {
        let Err(Usage::UnknownOption { word, similar }) = scanned("-A --schedular rr") else { panic!() };
        assert_eq!((word.as_str(), similar.as_deref()), ("--schedular", Some("--scheduler")));
    }

    #[test]
    fn no_command_is_suggested_for_an_option_and_no_destructive_one_at_all() {
        let similar = |line: &str| match scanned(line) {
            Err(Usage::UnknownOption { similar, .. }) => similar,
            other => panic!("{line}: {other:?}"),
        };
        for line in [
            "-L --clea",
            "-A --clear-all",
            "-L --lst",
            "-L --sav",
            "--cleer",
            "--clear-all",
            "--zer",
            "--delete-servce -t X",
            "--delete-servr -t X",
            "--stop-demon master",
            "--delet-service",
        ] {
            assert_eq!(similar(line), None, "{line}");
        }
        assert_eq!(similar("--lst").as_deref(), Some("--list"));
        assert_eq!(similar("-L --number").as_deref(), Some("--numeric"));
        // Every long command, shortened and lengthened, in front and behind another.
        for verb in Verb::ALL {
            let long = verb.row().long;
            for word in
                [format!("--{long}s"), format!("--{}", &long[1..]), format!("--{}", &long[..long.len() - 1])]
            {
                for line in [word.clone(), format!("-L {word}")] {
                    let Err(Usage::UnknownOption { similar: Some(similar), .. }) = scanned(&line) else {
                        continue;
                    };
                    let harmful =
                        ["--clear", "--zero", "--delete-service", "--delete-server", "--stop-daemon"];
                    assert!(!harmful.contains(&similar.as_str()), "{line}: {similar}");
                }
            }
        }
    }
}
