//! The options of `--follow-load`.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use ipvs_netlink::ServiceId;

use super::arguments::{Arguments, Result, bad_value};
use super::listing::{self, Format};
use super::{server, service};
use crate::cli::{Opt, Usage};
use crate::load::{OnSilence, Rules};

/// The time between two questions, unless an option says otherwise, and the shortest and the longest, in seconds.
const INTERVAL: f64 = 5.0;
const INTERVALS: RangeInclusive<f64> = 0.1..=3600.0;
/// The longest time constant, in intervals.
const MAX_SMOOTH: f64 = 1000.0;
/// The largest number of answers in a row that can be asked for.
const MAX_ANSWERS: u32 = 1000;
/// The largest weight in percent of the configured one.
const MAX_PERCENT: u32 = 1000;

/// Weights that follow the load.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FollowLoad {
    /// Empty if all services are meant, also those that come later.
    pub(crate) services: Vec<ServiceId>,
    pub(crate) source: Source,
    pub(crate) interval: Duration,
    pub(crate) rules: Rules,
    /// The form of what is reported.
    pub(crate) format: Format,
}

/// Whoever is asked for the load of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A TCP port of the server.
    Agent(u16),
    /// A program, by its path or its name.
    Program(String),
}

pub(super) fn read(arguments: &mut Arguments<'_, '_>) -> Result<FollowLoad> {
    let services = service::read_ids(arguments)?;
    let port = arguments.number(Opt::Agent, 1..=u16::MAX)?;
    let program = arguments.value(Opt::Exec);
    let source = match (port, program) {
        (Some(_), Some(_)) => return Err(Usage::Conflict(Opt::Agent, Opt::Exec)),
        (Some(port), None) => Source::Agent(port),
        (None, Some(program)) if program.is_empty() => {
            return Err(bad_value(Opt::Exec, &program, "it is the path of a program"));
        }
        (None, Some(program)) => Source::Program(program.into_owned()),
        (None, None) => return Err(Usage::NeedsAgent(arguments.verb)),
    };
    let interval = read_fraction(arguments, Opt::Interval, INTERVALS, "seconds")?.unwrap_or(INTERVAL);
    Ok(FollowLoad {
        services,
        source,
        interval: Duration::from_secs_f64(interval),
        rules: read_rules(arguments)?,
        format: listing::read_format(arguments),
    })
}

fn read_rules(arguments: &mut Arguments<'_, '_>) -> Result<Rules> {
    let usual = Rules::default();
    Ok(Rules {
        rise: arguments.number(Opt::Rise, 1..=MAX_ANSWERS)?.unwrap_or(usual.rise),
        fall: arguments.number(Opt::Fall, 1..=MAX_ANSWERS)?.unwrap_or(usual.fall),
        min: arguments.number(Opt::Min, 1..=server::MAX)?.unwrap_or(usual.min),
        max: arguments.number(Opt::Max, 100..=MAX_PERCENT)?.unwrap_or(usual.max),
        smooth: read_fraction(arguments, Opt::Smooth, 0.0..=MAX_SMOOTH, "intervals")?.unwrap_or(usual.smooth),
        on_silence: match arguments.value(Opt::OnSilence).as_deref() {
            None => usual.on_silence,
            Some("keep") => OnSilence::Keep,
            Some("full") => OnSilence::Full,
            Some("drain") => OnSilence::Drain,
            Some(other) => return Err(bad_value(Opt::OnSilence, other, "it is keep, full or drain")),
        },
        keep_last: match arguments.value(Opt::KeepLast).as_deref() {
            None => usual.keep_last,
            Some("yes") => true,
            Some("no") => false,
            Some(other) => return Err(bad_value(Opt::KeepLast, other, "it is yes or no")),
        },
        remove: arguments.flag(Opt::Remove),
    })
}

