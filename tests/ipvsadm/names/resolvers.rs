//! Systems with another `getent`, a hostile one, or none.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use super::*;

/// Does what the `getent` of Alpine Linux (musl) does: it takes no options, and ends at the first key that it
/// does not find.
const MUSL: &str = r#"echo "$#" >>/mnt/asked
case $1 in
    hosts | ahosts | ahostsv4 | ahostsv6) database=$1; shift ;;
    *) echo "getent: Unknown database \`$1'" >&2; exit 1 ;;
esac
exec awk -v database="$database" '
    BEGIN {
        while ((getline line <"/etc/hosts") > 0) {
            count = split(line, words)
            if (!(words[1] in names)) names[words[1]] = words[2]
            ipv6 = words[1] ~ /:/
            for (i = 2; i <= count; i++)
                if (!((words[i], ipv6) in addresses)) addresses[words[i], ipv6] = words[1]
        }
        for (i = 1; i < ARGC; i++) {
            key = ARGV[i]
            if (database == "hosts") {
                if (!(key in names)) exit 2
                printf "%-16s  %s\n", key, names[key]
                continue
            }
            address = key ~ /^[0-9.]+$|:/ ? key : addresses[key, database == "ahostsv6"]
            if (address == "") exit 2
            printf "%-15s STREAM %s\n%-15s DGRAM  %s\n", address, key, address, key
        }
    }' "$@""#;

#[test]
fn the_getent_of_musl_is_understood() {
    let (hosts, rules, saved) = numbered_names(100);
    let director = director_with_hosts(&format!("{hosts}2001:db8::1 six\n203.0.113.1 vip\n"));
    replace_getent(&director, MUSL);
    let restored = director.feed("-R", &rules);
    assert_eq!((restored.status, restored.stderr.as_str()), (0, ""));
    assert!(processes() <= 40, "{}", processes());
    assert_eq!(director.saved(), saved);
    director.ok("-C");
    // Names after an unknown one are looked up all the same.
    let rules: String =
        (0..40).map(|number| format!("-A -t n{number}:80\n-A -t unknown{number}:80\n")).collect();
    let refused = director.feed("-R --check", &rules);
    let lines: Vec<&str> = refused.stderr.lines().filter(|line| line.starts_with("<stdin>:")).collect();
    assert_eq!((lines.len(), refused.status), (20, 2));
    assert!(lines.iter().all(|line| line.contains("unknown") && line.contains("no such name")), "{lines:?}");
    assert!(refused.stderr.contains("... and 20 more\n"), "{}", refused.stderr);
    // Many addresses share a process, and not all have a name.
    director.feed("-R", "-A -t vip:80 -s rr\n-A -t six:80 -s rr\n");
    for number in 1..=30 {
        director
            .ok(&format!("-a -t vip:80 -r 198.51.{}.7:80 -m", if number % 3 == 0 { 0 } else { 90 + number }));
        if number % 3 == 0 {
            director.ok("-d -t vip:80 -r 198.51.0.7:80");
        }
    }
    director.ok("-a -t vip:80 -r 198.51.0.7:80 -m");
    director.ok("-a -t vip:80 -r 198.51.0.100:80 -m");
    let listed = director.ok("-L");
    for name in ["vip:http", "[six]:http", "n6:http", "n99:http", "198.51.119.7:http"] {
        assert!(listed.contains(&format!(" {name} ")), "{name}: {listed}");
    }
    let named = director.ok("-S");
    for word in ["-t vip:http -r n99:http", "-A -t [six]:http"] {
        assert!(named.contains(word), "{word}: {named}");
    }
}

