//! Names on the command line and in files: what is refused without asking, and what is asked.

use std::fs;
use std::process::Command;

use super::*;

#[test]
fn host_names_may_look_like_options() {
    let director = director_with_hosts("198.51.100.1 -evil\n198.51.100.2 --help\n2001:db8::3 -s\n");
    director.ok("-A -t -evil:80 -s rr");
    director.ok("-a -t -evil:80 -r --help:80 -m");
    director.ok("-A --udp-service=-s:53 -s rr");
    let table = "\
-A -t 198.51.100.1:80 -s rr
-a -t 198.51.100.1:80 -r 198.51.100.2:80 -m -w 1
-A -u [2001:db8::3]:53 -s rr
";
    assert_eq!(director.saved(), table);
    let named = director.ok("-S");
    assert_eq!(
        named,
        "\
-A -t -evil:http -s rr
-a -t -evil:http -r --help:http -m -w 1
-A -u [-s]:domain -s rr
"
    );
    director.ok("-C");
    let restored = director.feed("-R", &named);
    assert_eq!((restored.status, restored.stderr.as_str()), (0, ""));
    assert_eq!(director.saved(), table);
}

#[test]
fn a_text_that_cannot_be_a_name_is_refused_without_asking_anyone() {
    let director = director_with_hosts("198.51.100.1 web_1 192.0.2.256 a/b\n");
    count_processes(&director);
    for (text, host, reason) in [
        ("192.0.2.256:80", "192.0.2.256", "it is not an IPv4 address"),
        ("192.0.2.1.:80", "192.0.2.1.", "it is not an IPv4 address"),
        ("0x1g:80", "0x1g", "it is not an IPv4 address"),
        ("192.0.2.1/24:80", "192.0.2.1/24", "a single address is needed"),
        ("a/b:80", "a/b", "a single address is needed"),
        ("192.0.2,1:80", "192.0.2,1", "neither an address nor a host name contains \",\""),
        ("$(id):80", "$(id)", "neither an address nor a host name contains \"$\""),
        ("[2001:db8::zz]:80", "2001:db8::zz", "it is not an IPv6 address"),
        ("[2001:db8::1::2]:80", "2001:db8::1::2", "it is not an IPv6 address"),
        ("web..example:80", "web..example", "a part of the name is missing"),
    ] {
        for (words, option) in [(format!("-A -t {text}"), "-t"), (format!("-a -f 1 -r {text}"), "-r")] {
            let sentence = format!("{option} \"{host}\": {reason}");
            let refused = director.run(&words);
            assert!(refused.stderr.starts_with(&format!("ipvsadm: {sentence}")), "{}", refused.stderr);
            assert_eq!((refused.status, refused.stdout.as_str()), (2, ""), "{words}");
            for restore in ["-R", "-R --check", "-R --replace"] {
                let refused = director.feed(restore, &format!("{words}\n"));
                assert!(refused.stderr.starts_with(&format!("<stdin>:1: {sentence}")), "{}", refused.stderr);
                assert_eq!(refused.status, 2, "{words}");
            }
        }
    }
    let long = "a".repeat(254);
    director.refuses(&format!("-A -t {long}:80"), 2, &{
        let shown = "a".repeat(80);
        format!("-t \"{shown}...\": a host name has at most 253 bytes")
    });
    assert_eq!(processes(), 0);
    director.ok("-A -t web_1:80");
    assert_eq!((processes(), director.saved().as_str()), (1, "-A -t 198.51.100.1:80 -s wlc\n"));
}

