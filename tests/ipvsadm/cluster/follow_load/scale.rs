//! Thousands of servers.

use std::fmt::Write as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::*;

/// The processor time that a process has used so far.
fn processor_time(id: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    let after_name = stat.rsplit_once(") ").unwrap().1;
    let ticks: u64 = after_name.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(10 * ticks)
}

/// Measures 2,000 servers that are asked every five seconds if `IPVSADM_LOAD_SERVERS` is set, and else 200, at which
/// nothing is to be measured.
#[test]
fn thousands_of_servers_are_asked_side_by_side() {
    let count: u32 = std::env::var("IPVSADM_LOAD_SERVERS").map_or(200, |count| count.parse().unwrap());
    let director = Director::alone();
    let address = |number: u32| format!("127.1.{}.{}", number / 250, number % 250 + 1);
    let mut rules = String::new();
    for number in 0..count {
        let service = format!("192.0.2.{}:80", number / 20 + 1);
        if number % 20 == 0 {
            writeln!(rules, "-A -t {service} -s wrr").unwrap();
        }
        writeln!(rules, "-a -t {service} -r {}:80 -m -w 1000", address(number)).unwrap();
    }
    assert_eq!(director.feed("-R", &rules).status, 0);
    let _notes = NotesFile::new();
    let _agents =
        TcpServer::start_with(&Machine::current("director"), PORT, |mut stream| stream.write_all(b"50%\n"));
    let measured = count > 200;
    let interval = if measured { "5" } else { "0.5" };
    let following = Following::start_command(Command::new(PROGRAM).args([
        "--follow-load",
        "--agent",
        &PORT.to_string(),
        "--interval",
        interval,
        "--smooth",
        "0",
    ]));
    let start = Instant::now();
    let is_done = || {
        following.lines().iter().filter(|line| line.contains("weight 500 of 1000")).count() as u32 >= count
    };
    assert!(wait_until(is_done), "{} of {count}", following.lines().len());
    println!("{count} servers have their weights after {:?}", start.elapsed());
    if measured {
        let (before, start) = (processor_time(following.child.id()), Instant::now());
        sleep(Duration::from_secs(30));
        let used = processor_time(following.child.id()) - before;
        let percent = 100.0 * used.as_secs_f64() / start.elapsed().as_secs_f64();
        println!("{count} servers: {used:?} in {:?}, {percent:.1} % of a processor", start.elapsed());
    }
    let (status, _) = following.end(Signal::SIGTERM);
    assert_eq!(status, Some(0));
    assert_eq!(weights(&director), vec![1000; count as usize]);
}
