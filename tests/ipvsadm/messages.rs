//! Mistakes that people make again and again, and the messages that lead out of them.

use std::fs;

use ipvs_netlink::*;

use crate::support::*;

#[test]
fn dashes_blanks_and_marks_that_only_look_right_are_named() {
    let director = Director::new();
    for (words, status, sentence) in [
        ("–A –t 192.0.2.1:80", 255, "\"–A\" has an en dash (U+2013) in place of \"-\": type \"-A\""),
        ("–L -n", 255, "\"–L\" has an en dash (U+2013) in place of \"-\": type \"-L\""),
        ("-A –t 192.0.2.1:80", 2, "\"–t\" has an en dash (U+2013) in place of \"-\": type \"-t\""),
        (
            "-A -t 192.0.2.1:80 −s rr",
            2,
            "\"−s\" has a minus sign of mathematics (U+2212) in place of \"-\": type \"-s\"",
        ),
        ("-L —numeric", 2, "\"—numeric\" has an em dash (U+2014) in place of \"-\": type \"--numeric\""),
        ("-L -–numeric", 255, "\"-–numeric\" has an en dash (U+2013) in place of \"-\": type \"--numeric\""),
        ("--set 1 2 –3", 2, "\"–3\" has an en dash (U+2013) in place of \"-\": type \"-3\""),
        (
            "\u{feff}-L",
            255,
            "\"\\u{feff}-L\" has a byte-order mark (U+FEFF), which is invisible: type \"-L\"",
        ),
    ] {
        director.refuses(words, status, sentence);
    }
    let run = run(std::process::Command::new(PROGRAM).args(["-L\u{a0}-n"]));
    let sentence =
        "ipvsadm: \"-L\\u{a0}-n\" has a no-break space (U+00A0) in place of a blank: type \"-L -n\"\n";
    assert_eq!((run.status, run.stderr.as_str()), (255, sentence));
    let run = director.feed("-R", "\u{feff}# rules\n-A -f 1\n–A –f 2\n-A\u{a0}-f 3\n");
    assert_eq!(
        (run.status, run.stderr.as_str()),
        (
            2,
            "<stdin>:1: \"\\u{feff}#\" has a byte-order mark (U+FEFF), which is invisible: type \"#\"
    ?# rules
    ^^
<stdin>:3: \"–A\" has an en dash (U+2013) in place of \"-\": type \"-A\"
    –A –f 2
    ^^
<stdin>:4: \"-A\\u{a0}-f\" has a no-break space (U+00A0) in place of a blank: type \"-A -f\"
    -A?-f 3
    ^^^^^
ipvsadm: nothing was applied
"
        )
    );
    assert_eq!(director.saved(), "");
}

#[test]
fn destructive_commands_are_never_suggested() {
    let director = Director::new();
    for words in ["-L --zer", "--cleer", "--clear-all", "--delete-serv -t 192.0.2.1:80"] {
        let word = words.split(' ').find(|word| word.starts_with("--")).unwrap();
        director.refuses(words, 255, &format!("unknown option \"{word}\" (see 'ipvsadm -h')"));
    }
    let sentence = "unknown option \"--numerics\"; did you mean --numeric? (see 'ipvsadm -h')";
    director.refuses("-L --numerics", 255, sentence);
}

#[test]
fn ipv6_addresses_that_end_like_a_port_and_servers_without_their_option_are_asked_about() {
    let director = Director::new();
    let hint = "an IPv6 address with a port needs brackets: [2001:db8::1]:80";
    director.refuses(
        "-A -t 2001:db8::1:80 -s rr",
        2,
        &format!(
            "Zero port specified for non-persistent service TCP [2001:db8::1:80]:0: name a port, or add -p for every \
             port ({hint})"
        ),
    );
    director.refuses(
        "-D -t 2001:db8::1:80",
        255,
        &format!(
            "cannot delete service TCP [2001:db8::1:80]:0: No such service (see 'ipvsadm -L -n'; {hint})"
        ),
    );
    // An address that is meant is accepted without a word.
    director.ok("-A -t 2001:db8::1:80 -s rr -p");
    director.ok("-a -t 2001:db8::1:80 -r 2001:db8::2:80 -m");
    director.ok("-A -t 192.0.2.1:80");
    for verb in ["-a", "-e"] {
        for server in ["10.0.0.1", "10.0.0.1:80", "[2001:db8::1]:80", "web.example.com"] {
            let sentence = format!("unexpected word \"{server}\": did you mean -r {server}?");
            director.refuses(&format!("{verb} -t 192.0.2.1:80 {server} -m"), 2, &sentence);
        }
    }
    director.refuses("-a -t 192.0.2.1:80 -r 10.0.0.1 10.0.0.2", 2, "unexpected word \"10.0.0.2\"");
    director.refuses("-A -t 192.0.2.1:80 10.0.0.2", 2, "unexpected word \"10.0.0.2\"");
}

#[test]
fn a_server_whose_method_has_no_option_is_saved_with_a_warning() {
    let director = Director::new();
    let service = tcp("192.0.2.1", 80);
    director.ok("-A -t 192.0.2.1:80 -s rr");
    let mut ipvs = director.ipvs();
    let add = |ipvs: &mut Ipvs, host: u8, method| {
        let id = DestinationId::new([198, 51, 100, host], 80);
        let server = Destination::new(id).with_forwarding(Forwarding::from_raw(method));
        ipvs.add_destination(service, server).unwrap();
    };
    let saved_lines = |count: u8| -> String {
        let line = |host| format!("-a -t 192.0.2.1:80 -r 198.51.100.{host}:80 -g -w 1\n");
        "-A -t 192.0.2.1:80 -s rr\n".to_owned() + &(1..=count).map(line).collect::<String>()
    };
    add(&mut ipvs, 1, 3);
    assert_eq!(director.saved(), saved_lines(1));
    for (host, method, others) in [(2, 5, ""), (3, 6, " (and 1 more)"), (4, 7, " (and 2 more)")] {
        add(&mut ipvs, host, method);
        let run = director.run("-S -n");
        assert_eq!(
            run.stderr,
            format!(
                "ipvsadm: server 198.51.100.2:80 of service TCP 192.0.2.1:80 has the forwarding method 5, for which \
                 there is no option: it is saved with -g{others}\n"
            )
        );
        assert_eq!((run.status, run.stdout), (0, saved_lines(host)));
    }
    add(&mut ipvs, 5, 4);
    assert!(director.run("-S").stderr.ends_with(" (and 3 more)\n"));
    // A listing shows the method, and needs no warning.
    assert!(director.ok("-L -n").contains("  -> 198.51.100.2:80              5 "));
}

#[test]
fn an_unreadable_file_has_the_status_that_the_manual_says() {
    let director = Director::new();
    director.refuses(
        "-R /nonexistent",
        255,
        "cannot read /nonexistent: No such file or directory (os error 2)",
    );
    let manual = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ipvsadm.8")).unwrap();
    let status = manual.split("\n.It 255\n").nth(1).unwrap().split("\n.El").next().unwrap();
    assert!(status.contains("cannot be read"), "{status}");
}
