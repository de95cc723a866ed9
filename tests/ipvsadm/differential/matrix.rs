//! Every command with every option.

use super::pair::Pair;
use super::step::Step;

const BASELINE: &str = "\
-A -t 10.0.0.1:80 -s rr
-a -t 10.0.0.1:80 -r 10.1.1.1:80 -m
-A -u 10.0.0.1:53
-a -u 10.0.0.1:53 -r 10.1.1.1 -m
-A --sctp-service 10.0.0.1:99
-a --sctp-service 10.0.0.1:99 -r 10.1.1.1 -m
-A -f 1
-a -f 1 -r 10.1.1.1 -m
-A -f 1 -6
-a -f 1 -6 -r [2001:db8::1]:0 -m
";

/// A command, whether it needs a service, and the server that it needs.
const COMMANDS: [(&str, bool, &str); 16] = [
    ("-A", true, ""),
    ("-E", true, ""),
    ("-D", true, ""),
    ("-C", false, ""),
    ("-R", false, ""),
    ("-S", false, ""),
    ("-a", true, "-r 10.1.1.2"),
    ("-e", true, "-r 10.1.1.1"),
    ("-d", true, "-r 10.1.1.1"),
    ("-L", false, ""),
    ("-Z", false, ""),
    ("--set 0 0 0", false, ""),
    ("--start-daemon master", false, ""),
    ("--stop-daemon master", false, ""),
    ("-h", false, ""),
    ("-v", false, ""),
];

/// An option, the service it is tested with, and the further options it needs where it is accepted.
const OPTIONS: [(&str, &str, &str); 41] = [
    ("-t 10.0.0.1:80", "", ""),
    ("-u 10.0.0.1:53", "", ""),
    ("--sctp-service 10.0.0.1:99", "", ""),
    ("-f 1", "", ""),
    ("-6", "-f 1", ""),
    ("-s rr", "-t 10.0.0.1:80", ""),
    ("-p 60", "-t 10.0.0.1:80", ""),
    ("-M 255.255.255.0", "-t 10.0.0.1:80", "-p 60"),
    ("--pe sip", "-u 10.0.0.1:53", "-p 60"),
    ("-o", "-u 10.0.0.1:53", ""),
    ("-b flag-1", "-t 10.0.0.1:80", ""),
    ("-r 10.1.1.1", "-t 10.0.0.1:80", ""),
    ("-g", "-t 10.0.0.1:80", ""),
    ("-i", "-t 10.0.0.1:80", ""),
    ("-m", "-t 10.0.0.1:80", ""),
    ("-w 5", "-t 10.0.0.1:80", ""),
    ("-x 5", "-t 10.0.0.1:80", ""),
    ("-y 5", "-t 10.0.0.1:80", "-x 10"),
    ("--tun-type ipip", "-t 10.0.0.1:80", "-i"),
    ("--tun-port 6080", "-t 10.0.0.1:80", "-i --tun-type gue"),
    ("--tun-nocsum", "-t 10.0.0.1:80", "-i --tun-type gue --tun-port 6080"),
    ("--tun-csum", "-t 10.0.0.1:80", "-i --tun-type gue --tun-port 6080"),
    ("--tun-remcsum", "-t 10.0.0.1:80", "-i --tun-type gue --tun-port 6080"),
    ("-n", "-t 10.0.0.1:80", ""),
    ("-c", "-t 10.0.0.1:80", ""),
    ("--timeout", "-t 10.0.0.1:80", ""),
    ("--daemon", "-t 10.0.0.1:80", ""),
    ("--stats", "-t 10.0.0.1:80", ""),
    ("--rate", "-t 10.0.0.1:80", ""),
    ("--thresholds", "-t 10.0.0.1:80", ""),
    ("--persistent-conn", "-t 10.0.0.1:80", ""),
    ("--tun-info", "-t 10.0.0.1:80", ""),
    ("--exact", "-t 10.0.0.1:80", ""),
    ("--sort", "-t 10.0.0.1:80", ""),
    ("--nosort", "-t 10.0.0.1:80", ""),
    ("--syncid 5", "-t 10.0.0.1:80", ""),
    ("--sync-maxlen 1000", "-t 10.0.0.1:80", ""),
    ("--mcast-interface d1", "-t 10.0.0.1:80", ""),
    ("--mcast-group 224.0.0.99", "-t 10.0.0.1:80", ""),
    ("--mcast-port 9999", "-t 10.0.0.1:80", ""),
    ("--mcast-ttl 5", "-t 10.0.0.1:80", ""),
];

#[test]
fn every_command_accepts_the_same_options() {
    let mut pair = Pair::new();
    for (command, needs_service, server) in COMMANDS {
        pair.set_baseline(if command == "-A" { "" } else { BASELINE });
        for (option, service, companions) in OPTIONS {
            let service = if needs_service || option == "-6" { service } else { "" };
            let server = match (option, server) {
                ("-6", "-r 10.1.1.1") => "-r [2001:db8::1]:0",
                ("-6", "-r 10.1.1.2") => "-r [2001:db8::2]:0",
                ("-r 10.1.1.1", _) => "",
                _ => server,
            };
            let accepts_companions = match companions.starts_with("-p") {
                true => ["-A", "-E"].contains(&command),
                false => ["-a", "-e"].contains(&command),
            };
            let companions = if accepts_companions { companions } else { "" };
            pair.reset();
            if command.starts_with("--stop") {
                pair.step(&Step::parse("--start-daemon master"));
            }
            pair.step(&Step::parse(&match service {
                "" => format!("{command} {option} {server}"),
                _ => format!("{command} {service} {server} {companions} {option}"),
            }));
        }
    }
    pair.finish();
}
