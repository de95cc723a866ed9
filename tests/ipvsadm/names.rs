//! Host names, which the program looks up with `getent`: names that could be mistaken for something else, and
//! a system without that program.

use std::fs;
use std::process::Command;

use nix::sched::{CloneFlags, unshare};

use crate::support::*;

/// Creates a director with an empty /mnt that is visible only to the test's thread.
fn director_with_private_mnt() -> Director {
    let director = Director::new();
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    director.system("mount --make-rprivate / && mount -t tmpfs none /mnt");
    director
}

#[test]
fn host_names_may_look_like_options() {
    let director = director_with_private_mnt();
    fs::write("/mnt/hosts", "198.51.100.1 -evil\n198.51.100.2 --help\n2001:db8::3 -s\n").unwrap();
    fs::write("/mnt/nsswitch", "hosts: files\n").unwrap();
    director.system(
        "mount --bind /mnt/hosts /etc/hosts && mount --bind /mnt/nsswitch /etc/nsswitch.conf && \
         getent hosts 198.51.100.1",
    );
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
fn host_names_reach_the_resolver_unchanged() {
    let director = director_with_private_mnt();
    director.system(
        r#"printf '%s\n' '#!/bin/sh' 'printf "<%s>" "$@" >/mnt/asked' 'echo 198.51.100.1' >/mnt/getent &&
        chmod 755 /mnt/getent"#,
    );
    for name in [
        "-evil",
        "--help",
        "--",
        "two words",
        "$(id)",
        "`id`",
        "a;b|c&d",
        "*",
        "'\"\\",
        "tab\there",
        "müller",
    ] {
        let mut command = Command::new(PROGRAM);
        command.args(["-A", "-t", &format!("{name}:80")]).env("PATH", "/mnt");
        let added = run(&mut command);
        assert_eq!((added.status, added.stderr.as_str()), (0, ""), "{name}");
        let asked = fs::read_to_string("/mnt/asked").unwrap();
        assert_eq!(asked, format!("<--no-addrconfig><--><ahostsv4><{name}>"));
        director.ok("-D -t 198.51.100.1:80");
    }
}

#[test]
fn without_getent_listings_are_numeric_and_names_are_refused_with_the_next_step() {
    let director = director_with_private_mnt();
    director.ok("-A -t localhost:80 -s rr");
    assert!(director.ok("-L").contains("TCP  localhost:http rr\n"));
    let saved = director.saved();
    // Without a PATH, programs are searched for in these folders.
    director.system(
        "mount=$(command -v mount); $mount --bind /mnt /usr/bin; [ ! -e /bin/sh ] || $mount --bind /mnt /bin",
    );
    for path in [None, Some("/nonexistent")] {
        let run_without_getent = |words: &str, input: &str| {
            let mut command = Command::new(PROGRAM);
            command.args(words.split(' ')).env_remove("PATH").envs(path.map(|path| ("PATH", path)));
            feed(&mut command, input.as_bytes())
        };
        let listed = run_without_getent("-L", "");
        assert!(listed.stdout.contains("TCP  127.0.0.1:http rr\n"), "{}", listed.stdout);
        assert_eq!((listed.status, listed.stderr.as_str()), (0, ""));
        let problem = "-t \"localhost\": getent, which looks up names, cannot be run: No such file or directory \
                       (os error 2); give the address, or install getent";
        let refused = run_without_getent("-D -t localhost:80", "");
        assert_eq!(refused.stderr, format!("ipvsadm: {problem}\n"));
        assert_eq!((refused.status, refused.stdout.as_str()), (2, ""));
        let refused = run_without_getent("-R", "-D -t localhost:80\n");
        assert!(refused.stderr.contains(problem), "{}", refused.stderr);
        assert_eq!((refused.status, director.saved()), (2, saved.clone()));
    }
}
