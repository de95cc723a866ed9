//! Conditions under which the two programs may behave differently.

use super::case::Case;
use super::step::Step;

/// Ours checked the whole file and changed nothing; the reference met the mistake sooner or later.
pub fn file_with_a_mistake(case: &Case) -> bool {
    is_restore(case)
        && case.ours.status == 2
        && case.ours.stdout.is_empty()
        && case.before[1] == case.after[1]
        && (!case.reference.stderr.is_empty() || case.step.input.contains('\0'))
}

/// Our status reports any line that failed; the reference's status is that of the last line.
pub fn refused_line(case: &Case) -> bool {
    is_restore(case) && case.ours.status == 255 && !case.reference.stderr.is_empty()
}

/// The reference fails at a line that says the same as an earlier one.
pub fn repeated_line(case: &Case) -> bool {
    is_restore(case)
        && (case.reference.status, case.ours.status) == (255, 0)
        && case.same_tables()
        && case.ours.stderr.contains("this line repeats line")
}

pub fn comments(case: &Case) -> bool {
    is_restore(case) && case.step.input.contains('#') && case.ours.status == 0 && case.reference.status != 0
}

pub fn trailing_blanks(case: &Case) -> bool {
    let input = &case.step.input;
    let blanks = input.len() - input.trim_end_matches([' ', '\t', '\r']).len();
    is_restore(case) && blanks >= 2 && case.ours.status == 0 && case.reference.status == 0
}

pub fn help_in_file(case: &Case) -> bool {
    let help = |line: &str| line.starts_with("-h") || line.starts_with("-v") || line.starts_with("--help");
    is_restore(case) && case.same_status() && case.step.input.lines().any(help)
}

pub fn help(case: &Case) -> bool {
    let help = |word: &String| {
        word.starts_with("-h") || word.starts_with("-v") || word == "--help" || word == "--version"
    };
    case.step.words.first().is_some_and(help) && case.same_status() && case.same_tables()
}

/// `-R` has a word after it, which the reference refuses.
pub fn named_file(case: &Case) -> bool {
    is_restore(case) && case.step.words.len() > 1 && case.reference.status == 2
}

/// The reference knows `-o` as one-packet scheduling only, and refuses it.
pub fn saving_into_a_file(case: &Case) -> bool {
    let saves = |word: &String| word.starts_with("-S") || word == "--save";
    case.step.words.first().is_some_and(saves)
        && option_index(&case.step, 'o', "--output").is_some()
        && case.reference.status != 0
}

/// Options that only ours has choose the form of a listing.
pub fn own_form_of_listing(case: &Case) -> bool {
    let lists = |word: &String| word.starts_with("-L") || word.starts_with("-l") || word == "--list";
    let own = ["--table", "--columns", "--color", "--metrics", "--sum-by", "--watch"];
    case.step.words.first().is_some_and(lists)
        && own.iter().any(|option| option_index(&case.step, '\0', option).is_some())
        && case.same_tables()
        && case.reference.status != 0
}

/// The reference refuses with `-c` whatever chooses connections.
pub fn filtered_connections(case: &Case) -> bool {
    let lists = |word: &String| word.starts_with("-L") || word.starts_with("-l") || word == "--list";
    let own = [
        ('t', "--tcp-service"),
        ('u', "--udp-service"),
        ('\0', "--sctp-service"),
        ('f', "--fwmark-service"),
        ('r', "--real-server"),
        ('\0', "--client"),
        ('\0', "--state"),
        ('\0', "--proto"),
        ('\0', "--origin"),
        ('\0', "--templates"),
        ('\0', "--no-templates"),
        ('\0', "--count"),
        ('\0', "--count-by"),
    ];
    case.step.words.first().is_some_and(lists)
        && option_index(&case.step, 'c', "--connection").is_some()
        && own.iter().any(|&(short, long)| option_index(&case.step, short, long).is_some())
        && case.same_tables()
        && case.reference.status != 0
}

/// Options that only ours has name or list network namespaces.
pub fn other_namespace(case: &Case) -> bool {
    let lists = case.step.words.first().is_some_and(|word| word == "--netns-list");
    (lists || option_index(&case.step, '\0', "--netns").is_some()) && case.reference.status != 0
}

/// The reference takes no options with `-C`.
pub fn partial_clear(case: &Case) -> bool {
    let clears = |word: &String| word.starts_with("-C") || word == "--clear";
    let own = [
        ('t', "--tcp-service"),
        ('u', "--udp-service"),
        ('\0', "--sctp-service"),
        ('f', "--fwmark-service"),
        ('\0', "--vip"),
        ('\0', "--server"),
        ('\0', "--dry-run"),
    ];
    case.step.words.first().is_some_and(clears)
        && own.iter().any(|&(short, long)| option_index(&case.step, short, long).is_some())
        && case.before[0] == case.after[0]
        && case.reference.status != 0
}