#[test]
fn names_reach_getent_unchanged_with_a_fixed_environment() {
    let director = director_with_private_mnt();
    replace_getent(
        &director,
        r#"env >/mnt/environment; printf '<%s>' "$@" >/mnt/arguments
        shift 3
        for key; do case $key in *[!0-9.]*) echo 198.51.100.1 ;; *) echo "$key" ;; esac; done"#,
    );
    fs::write("/mnt/evil", "#!/bin/sh\ntouch /mnt/evil-was-run\n").unwrap();
    director.system("mkdir /mnt/path && cp /mnt/evil /mnt/path/getent && chmod 755 /mnt/path/getent");
    for name in ["-evil", "--help", "--", "web_1", "web.example.com.", "WEB", "müller"] {
        let mut command = Command::new(PROGRAM);
        command.args(["-A", "-t", &format!("{name}:80")]);
        command.envs([
            ("PATH", "/mnt/path:/usr/bin:/bin"),
            ("LD_BIND_NOW", "1"),
            ("HOSTALIASES", "/mnt/evil"),
        ]);
        command.envs([("RES_OPTIONS", "debug"), ("LC_CTYPE", "C"), ("LOCALDOMAIN", "example.com")]);
        let added = run(&mut command);
        assert_eq!((added.status, added.stderr.as_str()), (0, ""), "{name}");
        let arguments = fs::read_to_string("/mnt/arguments").unwrap();
        let words: Vec<&str> = arguments[1..arguments.len() - 1].split("><").collect();
        assert_eq!(words[..3], ["--no-addrconfig", "--", "ahostsv4"], "{name}");
        assert_eq!((words.len(), words[4]), (6, name));
        let environment = fs::read_to_string("/mnt/environment").unwrap();
        let mut names: Vec<&str> = environment.lines().map(|line| line.split('=').next().unwrap()).collect();
        // The shell adds the others.
        names.retain(|name| !["PWD", "_", "SHLVL", "OLDPWD"].contains(name));
        names.sort();
        assert_eq!(names, ["LC_ALL", "PATH"], "{environment}");
        assert!(environment.contains("PATH=/usr/bin:/bin\n"), "{environment}");
        director.ok("-D -t 198.51.100.1:80");
    }
    assert!(!fs::exists("/mnt/evil-was-run").unwrap());
}

#[test]
fn both_families_are_asked_and_brackets_prefer_ipv6() {
    let director = director_with_hosts(
        "198.51.100.1 both\n2001:db8::1 both\n198.51.100.2 four\n2001:db8::2 six\n2001:db8::3 server\n\
         198.51.100.3 server\n",
    );
    let rules = "\
-A -t both:80 -s rr
-A -t [both]:80 -s rr
-a -t [both]:80 -r server:80 -m
-A -t [four]:81 -s rr
-A -t six:82 -s rr
-a -t six:82 -r server:80 -m
";
    let restored = director.feed("-R", rules);
    assert_eq!((restored.status, restored.stderr.as_str()), (0, ""));
    let saved = "\
-A -t 198.51.100.1:80 -s rr
-A -t 198.51.100.2:81 -s rr
-A -t [2001:db8::1]:80 -s rr
-a -t [2001:db8::1]:80 -r [2001:db8::3]:80 -m -w 1
-A -t [2001:db8::2]:82 -s rr
-a -t [2001:db8::2]:82 -r [2001:db8::3]:80 -m -w 1
";
    assert_eq!(director.saved(), saved);
    director.ok("-C");
    for line in rules.lines() {
        director.ok(line);
    }
    assert_eq!(director.saved(), saved);
}

#[test]
fn a_thousand_names_share_a_few_processes() {
    let (hosts, rules, saved) = numbered_names(1000);
    let director = director_with_hosts(&hosts);
    count_processes(&director);
    // Each name is asked for once, however often it occurs.
    let twice: String =
        rules.lines().map(|line| format!("{line}\n{}\n", line.replacen("-a", "-e", 1))).collect();
    let twice = twice.replacen("-A -f 1 -s rr\n-A", "-A -f 1 -s rr\n-E", 1);
    let restored = director.feed("-R", &twice);
    assert_eq!((restored.status, restored.stderr.as_str()), (0, ""));
    assert!(processes() <= 16, "{}", processes());
    assert_eq!(director.saved(), saved);
}

#[test]
fn unknown_names_among_known_ones_are_all_reported() {
    let (hosts, mut rules, _) = numbered_names(100);
    let director = director_with_hosts(&hosts);
    rules += "-a -f 1 -r unknown1:80 -m\n-A -t 192.0.2.256:80\n-a -f 1 -r n0:81 -m\n-A -t unknown2:80\n";
    for restore in ["-R", "-R --check", "-R --replace"] {
        let refused = director.feed(restore, &rules);
        let unknown = "no such name: it is neither an address nor a name that has one";
        let lines: Vec<&str> = refused.stderr.lines().filter(|line| line.starts_with("<stdin>:")).collect();
        assert_eq!(
            lines,
            [
                &format!("<stdin>:102: -r \"unknown1\": {unknown}"),
                "<stdin>:103: -t \"192.0.2.256\": it is not an IPv4 address, and a host name does not end in a number",
                &format!("<stdin>:105: -t \"unknown2\": {unknown}"),
            ]
        );
        assert_eq!((refused.status, director.saved().as_str()), (2, ""));
    }
    director.refuses(
        "-A -t unknown:80",
        2,
        "-t \"unknown\": no such name: it is neither an address nor a name that has one",
    );
}
