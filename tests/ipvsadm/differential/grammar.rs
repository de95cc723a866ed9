//! The grammar of random invocations.

use super::random::Random;
use super::step::Step;
use super::vocabulary::*;

/// Generates an invocation.
pub fn generate_step(random: &mut Random) -> Step {
    let mut words = match random.below(100) {
        0..24 => service(random, &[("-A", "--add-service")]),
        24..34 => service(random, &[("-E", "--edit-service")]),
        34..60 => server(random, &[("-a", "--add-server")]),
        60..72 => server(random, &[("-e", "--edit-server")]),
        72..76 => service_only(random, &[("-D", "--delete-service"), ("-Z", "--zero")]),
        76..80 => server(random, &[("-d", "--delete-server")]),
        80..94 => list(random),
        94..96 => timeouts(random),
        96..98 => daemon(random),
        98 => vec![random.pick(&["-C", "-Z", "--clear", "--zero", "-h", "--version", "-R"]).to_owned()],
        _ => vec![random.pick(&["-S", "-Sn", "--save"]).to_owned()],
    };
    if random.percent(6) {
        let (short, long, value) = STRAYS[random.below(STRAYS.len())];
        push_option(random, &mut words, short, long, value);
    }
    if random.percent(2) {
        words.push("word".to_owned());
    }
    if random.percent(2) {
        let index = random.below(words.len() + 1);
        words.insert(index, random.pick(&MISTAKES).to_owned());
    }
    Step { words, ..Step::default() }
}

/// Appends an option in one of its spellings, occasionally with an invalid value.
fn push_option(random: &mut Random, words: &mut Vec<String>, short: char, long: &str, value: &str) {
    let value = if !value.is_empty() && random.percent(3) { random.pick(&MISTAKES) } else { value };
    let is_short = short != '\0' && random.percent(70);
    let name = if is_short { format!("-{short}") } else { long.to_owned() };
    match random.below(10) {
        _ if value.is_empty() => words.push(name),
        0 => words.push(format!("{name}={value}")),
        1 if is_short => words.push(format!("{name}{value}")),
        _ => words.extend([name, value.to_owned()]),
    }
}

fn pick_command(random: &mut Random, spellings: &[(&str, &str)]) -> Vec<String> {
    let (short, long) = spellings[random.below(spellings.len())];
    vec![if random.percent(70) { short } else { long }.to_owned()]
}

/// Appends the option that names a service, and returns whether it is an IPv6 service.
fn push_service(random: &mut Random, words: &mut Vec<String>) -> bool {
    let (short, long) = match random.below(10) {
        0..5 => ('t', "--tcp-service"),
        5..7 => ('u', "--udp-service"),
        7 => ('\0', "--sctp-service"),
        _ => ('f', "--fwmark-service"),
    };
    let is_v6 = random.percent(30);
    let value = match (short, is_v6) {
        ('f', _) => random.pick(&MARKS),
        (_, true) => random.pick(&V6),
        _ => random.pick(&V4),
    };
    push_option(random, words, short, long, value);
    if short == 'f' && is_v6 {
        push_option(random, words, '6', "--ipv6", "");
    }
    is_v6
}

fn service_only(random: &mut Random, spellings: &[(&str, &str)]) -> Vec<String> {
    let mut words = pick_command(random, spellings);
    push_service(random, &mut words);
    words
}

fn service(random: &mut Random, spellings: &[(&str, &str)]) -> Vec<String> {
    let mut words = pick_command(random, spellings);
    let is_v6 = push_service(random, &mut words);
    let has_port_zero = words.iter().any(|word| word.ends_with(":0"));
    let mut scheduler = "wlc";
    if random.percent(70) {
        scheduler = if random.percent(3) { "nosuch" } else { random.pick(&SCHEDULERS) };
        push_option(random, &mut words, 's', "--scheduler", scheduler);
    }
    if random.percent(if has_port_zero { 90 } else { 30 }) {
        match random.percent(20) {
            true => push_option(random, &mut words, 'p', "--persistent", ""),
            false => {
                let seconds = (1 + random.below(4000)).to_string();
                push_option(random, &mut words, 'p', "--persistent", &seconds);
            }
        }
        if random.percent(40) {
            let masks = if is_v6 {
                ["64", "96", "128", "1"]
            } else {
                ["255.255.255.0", "255.0.0.0", "24", "0xffff0000"]
            };
            let mask = random.pick(&masks);
            push_option(random, &mut words, 'M', "--netmask", mask);
        }
        if random.percent(20) {
            push_option(random, &mut words, '\0', "--pe", "sip");
        }
    }
    if random.percent(10) {
        push_option(random, &mut words, 'o', "--ops", "");
    }
    let flags: &[&str] = match scheduler {
        "sh" => &FLAGS[..6],
        "mh" => &["mh-port", "mh-fallback,mh-port", "flag-1"],
        _ => &FLAGS,
    };
    if random.percent(20) {
        let flags = random.pick(flags);
        push_option(random, &mut words, 'b', "--sched-flags", flags);
    }
    words
}

fn server(random: &mut Random, spellings: &[(&str, &str)]) -> Vec<String> {
    let mut words = pick_command(random, spellings);
    let is_deletion = words[0].starts_with("-d") || words[0].starts_with("--delete");
    let is_v6 = push_service(random, &mut words);
    let mixes_families = random.percent(5);
    let value = random.pick(if is_v6 != mixes_families { &SERVERS_V6 } else { &SERVERS_V4 });
    push_option(random, &mut words, 'r', "--real-server", value);
    if is_deletion {
        return words;
    }
    match random.below(10) {
        0 => {}
        1 | 2 => push_option(random, &mut words, 'g', "--gatewaying", ""),
        3..6 => push_option(random, &mut words, 'm', "--masquerading", ""),
        _ => push_tunnel(random, &mut words),
    }
    if random.percent(40) {
        let weight = random.pick(&["0", "1", "5", "100", "65535", "65536", "2147483647"]);
        push_option(random, &mut words, 'w', "--weight", weight);
    }
    if random.percent(25) {
        let (upper, lower) = (random.below(50), random.below(40));
        push_option(random, &mut words, 'x', "--u-threshold", &upper.to_string());
        push_option(random, &mut words, 'y', "--l-threshold", &lower.to_string());
    }
    words
}

fn push_tunnel(random: &mut Random, words: &mut Vec<String>) {
    push_option(random, words, 'i', "--ipip", "");
    if random.percent(40) {
        return;
    }
    let kind = random.pick(&["ipip", "gue", "gue", "gre", "GRE"]);
    push_option(random, words, '\0', "--tun-type", kind);
    if (kind == "gue") != random.percent(5) {
        let port = random.pick(&["6080", "1", "65535", "0", "70000"]);
        push_option(random, words, '\0', "--tun-port", port);
    }
    if random.percent(if kind == "ipip" { 5 } else { 60 }) {
        let checksum = random.pick(&["--tun-nocsum", "--tun-csum", "--tun-csum", "--tun-remcsum"]);
        push_option(random, words, '\0', checksum, "");
    }
}

fn list(random: &mut Random) -> Vec<String> {
    let mut words = vec![random.pick(&["-L", "-l", "--list", "-Ln", "-Ln", "-Ln"]).to_owned()];
    for _ in 0..random.below(4) {
        words.push(random.pick(&LISTS).to_owned());
    }
    if random.percent(30) {
        push_service(random, &mut words);
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
        pick_command(random, &[("--start-daemon", "--start-daemon"), ("--stop-daemon", "--stop-daemon")]);
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
            push_option(random, &mut words, '\0', name, value);
        }
    }
    words
}