pub fn impossible_name(case: &Case) -> bool {
    let impossible =
        |name: &str| name.len() > 15 || name.contains(|c: char| c.is_whitespace() || c.is_control());
    case.ours.status == 2
        && case.before[1] == case.after[1]
        && [('s', "--scheduler"), ('\0', "--pe"), ('\0', "--mcast-interface")]
            .iter()
            .any(|&(short, long)| option_value(&case.step, short, long).is_some_and(impossible))
}

/// The reference reads options before the service as IPv4 options, without the service's port.
pub fn order_of_options(case: &Case) -> bool {
    let index = |short, long| option_index(&case.step, short, long);
    let precedes = |early: Option<usize>, late: Option<usize>| early.zip(late).is_some_and(|(a, b)| a <= b);
    let ipv6 = index('6', "--ipv6");
    let fwmark = index('f', "--fwmark-service");
    let services =
        [index('t', "--tcp-service"), index('u', "--udp-service"), index('\0', "--sctp-service"), fwmark];
    let service = services.into_iter().flatten().min();
    let [netmask, server] = [index('M', "--netmask"), index('r', "--real-server")];
    match case.reference.status {
        2 => precedes(ipv6, fwmark),
        0 | 255 => precedes(netmask, service) || precedes(netmask, ipv6) || precedes(server, service),
        _ => false,
    }
}

/// Another mistake precedes an unknown option.
pub fn several_mistakes(case: &Case) -> bool {
    case.same_tables()
        && (case.reference.status, case.ours.status) == (2, 255)
        && case.ours.stderr.contains("unknown option")
}

/// A signal killed the reference.
pub fn crash(case: &Case) -> bool {
    case.reference.status < 0 && case.ours.status == 2
}

pub fn prefix_length(case: &Case) -> bool {
    let has_suffix = |mask: &str| {
        mask.starts_with(|c: char| c.is_ascii_digit()) && mask.contains(|c: char| !c.is_ascii_digit())
    };
    case.only_reference_succeeded() && option_value(&case.step, 'M', "--netmask").is_some_and(has_suffix)
}

/// An address is in brackets, as in `[10.0.0.1]:80`, `[2001:db8::1]` and `[name]:80`.
pub fn brackets(case: &Case) -> bool {
    addresses(case).any(|address| address.starts_with('['))
        && (case.only_ours_succeeded() || case.ours.status == 0)
}

pub fn names_with_ipv6_addresses(case: &Case) -> bool {
    let name =
        |address: &str| address.starts_with(|c: char| c.is_ascii_alphabetic()) && !address.starts_with("0x");
    addresses(case).any(name) && case.only_ours_succeeded()
}

pub fn zeroing_of_address_zero(case: &Case) -> bool {
    let is_address_zero = |address: &str| ["0.0.0.0:0", "0.0.0.0"].contains(&address);
    addresses(case).any(is_address_zero)
        && case.same_tables()
        && (case.reference.status, case.ours.status) == (0, 255)
}

/// The reference splits a long line in two, or is killed by a signal.
pub fn long_connection(case: &Case) -> bool {
    case.step.connections && case.step.input.lines().any(|line| line.len() > 254) && case.ours.status == 0
}

/// Ours marks a line that is no connection.
pub fn malformed_connection(case: &Case) -> bool {
    case.step.connections && case.ours.status == 1 && case.ours.stdout.contains("\n??? ")
}

fn is_restore(case: &Case) -> bool {
    case.step.words.first().is_some_and(|word| word == "-R" || word == "--restore")
}

fn addresses(case: &Case) -> impl Iterator<Item = &str> {
    [('t', "--tcp-service"), ('u', "--udp-service"), ('\0', "--sctp-service"), ('r', "--real-server")]
        .into_iter()
        .filter_map(|(short, long)| option_value(&case.step, short, long))
}

/// Returns the index of an option among the words.
fn option_index(step: &Step, short: char, long: &str) -> Option<usize> {
    step.words.iter().position(|word| match word.strip_prefix("--") {
        Some(_) => word.strip_prefix(long).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')),
        None => word.starts_with('-') && word.contains(short),
    })
}

/// Returns the value of an option, whether it is attached or the next word.
fn option_value<'a>(step: &'a Step, short: char, long: &str) -> Option<&'a str> {
    let index = option_index(step, short, long)?;
    let word = &step.words[index];
    let rest = match word.strip_prefix("--") {
        Some(_) => &word[long.len()..],
        None => word.split_once(short)?.1,
    };
    match rest.is_empty() {
        true => step.words.get(index + 1).map(String::as_str),
        false => Some(rest.strip_prefix('=').unwrap_or(rest)),
    }
}
