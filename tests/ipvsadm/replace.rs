//! `-R --replace`: makes the table match the input with the fewest changes, or leaves it untouched.

mod draining;
mod saving;

use std::process::Command;

use crate::support::*;

/// Creates a director with three services, two of which have servers.
fn director() -> Director {
    let director = Director::new();
    let rules = "-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r 198.51.100.1:80 -m -w 1
-a -t 192.0.2.1:80 -r 198.51.100.2:80 -m -w 2
-A -t 192.0.2.1:443 -s wlc
-a -t 192.0.2.1:443 -r 198.51.100.1:443 -m -w 1
-A -f 7 -s sh
";
    assert_eq!(director.feed("-R", rules).status, 0);
    assert_eq!(director.saved(), rules);
    director
}

const WANTED: &str = "\
-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r 198.51.100.2:80 -m -w 5
-a -t 192.0.2.1:80 -r 198.51.100.3:80 -m -w 1
-A -t 192.0.2.1:443 -s wlc
-a -t 192.0.2.1:443 -r 198.51.100.1:443 -m -w 1
-A -u 192.0.2.1:53 -s rr -o
";

const COMMANDS: &str = "\
ipvsadm -e -t 192.0.2.1:80 -r 198.51.100.2:80 -m -w 5
ipvsadm -a -t 192.0.2.1:80 -r 198.51.100.3:80 -m -w 1
ipvsadm -A -u 192.0.2.1:53 -s rr -o
ipvsadm -d -t 192.0.2.1:80 -r 198.51.100.1:80
ipvsadm -D -f 7
# 1 service added, 1 deleted, 2 untouched, 1 server added, 1 changed, 1 deleted, 1 untouched
";

#[test]
fn only_differences_are_applied() {
    let director = director();
    let dry = director.feed("-R --replace --dry-run", WANTED);
    assert_eq!((dry.status, dry.stdout.as_str(), dry.stderr.as_str()), (0, COMMANDS, ""));
    let run = director.feed("-R --replace", WANTED);
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""));
    assert_eq!(director.saved(), WANTED);
    let again = director.feed("-R --replace --dry-run", WANTED);
    assert_eq!(again.stdout, "# 3 services untouched, 3 servers untouched\n");
}

#[test]
fn the_commands_of_a_dry_run_produce_the_same_table() {
    let director = director();
    for line in COMMANDS.lines().filter(|line| !line.starts_with('#')) {
        director.ok(line.strip_prefix("ipvsadm ").unwrap());
    }
    assert_eq!(director.saved(), WANTED);
}

#[test]
fn services_missing_from_the_input_are_kept_if_requested() {
    let director = director();
    assert_eq!(director.feed("-R --replace --keep-others", WANTED).status, 0);
    assert_eq!(director.saved(), format!("{WANTED}-A -f 7 -s sh\n"));
}

#[test]
fn unchanged_servers_keep_their_connections_and_counters() {
    let director = Director::new();
    director.system("ip addr add 192.0.2.1/32 dev lo; ip addr add 192.0.2.2/32 dev lo");
    let rules = "-A -u 192.0.2.1:5000 -s rr\n-a -u 192.0.2.1:5000 -r 192.0.2.2:5001 -m -w 1\n";
    director.feed("-R", rules);
    let server = std::net::UdpSocket::bind("192.0.2.2:5001").unwrap();
    let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    client.send_to(b"hello", "192.0.2.1:5000").unwrap();
    server.recv_from(&mut [0; 16]).unwrap();
    // The kernel updates its counters every two seconds.
    let stats = || director.ok("-L -n --stats -u 192.0.2.1:5000");
    let counted = "  -> 192.0.2.2:5001                      1        1        0       33 ";
    assert!(wait_until(|| stats().contains(counted)), "{}", stats());
    let extended = format!("{rules}-a -u 192.0.2.1:5000 -r 192.0.2.3:5001 -m -w 7\n-A -f 1 -s rr\n");
    assert_eq!(director.feed("-R --replace", &extended).status, 0);
    assert_eq!(director.saved(), extended);
    let after = director.ok("-L -n --stats -u 192.0.2.1:5000");
    assert!(
        after.contains("  -> 192.0.2.2:5001                      1        1        0       33 "),
        "{after}"
    );
    // The connection still exists, and its packets go to the same server.
    client.send_to(b"again", "192.0.2.1:5000").unwrap();
    let mut buffer = [0; 16];
    let (length, _) = server.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"again");
}

#[test]
fn a_refusal_anywhere_undoes_everything() {
    let bad_scheduler = "-A -t 192.0.2.9:80 -s nosuch\n";
    let bad_thresholds = "-A -t 192.0.2.9:80 -s rr\n-a -t 192.0.2.9:80 -r 198.51.100.9 -m -x 1 -y 2\n";
    for bad in [bad_scheduler, bad_thresholds] {
        for index in [0, 1, 5, 6] {
            let director = director();
            let before = director.saved();
            let mut lines: Vec<&str> = WANTED.split_inclusive('\n').collect();
            lines.insert(if index == 1 { 3 } else { index }, bad);
            let run = director.feed("-R --replace", &lines.concat());
            assert_eq!((run.status, run.stdout.as_str()), (255, ""), "{}", run.stderr);
            assert!(run.stderr.ends_with("ipvsadm: nothing was changed\n"), "{}", run.stderr);
            let number =
                lines.concat().lines().position(|line| Some(line) == bad.lines().last()).unwrap() + 1;
            assert!(run.stderr.starts_with(&format!("<stdin>:{number}: cannot add ")), "{}", run.stderr);
            assert_eq!(director.saved(), before);
        }
    }
}

