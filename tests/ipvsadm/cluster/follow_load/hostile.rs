//! Agents that want to harm.

use std::io::{Read, Result};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::*;

/// The last numbers of the addresses at which agents behave in these ways.
fn misbehave(host: u8, mut stream: TcpStream) -> Result<()> {
    match host {
        // A line without end.
        21 => loop {
            stream.write_all(&[b'x'; 65536])?;
        },
        // A byte a second.
        22 => loop {
            stream.write_all(b"5")?;
            sleep(Duration::from_secs(1));
        },
        // Ten megabytes behind an answer.
        23 => {
            stream.write_all(b"80%\n")?;
            (0..160).try_for_each(|_| stream.write_all(&[b'5'; 65536]))
        }
        24 => stream.write_all(b"\xff\xfe75%\n"),
        25 => stream.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n<html>75% down drain</html>\n"),
        // Nothing, for ever.
        26 => stream.read(&mut [0]).map(drop),
        27 => Ok(()),
        28 => stream.write_all(b"99999999999999999999% -5% \x1b[2J\n"),
        _ => stream.write_all(b"50%\n"),
    }
}

const LATE: &str = "no answer within 1 s";

/// Those that do not answer, and the reasons.
const SILENT: [(u8, &str); 6] = [
    (21, "the answer has more than 1024 bytes"),
    (22, LATE),
    (24, "the answer is not UTF-8"),
    (25, "the answer says nothing that is known: HTTP/1.0 400 Bad Request"),
    (26, LATE),
    (27, "the answer is empty"),
];

#[test]
fn hostile_agents_take_nothing_but_their_own_time() {
    let director = Director::new();
    let hosts = 20..=28;
    let mut rules = "-A -t 192.0.2.1:80 -s wrr\n".to_owned();
    for host in hosts.clone() {
        rules += &format!("-a -t 192.0.2.1:80 -r 127.0.0.{host}:80 -m -w 100\n");
    }
    assert_eq!(director.feed("-R", &rules).status, 0);
    let _notes = NotesFile::new();
    let _agents = TcpServer::start_with(&Machine::current("director"), PORT, |stream| {
        let IpAddr::V4(address) = stream.local_addr()?.ip().to_canonical() else { return Ok(()) };
        misbehave(address.octets()[3], stream)
    });
    // A machine that stands still makes answers late. Whoever was late is asked again by the next one.
    let following = (0..20).find_map(|_| {
        let start = Instant::now();
        let following = Following::start("--smooth 0 --fall 2");
        following.wait_for("127.0.0.20:80 of service TCP 192.0.2.1:80: weight 50 of 100, was 100 (50%)");
        // Nobody waits for those that answer nothing.
        let was_quick = start.elapsed() < Duration::from_secs(20);
        following.wait_for("127.0.0.23:80 of service TCP 192.0.2.1:80: weight 80 of 100");
        let reasons = SILENT.map(|(host, _)| {
            let start = format!("127.0.0.{host}:80 of service TCP 192.0.2.1:80: no answer 2 times: ");
            following.wait_for(&start);
            let lines = following.lines();
            lines.iter().find_map(|line| Some(line.split_once(&start)?.1.to_owned())).unwrap()
        });
        let is_late = |(_, why): (u8, &str), reason: &str| why != LATE && reason.starts_with(LATE);
        if !was_quick || SILENT.iter().zip(&reasons).any(|(&silent, reason)| is_late(silent, reason)) {
            assert_eq!(following.end(Signal::SIGTERM).0, Some(0));
            return None;
        }
        assert_eq!(reasons, SILENT.map(|(_, why)| format!("{why}; the weight stays")));
        Some(following)
    });
    let following = following.expect("somebody who answers was always late");
    assert_eq!(weights(&director), [50, 100, 100, 80, 100, 100, 100, 100, 100]);
    let status = std::fs::read_to_string(format!("/proc/{}/status", following.child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kilobytes < 32_000, "{kilobytes} kB");
    let (status, _) = following.end(Signal::SIGTERM);
    assert_eq!((status, weights(&director)), (Some(0), vec![100; 9]));
}
