//! What random invocations are made of.

use super::random::Random;
use super::step::Step;
use super::vocabulary::*;

/// An invocation.
pub fn step(random: &mut Random) -> Step {
    let mut words = match random.below(100) {
        0..24 => service(random, &[("-A", "--add-service")]),
        24..34 => service(random, &[("-E", "--edit-service")]),
        34..60 => server(random, &[("-a", "--add-server")]),
        60..72 => server(random, &[("-e", "--edit-server")]),
        72..76 => named(random, &[("-D", "--delete-service"), ("-Z", "--zero")]),
        76..80 => server(random, &[("-d", "--delete-server")]),
        80..94 => list(random),
        94..96 => timeouts(random),
        96..98 => daemon(random),
        98 => vec![random.pick(&["-C", "-Z", "--clear", "--zero", "-h", "--version", "-R"]).to_owned()],
        _ => vec![random.pick(&["-S", "-Sn", "--save"]).to_owned()],
    };
    if random.percent(6) {
        let (short, long, value) = STRAYS[random.below(STRAYS.len())];
        option(random, &mut words, short, long, value);
    }
    if random.percent(2) {
        words.push("word".to_owned());
    }
    if random.percent(2) {
        let at = random.below(words.len() + 1);
        words.insert(at, random.pick(&MISTAKES).to_owned());
    }
    Step { words, ..Step::default() }
}

/// Adds an option in one of its spellings, now and then with a mistake for its value.
fn option(random: &mut Random, words: &mut Vec<String>, short: char, long: &str, value: &str) {
    let value = if !value.is_empty() && random.percent(3) { random.pick(&MISTAKES) } else { value };
    let brief = short != '\0' && random.percent(70);
    let name = if brief { format!("-{short}") } else { long.to_owned() };
    match random.below(10) {
        _ if value.is_empty() => words.push(name),
        0 => words.push(format!("{name}={value}")),
        1 if brief => words.push(format!("{name}{value}")),
        _ => words.extend([name, value.to_owned()]),
    }
}

fn command(random: &mut Random, spellings: &[(&str, &str)]) -> Vec<String> {
    let (short, long) = spellings[random.below(spellings.len())];
    vec![if random.percent(70) { short } else { long }.to_owned()]
}

/// Adds what names a service, and says whether it is one for IPv6.
fn address(random: &mut Random, words: &mut Vec<String>) -> bool {
    let (short, long) = match random.below(10) {
        0..5 => ('t', "--tcp-service"),
        5..7 => ('u', "--udp-service"),
        7 => ('\0', "--sctp-service"),
        _ => ('f', "--fwmark-service"),
    };
    let six = random.percent(30);
    let value = match (short, six) {
        ('f', _) => random.pick(&MARKS),
        (_, true) => random.pick(&V6),
        _ => random.pick(&V4),
    };
    option(random, words, short, long, value);
    if short == 'f' && six {
        option(random, words, '6', "--ipv6", "");
    }
    six
}

fn named(random: &mut Random, spellings: &[(&str, &str)]) -> Vec<String> {
    let mut words = command(random, spellings);
    address(random, &mut words);
    words
}

fn service(random: &mut Random, spellings: &[(&str, &str)]) -> Vec<String> {
    let mut words = command(random, spellings);
    let six = address(random, &mut words);
    let zero = words.iter().any(|word| word.ends_with(":0"));
    let mut chosen = "wlc";
    if random.percent(70) {
        chosen = if random.percent(3) { "nosuch" } else { random.pick(&SCHEDULERS) };
        option(random, &mut words, 's', "--scheduler", chosen);
    }
    if random.percent(if zero { 90 } else { 30 }) {
        match random.percent(20) {
            true => option(random, &mut words, 'p', "--persistent", ""),
            false => {
                let seconds = (1 + random.below(4000)).to_string();
                option(random, &mut words, 'p', "--persistent", &seconds);
            }
        }
        if random.percent(40) {
            let masks = if six {
                ["64", "96", "128", "1"]
            } else {
                ["255.255.255.0", "255.0.0.0", "24", "0xffff0000"]
            };
            let mask = random.pick(&masks);
            option(random, &mut words, 'M', "--netmask", mask);
        }
        if random.percent(20) {
            option(random, &mut words, '\0', "--pe", "sip");
        }
    }
    if random.percent(10) {
        option(random, &mut words, 'o', "--ops", "");
    }
    let flags: &[&str] = match chosen {
        "sh" => &FLAGS[..6],
        "mh" => &["mh-port", "mh-fallback,mh-port", "flag-1"],
        _ => &FLAGS,
    };
    if random.percent(20) {
        let flags = random.pick(flags);
        option(random, &mut words, 'b', "--sched-flags", flags);
    }
    words
}

