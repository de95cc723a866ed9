//! From the words of a command line to a verb and pairs of option and value. The only file that names
//! clap, which is told the table of options. It is asked for help and for everything that is not plainly
//! right.

mod quick;

use std::borrow::Cow;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};

use super::options::{OPTIONS, Opt, VERBS, Value, Verb};
use crate::error::Usage;

/// A verb with what was typed after it, in the table's order.
#[derive(Debug, PartialEq, Eq)]
pub struct Scanned<'a> {
    pub verb: Verb,
    /// The verb's own value.
    pub value: Text<'a>,
    pub options: Vec<(Opt, Text<'a>)>,
    /// Words that are neither options nor values.
    pub words: Vec<Cow<'a, str>>,
}

/// The value of an option, if it has one: part of the command line where that is possible.
pub type Text<'a> = Option<Cow<'a, str>>;

const WORDS: &str = "words";

/// Reads command lines.
#[derive(Default)]
pub struct Scanner(Option<clap::Command>);

impl Scanner {
    /// Reads the words of a command line, without the program's name; there is at least one.
    pub fn scan<'a>(&mut self, words: &[&'a str]) -> Result<Scanned<'a>, Usage> {
        match quick::scan(words) {
            Some(scanned) => Ok(scanned),
            None => self.scan_thoroughly(words),
        }
    }

    fn scan_thoroughly<'a>(&mut self, words: &[&'a str]) -> Result<Scanned<'a>, Usage> {
        let first = words.iter().find(|word| word.len() > 1 && **word != "--" && word.starts_with('-'));
        let first = *first.ok_or_else(|| Usage::NoVerb(words[0].to_owned()))?;
        if let Some(verb) = explanation(first) {
            return Ok(Scanned { verb, value: None, options: Vec::new(), words: Vec::new() });
        }
        if begins_with_option(first) {
            return Err(Usage::NoVerb(first.to_owned()));
        }
        let matches = self
            .0
            .get_or_insert_with(parser)
            .try_get_matches_from_mut(words)
            .map_err(|error| usage(&error))?;
        let mut verbs: Vec<_> = VERBS
            .iter()
            .filter(|row| given(&matches, row.long))
            .map(|row| (matches.index_of(row.long), row.verb))
            .collect();
        verbs.sort_by_key(|&(index, _)| index);
        let &[(_, verb), ..] = verbs.as_slice() else {
            return Err(Usage::NoVerb(words[0].to_owned()));
        };
        if let Some(&(_, second)) = verbs.get(1) {
            return Err(Usage::TwoVerbs(verb, second));
        }
        let value = |long, value| match value {
            Value::None => None,
            _ => matches.get_one::<String>(long).cloned().map(Cow::Owned),
        };
        let options = OPTIONS.iter().filter(|row| given(&matches, row.long));
        let options = options.map(|row| (row.option, value(row.long, row.value)));
        Ok(Scanned {
            verb,
            value: value(verb.row().long, verb.row().value),
            options: options.collect(),
            words: matches.get_many(WORDS).into_iter().flatten().cloned().map(Cow::Owned).collect(),
        })
    }
}

/// `-h` and `-v` in the place of the command: nothing after them matters.
fn explanation(word: &str) -> Option<Verb> {
    let row = |verb: &Verb| verb.row();
    let is_meant = |verb: &Verb| match word.strip_prefix("--") {
        Some(long) => long == row(verb).long,
        None => row(verb).short.is_some_and(|short| word[1..].starts_with(short)),
    };
    [Verb::Help, Verb::Version].into_iter().find(is_meant)
}

/// Whether a word begins with an option instead of a command.
fn begins_with_option(word: &str) -> bool {
    OPTIONS.iter().any(|row| match word.strip_prefix("--") {
        Some(long) => long.split('=').next() == Some(row.long),
        None => row.short.is_some_and(|short| word[1..].starts_with(short)),
    })
}

/// The text of `--help`.
pub fn help() -> String {
    parser().render_help().to_string()
}

/// Whether something was typed. Flags that were not have a default.
fn given(matches: &ArgMatches, id: &str) -> bool {
    matches.value_source(id) == Some(ValueSource::CommandLine)
}