#[test]
fn an_endless_answer_takes_little_memory_and_is_refused() {
    let director = director_with_private_mnt();
    director.ok("-A -t 198.51.100.1:80 -s rr");
    for script in
        ["exec yes 198.51.100.1 name", "exec cat /dev/zero", "exec yes ''", "exec tr '\\0' x </dev/zero"]
    {
        replace_getent(&director, script);
        let limited = |words: &str, input: &str| {
            let mut command = Command::new("/bin/sh");
            // In KiB.
            command.args(["-c", &format!("ulimit -v 65536 && exec {PROGRAM} {words}")]);
            feed(&mut command, input.as_bytes())
        };
        let rules: String = (1..=20).map(|number| format!("-A -t n{number}:80\n")).collect();
        let problem =
            "names cannot be looked up here: the answer of /usr/bin/getent does not end; give the address";
        let refused = limited("-R", &rules);
        assert_eq!(refused.stderr.matches(problem).count(), 20, "{script}: {}", refused.stderr);
        assert_eq!(refused.status, 2);
        let refused = limited("-A -t name:80", "");
        assert_eq!(refused.stderr, format!("ipvsadm: -t \"name\": {problem}\n"), "{script}");
        let listed = limited("-L", "");
        assert_eq!((listed.status, listed.stderr.as_str()), (0, ""), "{script}");
        let saved = limited("-S", "");
        assert_eq!((saved.status, saved.stdout.as_str()), (0, "-A -t 198.51.100.1:http -s rr\n"), "{script}");
        director.system("umount /usr/bin/getent");
    }
}

#[test]
fn a_getent_that_hangs_or_fails_is_told_from_an_unknown_name() {
    let director = director_with_private_mnt();
    director.ok("-A -t 198.51.100.1:80 -s rr");
    let unusable = "names cannot be looked up here: /usr/bin/getent failed";
    for (script, problem) in [
        ("exit 2", "no such name: it is neither an address nor a name that has one"),
        ("exit 127", &format!("{unusable} (exit status: 127); give the address")),
        ("kill -9 $$", &format!("{unusable} (signal: 9 (SIGKILL)); give the address")),
        ("exec sleep 1000", "no answer in time: all names together may take 10 seconds; give the address"),
        (
            "exec >&-; exec sleep 1000",
            "no answer in time: all names together may take 10 seconds; give the address",
        ),
    ] {
        replace_getent(&director, script);
        let started = Instant::now();
        director.refuses("-D -t name:80", 2, &format!("-t \"name\": {problem}"));
        assert_eq!(director.ok("-S"), "-A -t 198.51.100.1:http -s rr\n", "{script}");
        assert!(started.elapsed() < Duration::from_secs(100), "{script}: {:?}", started.elapsed());
        director.system("umount /usr/bin/getent");
    }
}

#[test]
fn without_getent_listings_are_numeric_and_names_are_refused_with_the_next_step() {
    let director = director_with_private_mnt();
    director.ok("-A -t localhost:80 -s rr");
    assert!(director.ok("-L").contains("TCP  localhost:http rr\n"));
    let saved = director.saved();
    fs::write("/mnt/getent", "#!/bin/sh\n").unwrap();
    director.system(
        "chmod 755 /mnt/getent; mkdir /mnt/empty; mount=$(command -v mount); \
         $mount --bind /mnt/empty /usr/bin; [ ! -e /bin/sh ] || $mount --bind /mnt/empty /bin",
    );
    // The caller's PATH makes no difference.
    for path in [None, Some("/mnt")] {
        let run_without_getent = |words: &str, input: &str| {
            let mut command = Command::new(PROGRAM);
            command.args(words.split(' ')).env_remove("PATH").envs(path.map(|path| ("PATH", path)));
            feed(&mut command, input.as_bytes())
        };
        let listed = run_without_getent("-L", "");
        assert!(listed.stdout.contains("TCP  127.0.0.1:http rr\n"), "{}", listed.stdout);
        assert_eq!((listed.status, listed.stderr.as_str()), (0, ""));
        let problem = "-t \"localhost\": names cannot be looked up here: /usr/bin/getent cannot be run: No such file \
                       or directory (os error 2); give the address, or install getent";
        let refused = run_without_getent("-D -t localhost:80", "");
        assert_eq!(refused.stderr, format!("ipvsadm: {problem}\n"));
        assert_eq!((refused.status, refused.stdout.as_str()), (2, ""));
        let refused = run_without_getent("-R", "-D -t localhost:80\n");
        assert!(refused.stderr.contains(problem), "{}", refused.stderr);
        assert_eq!((refused.status, director.saved()), (2, saved.clone()));
    }
}