fn server(random: &mut Random, spellings: &[(&str, &str)]) -> Vec<String> {
    let mut words = command(random, spellings);
    let deletes = words[0].starts_with("-d") || words[0].starts_with("--delete");
    let six = address(random, &mut words);
    let mixed = random.percent(5);
    let value = random.pick(if six != mixed { &SERVERS_V6 } else { &SERVERS_V4 });
    option(random, &mut words, 'r', "--real-server", value);
    if deletes {
        return words;
    }
    match random.below(10) {
        0 => {}
        1 | 2 => option(random, &mut words, 'g', "--gatewaying", ""),
        3..6 => option(random, &mut words, 'm', "--masquerading", ""),
        _ => tunnel(random, &mut words),
    }
    if random.percent(40) {
        let weight = random.pick(&["0", "1", "5", "100", "65535", "65536", "2147483647"]);
        option(random, &mut words, 'w', "--weight", weight);
    }
    if random.percent(25) {
        let (upper, lower) = (random.below(50), random.below(40));
        option(random, &mut words, 'x', "--u-threshold", &upper.to_string());
        option(random, &mut words, 'y', "--l-threshold", &lower.to_string());
    }
    words
}

fn tunnel(random: &mut Random, words: &mut Vec<String>) {
    option(random, words, 'i', "--ipip", "");
    if random.percent(40) {
        return;
    }
    let kind = random.pick(&["ipip", "gue", "gue", "gre", "GRE"]);
    option(random, words, '\0', "--tun-type", kind);
    if (kind == "gue") != random.percent(5) {
        let port = random.pick(&["6080", "1", "65535", "0", "70000"]);
        option(random, words, '\0', "--tun-port", port);
    }
    if random.percent(if kind == "ipip" { 5 } else { 60 }) {
        let sum = random.pick(&["--tun-nocsum", "--tun-csum", "--tun-csum", "--tun-remcsum"]);
        option(random, words, '\0', sum, "");
    }
}

fn list(random: &mut Random) -> Vec<String> {
    let mut words = vec![random.pick(&["-L", "-l", "--list", "-Ln", "-Ln", "-Ln"]).to_owned()];
    for _ in 0..random.below(4) {
        words.push(random.pick(&LISTS).to_owned());
    }
    if random.percent(30) {
        address(random, &mut words);
    }
    words
}

fn timeouts(random: &mut Random) -> Vec<String> {
    let mut words = vec!["--set".to_owned()];
    for _ in 0..3 {
        words.push(random.pick(&["0", "5", "900", "2678400", "60", "2678401", "x"]).to_owned());
    }
    words
}

fn daemon(random: &mut Random) -> Vec<String> {
    let mut words =
        command(random, &[("--start-daemon", "--start-daemon"), ("--stop-daemon", "--stop-daemon")]);
    words.push(random.pick(&["master", "backup", "both"]).to_owned());
    for (name, values) in [
        ("--mcast-interface", ["d0", "d1", "nosuch"]),
        ("--syncid", ["0", "255", "256"]),
        ("--sync-maxlen", ["1000", "65507", "0"]),
        ("--mcast-group", ["224.0.0.99", "ff02::81", "10.0.0.1"]),
        ("--mcast-port", ["1", "65535", "65536"]),
        ("--mcast-ttl", ["1", "255", "256"]),
    ] {
        if random.percent(if words[0] == "--start-daemon" { 40 } else { 10 }) {
            let value = random.pick(&values);
            option(random, &mut words, '\0', name, value);
        }
    }
    words
}