fn parser() -> clap::Command {
    let verbs = VERBS.iter().map(|row| {
        let arg = arg(row.long, row.short, row.value).help(row.help);
        let arg = match row.verb {
            Verb::List => arg.visible_short_alias('l'),
            _ => arg,
        };
        arg.help_heading("Commands (one, and first)")
    });
    let options = OPTIONS.iter().map(|row| {
        let arg = arg(row.long, row.short, row.value).help(row.help).help_heading("Options");
        match row.option {
            Opt::Ipv6 | Opt::Sort => arg.overrides_with(row.long),
            _ => arg,
        }
    });
    clap::Command::new("ipvsadm")
        .no_binary_name(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .about("Administer IPVS, the layer-4 load balancer in the Linux kernel.")
        .override_usage("ipvsadm COMMAND [OPTION]...")
        .args(verbs)
        .args(options)
        .arg(Arg::new(WORDS).action(ArgAction::Append).hide(true))
}

fn arg(long: &'static str, short: Option<char>, value: Value) -> Arg {
    let arg = Arg::new(long).long(long);
    let arg = match value {
        Value::None => arg.action(ArgAction::SetTrue),
        Value::Required(name) => arg.action(ArgAction::Set).value_name(name).allow_hyphen_values(true),
        Value::Optional(name) => arg.action(ArgAction::Set).value_name(name).num_args(0..=1),
    };
    match short {
        Some(short) => arg.short(short),
        None => arg,
    }
}

/// What clap found wrong, in our words.
fn usage(error: &clap::Error) -> Usage {
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
            Usage::UnknownOption { word: argument, similar: text(ContextKind::SuggestedArg) }
        }
        ErrorKind::ArgumentConflict => Usage::Repeated(argument),
        ErrorKind::InvalidValue if text(ContextKind::InvalidValue).is_none_or(|value| value.is_empty()) => {
            Usage::NoValue(argument)
        }
        ErrorKind::TooManyValues => Usage::UnwantedValue(argument),
        _ => Usage::Other(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use clap_complete::Shell;

    use super::*;

    fn scanned(line: &str) -> Result<Scanned<'_>, Usage> {
        Scanner::default().scan_thoroughly(&words(line))
    }

    fn words(line: &str) -> Vec<&str> {
        line.split(' ').collect()
    }

    /// Random lines of pieces that matter: whatever the quick way understands, clap understands the same,
    /// and the usual lines are read in the quick way.
    #[test]
    fn the_quick_way_finds_what_clap_finds() {
        const PIECES: [&str; 44] = [
            "-p=",
            "--persistent=",
            "-s=",
            "--scheduler=",
            "-A",
            "-a",
            "-L",
            "-E",
            "-d",
            "-R",
            "-S",
            "-Z",
            "--set",
            "--start-daemon",
            "--stop-daemon=master",
            "-Ln",
            "-At",
            "-t",
            "-tX",
            "-t=X",
            "--tcp-service",
            "--tcp-service=X",
            "-f1",
            "-6",
            "-s",
            "-s=rr",
            "-p",
            "-p60",
            "-p=60",
            "--persistent=60",
            "-m",
            "-mw5",
            "-w",
            "-1",
            "X",
            "rr",
            "60",
            "--sort",
            "-n",
            "--bogus",
            "-q",
            "--",
            "-",
            "-h",
        ];
        let mut seed = 1_u64;
        let mut random = |bound: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % bound
        };
        let mut scanner = Scanner::default();
        let mut understood = 0;
        for _ in 0..20_000 {
            let verb = PIECES[random(12)];
            let line: Vec<&str> = (0..random(7)).map(|_| PIECES[random(PIECES.len())]).collect();
            let line = [&[verb], &line[..]].concat().join(" ");
            let words = words(line.trim());
            if let Some(scanned) = quick::scan(&words) {
                assert_eq!(scanner.scan_thoroughly(&words), Ok(scanned), "{words:?}");
                understood += 1;
            }
        }
        assert!(understood > 1000, "{understood}");
        for line in [
            "-A -t 10.0.0.1:80 -s wlc -p 360 -M 255.255.255.0 -b flag-1 -o",
            "-a -t [::1]:80 -r [::2]:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum -x 5 -y 3",
            "--set 1 2 3",
            "--start-daemon master --mcast-interface eth0 --syncid 3",
            "-Lnc",
            "-D -f 3 -6",
        ] {
            assert!(quick::scan(&words(line)).is_some(), "{line}");
        }
    }

    #[test]
    fn all_spellings_are_the_same() {
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
    fn a_timeout_after_p_is_optional_and_other_values_may_begin_with_a_dash() {
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
    fn the_command_comes_first_and_once() {
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
    fn what_is_misspelt_gets_a_suggestion() {
        let Err(Usage::UnknownOption { word, similar }) = scanned("-A --schedular rr") else { panic!() };
        assert_eq!((word.as_str(), similar.as_deref()), ("--schedular", Some("--scheduler")));
    }

    /// With `UPDATE_COMPLETIONS` set the files are written instead of compared.
    #[test]
    fn the_completions_are_those_of_the_table() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/completions");
        for (shell, file) in
            [(Shell::Bash, "ipvsadm.bash"), (Shell::Zsh, "_ipvsadm"), (Shell::Fish, "ipvsadm.fish")]
        {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut parser(), "ipvsadm", &mut text);
            let path = folder.join(file);
            if std::env::var_os("UPDATE_COMPLETIONS").is_some() {
                fs::create_dir_all(&folder).unwrap();
                fs::write(&path, &text).unwrap();
            }
            let there = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                there.as_bytes() == text,
                "{} is out of date: run UPDATE_COMPLETIONS=1 cargo test completions",
                path.display()
            );
        }
    }
}
