//! Programs in this network namespace that change the table or move addresses.

use std::fs;
use std::path::{Path, PathBuf};

use crate::doctor::Program;

/// The names of programs that change the table, whatever their settings are.
const MANAGERS: [&str; 4] = ["kube-proxy", "kube-router", "ldirectord", "surealived"];
/// The names of programs that only move addresses.
const MOVERS: [&str; 4] = ["ucarp", "vrrpd", "corosync", "pacemakerd"];
const KEEPALIVED: &str = "keepalived";
const KEEPALIVED_FILE: &str = "/etc/keepalived/keepalived.conf";

/// Finds the programs. Those that may not be looked at are left out.
pub(in crate::commands) fn find() -> Vec<Program> {
    let Ok(own) = fs::read_link("/proc/thread-self/ns/net") else { return Vec::new() };
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let mut programs: Vec<Program> =
        processes.filter_map(|process| program(&process.ok()?.path(), &own)).collect();
    if is_made_by_docker(&own) {
        programs.push(Program { name: "dockerd".into(), manages_table: true, moves_addresses: false });
    }
    programs
}

/// Returns the program of a process, if it is one of those, and here.
fn program(process: &Path, own: &Path) -> Option<Program> {
    let is_number = process.file_name()?.to_str()?.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return None;
    }
    let name = fs::read_to_string(process.join("comm")).ok()?.trim_end().to_owned();
    let is_known = MANAGERS.contains(&name.as_str()) || MOVERS.contains(&name.as_str()) || name == KEEPALIVED;
    if !is_known || fs::read_link(process.join("ns/net")).ok()? != own {
        return None;
    }
    let manages_table = match name.as_str() {
        KEEPALIVED => keepalived_has_services(process),
        name => MANAGERS.contains(&name),
    };
    let moves_addresses = !MANAGERS.contains(&name.as_str());
    Some(Program { name, manages_table, moves_addresses })
}

/// Returns whether the settings of keepalived have virtual services, or may have some in another file. It is often used
/// for addresses alone.
fn keepalived_has_services(process: &Path) -> bool {
    let arguments = fs::read(process.join("cmdline")).unwrap_or_default();
    let mut words = arguments.split(|&byte| byte == 0).filter_map(|word| std::str::from_utf8(word).ok());
    let mut file = PathBuf::from(KEEPALIVED_FILE);
    while let Some(word) = words.next() {
        if word == "-f" || word == "--use-file" {
            file = words.next().map_or(file, PathBuf::from);
        } else if let Some(name) = word.strip_prefix("--use-file=") {
            file = name.into();
        }
    }
    // As the process sees it. A file that cannot be read names no service.
    let seen = process.join("root").join(file.strip_prefix("/").unwrap_or(&file));
    let text = fs::read_to_string(seen).unwrap_or_default();
    text.lines().any(|line| {
        let word = line.split_whitespace().next().unwrap_or_default();
        matches!(word, "virtual_server" | "virtual_server_group" | "include")
    })
}

/// Returns whether Docker has made this network namespace for the services of a swarm.
fn is_made_by_docker(own: &Path) -> bool {
    // The link reads "net:[4026531840]".
    let own = own.to_string_lossy();
    let Some(number) = own.strip_prefix("net:[").and_then(|rest| rest.strip_suffix(']')) else {
        return false;
    };
    let Ok(files) = fs::read_dir("/run/docker/netns") else { return false };
    files.filter_map(Result::ok).any(|file| {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(file.path()).is_ok_and(|metadata| metadata.ino().to_string() == number)
    })
}
