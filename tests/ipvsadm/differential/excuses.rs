//! When the two programs may do different things.

use super::case::Case;
use super::step::Step;

/// Ours has checked the whole file and done nothing; the reference came to the mistake sooner or later.
pub fn file_with_a_mistake(case: &Case) -> bool {
    restores(case)
        && case.ours.status == 2
        && case.ours.stdout.is_empty()
        && case.before[1] == case.after[1]
        && (!case.reference.stderr.is_empty() || case.step.input.contains('\0'))
}

/// Ours tells of any line that failed; the reference's status is that of the last one.
pub fn refused_line(case: &Case) -> bool {
    restores(case) && case.ours.status == 255 && !case.reference.stderr.is_empty()
}

pub fn comments(case: &Case) -> bool {
    restores(case) && case.step.input.contains('#') && case.ours.status == 0 && case.reference.status != 0
}

pub fn last_line(case: &Case) -> bool {
    let input = &case.step.input;
    let blanks = input.len() - input.trim_end_matches([' ', '\t', '\r']).len();
    restores(case) && blanks >= 2 && case.ours.status == 0 && case.reference.status == 0
}

pub fn help_in_file(case: &Case) -> bool {
    let help = |line: &str| line.starts_with("-h") || line.starts_with("-v") || line.starts_with("--help");
    restores(case) && case.same_status() && case.step.input.lines().any(help)
}

pub fn help(case: &Case) -> bool {
    let help = |word: &String| {
        word.starts_with("-h") || word.starts_with("-v") || word == "--help" || word == "--version"
    };
    case.step.words.first().is_some_and(help) && case.same_status() && case.same_tables()
}

/// `-R` with the name of a file.
pub fn named_file(case: &Case) -> bool {
    restores(case) && case.step.words.len() > 1 && case.reference.status == 2
}

pub fn impossible_name(case: &Case) -> bool {
    let impossible =
        |name: &str| name.len() > 15 || name.contains(|c: char| c.is_whitespace() || c.is_control());
    case.ours.status == 2
        && case.before[1] == case.after[1]
        && [('s', "--scheduler"), ('\0', "--pe"), ('\0', "--mcast-interface")]
            .iter()
            .any(|&(short, long)| value(&case.step, short, long).is_some_and(impossible))
}

/// To the reference, what stands before the service is for IPv4 and has no service's port.
pub fn order_of_options(case: &Case) -> bool {
    let at = |short, long| position(&case.step, short, long);
    let before = |early: Option<usize>, late: Option<usize>| early.zip(late).is_some_and(|(a, b)| a <= b);
    let six = at('6', "--ipv6");
    let fwmark = at('f', "--fwmark-service");
    let services = [at('t', "--tcp-service"), at('u', "--udp-service"), at('\0', "--sctp-service"), fwmark];
    let service = services.into_iter().flatten().min();
    let [netmask, server] = [at('M', "--netmask"), at('r', "--real-server")];
    match case.reference.status {
        2 => before(six, fwmark),
        0 | 255 => before(netmask, service) || before(netmask, six) || before(server, service),
        _ => false,
    }
}

/// The reference is ended by a signal.
/// An unknown option, and before it something else that is wrong.
pub fn several_mistakes(case: &Case) -> bool {
    case.same_tables()
        && (case.reference.status, case.ours.status) == (2, 255)
        && case.ours.stderr.contains("unknown option")
}

pub fn crash(case: &Case) -> bool {
    case.reference.status < 0 && case.ours.status == 2
}

pub fn prefix_length(case: &Case) -> bool {
    let more = |mask: &str| {
        mask.starts_with(|c: char| c.is_ascii_digit()) && mask.contains(|c: char| !c.is_ascii_digit())
    };
    case.only_the_reference_did_it() && value(&case.step, 'M', "--netmask").is_some_and(more)
}

/// `[10.0.0.1]:80`, `[2001:db8::1]` and `[name]:80`.
pub fn brackets(case: &Case) -> bool {
    addresses(case).any(|address| address.starts_with('['))
        && (case.only_ours_did_it() || case.ours.status == 0)
}

pub fn names(case: &Case) -> bool {
    let name =
        |address: &str| address.starts_with(|c: char| c.is_ascii_alphabetic()) && !address.starts_with("0x");
    addresses(case).any(name) && case.only_ours_did_it()
}

pub fn zero_of_nothing(case: &Case) -> bool {
    let all = |address: &str| ["0.0.0.0:0", "0.0.0.0"].contains(&address);
    addresses(case).any(all) && case.same_tables() && (case.reference.status, case.ours.status) == (0, 255)
}

/// The reference makes two lines of one, or is ended by a signal.
pub fn long_connection(case: &Case) -> bool {
    case.step.connections && case.step.input.lines().any(|line| line.len() > 254) && case.ours.status == 0
}

fn restores(case: &Case) -> bool {
    case.step.words.first().is_some_and(|word| word == "-R" || word == "--restore")
}

fn addresses(case: &Case) -> impl Iterator<Item = &str> {
    [('t', "--tcp-service"), ('u', "--udp-service"), ('\0', "--sctp-service"), ('r', "--real-server")]
        .into_iter()
        .filter_map(|(short, long)| value(&case.step, short, long))
}

/// Where an option stands.
fn position(step: &Step, short: char, long: &str) -> Option<usize> {
    step.words.iter().position(|word| match word.strip_prefix("--") {
        Some(_) => word.strip_prefix(long).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')),
        None => word.starts_with('-') && word.contains(short),
    })
}

/// The value of an option, however it is attached.
fn value<'a>(step: &'a Step, short: char, long: &str) -> Option<&'a str> {
    let at = position(step, short, long)?;
    let word = &step.words[at];
    let rest = match word.strip_prefix("--") {
        Some(_) => &word[long.len()..],
        None => word.split_once(short)?.1,
    };
    match rest.is_empty() {
        true => step.words.get(at + 1).map(String::as_str),
        false => Some(rest.strip_prefix('=').unwrap_or(rest)),
    }
}
