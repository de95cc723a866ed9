//! `--doctor` where something is missing, hostile or large.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use nix::sched::{CloneFlags, unshare};
use serde_json::Value;

use crate::hostile::assert_harmless;
use crate::json::validator::assert_valid;
use crate::support::*;

/// Returns the names of the checks that found something, and the status.
fn found(words: &str) -> (i32, Vec<String>) {
    let run = run(Command::new("sh").args(["-c", &words.replace("ipvsadm", PROGRAM)]));
    assert_eq!(run.stderr, "", "{words}");
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    let findings = document["ipvs"]["findings"].as_array().unwrap();
    let names = findings.iter().map(|finding| finding["check"].as_str().unwrap().to_owned());
    (run.status, names.collect())
}

#[test]
fn an_empty_table_has_no_finding() {
    let director = Director::new();
    assert_eq!(director.ok("--doctor"), "");
    assert_eq!(director.ok("--doctor --as-real-server"), "");
    let document = director.ok("--doctor --json");
    assert_eq!(document, "{\"ipvs\":{\"schema\":1,\"findings\":[]}}\n");
    assert_valid(&[document]);
}

#[test]
fn documents_are_valid_and_say_what_the_lines_say() {
    let director = Director::new();
    director.ok("-A -t 192.0.2.1:80 -s sh -p");
    director.ok("-a -t 192.0.2.1:80 -r 198.51.100.1:80 -m -w 0");
    let (lines, document) = (director.run("--doctor"), director.run("--doctor --json"));
    assert_eq!((lines.status, document.status), (1, 1));
    assert_eq!((lines.stderr.as_str(), document.stderr.as_str()), ("", ""));
    let parsed: Value = serde_json::from_str(&document.stdout).unwrap();
    let findings = parsed["ipvs"]["findings"].as_array().unwrap();
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
    let expected: String = findings
        .iter()
        .map(|finding| {
            format!(
                "{} [{}] {}: {}: {}. Mend: {}\n",
                text(finding, "severity"),
                text(finding, "check"),
                text(finding, "subject"),
                text(finding, "evidence"),
                text(finding, "breaks"),
                text(finding, "mend")
            )
        })
        .collect();
    assert_eq!(lines.stdout, expected);
    // The worst first.
    let checks: Vec<String> = findings.iter().map(|finding| text(finding, "check")).collect();
    assert_eq!(checks, ["address-missing", "all-drained", "persistent-sh"]);
    assert_valid(&[document.stdout]);
}

#[test]
fn one_service_can_be_examined_alone() {
    let director = Director::new();
    director.ok("-A -f 1");
    director.ok("-A -f 2");
    for (words, expected) in [
        ("--doctor", vec!["FWM  1", "FWM  2"]),
        ("--doctor -f 1", vec!["FWM  1"]),
        ("--doctor -f 2", vec!["FWM  2"]),
    ] {
        let run = director.run(words);
        assert_eq!(run.stdout.lines().count(), expected.len(), "{}", run.stdout);
    }
    let sentence =
        "cannot look: cannot show service FWM 3: No such service (see 'ipvsadm -L -n'; use -A to add it)";
    director.refuses("--doctor -f 3", 2, sentence);
}

#[test]
fn it_cannot_stand_in_input() {
    let director = Director::new();
    for words in ["-R", "-R --replace", "-R --check"] {
        let run = director.feed(words, "--doctor\n");
        assert_eq!(run.status, 2);
        assert!(run.stderr.contains("--doctor cannot stand in input for -R"), "{}", run.stderr);
    }
    director.refuses("--doctor -n", 2, "-n is not possible with --doctor; it goes with -L -S");
    director.refuses("--doctor -i", 2, "-i needs --as-real-server");
    director.refuses("--doctor --as-real-server --tun-type gre", 2, "--tun-type needs tunnelling: add -i");
    director.refuses(
        "-L --as-real-server",
        2,
        "--as-real-server is not possible with -L; it goes with --doctor",
    );
}

#[test]
fn without_privileges_only_a_real_server_can_be_examined() {
    let _director = Director::new();
    for caller in ["setpriv --reuid 65534 --regid 65534 --clear-groups", "unshare --user --map-root-user"] {
        let doctor = run(Command::new("sh").args(["-c", &format!("exec {caller} {PROGRAM} --doctor")]));
        let sentence = "ipvsadm: cannot look: cannot ask for the version of IPVS: permission denied: this needs root, or \
                        CAP_NET_ADMIN in the initial user namespace (without it, only -L and -L -c show something)\n";
        assert_eq!(
            (doctor.status, doctor.stderr.as_str(), doctor.stdout.as_str()),
            (2, sentence, ""),
            "{caller}"
        );
        let expected = vec!["address-missing", "not-listening"];
        let words = format!("{caller} ipvsadm --doctor --as-real-server -t 192.0.2.1:80 --json");
        assert_eq!(found(&words), (1, expected.into_iter().map(String::from).collect()), "{caller}");
    }
}