#[test]
fn contradictory_input_is_refused_as_a_whole() {
    let director = director();
    let before = director.saved();
    let input = "-A -f 1\n-A -f 1 -s rr\n-a -f 2 -r 198.51.100.1\n-Z\n-L\n-d -f 1 -r 198.51.100.1\n-a -f 1 -r 198.51.100.1\n-a -f 1 -r 198.51.100.1 -w 2\n";
    for words in ["-R --replace", "-R --replace --check", "-R --replace --dry-run"] {
        let run = director.feed(words, input);
        assert_eq!(
            run.stderr,
            "<stdin>:2: service FWM 1 is there already, from line 1
    -A -f 1 -s rr
<stdin>:3: service FWM 2 is not there: no line before this one adds it
    -a -f 2 -r 198.51.100.1
<stdin>:4: -Z says nothing of the table that is wanted: it cannot stand in input for --replace
    -Z
<stdin>:5: -L says nothing of the table that is wanted: it cannot stand in input for --replace
    -L
<stdin>:6: server 198.51.100.1:0 of service FWM 1 is not there: no line before this one adds it
    -d -f 1 -r 198.51.100.1
<stdin>:8: server 198.51.100.1:0 of service FWM 1 is there already, from line 7
    -a -f 1 -r 198.51.100.1 -w 2
ipvsadm: nothing was applied
"
        );
        assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    }
    assert_eq!(director.saved(), before);
}

#[test]
fn a_file_may_contain_a_history_of_commands() {
    let director = director();
    let history = "-C\n-A -f 1 -s rr\n-A -f 2\n-a -f 1 -r 198.51.100.1 -m\n-a -f 1 -r 198.51.100.2 -m
-e -f 1 -r 198.51.100.2 -m -w 9\n-d -f 1 -r 198.51.100.1\n-D -f 2\n-E -f 1 -s sh\n-A -f 2 -s lc\n";
    assert_eq!(director.feed("-R --replace", history).status, 0);
    assert_eq!(director.saved(), "-A -f 1 -s sh\n-a -f 1 -r 198.51.100.2:0 -m -w 9\n-A -f 2 -s lc\n");
}

#[test]
fn a_file_without_rules_clears_nothing_unless_explicitly_allowed() {
    let director = director();
    let before = director.saved();
    for input in
        ["", "\n\n", "# nothing\n", "--set 900 120 300\n", "--start-daemon backup --mcast-interface lo\n"]
    {
        let run = director.feed("-R --replace", input);
        assert_eq!(run.status, 2);
        assert_eq!(
            run.stderr,
            "ipvsadm: <stdin> names no service; to clear the table with it, add --allow-empty\n"
        );
    }
    assert_eq!(director.feed("-R --replace --keep-others", "").status, 0);
    assert_eq!(director.saved(), before);
    assert_eq!(director.feed("-R --replace --allow-empty", "").status, 0);
    assert_eq!(director.saved(), "");
}

#[test]
fn a_file_without_rules_is_fine_where_there_is_nothing_to_lose() {
    let director = Director::new();
    for input in ["", "\n\n", "# nothing\n"] {
        for words in ["-R", "-R --check", "-R --replace", "-R --replace --check", "-R --replace --dry-run"] {
            let run = director.feed(words, input);
            let plan = if words.ends_with("--dry-run") { "# nothing there, nothing to do\n" } else { "" };
            assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, plan, ""), "{words}");
        }
    }
    assert_eq!(director.feed("-R --replace", "--set 900 120 300\n").status, 0);
    assert!(director.ok("-L --timeout").ends_with("900 120 300\n"));
}

