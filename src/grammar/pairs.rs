//! Tries all pairs of options: none of the two says nothing.

use super::command::{Invocation, Parser};
use crate::cli::{Arity, Opt, Verb};

/// Returns what commands are tried with, besides all options: what they cannot do without, and each kind of listing.
fn beginnings(verb: Verb) -> &'static [&'static str] {
    match verb {
        Verb::AddService | Verb::EditService => &["-t 192.0.2.1:80", "-u 192.0.2.1:80", "-f 1"],
        Verb::DeleteService => &["-t 192.0.2.1:80", "-f 1"],
        Verb::AddServer | Verb::EditServer => &["-t 192.0.2.1:80 -r 10.0.0.1", "-f 1 -r 10.0.0.1 -i"],
        Verb::DeleteServer => &["-f 1 -r 10.0.0.1"],
        Verb::SetTimeouts => &["1 2 3"],
        Verb::StartDaemon | Verb::StopDaemon => &["master", "backup"],
        Verb::Drain | Verb::Undrain => &["-r 10.0.0.1"],
        Verb::FollowLoad => &["--agent 3333", "--exec /bin/true"],
        Verb::Restore => &["", "--replace", "--check", "--replace --check", "--replace --dry-run"],
        Verb::List => &[
            "",
            "-c",
            "--timeout",
            "--daemon",
            "--drained",
            "--table",
            "--json",
            "--metrics",
            "--watch",
            "--stats",
            "-c --table",
            "-c --json",
            "-c --count",
            "-c --count-by client",
            "--timeout --json",
            "--stats --table",
        ],
        _ => &[""],
    }
}

/// Returns a value that an option takes, and that is no default.
fn value(option: Opt) -> &'static str {
    match option {
        Opt::TcpService | Opt::UdpService | Opt::SctpService => "192.0.2.7:80",
        Opt::Scheduler => "mh",
        Opt::SchedFlags => "flag-1",
        Opt::Netmask => "255.255.255.0",
        Opt::Engine => "sip",
        Opt::RealServer => "10.0.0.7",
        Opt::TunType => "gre",
        Opt::Client | Opt::Vip | Opt::Server => "10.0.0.0/8",
        Opt::State => "ESTABLISHED",
        Opt::Proto => "udp",
        Opt::Origin => "local",
        Opt::CountBy => "client",
        Opt::TableColumns => "name",
        Opt::Color => "always",
        Opt::SumBy => "service",
        Opt::By => "cps",
        Opt::McastInterface => "eth7",
        Opt::McastGroup => "224.0.0.7",
        Opt::Exec => "/bin/false",
        Opt::OnSilence => "full",
        Opt::KeepLast => "no",
        _ => "7",
    }
}

/// Options that may say what holds anyway: they name a default, or what has no names has numbers.
const HARMLESS: [Opt; 8] = [
    Opt::Gatewaying,
    Opt::TunNocsum,
    Opt::Numeric,
    Opt::Exact,
    Opt::Nosort,
    Opt::SyncId,
    Opt::Check,
    Opt::Test,
];

/// Forms of a listing that the original does not have. Documents are left out: they have all columns.
const OWN_FORMS: [&str; 6] = ["--drained", "--table", "--metrics", "--watch", "--count", "--count-by"];

#[test]
fn no_option_is_ignored_beside_another() {
    let parse =
        |words: &str| Parser::default().parse(&words.split_ascii_whitespace().collect::<Vec<_>>()).ok();
    let mut tried = 0;
    for &verb in Verb::ALL {
        let options = Opt::ALL.iter().copied().filter(|&option| {
            // The first says nothing anywhere, and the second is acted on before.
            option.verbs().contains(&verb) && !matches!(option, Opt::Sort | Opt::Netns)
        });
        let options: Vec<(Opt, String)> = options
            .map(|option| match option.row().arity {
                Arity::None => (option, format!("--{}", option.row().long)),
                _ => (option, format!("--{} {}", option.row().long, value(option))),
            })
            .collect();
        for beginning in beginnings(verb) {
            let bare = format!("{} {beginning}", verb.name());
            let bare_outcome = parse(&bare);
            assert!(bare_outcome.is_some(), "{bare}");
            for (_, first) in &options {
                let line = format!("{bare} {first}");
                let Some(outcome) = parse(&line) else { continue };
                assert_meaningful(&line, &outcome, &options, &parse);
                tried += 1;
            }
            if let Some(outcome) = bare_outcome {
                assert_meaningful(&bare, &outcome, &options, &parse);
            }
        }
    }
    assert!(tried > 200, "{tried}");
}

/// Fails if one more option is accepted and changes nothing.
fn assert_meaningful(
    line: &str,
    outcome: &Invocation,
    options: &[(Opt, String)],
    parse: &impl Fn(&str) -> Option<Invocation>,
) {
    for (option, words) in options {
        // The original takes a few options twice.
        if line.ends_with(words.as_str()) {
            continue;
        }
        let longer = format!("{line} {words}");
        if parse(&longer).as_ref() != Some(outcome) || HARMLESS.contains(option) {
            continue;
        }
        let is_own = longer.split(' ').any(|word| OWN_FORMS.contains(&word));
        // The original takes several options for columns.
        let is_original =
            !is_own && matches!(option, Opt::Rate | Opt::Thresholds | Opt::PersistentConn | Opt::TunInfo);
        assert!(is_original, "{words} says nothing: {longer}");
    }
}

#[test]
fn options_that_mean_nothing_together_are_named() {
    for (line, sentence) in [
        ("-L --table --stats --rate", "--stats and --rate exclude each other"),
        ("-L --watch --rate --tun-info", "--rate and --tun-info exclude each other"),
        ("-L -c --json --tun-info", "-c and --tun-info exclude each other"),
        ("-L --drained --tun-info", "--drained and --tun-info exclude each other"),
        ("-L --timeout --json --names", "--timeout and --names exclude each other"),
        ("-L --columns help --stats", "--columns and --stats exclude each other"),
        ("-L --columns help --json", "--columns needs --table"),
        ("-L --columns help --color always", "--color needs --table"),
        ("-L --columns help --table --color red", "--color \"red\": it is auto, always or never"),
        ("-L -c --columns help --count", "--count and --columns exclude each other"),
        ("-R --replace --check --dry-run", "--check and --dry-run exclude each other"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let mistake = Parser::default().parse(&words).map_err(|mistake| mistake.to_string());
        assert_eq!(mistake, Err(sentence.to_owned()), "{line}");
    }
    for line in ["-L --columns help", "-L --table --columns help", "-L -c --table --columns help -n"] {
        assert!(Parser::default().parse(&line.split(' ').collect::<Vec<_>>()).is_ok(), "{line}");
    }
}