#[test]
fn where_settings_cannot_be_read_it_says_so_and_looks_at_the_rest() {
    let director = Director::new();
    let without = "unshare --mount sh -c 'mount -t tmpfs none /proc/sys && exec ipvsadm --doctor --json'";
    assert_eq!(found(without), (0, vec!["not-examined".into()]));
    director.ok("-A -f 1");
    assert_eq!(found(without), (1, vec!["no-servers".into(), "not-examined".into()]));
}

#[test]
fn only_the_services_that_are_named_are_examined() {
    let director = Director::new();
    assert_eq!(director.feed("-R", "-A -f 1\n-A -f 2\n-A -f 3\n").status, 0);
    let run = director.run("--doctor -f 3 -f 1");
    assert_eq!(run.status, 1);
    let is_named = |mark| run.stdout.contains(&format!("FWM {mark}"));
    assert_eq!([1, 2, 3].map(is_named), [true, false, true], "{}", run.stdout);
    let run = director.run("--doctor -f 3 -f 4");
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("FWM 4"), "{}", run.stderr);
    let real = found("ipvsadm --doctor --as-real-server -t 192.0.2.1:80 -u 192.0.2.2:53 --json");
    assert_eq!(real.1.iter().filter(|check| *check == "address-missing").count(), 2, "{real:?}");
}

#[test]
fn nothing_is_changed() {
    // Modules are those of all namespaces.
    let director = Director::alone();
    director.ok("-A -t 192.0.2.1:80");
    let state = || {
        let files = director.system(
            "ip address; ip route; cat /proc/sys/net/ipv4/vs/* 2>/dev/null; cut -d' ' -f1 /proc/modules",
        );
        (director.saved(), files)
    };
    let before = state();
    director.run("--doctor");
    director.run("--doctor --as-real-server -t 192.0.2.1:80");
    assert_eq!(state(), before);
}

#[test]
fn hostile_names_are_harmless_in_findings_and_in_their_commands() {
    let director = Director::new();
    for name in ["$(touch${IFS}x)", "a';reboot;'", "\u{1b}[31m\u{202e}", "-x", "a.b"] {
        let name = name.replace('\'', "'\\''");
        director.system(&format!(
            "ip link add name '{name}' type dummy && ip link set dev '{name}' up && \
             ip address add 198.51.100.1/24 dev '{name}'"
        ));
        let output = Command::new(PROGRAM).args(["--doctor", "--as-real-server"]).output().unwrap();
        assert_harmless(&name, &output);
        let lines = String::from_utf8(output.stdout).unwrap();
        assert!(lines.contains("[address-wide]"), "{lines}");
        if name.is_ascii() && !name.contains('\x1b') {
            // Commands that are pasted do what they say, and nothing else.
            for line in lines.lines() {
                director.system(line.split_once(". Mend: ").unwrap().1);
            }
            assert_eq!(director.ok("--doctor --as-real-server"), "", "{name}");
        }
        director.system(&format!("ip link del dev '{name}'"));
    }
}

/// Runs the doctor with this text as /etc/ipvsadm.rules and others as files beside it.
fn with_rules(rules: &str) -> (i32, Vec<String>) {
    fs::write("/mnt/etc/ipvsadm.rules", rules).unwrap();
    found("unshare --mount sh -c 'mount --bind /mnt/etc /etc && exec ipvsadm --doctor --json'")
}