#[test]
fn repeated_lines_are_applied_once_with_one_note() {
    let director = Director::new();
    let input =
        "-A -f 1 -s rr\n-a -f 1 -r 198.51.100.1 -w 1 -g\n-A -f 1 -s rr\n# comment\n-a -f 1 -r 198.51.100.1\n";
    let note = "<stdin>:3: this line repeats line 1, and 1 more repeat others: applied once\n";
    for words in ["-R --replace --check", "-R --replace", "-R --replace", "-C", "-R"] {
        let run = director.feed(words, input);
        let note = if words == "-C" { "" } else { note };
        assert_eq!((run.status, run.stderr.as_str()), (0, note), "{words}");
    }
    assert_eq!(director.saved(), "-A -f 1 -s rr\n-a -f 1 -r 198.51.100.1:0 -g -w 1\n");
    // What was there before is no repetition.
    let run = director.feed("-R", "-A -f 1 -s rr\n");
    assert_eq!(run.status, 255);
    assert!(
        run.stderr.contains("<stdin>:1: cannot add service FWM 1: Service already exists"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_restore_waits_for_another_one_and_names_it_if_it_waits_in_vain() {
    let director = Director::new();
    // Another program holds the lock as an instance of ours would.
    let mut holder = Command::new("sh")
        .args([
            "-c",
            "exec 9<>/run/ipvsadm-$(stat -Lc %i /proc/self/ns/net).lock; flock 9; echo 4711 >&9; exec sleep 1000",
        ])
        .spawn()
        .unwrap();
    let lock = std::time::Instant::now();
    while director.run("-R --lock-wait 0").status == 0 {
        assert!(lock.elapsed().as_secs() < 60, "the lock was never held");
    }
    for words in ["-R --replace --lock-wait 1", "-R --lock-wait 0"] {
        let run = director.feed(words, "-A -f 1\n");
        assert_eq!(run.status, 255);
        assert!(run.stderr.starts_with("ipvsadm: another ipvsadm (process 4711) restores"), "{}", run.stderr);
    }
    // Listing, checking and single commands never wait.
    director.ok("-L -n");
    director.ok("-A -f 2");
    assert_eq!(director.feed("-R --replace --check", "-A -f 1\n").status, 0);
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(director.feed("-R --replace --lock-wait 60", "-A -f 1 -s rr\n").status, 0);
    assert_eq!(director.saved(), "-A -f 1 -s rr\n");
}

#[test]
fn checking_needs_no_kernel_and_changes_nothing() {
    let director = director();
    let before = director.saved();
    for words in ["-R --check", "-R --test", "-R --replace --check"] {
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set", "-net_admin", "--", PROGRAM]).args(words.split(' '));
        let run = feed(&mut command, WANTED.as_bytes());
        assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""), "{words}");
        let invalid = director.feed(words, "-A -t x:y:z\n");
        assert_eq!(invalid.status, 2);
    }
    assert_eq!(director.saved(), before);
    director.refuses("-R --dry-run", 2, "--dry-run needs --replace");
}

#[test]
fn errors_name_the_file_and_unreadable_files_are_refused() {
    let director = director();
    let before = director.saved();
    let folder = Folder::new();
    let path = folder.0.join("rules");
    let name = path.to_str().unwrap();
    std::fs::write(&path, format!("{WANTED}-A -t nonsense\n")).unwrap();
    let run = director.run(&format!("-R --replace {name}"));
    assert!(run.stderr.starts_with(&format!("{name}:7: -t \"nonsense\": ")), "{}", run.stderr);
    assert_eq!(run.status, 2);
    for (file, error) in [
        (folder.0.to_str().unwrap(), "Is a directory (os error 21)"),
        ("/nonexistent/rules", "No such file or directory (os error 2)"),
    ] {
        director.refuses(&format!("-R --replace {file}"), 255, &format!("cannot read {file}: {error}"));
    }
    assert_eq!(director.saved(), before);
    std::fs::write(&path, WANTED.replace('\n', "\r\n")).unwrap();
    director.ok(&format!("-R --replace {name}"));
    assert_eq!(director.saved(), WANTED);
}

#[test]
fn huge_and_binary_files_are_refused_with_bounded_output() {
    let director = director();
    let before = director.saved();
    let folder = Folder::new();
    let path = folder.0.join("rules");
    let name = path.to_str().unwrap();
    let noise: Vec<u8> = (0..1_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let long_line = format!("-A -t {}\n", "x".repeat(1_000_000)).into_bytes();
    for (content, times) in [(&noise, 200), (&long_line, 1), (&b"\n".to_vec(), 1_000_000)] {
        std::fs::write(&path, content.repeat(times)).unwrap();
        let run = director.run(&format!("-R --replace {name}"));
        assert_eq!((run.status, run.stdout.as_str()), (2, ""));
        assert!(run.stderr.len() < 100_000, "{} bytes", run.stderr.len());
        assert!(!run.stderr.contains('\x1b'));
    }
    assert_eq!(director.saved(), before);
}

#[test]
fn mixed_address_families_beside_a_sync_daemon_are_refused_and_undone() {
    let director = director();
    director.system("ip link add d0 type dummy; ip link set d0 up; ip addr add 192.0.2.1/24 dev d0");
    director.ok("--start-daemon master --mcast-interface d0");
    let before = director.saved();
    let mixed = "-a -t 192.0.2.1:443 -r [2001:db8::9]:443 -i\n";
    let run = director.feed("-R --replace", &WANTED.replace("-A -u", &format!("{mixed}-A -u")));
    assert_eq!(
        run.stderr,
        "<stdin>:6: cannot add server [2001:db8::9]:443 to service TCP 192.0.2.1:443: a server of the other \
         address family than its service is not possible while a sync daemon runs
ipvsadm: nothing was changed
"
    );
    assert_eq!((run.status, director.saved()), (255, before));
    // Linux 6.1 hangs if a daemon is stopped before its thread has run.
    std::thread::sleep(std::time::Duration::from_millis(500));
    director.ok("--stop-daemon master");
}
