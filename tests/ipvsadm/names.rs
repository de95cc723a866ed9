//! Host names and port names, which the program looks up with `getent` and in `/etc/services`. Each test has
//! these files for itself.

mod input;
mod resolvers;
mod saving;
mod servers;

use std::fs;

use nix::sched::{CloneFlags, unshare};

use crate::support::*;

/// Creates a director with an empty /mnt that is visible only to the test's thread.
fn director_with_private_mnt() -> Director {
    let director = Director::new();
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    director.system("mount --make-rprivate / && mount -t tmpfs none /mnt");
    director
}

/// Creates a director whose host names are in this text.
fn director_with_hosts(hosts: &str) -> Director {
    let director = director_with_private_mnt();
    replace_file(&director, "/etc/hosts", hosts);
    replace_file(&director, "/etc/nsswitch.conf", "hosts: files\n");
    director
}

/// Creates a director whose host names are asked of a name server.
fn director_with_name_server(resolv_conf: &str) -> Director {
    let director = director_with_private_mnt();
    replace_file(&director, "/etc/resolv.conf", resolv_conf);
    replace_file(&director, "/etc/nsswitch.conf", "hosts: dns\n");
    director
}

/// Replaces a file for the test's thread.
fn replace_file(director: &Director, path: &str, content: &str) {
    let copy = format!("/mnt/{}", path.rsplit('/').next().unwrap());
    fs::write(&copy, content).unwrap();
    director.system(&format!("chmod 755 {copy} && mount --bind {copy} {path}"));
}

/// Replaces `getent` by a shell script, which finds the original as /mnt/original.
fn replace_getent(director: &Director, script: &str) {
    director.system("cp /usr/bin/getent /mnt/original");
    replace_file(director, "/usr/bin/getent", &format!("#!/bin/sh\n{script}\n"));
}

/// Makes `getent` add a line to /mnt/asked each time it is run.
fn count_processes(director: &Director) {
    replace_getent(director, r#"echo "$#" >>/mnt/asked; exec /mnt/original "$@""#);
}

/// Returns the number of times that `getent` was run.
fn processes() -> usize {
    fs::read_to_string("/mnt/asked").unwrap_or_default().lines().count()
}

/// Returns /etc/hosts with the names `n0`, `n1`, ... and rules with a server for each of them.
fn numbered_names(count: usize) -> (String, String, String) {
    let (mut hosts, mut rules) = (String::new(), String::from("-A -f 1 -s rr\n"));
    let mut servers = Vec::new();
    for number in 0..count {
        let address = format!("198.51.{}.{}", number / 200, number % 200 + 1);
        hosts += &format!("{address} n{number}\n");
        rules += &format!("-a -f 1 -r n{number}:80 -m\n");
        servers.push((number / 200, number % 200 + 1, format!("-a -f 1 -r {address}:80 -m -w 1\n")));
    }
    servers.sort();
    let saved: String = servers.into_iter().map(|(.., line)| line).collect();
    (hosts, rules, format!("-A -f 1 -s rr\n{saved}"))
}
