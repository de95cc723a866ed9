//! Connections from a made-up list of the kernel, with any bytes in the data of engines.

use std::fs;
use std::process::{Command, Output, Stdio};

use nix::sched::{CloneFlags, unshare};

use super::validator::assert_valid;
use super::{list, parse};
use crate::hostile::assert_harmless;
use crate::support::*;

/// Lists connections with this list in place of the kernel's, after a line of shell.
fn connections(words: &str, lines: &[u8], prepare: &str) -> Output {
    fs::write("/mnt/connections", lines).unwrap();
    let script = format!(
        "mount -t tmpfs none /proc && mkdir -p /proc/thread-self/net && \
         ln -s /mnt/connections /proc/thread-self/net/ip_vs_conn && {prepare} exec {PROGRAM} {words}"
    );
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &script]).stdin(Stdio::null()).output().unwrap()
}

fn private_mnt() -> Director {
    let director = Director::new();
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    director.system("mount --make-rprivate / && mount -t tmpfs none /mnt");
    director
}

const HEADING: &str = "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n";

fn line(port: usize, data: &[u8]) -> Vec<u8> {
    let start = format!("UDP C0000263 {port:04X} C0000201 13C4 C6336401 13C4 NONE            59 sip ");
    [start.as_bytes(), data, b"\n"].concat()
}

#[test]
fn any_bytes_of_an_engine_are_valid_json_and_are_not_lost() {
    let _director = private_mnt();
    // Each byte but a newline between letters, some sequences, and all of them together.
    let all: Vec<u8> = (0..=255).filter(|&byte| byte != b'\n').collect();
    let mut data: Vec<Vec<u8>> = all.iter().map(|&byte| vec![b'a', byte, b'b']).collect();
    data.extend([b"\xe2\x80".to_vec(), b"\xf4\x90\x80\x80".to_vec(), b"\"\\u0000\\\"".to_vec()]);
    data.extend(["\u{202e}\u{9b}31m\u{2028}\u{feff}".as_bytes().to_vec(), [b"x", &all[..], b"x"].concat()]);
    let lines: Vec<u8> = data.iter().enumerate().flat_map(|(port, data)| line(port, data)).collect();
    let output = connections("-L -c --json", &[HEADING.as_bytes(), &lines].concat(), "");
    assert_harmless("-L -c --json", &output);
    let run = Run::from(output);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    let ipvs = parse(&run.stdout);
    let shown = list(&ipvs, "connections");
    assert_eq!(shown.len(), data.len());
    for (connection, data) in shown.iter().zip(&data) {
        let text = connection["engine_data"].as_str().unwrap();
        let bytes = match connection.get("engine_data_hex") {
            None => text.as_bytes().to_vec(),
            Some(digits) => {
                assert!(text.contains('\u{fffd}'), "{connection}");
                let digits = digits.as_str().unwrap();
                let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
                (0..digits.len()).step_by(2).map(byte).collect()
            }
        };
        assert_eq!(&bytes, data, "{connection}");
    }
    assert_valid(&[run.stdout]);
}

#[test]
fn lines_that_are_no_connections_are_counted_and_left_out() {
    let _director = private_mnt();
    let lines =
        [HEADING.as_bytes(), &line(1, b"first"), &line(2, b"cut\nin two"), b"\n", &line(3, b"last")].concat();
    for words in ["-L -c --json", "-L -c --json --names"] {
        let run = Run::from(connections(words, &lines, ""));
        let sentence = "ipvsadm: malformed lines in the kernel's list of connections: 2, left out\n";
        assert_eq!((run.status, run.stderr.as_str()), (1, sentence), "{words}");
        let ipvs = parse(&run.stdout);
        assert_eq!((list(&ipvs, "connections").len(), ipvs["malformed"].as_u64()), (3, Some(2)), "{ipvs}");
        assert_valid(&[run.stdout]);
    }
    let run = Run::from(connections("-L -c --json", HEADING.as_bytes(), ""));
    assert_eq!(run.stdout, "{\"ipvs\":{\"schema\":1,\"connections\":[]}}\n");
}