#[test]
fn the_rules_file_is_compared_with_the_table() {
    let director = Director::new();
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    director.system("mount --make-rprivate / && mount -t tmpfs none /mnt && mkdir /mnt/etc");
    director.system("ip address add 192.0.2.1/32 dev lo");
    director.ok("-A -t 192.0.2.1:80 -s rr");
    director.ok("-a -t 192.0.2.1:80 -r 192.0.2.1:81 -m -w 0");
    director.ok("-a -t 192.0.2.1:80 -r 127.0.0.1:82 -m -w 0");
    let saved = director.saved();
    let names = |names: &[&str]| -> Vec<String> { names.iter().map(ToString::to_string).collect() };
    let drained = "all-drained";
    // Without a list of modules nothing is known of them.
    let unknown: &[&str] = if fs::exists("/lib/modules").unwrap() {
        &[drained, "rules-scheduler", "rules-differ"]
    } else {
        &[drained, "rules-differ"]
    };
    for (rules, expected) in [
        ("", &[drained][..]),
        ("# nothing\n", &[drained]),
        (&saved, &[drained]),
        (&saved.replace("-w 0", "-w 1"), &[drained, "rules-differ"]),
        ("-A -f 1 -s rr\n", &[drained, "rules-differ"]),
        ("-A -f 1 -s nosuch\n", unknown),
        ("-A -t www.example.com:80 -s rr\n", &[drained, "rules-names"]),
        ("-A -f 1 -s rr\n-a -f 1 -r 10.0.0.1 -w many\n", &[drained, "rules-broken"]),
        ("# ipvsadm-save: 3 commands follow\n-A -f 1 -s rr\n", &[drained, "rules-broken"]),
    ] {
        assert_eq!(with_rules(rules), (1, names(expected)), "{rules}");
    }
    // The settings of the service may name another file.
    fs::create_dir("/mnt/etc/default").unwrap();
    fs::write("/mnt/etc/default/ipvsadm", "RULES=/etc/other.rules\n").unwrap();
    assert_eq!(with_rules(&saved), (1, names(&[drained, "rules-broken"])));
    fs::write("/mnt/etc/other.rules", &saved).unwrap();
    assert_eq!(with_rules("-A -f 1\n"), (1, names(&[drained])));
    // Debian's package comes with this: nothing is loaded.
    fs::write("/mnt/etc/default/ipvsadm", "AUTO=\"false\"\n").unwrap();
    assert_eq!(with_rules("-A -f 1\n"), (1, names(&[drained])));
}

/// At a boot without name servers the table stays empty, and the file is all that is left of it.
#[test]
fn what_is_said_about_a_file_with_names_does_not_destroy_it() {
    let director = Director::new();
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    director.system("mount --make-rprivate / && mount -t tmpfs none /mnt && mkdir /mnt/etc");
    let (rules, scripts) = ("-A -t localhost:80 -s rr\n", concat!(env!("CARGO_MANIFEST_DIR"), "/scripts"));
    fs::write("/mnt/etc/ipvsadm.rules", rules).unwrap();
    fs::write("/mnt/etc/hosts", "127.0.0.1 localhost\n").unwrap();
    director.system(&format!("cp {PROGRAM} {scripts}/ipvsadm-restore {scripts}/ipvsadm-save /mnt"));
    let inside = |command: &str| {
        let script = format!("mount --bind /mnt/etc /etc && PATH=/mnt:$PATH && {command}");
        run(Command::new("unshare").args(["--mount", "sh", "-c", &script]))
    };
    let lines = inside("ipvsadm --doctor").stdout;
    let (finding, mend) = lines.trim_end().split_once(". Mend: ").unwrap();
    assert!(finding.starts_with("warning [rules-names] "), "{lines}");
    let mended = inside(mend);
    assert_eq!(mended.status, 0, "{mend}: {}", mended.stderr);
    assert_eq!(fs::read_to_string("/mnt/etc/ipvsadm.rules").unwrap(), rules, "{mend}");
}

#[test]
fn programs_that_change_the_table_are_named() {
    let director = Director::new();
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    director.system(
        "mount --make-rprivate / && mount -t tmpfs none /mnt && cp $(command -v sleep) /mnt/kube-proxy",
    );
    let mut program = Command::new("/mnt/kube-proxy").arg("1000").spawn().unwrap();
    let names = found("ipvsadm --doctor --json");
    let elsewhere = found("unshare --net ipvsadm --doctor --json");
    program.kill().unwrap();
    program.wait().unwrap();
    // That is no fault, so that the status is still that of a healthy director.
    assert_eq!(names, (0, vec!["managed".into()]));
    assert_eq!(elsewhere, (0, Vec::new()));
}

#[test]
fn a_table_of_ten_thousand_services_gives_one_line_for_all() {
    let director = Director::alone();
    let mut rules = String::from("");
    for number in 0..10_000 {
        let (high, low) = (number / 250, number % 250 + 1);
        rules += &format!(
            "-A -t 192.0.2.1:{} -s rr\n-a -t 192.0.2.1:{0} -r 10.1.{high}.{low}:80 -m\n",
            number + 1000
        );
    }
    director.system("ip address add 192.0.2.1/32 dev lo; ip route add blackhole 10.1.0.0/16 metric 5");
    assert_eq!(director.feed("-R", &rules).status, 0);
    let run = director.run("--doctor");
    assert_eq!((run.status, run.stderr.as_str()), (1, ""));
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 1, "{}", run.stdout);
    assert!(lines[0].starts_with(
        "error [no-route] real servers: there is no route to 10.1.0.1, 10.1.0.2, 10.1.0.3 and 9997 more: "
    ));
}

