//! From the words of a command line to a verb and pairs of option and value. The only file that names
//! clap, which is told the table of options.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches};

use super::options::{OPTIONS, Opt, VERBS, Value, Verb};
use crate::error::Usage;

/// A verb with what was typed after it, in the table's order.
#[derive(Debug)]
pub struct Scanned {
    pub verb: Verb,
    /// The verb's own value.
    pub value: Option<String>,
    pub options: Vec<(Opt, Option<String>)>,
    /// Words that are neither options nor values.
    pub words: Vec<String>,
}

const WORDS: &str = "words";

/// Reads the words of a command line, without the program's name; there is at least one.
pub fn scan(words: &[String]) -> Result<Scanned, Usage> {
    let first = words.iter().find(|word| word.len() > 1 && *word != "--" && word.starts_with('-'));
    let first = first.ok_or_else(|| Usage::NoVerb(words[0].clone()))?;
    if let Some(verb) = explanation(first) {
        return Ok(Scanned { verb, value: None, options: Vec::new(), words: Vec::new() });
    }
    if begins_with_option(first) {
        return Err(Usage::NoVerb(first.clone()));
    }
    let matches = parser().try_get_matches_from(words).map_err(|error| usage(&error))?;
    let mut verbs: Vec<_> =
        VERBS.iter().filter_map(|row| Some((first_index(&matches, row.long)?, row.verb))).collect();
    verbs.sort_by_key(|&(index, _)| index);
    let &[(_, verb), ..] = verbs.as_slice() else {
        return Err(Usage::NoVerb(words[0].clone()));
    };
    if let Some(&(_, second)) = verbs.get(1) {
        return Err(Usage::TwoVerbs(verb, second));
    }
    let value = |long, value| match value {
        Value::None => None,
        _ => matches.get_one::<String>(long).cloned(),
    };
    let options = OPTIONS.iter().filter_map(|row| {
        first_index(&matches, row.long)?;
        Some((row.option, value(row.long, row.value)))
    });
    Ok(Scanned {
        verb,
        value: value(verb.row().long, verb.row().value),
        options: options.collect(),
        words: matches.get_many(WORDS).map(|words| words.cloned().collect()).unwrap_or_default(),
    })
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

/// Where an option was given, if it was. Options that were not given have a default without a place.
fn first_index(matches: &ArgMatches, id: &str) -> Option<usize> {
    matches.value_source(id).filter(|source| *source == clap::parser::ValueSource::CommandLine)?;
    matches.index_of(id)
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
            Opt::Ipv6 | Opt::Sort => arg.action(ArgAction::Count),
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
