//! Listings by callers who may not ask the kernel, and so get what the files below /proc/net say.

use std::process::Command;

use crate::support::*;

/// The sentence on standard error about what the file does not have.
const NOTE: &str = "ipvsadm: to ask the kernel needs CAP_NET_ADMIN; /proc/net/ip_vs shows the table without \
                    scheduler flags, persistence engines and times (?), one-packet scheduling of IPv6 services, and \
                    the address family of some firewall marks\n";

/// Each of them runs a command without the right to ask the kernel, but in the same network namespace.
const CALLERS: [&str; 3] = [
    "setpriv --reuid 65534 --regid 65534 --clear-groups",
    "unshare --user --map-root-user",
    // As in many containers.
    "unshare --mount sh -c 'mount -t tmpfs none /proc/sys && exec setpriv --bounding-set=-all --inh-caps=-all \
     --reuid 65534 --clear-groups \"$@\"' sh",
];

/// A table of which the file knows everything.
const PLAIN: &str = "\
-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r 198.51.100.1:8080 -m -w 3
-a -t 192.0.2.1:80 -r 198.51.100.2:80 -i -w 0
-A -u 192.0.2.1:53 -s wlc -o
-a -u 192.0.2.1:53 -r 198.51.100.3:53 -g -w 65535
-A -t 192.0.2.9:80 -s lc
-A --sctp-service 192.0.2.1:90 -s sed
-A -t [2001:db8::1]:80 -s wrr
-a -t [2001:db8::1]:80 -r [2001:db8::2]:80 -m
-a -t [2001:db8::1]:80 -r 198.51.100.9 -i
-A -f 7 -s rr -o
-a -f 7 -r 198.51.100.3 -g
-A -f 7 -6 -s lc
-a -f 7 -6 -r [2001:db8::7] -g
";

/// Runs the program in a shell with this before it.
fn run_as(caller: &str, words: &str) -> Run {
    run(Command::new("sh").args(["-c", &format!("exec {caller} {PROGRAM} {words}")]))
}

#[test]
fn everyone_sees_the_table_that_root_sees() {
    let director = Director::new();
    assert_eq!(director.feed("-R", PLAIN).status, 0);
    for words in
        ["-L -n", "-l -n --nosort", "-L", "-L -n -t [2001:db8::1]:80", "-L -n -f 7 -6", "-Ln -t 192.0.2.9:80"]
    {
        let expected = director.ok(words);
        for caller in CALLERS {
            let run = run_as(caller, words);
            assert_eq!((run.status, run.stderr.as_str()), (0, NOTE), "{caller}, {words}");
            assert_eq!(run.stdout, expected, "{caller}, {words}");
        }
    }
}

#[test]
fn what_the_file_does_not_know_is_marked_or_left_out() {
    let director = Director::new();
    let lines = "-A -t 192.0.2.1:80 -s sh -b sh-port -p 300 -M 255.255.255.0\n\
                 -A -t [2001:db8::1]:80 -s mh -b mh-fallback -p 100 -M 64\n\
                 -A -u [2001:db8::1]:53 -s rr -o\n\
                 -A -f 8 -6 -s rr -p 50\n\
                 -a -f 8 -6 -r 198.51.100.1 -i\n";
    assert_eq!(director.feed("-R", lines).status, 0);
    let expected = director
        .ok("-L -n")
        .replace(" (sh-port)", "")
        .replace(" (mh-fallback)", "")
        .replace("persistent 300", "persistent ?")
        .replace("persistent 100", "persistent ?")
        .replace("persistent 50", "persistent ?")
        .replace("rr ops", "rr")
        .replace("FWM  8 IPv6", "FWM  8");
    for caller in CALLERS {
        let run = run_as(caller, "-L -n");
        assert_eq!((run.status, run.stderr.as_str()), (0, NOTE), "{caller}");
        assert_eq!(run.stdout, expected, "{caller}");
        // A mark of unknown family may be the one that is asked for.
        let run = run_as(caller, "-L -n -f 8 -6");
        assert_eq!((run.status, run.stdout.lines().count()), (0, 4), "{caller}");
    }
}

#[test]
fn everyone_sees_an_empty_table_and_the_connections_without_a_note() {
    let director = Director::new();
    for words in ["-L -n", "-L -n -c"] {
        let expected = director.ok(words);
        for caller in CALLERS {
            let run = run_as(caller, words);
            assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{caller}, {words}");
            assert_eq!(run.stdout, expected, "{caller}, {words}");
        }
    }
    let run = run_as("unshare --user --map-root-user --net", "-L -n");
    assert_eq!((run.status, run.stderr.as_str(), run.stdout.lines().count()), (0, "", 3));
}

#[test]
fn what_needs_the_kernel_is_refused_in_one_sentence() {
    let director = Director::new();
    director.ok("-A -t 192.0.2.1:80");
    let reason = "permission denied: this needs root, or CAP_NET_ADMIN in the initial user namespace";
    for caller in CALLERS {
        for (words, attempt) in [
            ("-L -n --stats", "ask for the version of IPVS"),
            ("-L -n --rate", "ask for the version of IPVS"),
            ("-L --thresholds", "ask for the version of IPVS"),
            ("-L -n --persistent-conn -t 192.0.2.1:80", "show service TCP 192.0.2.1:80"),
            ("-L --timeout", "show the timeouts"),
            ("-S", "list the services"),
        ] {
            let run = run_as(caller, words);
            let expected = format!(
                "ipvsadm: cannot {attempt}: {reason} (without it, only -L and -L -c show something)\n"
            );
            assert_eq!((run.status, run.stderr, run.stdout.as_str()), (2, expected, ""), "{caller}, {words}");
        }
        let run = run_as(caller, "-L -n -t 192.0.2.1:81");
        let absent = director.run("-L -n -t 192.0.2.1:81");
        assert_eq!((run.status, run.stderr, run.stdout), (absent.status, absent.stderr, absent.stdout));
        let run = run_as(caller, "-D -t 192.0.2.1:80");
        assert_eq!(run.stderr, format!("ipvsadm: cannot delete service TCP 192.0.2.1:80: {reason}\n"));
        assert_eq!(run.status, 2);
    }
}