#[test]
fn malformed_files_of_the_kernel_are_harmless() {
    let director = Director::new();
    director.system("ip address add 192.0.2.1/32 dev lo");
    director.ok("-A -t 192.0.2.1:80");
    director.ok("-a -t 192.0.2.1:80 -r 192.0.2.1:80 -m");
    let names = [
        "net/ipv4/ip_forward",
        "net/ipv4/conf/lo/forwarding",
        "net/ipv4/vs/conn_reuse_mode",
        "kernel/osrelease",
    ];
    for text in ["", "\n", "-", "99999999999999999999999", "-9223372036854775808", "\u{1b}[31m", "6.", "\0\0"]
    {
        let folder = Folder::new();
        fs::write(folder.0.join("text"), text.repeat(1000)).unwrap();
        let copies: String = names
            .iter()
            .map(|name| {
                format!(
                    "mkdir -p /proc/sys/$(dirname {name}); cp {}/text /proc/sys/{name}; ",
                    folder.0.display()
                )
            })
            .collect();
        let files = ["tcp", "tcp6", "udp"]
            .map(|file| format!("mount --bind {}/text /proc/$$/task/$$/net/{file}; ", folder.0.display()))
            .concat();
        for (words, expected) in
            [("--doctor", "local-server"), ("--doctor --as-real-server -t 192.0.2.1:80", "not-listening")]
        {
            let script = format!("{files} mount -t tmpfs none /proc/sys; {copies} exec {PROGRAM} {words}");
            let output = Command::new("unshare").args(["--mount", "sh", "-c", &script]).output().unwrap();
            assert_harmless(text, &output);
            let lines = String::from_utf8(output.stdout).unwrap();
            assert_eq!(
                (output.status.code(), lines.contains(expected)),
                (Some(1), true),
                "{text:?} {words}: {lines}"
            );
        }
    }
    // Without any files there is nothing to examine.
    let run = run(Command::new("unshare").args([
        "--mount",
        "sh",
        "-c",
        &format!("mount -t tmpfs none /proc; exec {PROGRAM} --doctor"),
    ]));
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.starts_with("ipvsadm: cannot look: "), "{}", run.stderr);
}

#[test]
fn services_that_come_and_go_meanwhile_are_harmless() {
    let director = Director::new();
    let lines =
        |command: &str| -> String { (1..=200).map(|mark| format!("{command} -f {mark}\n")).collect() };
    let (add, delete) = (lines("-A"), lines("-D"));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                director.feed("-R", &add);
                director.feed("-R", &delete);
            }
        });
        for number in 0..20 {
            let words = if number % 2 == 0 { "--doctor" } else { "--doctor -f 7 -f 150" };
            let run = director.run(words);
            let is_fine = run.status < 2 && run.stderr.is_empty();
            let is_gone = run.status == 2 && run.stdout.is_empty() && run.stderr.contains("No such service");
            if !is_fine && !is_gone {
                is_over.store(true, Ordering::Relaxed);
                panic!("{words}: {run:?}");
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn another_network_namespace_is_examined_with_its_own_addresses() {
    let director = Director::new();
    director.system("ip address add 192.0.2.1/32 dev lo");
    director.ok("-A -t 192.0.2.1:80");
    director.ok("-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 0");
    let own = format!("/proc/{}/task/{}/ns/net", std::process::id(), nix::unistd::gettid());
    let there = run(Command::new("unshare").args(["--net", PROGRAM, "--doctor", "--netns", &own]));
    let here = director.run("--doctor");
    assert_eq!((there.status, &there.stdout), (1, &here.stdout), "{}", there.stderr);
    assert!(here.stdout.starts_with("error [all-drained] "), "{}", here.stdout);
    let nowhere = director.run("--doctor --netns /proc/self/ns/mnt");
    assert_eq!((nowhere.status, nowhere.stdout.as_str()), (2, ""), "{}", nowhere.stderr);
}

#[test]
fn without_the_right_to_send_packets_of_its_own_it_says_so() {
    let director = Director::new();
    director.system(
        "ip link add outside type veth peer name other; ip link set outside up; \
         ip address add 192.0.2.1/24 dev outside",
    );
    director.ok("-A -t 192.0.2.1:80");
    assert_eq!(found("ipvsadm --doctor --probe --json"), (1, vec!["no-servers".into()]));
    let expected = (1, vec!["no-servers".into(), "not-examined".into()]);
    assert_eq!(found("setpriv --bounding-set -net_raw ipvsadm --doctor --probe --json"), expected);
}