/// Reads a number that may have a decimal fraction.
fn read_fraction(
    arguments: &mut Arguments<'_, '_>,
    option: Opt,
    range: RangeInclusive<f64>,
    unit: impl Display,
) -> Result<Option<f64>> {
    let Some(text) = arguments.value(option) else { return Ok(None) };
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number = text.parse().ok().filter(|number| is_plain && range.contains(number));
    let why = || format!("it is a number of {unit} from {} to {}", range.start(), range.end());
    number.map(Some).ok_or_else(|| bad_value(option, &text, why()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::{Invocation, Parser};

    fn parse(line: &str) -> Result<FollowLoad> {
        let words: Vec<&str> = ["--follow-load"].into_iter().chain(line.split_whitespace()).collect();
        match Parser::default().parse(&words)? {
            Invocation::FollowLoad(options) => Ok(options),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_agent_is_enough() {
        let options = parse("--agent 9777").unwrap();
        assert_eq!((options.source, options.interval), (Source::Agent(9777), Duration::from_secs(5)));
        assert_eq!((options.services.len(), options.rules), (0, Rules::default()));
    }

    #[test]
    fn everything_can_be_chosen() {
        let line = "-t 192.0.2.1:80 -f 7 -6 -t [2001:db8::1]:443 --exec /bin/load --interval 0.25 --rise 1 --fall 9 \
                    --min 2 --max 150 --smooth 1.5 --on-silence drain --keep-last no --remove \
                    --json";
        let options = parse(line).unwrap();
        let services: Vec<String> = options.services.iter().map(ToString::to_string).collect();
        assert_eq!(services, ["TCP 192.0.2.1:80", "TCP [2001:db8::1]:443", "FWM 7 IPv6"]);
        assert_eq!(options.source, Source::Program("/bin/load".into()));
        assert_eq!((options.interval, options.format), (Duration::from_millis(250), Format::Json));
        let rules = Rules {
            rise: 1,
            fall: 9,
            min: 2,
            max: 150,
            smooth: 1.5,
            on_silence: OnSilence::Drain,
            keep_last: false,
            remove: true,
        };
        assert_eq!(options.rules, rules);
    }

    #[test]
    fn mistakes_are_explained() {
        let between = |unit: &str, range: &str| format!("it is a number of {unit} from {range}");
        for (line, expected) in [
            (
                "",
                "--follow-load needs --agent PORT or --exec PROGRAM, to ask servers for their load"
                    .to_owned(),
            ),
            ("--agent 1 --exec x", "--agent and --exec exclude each other".into()),
            ("--agent 0", "--agent \"0\": it is a number from 1 to 65535".into()),
            ("--agent 70000", "--agent \"70000\": it is a number from 1 to 65535".into()),
            ("--exec=", "--exec \"\": it is the path of a program".into()),
            (
                "--agent 1 --interval 0.05",
                format!("--interval \"0.05\": {}", between("seconds", "0.1 to 3600")),
            ),
            (
                "--agent 1 --interval NaN",
                format!("--interval \"NaN\": {}", between("seconds", "0.1 to 3600")),
            ),
            (
                "--agent 1 --interval 1e3",
                format!("--interval \"1e3\": {}", between("seconds", "0.1 to 3600")),
            ),
            ("--agent 1 --smooth -1", format!("--smooth \"-1\": {}", between("intervals", "0 to 1000"))),
            ("--agent 1 --rise 0", "--rise \"0\": it is a number from 1 to 1000".into()),
            ("--agent 1 --min 0", "--min \"0\": it is a number from 1 to 2147483647".into()),
            ("--agent 1 --max 99", "--max \"99\": it is a number from 100 to 1000".into()),
            ("--agent 1 --on-silence off", "--on-silence \"off\": it is keep, full or drain".into()),
            ("--agent 1 --keep-last maybe", "--keep-last \"maybe\": it is yes or no".into()),
            ("--agent 1 -6", "-6 goes only with -f, a firewall mark service".into()),
        ] {
            assert_eq!(parse(line).unwrap_err().to_string(), expected, "{line}");
        }
    }
}