#[test]
fn many_connections_take_no_memory() {
    const COUNT: usize = 300_000;
    let _director = private_mnt();
    let line = b"TCP C0000263 8F3A C0000201 0050 C6336401 1F90 ESTABLISHED    899\n".repeat(COUNT);
    let lines = [HEADING.as_bytes(), &line].concat();
    // More text than memory.
    let output = connections("-L -c --json", &lines, "ulimit -v 16384;");
    let run = Run::from(output);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.len() > 3 * 16384 * 1024, "{}", run.stdout.len());
    assert_eq!(run.stdout.matches("\"expires\":899").count(), COUNT);
}

#[test]
fn too_many_clients_are_counted_in_bounded_memory_within_a_bound_that_is_said() {
    const CLIENTS: u32 = 150_000;
    let _director = private_mnt();
    let mut lines = HEADING.as_bytes().to_vec();
    for client in 0..CLIENTS {
        let line =
            |client: u32| format!("TCP {client:08X} 8F3A C0000201 0050 C6336401 1F90 ESTABLISHED    899\n");
        lines.extend(line(0x0a00_0000 + client).as_bytes());
        if client % 30 == 0 {
            lines.extend(line(0xc000_0263).as_bytes());
        }
    }
    let run = |words: &str| Run::from(connections(words, &lines, "ulimit -v 16384;"));
    let count = run("-L -n -c --count");
    assert_eq!((count.stdout.as_str(), count.stderr.as_str()), ("155000\n", ""));
    let counts = run("-L -n -c --count-by client --top 1");
    let document = run("-L -c --json --count-by client");
    assert_eq!((counts.status, &counts.stderr), (0, &document.stderr));
    let bound =
        counts.stderr.strip_prefix("ipvsadm: too many to count exactly: each number is too low by at most ");
    let bound: u64 = bound.unwrap().split(',').next().unwrap().parse().unwrap();
    let (count, client) = counts.stdout.trim().split_once(' ').unwrap();
    let count: u64 = count.parse().unwrap();
    assert!(client == "192.0.2.99" && count <= 5000 && count + bound >= 5000, "{counts:?}");
    let ipvs = parse(&document.stdout);
    assert_eq!((ipvs["count"].as_u64(), ipvs["max_error"].as_u64()), (Some(155_000), Some(bound)));
    assert_eq!(list(&ipvs, "counts")[0]["connections"].as_u64(), Some(count));
    // Few keys are exact, however many connections there are.
    let states = run("-L -n -c --count-by state");
    assert_eq!((states.stdout.as_str(), states.stderr.as_str()), (" 155000 ESTABLISHED\n", ""));
    let whats =
        ["service", "server", "state"].map(|what| run(&format!("-L -c --json --count-by {what}")).stdout);
    assert_valid(&[&whats[..], &[run("-L -c --json --count").stdout, document.stdout]].concat());
}

#[test]
fn malformed_lines_are_shown_with_every_filter_and_not_counted() {
    let _director = private_mnt();
    let lines =
        [HEADING.as_bytes(), &line(1, b"first"), &line(2, b"cut\nin two"), &line(3, b"last")].concat();
    let run = Run::from(connections("-L -n -c --client 192.0.2.98", &lines, ""));
    let sentence = "ipvsadm: malformed lines in the kernel's list of connections: 1, marked with ???\n";
    assert_eq!((run.status, run.stderr.as_str()), (1, sentence));
    assert_eq!(run.stdout.lines().skip(2).collect::<Vec<_>>(), ["??? in\\x20two"]);
    let run = Run::from(connections("-L -n -c --client 192.0.2.99 --count", &lines, ""));
    assert_eq!((run.status, run.stdout.as_str()), (1, "3\n"));
    let run = Run::from(connections("-L -n -c --json --count-by client", &lines, ""));
    let ipvs = parse(&run.stdout);
    assert_eq!((run.status, &ipvs["malformed"], &ipvs["count"]), (1, &1.into(), &3.into()));
    assert_valid(&[run.stdout]);
}
